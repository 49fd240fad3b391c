//! Colour on a terminal. It never carries meaning alone: every coloured word says the same without.

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Palette {
    /// Text alone: no terminal, or `NO_COLOR`.
    #[default]
    Plain,
    /// ANSI escape sequences.
    Ansi,
}

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// It held.
    Good,
    /// It leaked.
    Bad,
    /// It is not known, or it could be better.
    Doubt,
    /// A title.
    Strong,
    /// Aside.
    Quiet,
}

impl Palette {
    /// The text in this ink. `text` must be escaped already: see [`crate::escape`].
    pub fn paint(self, ink: Ink, text: &str) -> String {
        let code = match ink {
            Ink::Good => "32",
            Ink::Bad => "1;31",
            Ink::Doubt => "33",
            Ink::Strong => "1",
            Ink::Quiet => "2",
        };
        match self {
            Self::Plain => text.to_owned(),
            Self::Ansi => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}
