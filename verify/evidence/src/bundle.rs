//! The folder of a run: what it holds, and how it is made ready, written and read.

mod error;
mod manifest;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use watertight_checks::run::Ending;
pub use watertight_checks::run::JOURNAL;
use watertight_engine::log::{BODIES, Header, INDEX, LogError, LogReader, Part, TRACE, Tail, What};
use watertight_spec::Spec;

pub use error::BundleError;

use crate::account::Account;
use crate::report::{Advisories, Report};
use crate::{escape, files, html, junit};
use manifest::Manifest;

/// The schema of a manifest.
pub const BUNDLE_SCHEMA: &str = "watertight.bundle/2";
/// The report, as `--format json` prints it.
pub const RUN: &str = "run.json";
/// The spec, as it was read.
pub const SPEC: &str = "spec.toml";
/// What the others must be.
pub const MANIFEST: &str = "manifest.json";
/// For what collects test results.
pub const JUNIT: &str = "junit.xml";
/// For people.
pub const HTML: &str = "report.html";
/// Where the spec came from, for a clean-up and a resumption: no part of the evidence, as the journal is none.
pub const ORIGIN: &str = "origin.json";

/// What a manifest names.
const EVIDENCE: [&str; 7] = [SPEC, TRACE, BODIES, INDEX, RUN, JUNIT, HTML];
/// Bytes of a manifest, a spec, an origin.
const SMALL: u64 = 1 << 20;
/// Bytes of a report or an artifact.
const LARGE: u64 = 256 << 20;
/// Bytes of a file of the log, which is never in memory as a whole.
const LARGEST: u64 = 1 << 40;

/// What a folder holds.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// What was asked of the run.
    pub header: Header,
    /// How its first part began: when, and with which variables.
    pub began: Part,
    /// The spec's text.
    pub spec: String,
    /// What a run that came to its end wrote of it. None where it was killed.
    pub finished: Option<Finished>,
}

/// What a run that came to its end wrote of it.
#[derive(Clone, Debug)]
pub struct Finished {
    /// What it came to.
    pub report: Report,
    /// How it ended.
    pub ending: Ending,
    /// Whether advisories counted as leaks.
    pub advisories: Advisories,
    /// Where its log ends.
    pub tail: Tail,
}

#[derive(Serialize, Deserialize)]
struct Origin {
    spec: PathBuf,
}

/// Makes the folder ready for a run: what an earlier run left of itself is removed, and the spec is there, should this run
/// be killed. Other files in it stay.
///
/// # Errors
/// The folder can't be made or written to.
pub fn begin(dir: &Path, spec: &Spec) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    // The manifest first: without it, whatever is still there is not taken for a whole bundle.
    remove(dir, &[MANIFEST])?;
    remove(dir, &EVIDENCE)?;
    remove(dir, &[JOURNAL])?;
    files::replace(dir, SPEC, |out| out.write_all(spec.source.text.as_bytes()))?;
    let origin = Origin { spec: std::path::absolute(&spec.source.path)? };
    files::replace(dir, ORIGIN, |out| Ok(serde_json::to_writer(out, &origin)?))?;
    Ok(())
}

/// Makes the folder of an interrupted run ready to go on: what was made from its log so far is removed, the manifest first.
///
/// # Errors
/// A file can't be removed.
pub fn reopen(dir: &Path) -> io::Result<()> {
    remove(dir, &[MANIFEST, RUN, JUNIT, HTML])
}

/// Moves what an earlier run left into a folder of its own. Other files stay. What a clean-up needs is in both folders until
/// the journal is moved, so wherever this is interrupted, the folder that has the journal can be cleaned up after.
///
/// # Errors
/// The new folder is there already or can't be made, or a file can't be moved.
pub fn move_into(dir: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir(to)?;
    for name in [SPEC, ORIGIN] {
        if_there(std::fs::copy(dir.join(name), to.join(name)).map(|_| ()))?;
    }
    for name in [JOURNAL, MANIFEST, TRACE, BODIES, INDEX, RUN, JUNIT, HTML] {
        if_there(std::fs::rename(dir.join(name), to.join(name)))?;
    }
    remove(dir, &[SPEC, ORIGIN])
}

fn remove(dir: &Path, names: &[&str]) -> io::Result<()> {
    names.iter().try_for_each(|name| if_there(std::fs::remove_file(dir.join(name))))
}

