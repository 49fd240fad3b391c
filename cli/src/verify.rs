//! `watertight verify [SPEC]`: the main job.

use std::path::PathBuf;

use clap::Args;
use watertight_probe::run::Afterwards;
use watertight_spec::{Environment, TargetEnvironment};

use crate::carry_out::{Order, carry_out};
use crate::exit::Exit;
use crate::options::{Reporting, Selection};
use crate::printer::Printer;
use crate::{folder, signals};

#[derive(Args)]
pub(crate) struct Arguments {
    /// What to verify, and with what
    #[arg(default_value = "watertight.toml")]
    spec: PathBuf,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    reporting: Reporting,
    /// Verify a target whose environment is "production"; only reads are sent
    #[arg(long)]
    allow_production: bool,
}

pub(crate) async fn run(arguments: Arguments, printer: Printer) -> Exit {
    match verify(arguments, printer).await {
        Ok(exit) | Err(exit) => exit,
    }
}

async fn verify(arguments: Arguments, printer: Printer) -> Result<Exit, Exit> {
    let Arguments { spec, selection, reporting, allow_production } = arguments;
    let options = selection.options(printer)?;
    let spec = folder::spec(&spec, &Environment, printer)?;
    if spec.target.environment == TargetEnvironment::Production && !allow_production {
        let what = format!("{} is a production system", watertight_evidence::neutral::line(&spec.target.name));
        printer.complain(&what, "with --allow-production it is verified, and only reads are sent");
        return Err(Exit::Usage);
    }
    let journal = folder::begin(&reporting.report, &spec, printer)?;
    let stop = signals::stop(printer).map_err(|error| {
        printer.complain(&format!("signals can't be listened for: {error}"), "");
        Exit::Internal
    })?;
    let order = Order {
        spec: &spec,
        options: &options,
        journal,
        afterwards: Afterwards::CleanUp,
        advisories: reporting.advisories(),
        uncovered: reporting.uncovered(),
        format: reporting.format,
        dir: &reporting.report,
        stop,
    };
    Ok(carry_out(order, printer).await)
}
