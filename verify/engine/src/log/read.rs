//! Reads the files of a log, within bounds, and holds every line and every body against its hash.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use watertight_spec::Spec;

use super::body::{Body, Place, Stored};
use super::chain::{Kind, Tail, digest, unlink};
use super::event::{Event, What};
use super::exchange::Outcome;
use super::{BODIES, Header, INDEX, LONGEST_LINE, TRACE, TRACE_SCHEMA};

/// Bytes of one body.
const LONGEST_BODY: u32 = 1 << 30;

/// Why a log can't be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A file can't be read or written.
    #[error("{file} can't be read: {source}")]
    Io {
        /// Its name.
        file: &'static str,
        /// Why.
        source: io::Error,
    },
    /// Not even its first line is whole: the run was killed before it began.
    #[error("trace.jsonl is empty, or its first line is cut off")]
    Empty,
    /// Another version, or something else.
    #[error("trace.jsonl has the schema {found:?}, but this version reads \"{TRACE_SCHEMA}\"")]
    Schema {
        /// What it says.
        found: String,
    },
    /// It is that of a run of another spec.
    #[error("trace.jsonl is of another spec than the one beside it, or that was changed since")]
    OtherSpec,
    /// A line is not the one that was written.
    #[error("trace.jsonl was changed at line {line}{}: {what}", .seq.map(|seq| format!(" (event {seq})")).unwrap_or_default())]
    Line {
        /// From 1.
        line: u64,
        /// The event's number.
        seq: Option<u64>,
        /// What is wrong.
        what: String,
    },
}

/// Where a log ends.
#[derive(Clone, Debug, Default)]
pub struct Tip {
    /// The end of the chain.
    pub tail: Tail,
    /// Bytes of the trace up to there.
    pub length: u64,
    /// Bytes of the bodies that are named up to there.
    pub stored: u64,
    /// Whether something follows that is no whole line: the run was killed while it wrote.
    pub is_cut_off: bool,
}

/// Goes through the events of a log, in order.
#[derive(Debug)]
pub struct LogReader {
    trace: BufReader<File>,
    bodies: Bodies,
    header: Header,
    tip: Tip,
    line: u64,
    is_over: bool,
}

impl LogReader {
    /// The log in this folder.
    ///
    /// # Errors
    /// It can't be read, or its first line is not that of a log.
    pub fn open(folder: &Path) -> Result<Self, LogError> {
        let open = |file: &'static str| File::open(folder.join(file)).map_err(|source| LogError::Io { file, source });
        let mut trace = BufReader::with_capacity(1 << 16, open(TRACE)?);
        let mut tip = Tip::default();
        let broken = |what: &str| LogError::Line { line: 1, seq: None, what: what.to_owned() };
        let Some(Whole { text, bytes }) = line(&mut trace, 1)? else { return Err(LogError::Empty) };
        let text = unlink(&mut tip.tail, Kind::Header, &text).map_err(|what| broken(&what))?;
        // The schema first: another version's header has other members.
        let schema: serde_json::Value = serde_json::from_str(text).map_err(|error| broken(&error.to_string()))?;
        let schema = schema.get("schema").and_then(serde_json::Value::as_str).unwrap_or_default();
        if schema != TRACE_SCHEMA {
            return Err(LogError::Schema { found: schema.chars().take(60).collect() });
        }
        let header = serde_json::from_str(text).map_err(|error| broken(&error.to_string()))?;
        tip.length = bytes;
        Ok(Self { trace, bodies: Bodies::open(folder)?, header, tip, line: 1, is_over: false })
    }

    /// What a replay must know besides the events.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Where the log ends; complete once all events were read.
    pub fn tip(&self) -> &Tip {
        &self.tip
    }

    /// The next event, whose tenants and principals are those of the spec.
    ///
    /// # Errors
    /// The line was changed, or its body was, or it names a tenant that the spec does not have.
    pub fn next_of(&mut self, spec: &Spec) -> Option<Result<Event, LogError>> {
        let event = self.next()?;
        Some(event.and_then(|event| match event.fits(spec) {
            true => Ok(event),
            false => Err(self.broken("it names a tenant or a principal that the spec does not have")),
        }))
    }

