//! Why a folder is no bundle, or not the one that was written.

use std::io;

use watertight_engine::log::{LogError, TRACE, Tail, Tip};

/// Why a folder is no bundle, or not the one that was written.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A file is not there.
    #[error("{file} is missing: is this the folder of a run?")]
    Missing {
        /// Its name.
        file: String,
    },
    /// The run was killed before it had recorded that it began, and so before it sent anything.
    #[error("the run in this folder ended before it sent anything")]
    NotBegun,
    /// A file can't be read.
    #[error("{file} can't be read: {source}")]
    Io {
        /// Its name.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A file is longer than any run writes.
    #[error("{file} is longer than {limit} bytes, which no run writes")]
    TooLarge {
        /// Its name.
        file: String,
        /// Bytes.
        limit: u64,
    },
    /// A file of another version, or of something else.
    #[error("{file} has the schema \"{}\", but this version reads \"{expected}\"", crate::escape::short(found, 60))]
    Schema {
        /// Its name.
        file: &'static str,
        /// What it says.
        found: String,
        /// What is understood.
        expected: &'static str,
    },
    /// A file that can't be understood.
    #[error("{file} can't be understood: {why}")]
    Form {
        /// Its name.
        file: &'static str,
        /// Why.
        why: String,
    },
    /// A file is not the one that was written.
    #[error("{file} was changed: its SHA-256 is not the one in manifest.json")]
    Altered {
        /// Its name.
        file: &'static str,
    },
    /// The log can't be read, or a line of it is not the one that was written.
    #[error(transparent)]
    Log(LogError),
}

impl BundleError {
    pub(crate) fn io(file: &str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { file: file.to_owned() },
            _ => Self::Io { file: file.to_owned(), source },
        }
    }

    /// A log that does not end where it ended when it was written.
    pub(crate) fn ends(tip: &Tip, due: &Tail) -> Option<Self> {
        let what = match (tip.is_cut_off, tip.tail == *due) {
            (false, true) => return None,
            (true, _) => "the line is cut off, or too long".to_owned(),
            (false, false) => {
                format!("the log ends after {} events, where {} were recorded", tip.tail.events, due.events)
            }
        };
        // The header is the first line.
        let line = tip.tail.events.saturating_add(2);
        Some(Self::Log(LogError::Line { line, seq: Some(tip.tail.events), what }))
    }

    /// The file that is wrong.
    pub fn file(&self) -> &str {
        match self {
            Self::Missing { file } | Self::Io { file, .. } | Self::TooLarge { file, .. } => file,
            Self::Schema { file, .. } | Self::Form { file, .. } | Self::Altered { file } => file,
            Self::Log(LogError::Io { file, .. }) => file,
            Self::NotBegun | Self::Log(_) => TRACE,
        }
    }

    /// The line of the trace that is wrong, from 1, and its event.
    pub fn place(&self) -> (Option<u64>, Option<u64>) {
        match self {
            Self::Log(LogError::Line { line, seq, .. }) => (Some(*line), *seq),
            Self::Log(LogError::Empty) => (Some(1), None),
            _ => (None, None),
        }
    }
}

impl From<LogError> for BundleError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Io { file, source } => Self::io(file, source),
            other => Self::Log(other),
        }
    }
}
