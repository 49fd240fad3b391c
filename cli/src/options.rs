//! The options that `verify`, `plan` and `demo` share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use watertight_checks::catalog;
use watertight_checks::plan::{Depth, Options};
use watertight_evidence::report::Advisories;
use watertight_model::Surface;

use crate::exit::Exit;
use crate::printer::Printer;
use crate::suggest;

/// For whom output is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Text.
    #[default]
    Human,
    /// One JSON document on standard output, and nothing else.
    Json,
}

/// What may be denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Deny {
    /// Count an advisory as a leak
    Advisory,
}

/// Which checks run.
#[derive(Args)]
pub(crate) struct Selection {
    /// Decides order and markers; the same number repeats the same trials [default: random]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Only this check, or this surface (`api`)
    #[arg(long, value_name = "CHECK")]
    only: Option<String>,
    /// Only checks that send nothing but reads
    #[arg(long)]
    quick: bool,
}

impl Selection {
    /// As a run takes it. Says what is wrong.
    pub(crate) fn options(&self, printer: Printer) -> Result<Options, Exit> {
        if let Some(only) = &self.only {
            known(only, printer)?;
        }
        Ok(Options {
            seed: self.seed.unwrap_or_else(rand::random),
            only: self.only.clone(),
            depth: if self.quick { Depth::ReadsOnly } else { Depth::Full },
        })
    }
}

/// How a run is reported.
#[derive(Args)]
pub(crate) struct Reporting {
    /// Where the report goes
    #[arg(long, value_name = "DIR", default_value = "watertight-report")]
    pub(crate) report: PathBuf,
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub(crate) format: Format,
    /// Count advisories as leaks
    #[arg(long, value_name = "WHAT", value_enum)]
    pub(crate) deny: Vec<Deny>,
    /// If an operation of the spec is not covered, the run is unproven
    #[arg(long)]
    require_coverage: bool,
}

/// Whether operations that no check decided matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uncovered {
    /// They are listed.
    Listed,
    /// They make the run unproven.
    Unproven,
}

impl Reporting {
    /// Whether advisories count as leaks.
    pub(crate) fn advisories(&self) -> Advisories {
        if self.deny.contains(&Deny::Advisory) { Advisories::Denied } else { Advisories::Reported }
    }

    /// Whether operations that no check decided matter.
    pub(crate) fn uncovered(&self) -> Uncovered {
        if self.require_coverage { Uncovered::Unproven } else { Uncovered::Listed }
    }
}

/// Complains of a check that does not exist.
fn known(only: &str, printer: Printer) -> Result<(), Exit> {
    let checks = catalog::all();
    let ids = || checks.iter().map(|check| check.id);
    let surfaces = || Surface::ALL.iter().map(|surface| surface.name());
    if ids().chain(surfaces()).any(|id| id == only) {
        return Ok(());
    }
    let only_shown = watertight_evidence::escape::short(only, 80);
    let help = suggest::help(only, ids().chain(surfaces()), "watertight explain");
    printer.complain(&format!("--only {only_shown}: there is no such check or surface"), &help);
    Err(Exit::Usage)
}
