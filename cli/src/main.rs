//! `watertight`: keeps the tenants of a platform apart, and shows it. This is the command line of the half that shows it.
//!
//! One file a command. What they share: [`exit`] has the exit codes, [`printer`] is the only place that prints,
//! [`progress`] draws, [`folder`] knows the report's folder, [`options`] the options of a run, [`carry_out`] runs a plan
//! and tells what came of it.

mod carry_out;
mod clean;
#[cfg(feature = "demo")]
mod demo;
mod exit;
mod explain;
mod folder;
mod init;
mod judge;
mod options;
mod plan;
mod printer;
mod progress;
mod schema;
mod signals;
mod suggest;
mod verify;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::exit::Exit;
use crate::printer::Printer;

/// A run makes some hundred small texts for each request. The system's allocator took a sixth of the processor's time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Keeps the tenants of a platform apart, and shows it: tries every way in which one tenant could see or change another's
/// data, and leaves evidence that can be judged again.
#[derive(Parser)]
#[command(name = "watertight", version, arg_required_else_help = true, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 isolated · 1 leak · 2 unproven · 3 usage or spec error · 4 target unreachable or \
                          set-up failed · 5 internal error · 130 interrupted";

#[derive(Subcommand)]
enum Command {
    /// Verify the platform that a spec describes
    Verify(verify::Arguments),
    /// Judge a recorded run again, offline, and compare
    Judge(judge::Arguments),
    /// Show what would be attacked and what would not; nothing is sent
    Plan(plan::Arguments),
    /// Write a commented spec to begin with
    Init(init::Arguments),
    /// Print the JSON Schema of a spec, for editors
    Schema,
    /// Remove what an interrupted run had created
    Clean(clean::Arguments),
    /// What a check does, how it judges, the bug it comes from, how to fix it
    Explain(explain::Arguments),
    /// Verify a reference platform, sound or with chosen bugs
    #[cfg(feature = "demo")]
    Demo(demo::Arguments),
}

fn main() -> ExitCode {
    let printer = Printer::new();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let text = panic.payload_as_str().unwrap_or("no reason given");
        let what = format!("internal error at {place}: {}", watertight_evidence::escape::short(text, 300));
        printer.complain(&what, "this is a bug; please report it");
    }));
    // Whatever was held when it panicked is dropped, not used again.
    catch_unwind(AssertUnwindSafe(|| run(printer))).unwrap_or(Exit::Internal).into()
}

fn run(printer: Printer) -> Exit {
    let command = match Arguments::try_parse() {
        Ok(arguments) => arguments.command,
        Err(told) => return usage(printer, &told),
    };
    // All TLS of the process goes through this provider; a second installation would be a bug, and does no harm.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = match runtime(&command) {
        Ok(runtime) => runtime,
        Err(error) => {
            printer.complain(&format!("no runtime can be started: {error}"), "");
            return Exit::Internal;
        }
    };
    runtime.block_on(async {
        match command {
            Command::Verify(arguments) => verify::run(arguments, printer).await,
            Command::Judge(arguments) => judge::run(&arguments, printer),
            Command::Plan(arguments) => plan::run(&arguments, printer),
            Command::Init(arguments) => init::run(&arguments, printer),
            Command::Schema => schema::run(printer),
            Command::Clean(arguments) => clean::run(&arguments, printer).await,
            Command::Explain(arguments) => explain::run(&arguments, printer),
            #[cfg(feature = "demo")]
            Command::Demo(arguments) => demo::run(arguments, printer).await,
        }
    })
}

/// A run is one task, and its connections are quicker on its own thread. The demonstration has the platform beside it.
fn runtime(command: &Command) -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = match command {
        #[cfg(feature = "demo")]
        Command::Demo(_) => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    builder.enable_all().build()
}

/// Help and version were asked for; anything else is a mistake.
fn usage(printer: Printer, told: &clap::Error) -> Exit {
    match told.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            printer.say(&told.to_string());
            Exit::Success
        }
        _ => {
            printer.note(&told.to_string());
            Exit::Usage
        }
    }
}