    fn read(&mut self) -> Result<Option<Event>, LogError> {
        self.line = self.line.saturating_add(1);
        let Some(Whole { text, bytes }) = line(&mut self.trace, self.line)? else {
            self.tip.is_cut_off = !is_at_end(&mut self.trace);
            return Ok(None);
        };
        let seq = self.tip.tail.events;
        let text = unlink(&mut self.tip.tail, Kind::Event, &text).map_err(|what| self.broken(&what))?;
        let mut event: Event =
            serde_json::from_str(text).map_err(|error| self.broken(&format!("it can't be understood: {error}")))?;
        if event.seq != seq {
            return Err(self.broken(&format!("its event is numbered {}", event.seq)));
        }
        self.tip.length = self.tip.length.saturating_add(bytes);
        if let Some(body) = body_of(&mut event)
            && let Some(end) = self.bodies.fill(body).map_err(|what| self.broken(&what))?
        {
            self.tip.stored = self.tip.stored.max(end);
        }
        Ok(Some(event))
    }

    fn broken(&self, what: &str) -> LogError {
        LogError::Line { line: self.line, seq: self.line.checked_sub(2), what: what.to_owned() }
    }
}

impl Iterator for LogReader {
    type Item = Result<Event, LogError>;
    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let read = self.read().transpose();
        self.is_over = !matches!(read, Some(Ok(_)));
        read
    }
}

/// Looks up single events of a log, by number.
#[derive(Debug)]
pub struct Lookup {
    trace: BufReader<File>,
    index: File,
    bodies: Bodies,
}

impl Lookup {
    /// In the log of this folder.
    ///
    /// # Errors
    /// Its files can't be opened.
    pub fn open(folder: &Path) -> Result<Self, LogError> {
        let open = |file: &'static str| File::open(folder.join(file)).map_err(|source| LogError::Io { file, source });
        Ok(Self { trace: BufReader::new(open(TRACE)?), index: open(INDEX)?, bodies: Bodies::open(folder)? })
    }

    /// The event with this number; its line is not held against the chain. `None` where there is none.
    pub fn event(&mut self, seq: u64) -> Option<Event> {
        let mut at = [0; 8];
        self.index.seek(SeekFrom::Start(seq.checked_mul(8)?)).ok()?;
        self.index.read_exact(&mut at).ok()?;
        self.trace.seek(SeekFrom::Start(u64::from_le_bytes(at))).ok()?;
        let Whole { text, .. } = line(&mut self.trace, seq.saturating_add(2)).ok()??;
        let (_, rest) = text.split_once("\",\"event\":")?;
        let mut event: Event = serde_json::from_str(rest.strip_suffix('}')?).ok()?;
        if let Some(body) = body_of(&mut event) {
            self.bodies.fill(body).ok()?;
        }
        (event.seq == seq).then_some(event)
    }
}

/// The file of bodies.
#[derive(Debug)]
struct Bodies {
    file: File,
    length: u64,
    /// What was read last: many events have the same body.
    recent: HashMap<Place, String>,
    /// Bytes of it.
    kept: usize,
}

/// Bytes of bodies that are kept in memory.
const MOST_KEPT: usize = 16 << 20;

impl Bodies {
    fn open(folder: &Path) -> Result<Self, LogError> {
        let io = |source| LogError::Io { file: BODIES, source };
        let file = File::open(folder.join(BODIES)).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        Ok(Self { file, length, recent: HashMap::new(), kept: 0 })
    }

    /// Reads a body from where it is written; returns where that ends in the file of bodies.
    fn fill(&mut self, body: &mut Body) -> Result<Option<u64>, String> {
        let (text, end) = match body.stored() {
            Stored::Within(text) => (text.clone(), None),
            Stored::Apart(place) => {
                let text = match self.recent.get(place) {
                    Some(text) => text.clone(),
                    None => self.keep(place.clone())?,
                };
                (text, Some(place.at.saturating_add(u64::from(place.stored))))
            }
        };
        body.fill(text);
        Ok(end)
    }

