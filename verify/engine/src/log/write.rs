//! Appends events to the files of a log, as they happen.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use super::body::{Body, Place, Stored, WITHIN};
use super::chain::{Kind, Tail, digest, link};
use super::event::{Asker, Event, What};
use super::exchange::{Exchange, Outcome};
use super::read::{LogError, Tip};
use super::{BODIES, Header, INDEX, LONGEST_LINE, TRACE};

/// Bodies whose digests are remembered, so that they are written once. Twice as many at most; then the older half is
/// forgotten, and what comes again is written again.
const REMEMBERED: usize = 32_768;
/// Bytes that the chain adds to an event's text, at most.
const CHAINED: usize = 128;
/// Bytes that are written at once, where much happens.
const AT_ONCE: usize = 64 << 10;

/// The files of a log, open at their ends. What is appended is on its way to the disk after [`flush`](Self::flush).
#[derive(Debug)]
pub struct LogWriter {
    trace: BufWriter<File>,
    bodies: File,
    index: BufWriter<File>,
    tail: Tail,
    /// Bytes of the trace.
    length: u64,
    /// Bytes of the bodies.
    stored: u64,
    recent: HashMap<String, Place>,
    older: HashMap<String, Place>,
    line: Vec<u8>,
}

impl LogWriter {
    /// A new log in this folder.
    ///
    /// # Errors
    /// A file can't be made or written to.
    pub fn create(folder: &Path, header: &Header) -> io::Result<Self> {
        let new = |name: &str| OpenOptions::new().write(true).create(true).truncate(true).open(folder.join(name));
        let mut writer = Self {
            trace: BufWriter::with_capacity(AT_ONCE, new(TRACE)?),
            bodies: new(BODIES)?,
            index: BufWriter::new(new(INDEX)?),
            tail: Tail::default(),
            length: 0,
            stored: 0,
            recent: HashMap::new(),
            older: HashMap::new(),
            line: Vec::new(),
        };
        // It goes to the system with the first event: a log that has a header says when its run began.
        writer.write(Kind::Header, &serde_json::to_string(header)?)?;
        Ok(writer)
    }

    /// The log in this folder, open behind its last whole event. What a killed run left half written is cut off.
    ///
    /// # Errors
    /// It can't be read, was changed, or can't be written to.
    pub fn resume(folder: &Path, tip: &Tip) -> Result<Self, LogError> {
        let open = |name: &str, length: u64| -> io::Result<File> {
            use std::io::{Seek as _, SeekFrom};
            let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(folder.join(name))?;
            file.set_len(length)?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        };
        let io = |file: &'static str| move |source| LogError::Io { file, source };
        Ok(Self {
            trace: BufWriter::with_capacity(AT_ONCE, open(TRACE, tip.length).map_err(io(TRACE))?),
            bodies: open(BODIES, tip.stored).map_err(io(BODIES))?,
            index: BufWriter::new(open(INDEX, tip.tail.events.saturating_mul(8)).map_err(io(INDEX))?),
            tail: tip.tail.clone(),
            length: tip.length,
            stored: tip.stored,
            recent: HashMap::new(),
            older: HashMap::new(),
            line: Vec::new(),
        })
    }

    /// The number of the next event.
    pub fn next_seq(&self) -> u64 {
        self.tail.events
    }

    /// The end of the chain.
    pub fn tail(&self) -> &Tail {
        &self.tail
    }

    /// Appends what happened, and returns it as an event.
    ///
    /// # Errors
    /// A file can't be written to.
    pub fn append(&mut self, asker: impl Into<Asker>, mut what: What) -> io::Result<Event> {
        let Asker { source, ask } = asker.into();
        let seq = self.next_seq();
        match &mut what {
            What::Exchange(exchange) | What::Throttled(exchange) => {
                exchange.seq = seq;
                if let Exchange { outcome: Outcome::Response(received), .. } = exchange.as_mut() {
                    self.store(&mut received.body)?;
                }
            }
            What::Inbound(inbound) => self.store(&mut inbound.body)?,
            What::Began(_)
            | What::Waited { .. }
            | What::AwaitsCode { .. }
            | What::Printed(_)
            | What::Cut { .. }
            | What::CleanUp(_) => {}
        }
        let event = Event { seq, source, ask, what };
        let text = serde_json::to_string(&event)?;
        if u64::try_from(text.len().saturating_add(CHAINED)).unwrap_or(u64::MAX) > LONGEST_LINE {
            return Err(io::Error::other(format!("an event of {} bytes is longer than a log may have", text.len())));
        }
        self.index.write_all(&self.length.to_le_bytes())?;
        self.write(Kind::Event, &text)?;
        Ok(event)
    }

    /// Hands everything to the system, so that it is there even if the process is killed.
    ///
    /// # Errors
    /// A file can't be written to.
    pub fn flush(&mut self) -> io::Result<()> {
        // The index first: what is too long in it is cut off when the log is opened again.
        self.index.flush()?;
        self.trace.flush()
    }

    fn write(&mut self, kind: Kind, text: &str) -> io::Result<()> {
        self.line.clear();
        link(&mut self.tail, kind, text, &mut self.line);
        // The index is never behind the trace.
        if self.trace.buffer().len().saturating_add(self.line.len()) > AT_ONCE {
            self.flush()?;
        }
        self.trace.write_all(&self.line)?;
        self.length = self.length.saturating_add(u64::try_from(self.line.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    /// Writes a body where it belongs, before the event that names it.
    fn store(&mut self, body: &mut Body) -> io::Result<()> {
        let text = body.text();
        if text.len() <= WITHIN {
            let within = Stored::Within(text.to_owned());
            body.store(within);
            return Ok(());
        }
        let sha256 = digest(text.as_bytes());
        if let Some(place) = self.recent.get(&sha256).or_else(|| self.older.get(&sha256)) {
            let place = place.clone();
            body.store(Stored::Apart(place));
            return Ok(());
        }
        let compressed = lz4_flex::block::compress(text.as_bytes());
        self.bodies.write_all(&compressed)?;
        let size = |length: usize| u32::try_from(length).map_err(|_| io::Error::other("a body of more than 4 GiB"));
        let place =
            Place { at: self.stored, stored: size(compressed.len())?, size: size(text.len())?, sha256: sha256.clone() };
        self.stored = self.stored.saturating_add(u64::from(place.stored));
        if self.recent.len() >= REMEMBERED {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(sha256, place.clone());
        body.store(Stored::Apart(place));
        Ok(())
    }
}
