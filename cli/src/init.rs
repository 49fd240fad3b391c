//! `watertight init`: a commented spec to begin with.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use clap::Args;
use watertight_evidence::escape::line;
use watertight_spec::{INIT_TEMPLATE, RECIPES};

use crate::exit::Exit;
use crate::printer::Printer;

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
    let file = OpenOptions::new().write(true).create_new(true).open(&arguments.spec);
    match file.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => {
            printer.say(&format!(
                "{path} is written. Describe your platform in it, set the variables that it names, then:\n\
                 \n  watertight plan {path}      lists what would run, sends nothing\n  watertight verify {path}"
            ));
            Exit::Success
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            printer.complain(&format!("{path} exists already, and is left as it is"), "name another file");
            Exit::Usage
        }
        Err(error) => {
            printer.complain(&format!("{path} can't be written: {error}"), "name another file");
            Exit::Usage
        }
    }
}
