//! How a request's body is written where it is shown. Most are text. One that holds a picture or an archive is no text: its
//! bytes are escaped, as `printf %b` of a POSIX shell reads them, so that a marker in it stays readable and a command can
//! send it again.

use serde::{Deserialize, Serialize};

/// How the text of a body stands for its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Written {
    /// The text is the body.
    #[default]
    Plain,
    /// `\0ooo` is a byte in three octal digits, and `\\` a backslash.
    Escaped,
}

impl Written {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    pub(super) fn is_plain(&self) -> bool {
        *self == Self::Plain
    }

    /// The bytes for which a text stands.
    pub(crate) fn bytes(self, text: &str) -> Vec<u8> {
        match self {
            Self::Plain => text.as_bytes().to_vec(),
            Self::Escaped => unescaped(text),
        }
    }
}

/// Bytes as a text in which all but printable ASCII and line breaks is escaped.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' | b'\r' | b'\n' => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\0{byte:03o}")),
        }
    }
    text
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let octal = after.strip_prefix('0').and_then(|digits| u8::from_str_radix(digits.get(..3)?, 8).ok());
        let (byte, length) = octal.map_or((b'\\', 1), |byte| (byte, 4));
        bytes.push(byte);
        rest = after.get(length..).unwrap_or_default();
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back_as_it_was() {
        let bytes: Vec<u8> = (0..=255).chain(*b"\\0101\\\\7").collect();
        let text = escaped(&bytes);
        assert!(text.is_ascii());
        assert_eq!(Written::Escaped.bytes(&text), bytes);
        assert_eq!(escaped(b"\x89PNG\r\n7\\"), "\\0211PNG\r\n7\\\\");
    }
}
