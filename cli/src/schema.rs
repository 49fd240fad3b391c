//! `watertight schema`: the JSON Schema of a spec, for editors.

use watertight_spec::schema;

use crate::exit::Exit;
use crate::printer::Printer;

/// What `watertight init` calls the schema that it writes beside a spec.
pub(crate) const FILE: &str = "watertight.schema.json";

pub(crate) fn run(printer: Printer) -> Exit {
    printer.json(&schema());
    Exit::Success
}

/// The text of that file.
pub(crate) fn text() -> String {
    format!("{:#}\n", schema())
}