/// A file that is not there need not be dealt with.
fn if_there(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
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

/// Writes what is made from a run beside its log, the manifest last: a folder with a manifest is whole.
///
/// # Errors
/// A file can't be written, or the log can't be read.
pub fn write(dir: &Path, account: &Account<'_>) -> io::Result<()> {
    let Account { spec, run, report, advisories, .. } = account;
    let run_json = serde_json::to_string_pretty(report)?;
    let xml = junit::render(account).map_err(io::Error::other)?;
    let mut hashes = BTreeMap::new();
    for (name, text) in [
        (SPEC, spec.source.text.as_str()),
        (RUN, &format!("{}\n", escape::json(&run_json))),
        (JUNIT, &xml),
        (HTML, &html::render(account)),
    ] {
        hashes.insert(name.to_owned(), files::replace(dir, name, |out| out.write_all(text.as_bytes()))?);
    }
    for name in [TRACE, BODIES, INDEX] {
        let hash = files::hash(&dir.join(name), LARGEST)?;
        let hash = hash.ok_or_else(|| io::Error::other(format!("{name} is longer than {LARGEST} bytes")))?;
        hashes.insert(name.to_owned(), hash);
    }
    let manifest = Manifest::new(&run.header.tool, &run.ending, *advisories, tail(dir)?, hashes);
    files::replace(dir, MANIFEST, |out| Ok(serde_json::to_writer_pretty(out, &manifest)?))?;
    Ok(())
}

/// Where the log in this folder ends, by its index.
fn tail(dir: &Path) -> io::Result<Tail> {
    let mut index = File::open(dir.join(INDEX))?;
    let events = index.metadata()?.len() / 8;
    let mut at = [0; 8];
    index.seek(SeekFrom::Start(events.saturating_sub(1).saturating_mul(8)))?;
    index.read_exact(&mut at)?;
    let mut trace = File::open(dir.join(TRACE))?;
    trace.seek(SeekFrom::Start(u64::from_le_bytes(at)))?;
    // `{"hash":"` and the hash.
    let mut line = [0; 73];
    trace.read_exact(&mut line)?;
    let hash = std::str::from_utf8(&line).ok().and_then(|line| line.strip_prefix("{\"hash\":\""));
    let hash = hash.ok_or_else(|| io::Error::other("trace.index names no line of trace.jsonl"))?;
    Ok(Tail { events, hash: hash.to_owned() })
}

/// Reads what is in a folder, within bounds. Of a run that came to its end, every byte is held against its hash; of one
/// that was killed there is only the log, whose lines are held against each other when it is judged.
///
/// # Errors
/// The first file (for the log: the first line) that is missing, too large or not the one that was written.
pub fn read(dir: &Path) -> Result<Bundle, BundleError> {
    let manifest = match small(dir, MANIFEST) {
        Ok(text) => Some(Manifest::read(&text)?),
        Err(BundleError::Missing { .. }) if dir.join(TRACE).exists() || dir.join(ORIGIN).exists() => None,
        Err(error) => return Err(error),
    };
    let (header, began) = beginning(dir).map_err(|error| match error {
        Beginning::Missing if manifest.is_none() => BundleError::NotBegun,
        Beginning::Missing => BundleError::Log(LogError::Empty),
        Beginning::Unsound(error) => error,
    })?;
    let finished = manifest.map(|manifest| finished(dir, manifest)).transpose()?;
    Ok(Bundle { header, began, spec: small(dir, SPEC)?, finished })
}

/// Why a log does not say how its run began.
enum Beginning {
    /// It ends before.
    Missing,
    /// It can't be read, or says something else.
    Unsound(BundleError),
}

/// The first two lines of the log.
fn beginning(dir: &Path) -> Result<(Header, Part), Beginning> {
    let unsound = |error: LogError| match BundleError::from(error) {
        BundleError::Log(LogError::Empty) | BundleError::Missing { .. } => Beginning::Missing,
        error => Beginning::Unsound(error),
    };
    let mut log = LogReader::open(dir).map_err(unsound)?;
    match log.next().transpose().map_err(unsound)?.map(|event| event.what) {
        Some(What::Began(part)) => Ok((log.header().clone(), part)),
        None => Err(Beginning::Missing),
        Some(_) => {
            let why = "it does not say how the run began".to_owned();
            Err(Beginning::Unsound(BundleError::Form { file: TRACE, why }))
        }
    }
}

fn finished(dir: &Path, manifest: Manifest) -> Result<Finished, BundleError> {
    for file in EVIDENCE {
        let limit = if [TRACE, BODIES, INDEX].contains(&file) { LARGEST } else { LARGE };
        let hash = files::hash(&dir.join(file), limit).map_err(|error| BundleError::io(file, error))?;
        let hash = hash.ok_or_else(|| BundleError::TooLarge { file: file.to_owned(), limit })?;
        if manifest.hash(file) != Some(&hash) {
            return Err(altered(dir, file, &manifest.trace));
        }
    }
    let report = parse(RUN, &bounded(dir, RUN, LARGE)?)?;
    let (ending, advisories) = (manifest.ending.clone(), manifest.advisories());
    Ok(Finished { report, ending, advisories, tail: manifest.trace })
}

/// What is wrong with a file that is not the one that was written: in the log, the line.
fn altered(dir: &Path, file: &'static str, due: &Tail) -> BundleError {
    if ![TRACE, BODIES].contains(&file) {
        return BundleError::Altered { file };
    }
    let mut log = match LogReader::open(dir) {
        Ok(log) => log,
        Err(error) => return error.into(),
    };
    if let Some(error) = log.find_map(Result::err) {
        return error.into();
    }
    BundleError::ends(log.tip(), due).unwrap_or(BundleError::Altered { file })
}

fn small(dir: &Path, file: &str) -> Result<String, BundleError> {
    bounded(dir, file, SMALL)
}

fn bounded(dir: &Path, file: &str, limit: u64) -> Result<String, BundleError> {
    let text = files::text(&dir.join(file), limit).map_err(|error| BundleError::io(file, error))?;
    text.ok_or_else(|| BundleError::TooLarge { file: file.to_owned(), limit })
}

fn parse<T: serde::de::DeserializeOwned>(file: &'static str, text: &str) -> Result<T, BundleError> {
    serde_json::from_str(text).map_err(|error| BundleError::Form { file, why: error.to_string() })
}
