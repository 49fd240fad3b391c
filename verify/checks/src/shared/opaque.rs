//! Ids that hold another id in base64, as those of GraphQL's nodes do: `UHJvamVjdDoyMQ==` is `Project:21`.

use base64::Engine as _;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Such an id.
pub(super) struct Opaque {
    /// What it holds.
    pub(super) text: String,
    alphabet: Alphabet,
    is_padded: bool,
}

impl Opaque {
    /// None where an id is itself, as far as can be told.
    pub(super) fn of(id: &str) -> Option<Self> {
        let alphabet = if id.contains(['-', '_']) { URL_SAFE } else { STANDARD };
        let found = |text: String| Self { text, alphabet: alphabet.clone(), is_padded: id.ends_with('=') };
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let bytes = GeneralPurpose::new(&alphabet, config).decode(id).ok()?;
        String::from_utf8(bytes).ok().filter(|text| is_speaking(text)).map(found)
    }

    /// Another one that holds this text. Where nothing shows whether such ids are padded, the number at the end of the text gets
    /// more digits, until the id needs no padding.
    pub(super) fn holding(&self, mut text: String) -> String {
        let head = text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let is_unknown = !self.is_padded && self.text.len().is_multiple_of(3) && head < text.len();
        while is_unknown && !text.len().is_multiple_of(3) {
            text.insert(head, '1');
        }
        let config = GeneralPurposeConfig::new().with_encode_padding(self.is_padded);
        GeneralPurpose::new(&self.alphabet, config).encode(text)
    }

    /// The number at its end.
    pub(super) fn number(&self) -> Option<&str> {
        let head = self.text.trim_end_matches(|c: char| c.is_ascii_digit());
        self.text.get(head.len()..).filter(|number| !number.is_empty())
    }
}

/// Whether a text is a kind and an id, and no random bytes.
fn is_speaking(text: &str) -> bool {
    let is_plain = text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    let has = |what: fn(char) -> bool| text.contains(what);
    is_plain
        && text.len() >= 4
        && has(|c| ":/|,;#{\"".contains(c))
        && has(|c| c.is_ascii_alphabetic())
        && has(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_in_base64_is_read_and_written_again() {
        for (id, text, number) in [
            ("UHJvamVjdDoyMQ==", "Project:21", Some("21")),
            ("UHJvamVjdDoyMQ", "Project:21", Some("21")),
            ("Z2lkOi8vc2hvcC9JdGVtLzc_", "gid://shop/Item/7?", None),
        ] {
            let opaque = Opaque::of(id).unwrap();
            assert_eq!((opaque.text.as_str(), opaque.number()), (text, number));
            assert_eq!(opaque.holding(opaque.text.clone()), id);
        }
        for id in
            ["", "42", "case-7", "507f1f77bcf86cd799439011", "kD34xTqRaB9z", "0b9a3e4c-52d1-4f6e-9a77-1c2d3e4f5a6b"]
        {
            assert!(Opaque::of(id).is_none(), "{id}");
        }
    }
}
