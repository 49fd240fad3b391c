//! Words for a POSIX shell.

/// What the log shows in place of secrets, with the variables that hold them.
#[derive(Clone, Debug)]
pub(super) struct Words {
    /// Variable and placeholder.
    shown: Vec<(String, String)>,
}

impl Words {
    pub(super) fn new(shown: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { shown: shown.into_iter().filter(|(_, placeholder)| !placeholder.is_empty()).collect() }
    }

    /// These as well.
    pub(super) fn and(&self, further: impl IntoIterator<Item = (String, String)>) -> Self {
        Self::new(self.shown.iter().cloned().chain(further))
    }

    /// A text as one word, with variables in place of the secrets in it.
    pub(super) fn of(&self, text: &str) -> String {
        let first = self.shown.iter().filter_map(|(name, shown)| Some((text.find(shown.as_str())?, name, shown)));
        match first.min_by_key(|(at, ..)| *at) {
            None => single(text),
            Some((at, name, shown)) => {
                let (before, rest) = text.split_at(at);
                let after = rest.get(shown.len()..).unwrap_or_default();
                let part = |text: &str, word: String| if text.is_empty() { String::new() } else { word };
                [part(before, single(before)), quoted(name), part(after, self.of(after))].concat()
            }
        }
    }
}

/// A variable as a word.
pub(super) fn quoted(variable: &str) -> String {
    format!("\"${variable}\"")
}

/// A text for `printf %b`, in one line.
pub(super) fn escaped(text: &str) -> String {
    let of = |c: char| match c {
        '\\' => "\\\\".to_owned(),
        c if c.is_ascii_control() => format!("\\0{:03o}", u32::from(c)),
        c => c.to_string(),
    };
    text.chars().map(of).collect()
}

/// A text as one word.
pub(super) fn single(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(safe) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_become_their_variables_and_the_rest_stays_one_word() {
        let words =
            Words::new([("ID".to_owned(), "redacted-a".to_owned()), ("KEY".to_owned(), "redacted-b".to_owned())]);
        assert_eq!(words.of("id=redacted-a&key=redacted-b&x=y z"), "id=\"$ID\"'&key='\"$KEY\"'&x=y z'");
        assert_eq!(words.of("redacted-a:redacted-b"), "\"$ID\":\"$KEY\"");
        assert_eq!(words.of("it's"), "'it'\\''s'");
        assert_eq!(words.of(""), "''");
    }

    #[test]
    fn lines_of_a_body_are_told_in_one() {
        assert_eq!(escaped("a,b\r\n1,\\2\t3\n"), "a,b\\0015\\00121,\\\\2\\00113\\0012");
    }
}
