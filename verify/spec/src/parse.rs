//! Text → [`Spec`], or every mistake in it.

use std::io::Read;
use std::path::Path;

use toml::de::DeTable;

use crate::diagnostic::Problems;
use crate::env::EnvSource;
use crate::keys::ROOT;
use crate::read;
use crate::reader::Reader;
use crate::report::Report;
use crate::secrets;
use crate::spec::{Source, Spec};

/// A spec may be this long, in bytes.
const LARGEST: usize = 1 << 20;

/// Reads and parses a spec.
///
/// # Errors
/// All that is wrong in it, or that it cannot be read.
pub fn parse_file(path: &Path, env: &dyn EnvSource, today: time::Date) -> Result<Spec, Problems> {
    let unreadable = |error: std::io::Error| {
        let help = "name another file, or write one with `watertight init`".to_owned();
        Problems::of_file(path, format!("this file cannot be read: {error}"), help)
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let bound = u64::try_from(LARGEST).unwrap_or(u64::MAX).saturating_add(1);
    file.take(bound).read_to_end(&mut bytes).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|error| not_utf8(path, &error))?;
    parse(path, &text, env, today)
}

/// Parses a spec. Nothing is read besides `env` and, for variables that `env` lacks, the `env_file` that the spec names
/// (relative to the folder of `path`).
///
/// # Errors
/// All that is wrong in it, in the order of the file. Only TOML's own syntax is reported one mistake at a time.
pub fn parse(path: &Path, text: &str, env: &dyn EnvSource, today: time::Date) -> Result<Spec, Problems> {
    if text.len() > LARGEST {
        let help = "split it: one spec for each platform, or fewer resources in each".to_owned();
        return Err(Problems::of_file(path, format!("this file is larger than {LARGEST} bytes"), help));
    }
    let plain = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document = DeTable::parse(plain).map_err(|error| syntax(path, plain, &error))?;
    let mut reader = Reader::new(path, plain, env);
    secrets::hide(&mut reader.report, document.get_ref());
    reader.variables.set_secrets(secrets::variables(document.get_ref()));
    let root = reader.open(&ROOT, document.get_ref(), 0..0);
    let source = Source { path: path.to_owned(), text: text.to_owned() };
    let parts = read::document(&mut reader, &root, source, today);
    for (name, secret) in reader.variables.would_show() {
        let at = plain.find(&format!("\"${name}\"")).unwrap_or_default();
        let message = format!("`${name}` has the value of the secret `${secret}`, and would be shown");
        let help = "no secret can be sent in a body: leave that request out, or give the account one that is none";
        reader.report.note(at..at.saturating_add(name.len()).saturating_add(3), message, help);
    }
    let Reader { report, variables, .. } = reader;
    match (report.finish(path), parts) {
        (Some(problems), _) => Err(problems),
        (None, Some(spec)) => Ok(Spec { variables: variables.into_used(), ..spec }),
        (None, None) => {
            let help = "please report this file (without its secrets) as a bug".to_owned();
            Err(Problems::of_file(path, "this spec is refused, for no reason that is known".to_owned(), help))
        }
    }
}

fn syntax(path: &Path, text: &str, error: &toml::de::Error) -> Problems {
    let mut report = Report::new(text);
    secrets::hide_by_line(&mut report);
    let span = error.span().unwrap_or(text.len()..text.len());
    let message = format!("this is not TOML: {}", error.message());
    let help = "https://toml.io shows how; further mistakes are looked for once this one is fixed";
    report.note(span, message.clone(), help);
    report.finish(path).unwrap_or_else(|| Problems::of_file(path, message, help.to_owned()))
}

fn not_utf8(path: &Path, error: &std::string::FromUtf8Error) -> Problems {
    let sound = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
    let line = sound.iter().filter(|byte| **byte == b'\n').count().saturating_add(1);
    let help = "save it as UTF-8".to_owned();
    Problems::of_file(path, format!("this file is not UTF-8 (line {line})"), help)
}
