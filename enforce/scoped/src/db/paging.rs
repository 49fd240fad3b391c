//! Pages of a listing, and what may ask for them.

use std::fmt;
use std::str::FromStr;

use super::Record;

/// A part of a listing, in the order of creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The rows of this page.
    pub items: Vec<Record>,
    /// Where the next page starts; none on the last.
    pub next: Option<Cursor>,
    /// How many rows the whole listing has, in this tenant.
    pub total: u64,
}

/// A position in a listing, opaque to clients. It names no tenant and grants nothing: a cursor that another tenant was
/// given, or that was made up, only says how far to skip among the asker's own rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(i64);

/// The text is no cursor; start from the first page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this API; leave it out to start from the first page")]
pub struct CursorError;

impl Cursor {
    pub(crate) const fn after(ordinal: i64) -> Self {
        Self(ordinal)
    }

    pub(crate) const fn ordinal(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // One spelling a position: from_str_radix alone would also take a sign and capitals.
        if text.len() != 16 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(CursorError);
        }
        i64::from_str_radix(text, 16).map(Self).map_err(|_| CursorError)
    }
}

/// Most rows of a page: 1 to [`Limit::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u32);

/// The limit is out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a limit is a whole number from 1 to {}", Limit::MAX)]
pub struct LimitError;

impl Limit {
    /// The largest page.
    pub const MAX: u32 = 100;

    /// Rows at most.
    pub const fn rows(self) -> u32 {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl TryFrom<u32> for Limit {
    type Error = LimitError;

    fn try_from(rows: u32) -> Result<Self, Self::Error> {
        if (1..=Self::MAX).contains(&rows) { Ok(Self(rows)) } else { Err(LimitError) }
    }
}

/// A text to look for, taken literally: `%` and `_` have no special meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchTerm(String);

/// The text cannot be searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a search term has 1 to {} characters, none of them a control character", SearchTerm::MAX_CHARS)]
pub struct SearchTermError;

impl SearchTerm {
    /// Longest term, in characters.
    pub const MAX_CHARS: usize = 200;

    /// The pattern for `LIKE … ESCAPE '\'` that finds the term anywhere in a text.
    pub(crate) fn pattern(&self) -> String {
        let mut pattern = String::with_capacity(self.0.len() + 2);
        pattern.push('%');
        for character in self.0.chars() {
            if matches!(character, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern.push('%');
        pattern
    }
}

impl FromStr for SearchTerm {
    type Err = SearchTermError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let length = text.chars().take(Self::MAX_CHARS + 1).count();
        if (1..=Self::MAX_CHARS).contains(&length) && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(SearchTermError)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wildcards_in_a_search_term_stand_for_themselves() {
        let term: SearchTerm = r"50%_\".parse().unwrap();
        assert_eq!(term.pattern(), r"%50\%\_\\%");
    }

    #[test]
    fn a_cursor_has_one_spelling() {
        for text in ["", "1", "+00000000000001", "000000000000000A", "ffffffffffffffff", "00000000000000011"] {
            assert_eq!(text.parse::<Cursor>(), Err(CursorError), "{text}");
        }
    }

    #[test]
    fn a_limit_is_never_zero_nor_beyond_the_largest_page() {
        assert_eq!(Limit::try_from(0), Err(LimitError));
        assert_eq!(Limit::try_from(101), Err(LimitError));
        assert_eq!(Limit::try_from(100).map(Limit::rows), Ok(100));
    }

    proptest! {
        #[test]
        fn a_cursor_reads_as_it_was_written(ordinal in 0..i64::MAX) {
            let cursor = Cursor::after(ordinal);
            prop_assert_eq!(cursor.to_string().parse::<Cursor>(), Ok(cursor));
        }
    }
}
