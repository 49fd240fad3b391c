//! `watertight plan [SPEC]`: what would run. Nothing is sent.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use watertight_evidence::neutral::{line, short};
use watertight_evidence::style::Ink;
use watertight_probe::plan::{OwnView, Plan, plan};
use watertight_probe::{catalog, pairs};
use watertight_spec::{Environment, Spec, TargetEnvironment};

use crate::exit::Exit;
use crate::folder;
use crate::options::{Format, Selection};
use crate::printer::Printer;

#[derive(Args)]
pub(crate) struct Arguments {
    /// What would be verified
    #[arg(default_value = "watertight.toml")]
    spec: PathBuf,
    #[command(flatten)]
    selection: Selection,
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    format: Format,
}

/// What `--format json` prints.
#[derive(Serialize)]
struct Outline {
    schema: &'static str,
    target: String,
    tenants: Vec<String>,
    /// Operations of the spec.
    operations: Vec<String>,
    /// What is planted or looked up before the checks.
    setup: Vec<String>,
    /// How many instances in all.
    total: usize,
    checks: Vec<Kind>,
    left_out: Vec<LeftOut>,
}

/// The instances of one check.
#[derive(Serialize)]
struct Kind {
    check: &'static str,
    title: &'static str,
    instances: usize,
    /// With the number of ordered pairs of tenants.
    operations: BTreeMap<String, usize>,
}

/// What is left out, over all pairs of tenants.
#[derive(Serialize, PartialEq, Eq)]
struct LeftOut {
    check: &'static str,
    operation: String,
    why: String,
}

pub(crate) fn run(arguments: &Arguments, printer: Printer) -> Exit {
    match outline(arguments, printer) {
        Ok(outline) => {
            match arguments.format {
                Format::Human => printer.say(&outline.text(printer)),
                Format::Json => printer.json(&outline),
            }
            Exit::Success
        }
        Err(exit) => exit,
    }
}

fn outline(arguments: &Arguments, printer: Printer) -> Result<Outline, Exit> {
    let options = arguments.selection.options(printer)?;
    let spec = folder::spec(&arguments.spec, &Environment, printer)?;
    Ok(Outline::new(&spec, &plan(&spec, &options)))
}

impl Outline {
    fn new(spec: &Spec, plan: &Plan) -> Self {
        let mut kinds: BTreeMap<&'static str, Kind> = BTreeMap::new();
        for check in &plan.checks {
            let about = check.about;
            let new = || Kind { check: about.id, title: about.title, instances: 0, operations: BTreeMap::new() };
            let kind = kinds.entry(about.id).or_insert_with(new);
            kind.instances = kind.instances.saturating_add(1);
            let pairs = kind.operations.entry(check.operation.clone()).or_default();
            *pairs = pairs.saturating_add(1);
        }
        if let (OwnView::Judged, Some(about)) = (plan.own_view, catalog::find("api.own-view")) {
            let instances = pairs(spec).len();
            let operations = BTreeMap::from([("every ordinary request".to_owned(), instances)]);
            kinds.insert(about.id, Kind { check: about.id, title: about.title, instances, operations });
        }
        let mut left_out: Vec<LeftOut> = Vec::new();
        for left in &plan.left_out {
            let row = LeftOut { check: left.check, operation: left.operation.clone(), why: left.why.clone() };
            if !left_out.contains(&row) {
                left_out.push(row);
            }
        }
        Self {
            schema: "watertight.plan/1",
            target: spec.target.name.clone(),
            tenants: spec.tenants.iter().map(|tenant| tenant.id.to_string()).collect(),
            operations: spec.operations.iter().map(|operation| operation.label()).collect(),
            setup: setup(spec),
            total: plan.total(spec),
            checks: kinds.into_values().collect(),
            left_out,
        }
    }

    fn text(&self, printer: Printer) -> String {
        let palette = printer.palette();
        let title = |text: &str| format!("\n{}", palette.paint(Ink::Strong, text));
        let mut lines = vec![format!(
            "{}: {} checks over {} tenants and {} operations; nothing was sent",
            line(&self.target),
            self.total,
            self.tenants.len(),
            self.operations.len()
        )];
        lines.push(title(&format!("Set-up ({})", self.setup.len())));
        lines.extend(self.setup.iter().map(|step| format!("  {}", line(step))));
        lines.push(title(&format!("Checks ({})", self.total)));
        for kind in &self.checks {
            lines.push(format!("  {} × {}  {}", kind.instances, palette.paint(Ink::Strong, kind.check), kind.title));
            let operations = kind.operations.iter();
            lines.extend(operations.map(|(operation, pairs)| format!("      {pairs} × {}", line(operation))));
        }
        if !self.left_out.is_empty() {
            lines.push(title(&format!("Left out ({})", self.left_out.len())));
            let rows = self.left_out.iter();
            lines.extend(rows.map(|row| format!("  {} {}: {}", row.check, line(&row.operation), short(&row.why, 300))));
        }
        lines.join("\n")
    }
}

/// What is planted or looked up: every kind of object in every tenant.
fn setup(spec: &Spec) -> Vec<String> {
    let production = spec.target.environment == TargetEnvironment::Production;
    let mut steps = Vec::new();
    for resource in &spec.resources {
        for tenant in &spec.tenants {
            match resource.existing.get(&tenant.id) {
                Some(id) => steps.push(format!("look up {} {id} of {}", resource.name, tenant.id)),
                None if resource.create.is_some() && !production => {
                    steps.push(format!("plant {} in {}", resource.name, tenant.id));
                }
                None => {}
            }
        }
    }
    steps
}
