//! Values of columns: bound to statements, never written into them.

/// Longest text that a column takes, in bytes.
pub const MAX_TEXT_BYTES: usize = 65_536;

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// No value, in an optional column.
    Null,
    /// A whole number.
    Integer(i64),
    /// Text without NUL, at most [`MAX_TEXT_BYTES`] long.
    Text(String),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl<T> From<Option<T>> for Value
where
    T: Into<Value>,
{
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
