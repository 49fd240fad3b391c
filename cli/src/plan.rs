//! `watertight plan [SPEC]`: what would run, and what it would cost. Nothing is sent.
//!
//! - here: what is told, as a program reads it. [`text`]: the same for people. [`cost`]: what a run takes.

mod cost;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;
use watertight_checks::check::{Check, Subject};
use watertight_checks::plan::{Acted, Attacked, Gap, Outline, Plan, Stays, Untried, plan};
use watertight_spec::{Environment, Spec};

use cost::Cost;
pub(crate) use cost::beyond;

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
struct Document {
    schema: &'static str,
    target: String,
    tenants: Vec<String>,
    /// Operations of the spec.
    operations: Vec<String>,
    /// What is planted or looked up before the checks.
    setup: Vec<String>,
    /// About what it takes.
    cost: Cost,
    /// How many verdicts in all.
    total: usize,
    checks: Vec<Kind>,
    /// What is attacked in each operation.
    attacked: Vec<Attacked>,
    /// Principals whose own credentials are looked at, and by which checks.
    credentials: BTreeMap<String, BTreeSet<&'static str>>,
    /// Checks that look through every ordinary request.
    looked_through: Vec<&'static str>,
    /// Operations that nothing tries.
    not_tried: Vec<Untried>,
    left_out: Vec<LeftOut>,
    /// What is done to sessions, members and tenants, after all else; absent where nothing is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    acts: Vec<Acted>,
    /// What is there after the run.
    stays: Vec<Stays>,
    /// What the spec says nothing of.
    not_covered: Vec<Gap>,
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
    /// The operation's name, or what else is not tried.
    #[serde(skip)]
    name: String,
}

pub(crate) fn run(arguments: &Arguments, printer: Printer) -> Exit {
    match document(arguments, printer) {
        Ok(document) => {
            match arguments.format {
                Format::Human => printer.say(&text::render(&document, printer.palette())),
                Format::Json => printer.json(&document),
            }
            Exit::Success
        }
        Err(exit) => exit,
    }
}

fn document(arguments: &Arguments, printer: Printer) -> Result<Document, Exit> {
    let options = arguments.selection.options(printer)?;
    let spec = Arc::new(folder::spec(&arguments.spec, &Environment, printer)?);
    Ok(Document::new(&spec, &plan(&spec, &options)))
}

impl Document {
    fn new(spec: &Arc<Spec>, plan: &Plan) -> Self {
        let outline = Outline::new(spec, plan);
        let mut kinds: BTreeMap<&'static str, Kind> = BTreeMap::new();
        let mut note = |check: &'static Check, operation: String, pairs: usize| {
            let new = || Kind { check: check.id, title: check.title, instances: 0, operations: BTreeMap::new() };
            let kind = kinds.entry(check.id).or_insert_with(new);
            kind.instances = kind.instances.saturating_add(pairs);
            let counted = kind.operations.entry(operation).or_default();
            *counted = counted.saturating_add(pairs);
        };
        outline.sending(plan).for_each(|trial| note(trial.check, trial.subject.label(spec), 1));
        plan.watched().for_each(|check| note(check, Subject::Everything.label(spec), spec.pairs().len()));
        let mut left_out: Vec<LeftOut> = Vec::new();
        for left in plan.left_out.iter().chain(&outline.silent) {
            let name = left.subject.operation().map_or_else(|| left.operation.clone(), |ix| spec[ix].name.clone());
            let row = LeftOut { check: left.check, operation: left.operation.clone(), why: left.why.clone(), name };
            if !left_out.contains(&row) {
                left_out.push(row);
            }
        }
        let mut credentials: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
        for trial in outline.sending(plan) {
            if let Subject::Token(who) = trial.subject {
                credentials.entry(spec.name_of(who)).or_default().insert(trial.check.id);
            }
        }
        Self {
            schema: "watertight.plan/1",
            target: spec.target.name.clone(),
            tenants: spec.tenants.iter().map(|tenant| tenant.id.to_string()).collect(),
            operations: spec.operations.iter().map(|operation| operation.label()).collect(),
            setup: plan.setup(spec),
            cost: plan.cost(spec, outline.sending(plan)).into(),
            total: kinds.values().map(|kind| kind.instances).sum(),
            checks: kinds.into_values().collect(),
            attacked: outline.attacked,
            credentials,
            looked_through: plan.watched().map(|check| check.id).collect(),
            not_tried: outline.untried,
            left_out,
            acts: outline.acts,
            stays: outline.stays,
            not_covered: outline.gaps,
        }
    }
}
