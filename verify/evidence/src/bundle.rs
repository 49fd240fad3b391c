//! The folder of a run: what it holds, and how it is written and read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use watertight_probe::report::{Advisories, Report};
use watertight_probe::run::{Ending, Header};
use watertight_probe::trace::Trace;
use watertight_spec::Spec;

use crate::account::Account;
use crate::chain::{self, Tail};
use crate::{files, html, junit};

/// The schema of a manifest.
pub const BUNDLE_SCHEMA: &str = "watertight.bundle/1";
/// The report, as `--format json` prints it.
pub const RUN: &str = "run.json";
/// The spec, as it was read.
pub const SPEC: &str = "spec.toml";
/// The trace, as a hash chain.
pub const TRACE: &str = "trace.jsonl";
/// What the others must be.
pub const MANIFEST: &str = "manifest.json";
/// For what collects test results.
pub const JUNIT: &str = "junit.xml";
/// For people.
pub const HTML: &str = "report.html";
/// What the run created and has not yet removed: kept by the run itself, and no part of the evidence.
pub const JOURNAL: &str = "journal.jsonl";
/// Where the spec came from, for a clean-up: no part of the evidence either.
pub const ORIGIN: &str = "origin.json";

/// What a manifest names.
const EVIDENCE: [&str; 5] = [RUN, SPEC, TRACE, JUNIT, HTML];
/// Bytes of a manifest, a spec, an origin.
const SMALL: u64 = 1 << 20;
/// Bytes of a report or an artifact.
const LARGE: u64 = 256 << 20;
/// Bytes of a trace.
const LARGEST: u64 = 4 << 30;

/// What a bundle holds.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// What was asked, and what stood for the variables of the spec.
    pub header: Header,
    /// Everything sent and received.
    pub trace: Trace,
    /// What it came to.
    pub report: Report,
    /// The spec's text.
    pub spec: String,
    /// How the run ended.
    pub ending: Ending,
    /// Whether advisories counted as leaks.
    pub advisories: Advisories,
}

/// Why a folder is no bundle, or not the one that was written.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A file is not there.
    #[error("{file} is missing: is this the folder of a finished run?")]
    Missing {
        /// Its name.
        file: String,
    },
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
    #[error("{file} says it is \"{}\", where \"{expected}\" is read", crate::neutral::short(found, 60))]
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
    /// A line of the trace is not the one that was written.
    #[error("trace.jsonl was changed at line {line}{}: {what}", .seq.map(|seq| format!(" (event {seq})")).unwrap_or_default())]
    Trace {
        /// From 1.
        line: u64,
        /// The event's number.
        seq: Option<u64>,
        /// What is wrong.
        what: String,
    },
}

impl BundleError {
    /// The file that is wrong.
    pub fn file(&self) -> &str {
        match self {
            Self::Missing { file } | Self::Io { file, .. } | Self::TooLarge { file, .. } => file,
            Self::Schema { file, .. } | Self::Form { file, .. } | Self::Altered { file } => file,
            Self::Trace { .. } => TRACE,
        }
    }

