//! A finished run, and what tests ask of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use tempfile::TempDir;
use watertight_checks::judge::{Replayed, replay};
use watertight_checks::plan::{Plan, plan};
use watertight_checks::run::{Run, TrialResult};
use watertight_checks::verdict::Verdict;
use watertight_engine::log::{Event, Exchange, LogReader, Source, What};
use watertight_spec::Spec;

use crate::bed::Picked;
use crate::fixture::spec_of;

/// A finished run.
pub struct Verified {
    /// The text of the spec.
    pub text: String,
    /// The spec.
    pub spec: Arc<Spec>,
    /// What was planned.
    pub plan: Rc<Plan>,
    /// What came of it.
    pub run: Run,
    /// Where its log and its journal are.
    pub folder: TempDir,
}

/// What one trial concluded.
#[derive(Clone, Debug)]
pub struct Concluded {
    /// Id of its check.
    pub check: &'static str,
    /// Number of the tenant whose credentials attacked.
    pub attacker: usize,
    /// Number of the tenant whose data was tried.
    pub victim: usize,
    /// What was tried.
    pub subject: String,
    /// What it concluded.
    pub verdict: Verdict,
}

impl Concluded {
    /// As tests pick it.
    pub fn picked(&self) -> Picked {
        let Self { check, attacker, victim, subject, .. } = self;
        Picked { check, attacker: *attacker, victim: *victim, subject: subject.clone() }
    }

    fn of(result: &TrialResult, spec: &Spec) -> Self {
        Self {
            check: result.check.id,
            attacker: result.pair.attacker.number(),
            victim: result.pair.victim.number(),
            subject: result.subject.label(spec),
            verdict: result.verdict.clone(),
        }
    }

    /// Whether it shows that something crosses.
    pub fn is_leak(&self) -> bool {
        matches!(self.verdict, Verdict::Leak(_))
    }

    /// Whether it is a leak or an advisory.
    pub fn is_finding(&self) -> bool {
        matches!(self.verdict, Verdict::Leak(_) | Verdict::Advisory(_))
    }

    /// Whether every control held, and nothing crossed.
    pub fn is_isolated(&self) -> bool {
        matches!(self.verdict, Verdict::Isolated(_))
    }

    /// Whether it could not be decided.
    pub fn is_unproven(&self) -> bool {
        matches!(self.verdict, Verdict::Unproven(_))
    }

    /// Whether there was nothing to try.
    pub fn is_not_applicable(&self) -> bool {
        matches!(self.verdict, Verdict::NotApplicable(_))
    }
}

impl Verified {
    /// What the trials concluded.
    pub fn concluded(&self) -> Vec<Concluded> {
        let trials = self.run.results.iter().filter(|result| result.trial.is_some());
        trials.map(|result| Concluded::of(result, &self.spec)).collect()
    }

    /// What the checks concluded that look through the whole log.
    pub fn watched(&self) -> Vec<Concluded> {
        let watchers = self.run.results.iter().filter(|result| result.trial.is_none());
        watchers.map(|result| Concluded::of(result, &self.spec)).collect()
    }

    /// Ids of the checks that found a leak.
    pub fn leaks(&self) -> BTreeSet<&'static str> {
        self.concluded().iter().filter(|one| one.is_leak()).map(|one| one.check).collect()
    }

    /// Every event of its log.
    pub fn events(&self) -> Vec<Event> {
        LogReader::open(self.folder.path()).unwrap().map(Result::unwrap).collect()
    }

    /// Every exchange of its log that a check could see, with its owner.
    pub fn exchanges(&self) -> Vec<(Source, Exchange)> {
        self.events()
            .into_iter()
            .filter_map(|event| match event.what {
                What::Exchange(exchange) => Some((event.source, *exchange)),
                _ => None,
            })
            .collect()
    }

    /// Judges its log again, as for someone who has it and no secret: a variable is what the log says of it.
    pub fn replay(&self) -> Replayed {
        self.replay_of(self.folder.path())
    }

    /// The same of another log of this run.
    pub fn replay_of(&self, folder: &Path) -> Replayed {
        let variables: BTreeMap<String, String> = self
            .events()
            .into_iter()
            .find_map(|event| match event.what {
                What::Began(part) => Some(part.variables),
                _ => None,
            })
            .unwrap();
        let spec = Arc::new(spec_of(&self.text, &variables));
        let options = serde_json::from_value(self.run.header.options.clone()).unwrap();
        let mut plan = plan(&spec, &options);
        let kept: Vec<Picked> = self.plan.trials.iter().map(|trial| Picked::of(trial, &self.spec)).collect();
        plan.trials.retain(|trial| kept.contains(&Picked::of(trial, &spec)));
        replay(&spec, &Rc::new(plan), folder).unwrap()
    }
}
