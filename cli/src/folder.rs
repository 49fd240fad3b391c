//! The folder of a run, and the spec that is read.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use time::{Date, OffsetDateTime};
use watertight_checks::catalog;
use watertight_engine::journal::Journal;
use watertight_evidence::bundle;
use watertight_evidence::escape::{line, short};
use watertight_spec::{EnvSource, Spec, parse_file};

use crate::exit::Exit;
use crate::printer::Printer;
use crate::suggest;

/// Folders that are tried when one is moved aside.
const MOST_ASIDE: u32 = 10_000;

/// The day on which exclusions are judged.
pub(crate) fn today() -> Date {
    OffsetDateTime::now_utc().date()
}

/// Reads a spec; shows all that is wrong in it.
pub(crate) fn spec(path: &Path, env: &dyn EnvSource, printer: Printer) -> Result<Spec, Exit> {
    let spec = parse_file(path, env, today()).map_err(|problems| {
        printer.problems(&problems);
        Exit::Usage
    })?;
    // Which checks there are is not the parser's to know.
    for exclude in &spec.excludes {
        if !catalog::excludable().any(|known| known == exclude.check) {
            let (path, check) = (line(&path.to_string_lossy()), short(&exclude.check, 80));
            let what = format!("{path}: an [[exclude]] names the check {check}, and there is none");
            printer.complain(&what, &suggest::help(&exclude.check, catalog::excludable(), "watertight explain"));
            return Err(Exit::Usage);
        }
    }
    Ok(spec)
}

/// Makes the folder ready for a run.
pub(crate) fn begin(dir: &Path, spec: &Spec, printer: Printer) -> Result<(), Exit> {
    set_aside(dir, printer)?;
    bundle::begin(dir, spec).map_err(|error| unwritable(dir, &error, printer))
}

/// A folder whose journal names what an earlier run created and did not remove is moved aside, and never written over. One
/// that can't be moved (the current folder, a mount) keeps it in a folder of its own.
pub(crate) fn set_aside(dir: &Path, printer: Printer) -> Result<(), Exit> {
    let unusable = |error: &std::io::Error| unwritable(dir, error, printer);
    match Journal::resume(&dir.join(bundle::JOURNAL)) {
        Ok(journal) if journal.is_clean() => return Ok(()),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unusable(&error)),
    }
    let free = |name: &Path| free_name(name).ok_or_else(|| unusable(&ErrorKind::AlreadyExists.into()));
    let beside = free(dir)?;
    let to = match std::fs::rename(dir, &beside) {
        Ok(()) => beside,
        Err(_) => {
            let within = free(&dir.join("earlier"))?;
            bundle::move_into(dir, &within).map_err(|error| unusable(&error))?;
            within
        }
    };
    let (from, to) = (line(&dir.to_string_lossy()), line(&to.to_string_lossy()));
    printer.note(&format!(
        "note: {from} belongs to a run that did not remove what it had created; that run is now in {to}, and `watertight \
         clean {to}` removes what it created"
    ));
    Ok(())
}

/// `DIR.1`, or the next number that is free.
fn free_name(dir: &Path) -> Option<PathBuf> {
    let name = dir.components().collect::<PathBuf>().into_os_string();
    let numbered = (1..MOST_ASIDE).map(|number| {
        let mut name = name.clone();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    });
    numbered.into_iter().find(|path| std::fs::symlink_metadata(path).is_err())
}

/// A folder that can't be used.
pub(crate) fn unwritable(dir: &Path, error: &std::io::Error, printer: Printer) -> Exit {
    let folder = line(&dir.to_string_lossy());
    printer.complain(&format!("{folder} can't be used for the report: {error}"), "name another folder with --report");
    Exit::Usage
}
