//! `watertight demo`: the reference platform, sound or with chosen bugs, verified as any other platform is.
//!
//! The platform and its identity providers listen on loopback. What the verifier gets of them is a file, `demo.toml`, and
//! the variables that it names, and nothing else.

mod faults;
mod keep;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use clap::Args;
use secrecy::ExposeSecret as _;
use watertight_checks::run::{Afterwards, Resume};
use watertight_engine::journal::{Entry, Journal};
use watertight_evidence::bundle;
use watertight_evidence::escape::short;
use watertight_evidence::report::Advisories;
use watertight_faults::{
    AUDIENCE, Demo, DemoClient, DemoSecrets, FORBIDDEN_SCOPE, Fault, OTHER_AUDIENCE, SCOPE, start,
};

use crate::carry_out::{Order, carry_out};
use crate::exit::Exit;
use crate::options::{Reporting, Selection};
use crate::printer::Printer;
use crate::{folder, signals};

/// The spec, with names between `@` in place of what is known only when the platform runs.
const SPEC: &str = include_str!("demo/demo.toml");
/// Its name in the report's folder.
const SPEC_FILE: &str = "demo.toml";

#[derive(Args)]
pub(crate) struct Arguments {
    /// Give the platform this bug, which the run must then catch; repeatable
    #[arg(long, value_name = "NAME")]
    fault: Vec<String>,
    /// List the bugs that the platform can be given
    #[arg(long)]
    list_faults: bool,
    /// Leave platform and planted objects until Ctrl-C, to be verified from another terminal
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    reporting: Reporting,
}

/// Variables of the spec.
type Variables = BTreeMap<String, String>;

pub(crate) async fn run(arguments: Arguments, printer: Printer) -> Exit {
    if arguments.list_faults {
        faults::list(arguments.reporting.format, printer);
        return Exit::Success;
    }
    match demonstrate(arguments, printer).await {
        Ok(exit) | Err(exit) => exit,
    }
}

async fn demonstrate(arguments: Arguments, printer: Printer) -> Result<Exit, Exit> {
    let faults = arguments.fault.iter().map(|name| faults::named(name, printer)).collect::<Result<Vec<_>, _>>()?;
    let options = arguments.selection.options(printer)?;
    let dir = arguments.reporting.report.as_path();
    folder::set_aside(dir, printer)?;
    keep::forget(dir).map_err(|error| folder::unwritable(dir, &error, printer))?;
    let stop = signals::stop(printer)
        .map_err(|error| internal(&format!("signals can't be listened for: {error}"), printer))?;
    let demo = start(&faults, DemoSecrets::random())
        .await
        .map_err(|error| internal(&format!("the reference platform did not start: {error}"), printer))?;

    let variables = variables(&demo);
    let path = dir.join(SPEC_FILE);
    let written = std::fs::create_dir_all(dir).and_then(|()| std::fs::write(&path, spec_text(&demo)));
    written.map_err(|error| folder::unwritable(dir, &error, printer))?;
    let spec = Arc::new(folder::spec(&path, &variables, printer)?);
    let order = Order {
        spec: Arc::clone(&spec),
        options,
        afterwards: if arguments.keep { Afterwards::Leave } else { Afterwards::CleanUp },
        resume: Resume::Fresh,
        advisories: advisories(&arguments.reporting, &faults),
        uncovered: arguments.reporting.uncovered(),
        format: arguments.reporting.format,
        dir,
        stop: stop.clone(),
    };
    let exit = carry_out(order, printer).await;
    owes_nothing(dir);
    if arguments.keep && exit.is_ok() {
        keep::until_stopped(dir, &spec, &variables, stop, printer).await?;
    }
    demo.shutdown().await;
    exit
}

/// The platform goes away, and all that was created with it: there is nothing for a clean-up to do.
fn owes_nothing(dir: &Path) {
    if let Ok(mut journal) = Journal::resume(&dir.join(bundle::JOURNAL)) {
        // If it can't be written, the next run moves this folder aside, and no more.
        let _ = journal.write(&Entry::Cleaned);
    }
}

/// What a fault does must be caught, even where it shows as a weakness only.
fn advisories(reporting: &Reporting, faults: &[&Fault]) -> Advisories {
    match faults {
        [] => reporting.advisories(),
        [..] => Advisories::Denied,
    }
}

fn internal(what: &str, printer: Printer) -> Exit {
    printer.complain(&short(what, 500), "");
    Exit::Internal
}

/// The values of the spec's variables.
fn variables(demo: &Demo) -> Variables {
    let mut variables = Variables::new();
    let mut client = |name: &str, client: &DemoClient| {
        variables.insert(format!("{name}_CLIENT_ID"), client.id.clone());
        variables.insert(format!("{name}_CLIENT_SECRET"), client.secret.expose_secret().to_owned());
    };
    for agency in &demo.agencies {
        let name = agency.tenant.trim_start_matches("agency-").to_uppercase();
        client(&name, &agency.service);
        client(&format!("{name}_BRIEF"), &agency.brief);
    }
    client("UNBOUND", &demo.unbound);
    client("IMPOSTOR", &demo.impostor);
    variables.insert("OPERATOR_KEY".to_owned(), format!("Bearer {}", demo.operator_key.expose_secret()));
    variables
}

/// The spec of a running platform.
fn spec_text(demo: &Demo) -> String {
    let known = [
        ("@api@", demo.api_url.as_str()),
        ("@shared_issuer@", &demo.shared_issuer.issuer_url),
        ("@own_issuer@", &demo.own_issuer.issuer_url),
        ("@shared_token@", &demo.shared_issuer.token_url),
        ("@own_token@", &demo.own_issuer.token_url),
        ("@audience@", AUDIENCE),
        ("@other_audience@", OTHER_AUDIENCE),
        ("@forbidden_scope@", FORBIDDEN_SCOPE),
        ("@scope@", SCOPE),
    ];
    known.iter().fold(SPEC.to_owned(), |text, (name, value)| text.replace(name, value))
}

/// The file of variables, beside the spec.
fn env_file(dir: &Path) -> std::path::PathBuf {
    dir.join("demo.env")
}