    fn keep(&mut self, place: Place) -> Result<String, String> {
        let text = self.read(&place)?;
        if self.kept.saturating_add(text.len()) > MOST_KEPT {
            self.recent.clear();
            self.kept = 0;
        }
        if text.len() <= MOST_KEPT {
            self.kept = self.kept.saturating_add(text.len());
            self.recent.insert(place, text.clone());
        }
        Ok(text)
    }

    fn read(&mut self, place: &Place) -> Result<String, String> {
        if place.size > LONGEST_BODY || place.stored > LONGEST_BODY {
            return Err("its body is longer than any run writes".to_owned());
        }
        let cut_off = || format!("its body in {BODIES} is cut off");
        if place.at.saturating_add(u64::from(place.stored)) > self.length {
            return Err(cut_off());
        }
        let size = |length: u32| usize::try_from(length).unwrap_or_default();
        let mut compressed = vec![0; size(place.stored)];
        let mut read = || {
            self.file.seek(SeekFrom::Start(place.at))?;
            self.file.read_exact(&mut compressed)
        };
        read().map_err(|error| format!("its body can't be read from {BODIES}: {error}"))?;
        // Never more memory than what the compressed form can hold: LZ4 packs at most 255 bytes into one.
        if size(place.size) > compressed.len().saturating_mul(256).saturating_add(64) {
            return Err(cut_off());
        }
        let bytes = lz4_flex::block::decompress(&compressed, size(place.size))
            .map_err(|error| format!("its body in {BODIES} was changed: {error}"))?;
        if digest(&bytes) != place.sha256 {
            return Err(format!("its body in {BODIES} was changed"));
        }
        String::from_utf8(bytes).map_err(|_| format!("its body in {BODIES} is no text"))
    }
}

fn body_of(event: &mut Event) -> Option<&mut Body> {
    match &mut event.what {
        What::Exchange(exchange) | What::Throttled(exchange) => {
            exchange.seq = event.seq;
            match &mut exchange.outcome {
                Outcome::Response(received) => Some(&mut received.body),
                Outcome::Failed { .. } => None,
            }
        }
        What::Inbound(inbound) => Some(&mut inbound.body),
        What::Began(_)
        | What::Waited { .. }
        | What::AwaitsCode { .. }
        | What::Printed(_)
        | What::Cut { .. }
        | What::CleanUp(_) => None,
    }
}

/// A line without its end, and how many bytes it takes with it.
struct Whole {
    text: String,
    bytes: u64,
}

/// The next whole line; none at the end, and none where the last line is cut off.
fn line(input: &mut BufReader<File>, number: u64) -> Result<Option<Whole>, LogError> {
    let mut bytes = Vec::with_capacity(1024);
    let read = input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes);
    let read = read.map_err(|source| LogError::Io { file: TRACE, source })?;
    let broken = |what: &str| LogError::Line { line: number, seq: number.checked_sub(2), what: what.to_owned() };
    let length = u64::try_from(read).unwrap_or(u64::MAX);
    if bytes.pop() != Some(b'\n') {
        if length == LONGEST_LINE {
            return Err(broken("it is longer than a line may be"));
        }
        // Left for whoever asks whether the file ends here.
        let back = i64::try_from(read).unwrap_or_default().saturating_neg();
        input.seek_relative(back).map_err(|source| LogError::Io { file: TRACE, source })?;
        return Ok(None);
    }
    let text = String::from_utf8(bytes).map_err(|_| broken("the line is not UTF-8"))?;
    Ok(Some(Whole { text, bytes: length }))
}

fn is_at_end(input: &mut BufReader<File>) -> bool {
    input.fill_buf().is_ok_and(<[u8]>::is_empty)
}
