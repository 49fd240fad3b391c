//! `watertight plan [SPEC]`: what would run, and what it would cost. Nothing is sent.
//!
//! - here: what is told, as a program reads it. [`text`]: the same for people.

mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use watertight_checks::check::{Check, Subject};
use watertight_checks::plan::{self, Acted, Attacked, Gap, Outline, Plan, Stays, Untried, plan};
use watertight_spec::{Environment, Spec};

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

/// About what a run takes.
#[derive(Serialize)]
struct Cost {
    requests: u64,
    /// Where the target takes 10 ms to answer.
    seconds_at_10_ms: u64,
    /// Where it takes 50 ms.
    seconds_at_50_ms: u64,
}

impl From<plan::Cost> for Cost {
    fn from(cost: plan::Cost) -> Self {
        let seconds = |ms: u64| {
            let time = cost.time_at(Duration::from_millis(ms));
            time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
        };
        Self { requests: cost.requests, seconds_at_10_ms: seconds(10), seconds_at_50_ms: seconds(50) }
    }
}

impl Cost {
    /// `about 10,900 requests: 22 s at 10 ms an answer, 1 min 50 s at 50 ms`
    fn text(&self) -> String {
        let (fast, slow) = (span(self.seconds_at_10_ms), span(self.seconds_at_50_ms));
        format!("about {} requests: {fast} at 10 ms an answer, {slow} at 50 ms", grouped(self.requests))
    }
}

/// `1 min 50 s`
fn span(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// About as many, to three digits that count: `10,900`.
fn grouped(count: u64) -> String {
    let unit = 10_u64.saturating_pow(count.max(1).ilog10().saturating_sub(2));
    let digits = (count.saturating_add(unit / 2) / unit).saturating_mul(unit).to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_reads_as_people_say_it() {
        let cost = Cost { requests: 10_873, seconds_at_10_ms: 22, seconds_at_50_ms: 110 };
        assert_eq!(cost.text(), "about 10,900 requests: 22 s at 10 ms an answer, 1 min 50 s at 50 ms");
        assert_eq!([7, 999, 1_234_567].map(grouped), ["7", "999", "1,230,000"]);
        assert_eq!([0, 59, 60, 3_600, 7_325].map(span), ["0 s", "59 s", "1 min", "1 h", "2 h 2 min"]);
    }
}
