//! `watertight judge DIR`: a recorded run, judged again from its trace alone.
//!
//! The recorded spec is parsed with the recorded variables, planned with the recorded options, and the same machines go
//! over the recorded trace. What they would have sent and what they conclude must be what was recorded.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use time::OffsetDateTime;
use watertight_evidence::neutral::{line, short};
use watertight_evidence::style::Ink;
use watertight_evidence::{Bundle, BundleError, bundle};
use watertight_probe::plan::plan;
use watertight_probe::replay::{Divergence, replay};
use watertight_probe::report::{Report, report};
use watertight_probe::run::Run;
use watertight_probe::world::World;
use watertight_spec::parse;

use crate::carry_out::verdict;
use crate::exit::Exit;
use crate::options::Format;
use crate::printer::Printer;

/// Differences named one by one.
const LISTED: usize = 20;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The folder of a finished run
    #[arg(value_name = "DIR", default_value = "watertight-report")]
    report: PathBuf,
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    format: Format,
}

/// What `--format json` prints.
#[derive(Serialize)]
struct Judgement {
    schema: &'static str,
    /// Whether the trace yields what was recorded.
    same: bool,
    /// What the trace yields, where it can be judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'static str>,
    /// Where record and trace differ.
    differences: Vec<Difference>,
}

/// One place where record and trace differ.
#[derive(Serialize)]
struct Difference {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    what: String,
}

pub(crate) fn run(arguments: &Arguments, printer: Printer) -> Exit {
    let bundle = bundle::read(&arguments.report);
    let judgement = match bundle.map_err(Difference::from).and_then(|bundle| judge(&bundle)) {
        Ok(judgement) => judgement,
        Err(difference) => Judgement { schema: SCHEMA, same: false, verdict: None, differences: vec![difference] },
    };
    match arguments.format {
        Format::Human => tell(&judgement, printer),
        Format::Json => printer.json(&judgement),
    }
    match (judgement.same, judgement.exit()) {
        (true, Some(exit)) => exit,
        _ => Exit::Usage,
    }
}

const SCHEMA: &str = "watertight.judgement/1";

impl Judgement {
    fn exit(&self) -> Option<Exit> {
        use watertight_probe::report::Overall::{Isolated, Leak, Unproven};
        let overall = [Isolated, Leak, Unproven].into_iter().find(|overall| Some(overall.name()) == self.verdict);
        overall.map(verdict)
    }
}

/// Judges again.
fn judge(bundle: &Bundle) -> Result<Judgement, Difference> {
    let header = &bundle.header;
    let unsound = |what: String| Difference { file: bundle::SPEC.to_owned(), line: None, seq: None, what };
    let started = i64::try_from(header.started).ok().and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    let started = started.ok_or_else(|| unsound("the recorded start of the run is no time".to_owned()))?;
    let spec = parse(bundle::SPEC.as_ref(), &bundle.spec, &header.variables, started.date())
        .map_err(|problems| unsound(format!("it can't be parsed with the recorded variables: {problems}")))?;
    let plan = plan(&spec, &header.options);
    let replayed = replay(&spec, &plan, header, &bundle.trace);
    let run = Run {
        header: header.clone(),
        trace: bundle.trace.clone(),
        results: replayed.results,
        world: World::default(),
        ending: bundle.ending.clone(),
        left_behind: Vec::new(),
        requests: bundle.report.requests,
        took: Duration::from_millis(bundle.report.duration_ms),
    };
    let again = report(&spec, &plan, &run, bundle.advisories);
    let mut differences: Vec<Difference> = replayed.divergences.into_iter().map(Difference::from).collect();
    differences.extend(compare(&bundle.report, &again));
    Ok(Judgement { schema: SCHEMA, same: differences.is_empty(), verdict: Some(again.verdict.name()), differences })
}

/// Every part of the report that the trace does not yield.
fn compare(recorded: &Report, again: &Report) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut differ = |part: &str, was: String, is: String| {
        if was != is {
            let what = format!("{part}: recorded {}, judged again {}", short(&was, 500), short(&is, 500));
            differences.push(Difference { file: bundle::RUN.to_owned(), line: None, seq: None, what });
        }
    };
    differ("schema", recorded.schema.clone(), again.schema.clone());
    differ("target", recorded.target.clone(), again.target.clone());
    differ("verdict", recorded.verdict.name().to_owned(), again.verdict.name().to_owned());
    differ("summary", format!("{:?}", recorded.summary), format!("{:?}", again.summary));
    differ("coverage", format!("{:?}", recorded.coverage), format!("{:?}", again.coverage));
    differ("seed", recorded.seed.to_string(), again.seed.to_string());
    differ("number of findings", recorded.findings.len().to_string(), again.findings.len().to_string());
    for (was, is) in recorded.findings.iter().zip(&again.findings) {
        differ(&format!("finding {}", was.check), format!("{was:?}"), format!("{is:?}"));
    }
    differ("number of unproven", recorded.unproven.len().to_string(), again.unproven.len().to_string());
    for (was, is) in recorded.unproven.iter().zip(&again.unproven) {
        differ(&format!("unproven {}", was.check), format!("{was:?}"), format!("{is:?}"));
    }
    differences
}

fn tell(judgement: &Judgement, printer: Printer) {
    let palette = printer.palette();
    let verdict = judgement.verdict.unwrap_or("nothing");
    if judgement.same {
        printer.say(&format!("{}: judged again, the verdict is {verdict}", palette.paint(Ink::Good, "same")));
        return;
    }
    let mut lines =
        vec![format!("{}: the trace does not yield what was recorded", palette.paint(Ink::Bad, "different"))];
    for difference in judgement.differences.iter().take(LISTED) {
        let place = match (difference.line, difference.seq) {
            (Some(line), _) => format!("{} line {line}", difference.file),
            (None, Some(seq)) => format!("{} event {seq}", difference.file),
            (None, None) => difference.file.clone(),
        };
        lines.push(format!("  {}: {}", line(&place), short(&difference.what, 1000)));
    }
    let more = judgement.differences.len().saturating_sub(LISTED);
    if more > 0 {
        lines.push(format!("  … and {more} more"));
    }
    printer.say(&lines.join("\n"));
}

impl From<BundleError> for Difference {
    fn from(error: BundleError) -> Self {
        let (line, seq) = error.place();
        Self { file: error.file().to_owned(), line, seq, what: error.to_string() }
    }
}

impl From<Divergence> for Difference {
    fn from(divergence: Divergence) -> Self {
        let Divergence { seq, what } = divergence;
        // The header is the first line.
        Self { file: bundle::TRACE.to_owned(), line: Some(seq.saturating_add(2)), seq: Some(seq), what }
    }
}
