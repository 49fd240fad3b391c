//! A recorded run, judged again from its folder alone.
//!
//! The recorded spec is parsed with the recorded variables, planned with the recorded options, and the same scripts go
//! over the recorded log. What they would have sent and what they conclude must be what was recorded. The log of a run
//! that was killed is judged as far as it goes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use time::{Date, OffsetDateTime};
use watertight_checks::judge::{Replayed, replay};
use watertight_checks::plan::{Options, Plan, plan};
use watertight_checks::run::{Ending, Run};
use watertight_engine::Divergence;
use watertight_engine::log::TRACE;
use watertight_spec::{Spec, parse};

use crate::bundle::{self, Bundle, BundleError, Finished};
use crate::escape::{line, short};
use crate::report::{Advisories, Overall, Report, report};

/// The schema of a judgement.
pub const JUDGEMENT_SCHEMA: &str = "watertight.judgement/1";

/// What judging a folder again yields.
#[derive(Clone, Debug, Serialize)]
pub struct Judgement {
    /// `watertight.judgement/1`
    pub schema: &'static str,
    /// Whether the log is what the scripts would have done, and yields what was recorded.
    pub same: bool,
    /// Whether the run tried all that it had planned.
    pub complete: bool,
    /// Trials that the log decides.
    pub decided: usize,
    /// Trials that were planned.
    pub trials: usize,
    /// What the log yields, where it can be judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Overall>,
    /// Of an incomplete run: how far it came, and what finishes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where record and log differ.
    pub differences: Vec<Difference>,
}

/// One place where record and log differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The file.
    pub file: String,
    /// Its line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The event in that line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// What differs, for people.
    pub what: String,
}

/// Judges the folder of a run again.
///
/// # Errors
/// It can't be judged: a file is missing, was changed, or can't be understood.
pub fn judge(dir: &Path) -> Result<Judgement, BundleError> {
    let bundle = match bundle::read(dir) {
        Err(BundleError::NotBegun) => return Ok(Judgement::of_nothing()),
        read => read?,
    };
    let spec = Arc::new(recorded_spec(&bundle)?);
    let plan = plan(&spec, &bundle.options()?);
    let mut replayed = replay(&spec, &plan, dir)?;
    let mut differences: Vec<Difference> =
        std::mem::take(&mut replayed.divergences).into_iter().map(Into::into).collect();
    if let Some(finished) = &bundle.finished {
        differences.extend(BundleError::ends(&replayed.tip, &finished.tail).map(Difference::from));
    }
    let (in_log, trials) = (replayed.decided, plan.trials.len());
    let again = judged(&bundle, &spec, &plan, replayed, dir)?;
    if let Some(finished) = &bundle.finished {
        differences.extend(compare(&finished.report, &again));
    }
    let ending = bundle.ending();
    let complete = ending == Ending::Complete;
    // Of a complete run, what the log does not decide was decided without sending anything.
    let decided = if complete { trials } else { in_log };
    Ok(Judgement {
        schema: JUDGEMENT_SCHEMA,
        same: differences.is_empty(),
        complete,
        decided,
        trials,
        verdict: Some(again.verdict),
        note: note(&ending, decided, trials, dir),
        differences,
    })
}

/// The spec as it was, with what the log has in place of secrets.
fn recorded_spec(bundle: &Bundle) -> Result<Spec, BundleError> {
    parse(bundle::SPEC.as_ref(), &bundle.spec, &bundle.began.variables, bundle.day()?).map_err(|problems| {
        let why = format!("with the recorded variables: {problems}");
        BundleError::Form { file: bundle::SPEC, why }
    })
}

impl Bundle {
    /// The day on which the run began: exclusions are judged by it.
    ///
    /// # Errors
    /// The log names no time.
    pub fn day(&self) -> Result<Date, BundleError> {
        let started = i64::try_from(self.began.started).ok();
        let started = started.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
        let why = || "the recorded start of the run is no time".to_owned();
        Ok(started.ok_or_else(|| BundleError::Form { file: TRACE, why: why() })?.date())
    }

    /// What was asked of the run.
    ///
    /// # Errors
    /// The log's header does not say so.
    pub fn options(&self) -> Result<Options, BundleError> {
        let form = |error: serde_json::Error| BundleError::Form { file: TRACE, why: format!("its options: {error}") };
        serde_json::from_value(self.header.options.clone()).map_err(form)
    }

    /// How the run ended. A killed one was interrupted.
    pub fn ending(&self) -> Ending {
        self.finished.as_ref().map_or(Ending::Interrupted, |finished| finished.ending.clone())
    }
}

/// The report that follows from the log. What no log tells (how long the run took) is as recorded.
fn judged(bundle: &Bundle, spec: &Spec, plan: &Plan, replayed: Replayed, dir: &Path) -> Result<Report, BundleError> {
    let recorded = bundle.finished.as_ref().map(|finished| &finished.report);
    let run = Run {
        header: bundle.header.clone(),
        results: replayed.results,
        planted: replayed.planted,
        ending: bundle.ending(),
        left_behind: Vec::new(),
        staying: Vec::new(),
        requests: recorded.map_or(0, |report| report.requests),
        took: Duration::from_millis(recorded.map_or(0, |report| report.duration_ms)),
        started: bundle.began.started,
    };
    let advisories = bundle.finished.as_ref().map_or(Advisories::Reported, |Finished { advisories, .. }| *advisories);
    Ok(report(spec, plan, &run, dir, advisories)?)
}

/// Every part of the report that the log does not yield.
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
    differ("left out", format!("{:?}", recorded.left_out), format!("{:?}", again.left_out));
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

/// How far an incomplete run came, and what finishes it.
fn note(ending: &Ending, decided: usize, trials: usize, dir: &Path) -> Option<String> {
    let what = match ending {
        Ending::Complete => return None,
        Ending::Interrupted => format!("the run was interrupted after {decided} of {trials} trials"),
        Ending::OutOfTime => format!("the time of the run was over after {decided} of {trials} trials"),
        Ending::SetupFailed(_) => "nothing was tried, because nothing could be set up".to_owned(),
        Ending::Unreachable(_) => "nothing was tried, because the target could not be reached".to_owned(),
    };
    Some(format!("incomplete: {what}; watertight verify --resume {} finishes it", line(&dir.to_string_lossy())))
}

impl Judgement {
    /// Of a run that was killed before it sent anything.
    fn of_nothing() -> Self {
        let note = "incomplete: the run ended before it sent anything; begin a new one".to_owned();
        Self {
            schema: JUDGEMENT_SCHEMA,
            same: true,
            complete: false,
            decided: 0,
            trials: 0,
            verdict: Some(Overall::Unproven),
            note: Some(note),
            differences: Vec::new(),
        }
    }
}

impl From<BundleError> for Judgement {
    /// A folder that can't be judged.
    fn from(error: BundleError) -> Self {
        Self {
            schema: JUDGEMENT_SCHEMA,
            same: false,
            complete: false,
            decided: 0,
            trials: 0,
            verdict: None,
            note: None,
            differences: vec![error.into()],
        }
    }
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
        Self { file: TRACE.to_owned(), line: Some(seq.saturating_add(2)), seq: Some(seq), what }
    }
}
