//! The folder of a run, and the spec that is read.

use std::io::ErrorKind;
use std::path::Path;

use time::{Date, OffsetDateTime};
use watertight_evidence::bundle;
use watertight_evidence::neutral::{line, short};
use watertight_probe::catalog;
use watertight_probe::journal::Journal;
use watertight_spec::{EnvSource, Spec, parse_file};

use crate::exit::Exit;
use crate::printer::Printer;
use crate::suggest;

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
        if catalog::find(&exclude.check).is_none() {
            let (path, check) = (line(&path.to_string_lossy()), short(&exclude.check, 80));
            let what = format!("{path}: an [[exclude]] names the check {check}, and there is none");
            let known = catalog::all().into_iter().map(|about| about.id);
            printer.complain(&what, &suggest::help(&exclude.check, known, "watertight explain"));
            return Err(Exit::Usage);
        }
    }
    Ok(spec)
}

/// Makes the folder ready for a run, unless an earlier run left something in its target. Returns the run's journal.
pub(crate) fn begin(dir: &Path, spec: &Spec, printer: Printer) -> Result<Journal, Exit> {
    refuse_uncleaned(dir, printer)?;
    let journal = bundle::begin(dir, spec).and_then(|path| Journal::create(&path));
    journal.map_err(|error| unwritable(dir, &error, printer))
}

/// A journal that names what a killed run created must not be overwritten.
pub(crate) fn refuse_uncleaned(dir: &Path, printer: Printer) -> Result<(), Exit> {
    let folder = line(&dir.to_string_lossy());
    match Journal::resume(&dir.join(bundle::JOURNAL)) {
        Ok(journal) if journal.is_clean() => Ok(()),
        Ok(_) => {
            let what = format!("{folder} belongs to a run that did not remove what it had created");
            let help = format!(
                "`watertight clean {folder}` removes it; or use another --report; or delete the folder, if its target is gone"
            );
            printer.complain(&what, &help);
            Err(Exit::Usage)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(unwritable(dir, &error, printer)),
    }
}

/// A folder that can't be used.
pub(crate) fn unwritable(dir: &Path, error: &std::io::Error, printer: Printer) -> Exit {
    let folder = line(&dir.to_string_lossy());
    printer.complain(&format!("{folder} can't be used for the report: {error}"), "name another folder with --report");
    Exit::Usage
}
