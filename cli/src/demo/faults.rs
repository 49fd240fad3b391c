//! The bugs that the platform can be given.

use serde::Serialize;
use watertight_evidence::escape::short;
use watertight_evidence::style::Ink;
use watertight_faults::{ALL, Fault, by_name};

use crate::exit::Exit;
use crate::options::Format;
use crate::printer::Printer;
use crate::suggest;

/// What `--format json` prints of a fault.
#[derive(Serialize)]
struct Listed {
    fault: &'static str,
    summary: &'static str,
    origin: &'static str,
    surface: &'static str,
    caught_by: &'static [&'static str],
    consequences: &'static [&'static str],
    operations: &'static [&'static str],
}

impl From<&Fault> for Listed {
    fn from(fault: &Fault) -> Self {
        let Fault { name, summary, origin, surface, caught_by, consequences, operations, .. } = fault;
        Self { fault: name, summary, origin, surface: surface.name(), caught_by, consequences, operations }
    }
}

/// The fault with this name. Says what was probably meant.
pub(super) fn named(name: &str, printer: Printer) -> Result<&'static Fault, Exit> {
    by_name(name).ok_or_else(|| {
        let help = suggest::help(name, ALL.iter().map(|fault| fault.name), "watertight demo --list-faults");
        printer.complain(&format!("there is no fault {}", short(name, 80)), &help);
        Exit::Usage
    })
}

pub(super) fn list(format: Format, printer: Printer) {
    match format {
        Format::Json => printer.json(&ALL.iter().map(|fault| Listed::from(*fault)).collect::<Vec<_>>()),
        Format::Human => {
            let longest = ALL.iter().map(|fault| fault.name.len()).max().unwrap_or(0);
            let lines: Vec<String> = ALL
                .iter()
                .map(|fault| {
                    let gap = " ".repeat(longest.saturating_sub(fault.name.len()));
                    let name = printer.palette().paint(Ink::Strong, fault.name);
                    format!("{name}{gap}  {} ({})", fault.summary, fault.caught_by.join(", "))
                })
                .collect();
            printer.say(&lines.join("\n"));
        }
    }
}