    /// The line of the trace that is wrong, from 1, and its event.
    pub fn place(&self) -> (Option<u64>, Option<u64>) {
        match self {
            Self::Trace { line, seq, .. } => (Some(*line), *seq),
            _ => (None, None),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    schema: String,
    /// Version of the tool that wrote it.
    tool: String,
    ending: EndingRecord,
    /// What counted as a leak although it demonstrates none: `advisory`.
    denied: BTreeSet<Denied>,
    trace: Tail,
    /// SHA-256 in hex.
    files: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
enum Denied {
    Advisory,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum EndingRecord {
    Complete,
    SetupFailed(String),
    Interrupted,
}

#[derive(Serialize, Deserialize)]
struct Origin {
    spec: PathBuf,
}

/// Makes the folder ready for a run: what an earlier run left of itself goes, and the spec is there for a clean-up should
/// this run be killed. Returns where the journal belongs.
///
/// # Errors
/// The folder can't be made or written to.
pub fn begin(dir: &Path, spec: &Spec) -> io::Result<PathBuf> {
    std::fs::create_dir_all(dir)?;
    for name in EVIDENCE.iter().chain(&[MANIFEST]) {
        match std::fs::remove_file(dir.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    files::replace(dir, SPEC, |out| out.write_all(spec.source.text.as_bytes()))?;
    let origin = Origin { spec: std::path::absolute(&spec.source.path)? };
    files::replace(dir, ORIGIN, |out| Ok(serde_json::to_writer(out, &origin)?))?;
    Ok(dir.join(JOURNAL))
}

/// The recorded spec's text, and the path that it was read from (relative to which it names its `env_file`).
///
/// # Errors
/// There is none, or it can't be read.
pub fn recorded_spec(dir: &Path) -> Result<(PathBuf, String), BundleError> {
    let text = small(dir, SPEC)?;
    let origin: Origin = parse(ORIGIN, &small(dir, ORIGIN)?)?;
    Ok((origin.spec, text))
}

/// Writes every artifact of a finished run into its folder, the manifest last: a folder with a manifest is whole.
///
/// # Errors
/// A file can't be written.
pub fn write(dir: &Path, account: &Account<'_>) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    let mut hashes = BTreeMap::new();
    let mut tail = Tail { events: 0, hash: String::new() };
    let Account { spec, run, report, .. } = account;
    let mut keep = |name: &str, hash: String| hashes.insert(name.to_owned(), hash);
    keep(SPEC, files::replace(dir, SPEC, |out| out.write_all(spec.source.text.as_bytes()))?);
    keep(
        TRACE,
        files::replace(dir, TRACE, |out| {
            tail = chain::write(out, &run.header, &run.trace)?;
            Ok(())
        })?,
    );
    let run_json = serde_json::to_string_pretty(report)?;
    keep(RUN, files::replace(dir, RUN, |out| writeln!(out, "{}", crate::neutral::json(&run_json)))?);
    let xml = junit::render(account).map_err(io::Error::other)?;
    keep(JUNIT, files::replace(dir, JUNIT, |out| out.write_all(xml.as_bytes()))?);
    let page = html::render(account);
    keep(HTML, files::replace(dir, HTML, |out| out.write_all(page.as_bytes()))?);
    let manifest = Manifest {
        schema: BUNDLE_SCHEMA.to_owned(),
        tool: run.header.tool.clone(),
        ending: match &run.ending {
            Ending::Complete => EndingRecord::Complete,
            Ending::SetupFailed(why) => EndingRecord::SetupFailed(why.clone()),
            Ending::Interrupted => EndingRecord::Interrupted,
        },
        denied: match account.advisories {
            Advisories::Denied => BTreeSet::from([Denied::Advisory]),
            Advisories::Reported => BTreeSet::new(),
        },
        trace: tail,
        files: hashes,
    };
    files::replace(dir, MANIFEST, |out| Ok(serde_json::to_writer_pretty(out, &manifest)?))?;
    Ok(())
}

/// Reads a bundle, within bounds, and holds every byte against its hash.
///
/// # Errors
/// The first file (for the trace: the first line) that is missing, too large or not the one that was written.
pub fn read(dir: &Path) -> Result<Bundle, BundleError> {
    let manifest: Manifest = parse(MANIFEST, &small(dir, MANIFEST)?)?;
    if manifest.schema != BUNDLE_SCHEMA {
        return Err(BundleError::Schema { file: MANIFEST, found: manifest.schema, expected: BUNDLE_SCHEMA });
    }
    let trace = File::open(dir.join(TRACE)).map_err(|error| unreadable(TRACE, error))?;
    // Line by line before the whole file's hash: the line says more.
    let (header, trace, tail) = chain::read(BufReader::new(trace.take(LARGEST)))?;
    if tail != manifest.trace {
        let what = format!("it ends after {} events, where {} were recorded", tail.events, manifest.trace.events);
        return Err(BundleError::Trace { line: tail.events.saturating_add(1), seq: None, what });
    }
    for file in EVIDENCE {
        let due = manifest.files.get(file);
        let limit = if file == TRACE { LARGEST } else { LARGE };
        let hash = files::hash(&dir.join(file), limit).map_err(|error| unreadable(file, error))?;
        let hash = hash.ok_or_else(|| BundleError::TooLarge { file: file.to_owned(), limit })?;
        if due != Some(&hash) {
            return Err(BundleError::Altered { file });
        }
    }
    let report: Report = parse(RUN, &bounded(dir, RUN, LARGE)?)?;
    let ending = match manifest.ending {
        EndingRecord::Complete => Ending::Complete,
        EndingRecord::SetupFailed(why) => Ending::SetupFailed(why),
        EndingRecord::Interrupted => Ending::Interrupted,
    };
    let advisories = match manifest.denied.contains(&Denied::Advisory) {
        true => Advisories::Denied,
        false => Advisories::Reported,
    };
    Ok(Bundle { header, trace, report, spec: small(dir, SPEC)?, ending, advisories })
}

fn small(dir: &Path, file: &str) -> Result<String, BundleError> {
    bounded(dir, file, SMALL)
}

fn bounded(dir: &Path, file: &str, limit: u64) -> Result<String, BundleError> {
    let text = files::text(&dir.join(file), limit).map_err(|error| unreadable(file, error))?;
    text.ok_or_else(|| BundleError::TooLarge { file: file.to_owned(), limit })
}

fn unreadable(file: &str, source: io::Error) -> BundleError {
    match source.kind() {
        io::ErrorKind::NotFound => BundleError::Missing { file: file.to_owned() },
        _ => BundleError::Io { file: file.to_owned(), source },
    }
}

fn parse<T: serde::de::DeserializeOwned>(file: &'static str, text: &str) -> Result<T, BundleError> {
    serde_json::from_str(text).map_err(|error| BundleError::Form { file, why: error.to_string() })
}
