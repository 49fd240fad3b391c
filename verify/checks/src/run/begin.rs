//! How a run begins, or goes on: what must be there before anything is sent.

use watertight_engine::journal::Journal;
use watertight_engine::log::{Header, LogWriter};
use watertight_engine::marker::RunTag;

use super::{JOURNAL, Order, Resume, RunError};
use crate::judge::{Past, Unfinished, replay_past};
use crate::watchers;

/// A run whose folder is ready: its log is open, and what an earlier part decided is known. Nothing has been sent.
#[must_use = "nothing has been sent yet"]
pub struct Begun {
    pub(super) order: Order,
    pub(super) header: Header,
    pub(super) log: LogWriter,
    pub(super) journal: Journal,
    pub(super) past: Past,
}

impl Order {
    /// Opens the log and the journal in the folder; a run that goes on has been replayed then.
    ///
    /// # Errors
    /// The folder can't be written to, or what it holds can't go on.
    pub fn begin(self) -> Result<Begun, RunError> {
        std::fs::create_dir_all(&self.folder)?;
        match self.resume {
            Resume::Fresh => self.fresh(),
            Resume::Continue => self.resumed(),
        }
    }

    fn fresh(self) -> Result<Begun, RunError> {
        let options = serde_json::to_value(&self.options).unwrap_or_default();
        let header = Header::new(&self.spec, rand::random(), options);
        let log = LogWriter::create(&self.folder, &header)?;
        let journal = Journal::create(&self.folder.join(JOURNAL))?;
        let past = Past {
            part: 0,
            decided: self.plan.trials.iter().map(|_| None).collect(),
            watchers: watchers::all(&self.spec, &RunTag::new(self.options.seed, header.salt), self.plan.access),
        };
        Ok(Begun { order: self, header, log, journal, past })
    }

    fn resumed(self) -> Result<Begun, RunError> {
        let Unfinished { header, past, divergence, tip } = replay_past(&self.spec, &self.plan, &self.folder)?;
        let asked = serde_json::to_value(&self.options).unwrap_or_default();
        if header.options != asked {
            return Err(RunError::Other(format!("it was run with {}", header.options)));
        }
        if header.tool != env!("CARGO_PKG_VERSION") {
            let why = format!("it was run by version {}; begin anew, without --resume", header.tool);
            return Err(RunError::Other(why));
        }
        // Its events would be those of other trials: a leak among them would be lost.
        if let Some(divergence) = divergence {
            let why = format!(
                "what it sent is not what would be sent now (event {}: {}); begin anew, without --resume",
                divergence.seq, divergence.what
            );
            return Err(RunError::Other(why));
        }
        let log = LogWriter::resume(&self.folder, &tip)?;
        let journal = Journal::resume(&self.folder.join(JOURNAL))?;
        Ok(Begun { order: self, header, log, journal, past })
    }
}
