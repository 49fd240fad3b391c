//! `watertight init`: a commented spec to begin with, and the schema by which editors know its keys.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use watertight_evidence::escape::line;
use watertight_spec::{INIT_TEMPLATE, RECIPES};

use crate::exit::Exit;
use crate::printer::Printer;
use crate::schema;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The file to write
    #[arg(default_value = "watertight.toml")]
    spec: PathBuf,

    /// A whole spec for a kind of API, to change, in place of the general one
    #[arg(long, value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(RECIPES.map(|(name, _)| name)))]
    example: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, printer: Printer) -> Exit {
    let path = line(&arguments.spec.to_string_lossy());
    let recipe = RECIPES.iter().find(|(name, _)| arguments.example.as_deref() == Some(name));
    let text = recipe.map_or(INIT_TEMPLATE, |(_, text)| text);
    let complain = |what: String| {
        printer.complain(&what, "name another file");
        Exit::Usage
    };
    match write_new(&arguments.spec, &format!("#:schema ./{}\n{text}", schema::FILE)) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return complain(format!("{path} exists already, and is left as it is"));
        }
        Err(error) => return complain(format!("{path} can't be written: {error}")),
    }
    let schema = arguments.spec.with_file_name(schema::FILE);
    match write_new(&schema, &schema::text()) {
        Ok(()) => {}
        // It says the same for every spec.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => {
            let schema = line(&schema.to_string_lossy());
            return complain(format!("{path} is written, but {schema} can't be: {error}"));
        }
    }
    printer.say(&format!(
        "{path} is written, and beside it {}, from which editors know its keys. Describe your platform in it, set the \
         variables that it names, then:\n\
         \n  watertight plan {path}      shows what would run, sends nothing\n  watertight verify {path}",
        schema::FILE
    ));
    Exit::Success
}

/// Writes a file that is not there.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}
