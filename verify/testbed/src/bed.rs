//! A running double, and the real engine run against it.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;
use tokio::task::JoinHandle;
use watertight_checks::check::Trial;
use watertight_checks::plan::{Depth, Options, Plan, plan};
use watertight_checks::run::{Afterwards, Order, Resume, Silent, Watch};
use watertight_spec::Spec;

use crate::fixture::{Fixture, spec_of};
use crate::seen::Seen;
use crate::server::{self, Shared};
use crate::switch::Switch;
use crate::verified::Verified;

/// A running double. It ends when it is dropped.
pub struct Bed {
    fixture: Fixture,
    options: Options,
    url: String,
    shared: Shared,
    task: JoinHandle<()>,
}

/// A trial of a plan, as tests pick it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picked {
    /// Id of its check.
    pub check: &'static str,
    /// Number of the tenant whose credentials attack: 0 north, 1 south, 2 east.
    pub attacker: usize,
    /// Number of the tenant whose data is tried.
    pub victim: usize,
    /// What is tried: `GET /tenants/{tenant}/cases/{case}`, `token north/service`.
    pub subject: String,
}

impl Picked {
    /// Of a trial.
    pub fn of(trial: &Trial, spec: &Spec) -> Self {
        Self {
            check: trial.check.id,
            attacker: trial.pair.attacker.number(),
            victim: trial.pair.victim.number(),
            subject: trial.subject.label(spec),
        }
    }
}

impl Bed {
    /// Tenants by path, with API keys.
    pub async fn start(switches: &[Switch]) -> Self {
        Self::with(Fixture::by_path(), switches).await
    }

    /// Of this fixture.
    pub async fn with(fixture: Fixture, switches: &[Switch]) -> Self {
        let (url, shared, task) = server::start(&fixture, switches).await;
        let options = Options { seed: 7, ..Options::default() };
        Self { fixture, options, url, shared, task }
    }

    /// Its runs only read.
    pub fn reading_only(mut self) -> Self {
        self.options.depth = Depth::ReadsOnly;
        self
    }

    /// The text of its spec.
    pub fn text(&self) -> String {
        self.fixture.text(&self.url)
    }

    /// What the `$NAME`s of its spec stand for.
    pub fn variables(&self) -> BTreeMap<String, String> {
        self.fixture.variables()
    }

    /// Its spec.
    pub fn spec(&self) -> Arc<Spec> {
        Arc::new(spec_of(&self.text(), &self.variables()))
    }

    /// Everything that the API holds.
    pub fn contents(&self) -> Vec<Value> {
        self.shared.lock().unwrap().api.contents()
    }

    /// How many objects the API holds.
    pub fn records(&self) -> usize {
        self.contents().len()
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.lock().unwrap().seen.clone()
    }

    /// From now on, requests for which `obstacle` gives a status are answered with that and nothing else; with 0 the
    /// connection breaks off. 429 says that it may be tried again at once.
    pub fn hinder(&self, obstacle: impl FnMut(&Seen) -> Option<u16> + Send + 'static) {
        self.shared.lock().unwrap().obstacle = Some(Box::new(obstacle));
    }

    /// The plan of its spec, with those trials that `keep` picks.
    pub fn plan(&self, spec: &Spec, keep: impl Fn(&Picked) -> bool) -> Plan {
        let mut plan = plan(spec, &self.options);
        plan.trials.retain(|trial| keep(&Picked::of(trial, spec)));
        plan
    }

    /// Runs the trials that `keep` picks, and cleans up.
    pub async fn verify(&self, keep: impl Fn(&Picked) -> bool) -> Verified {
        self.verify_under(Afterwards::CleanUp, keep).await
    }

    /// The same, and leaves or removes what was made.
    pub async fn verify_under(&self, afterwards: Afterwards, keep: impl Fn(&Picked) -> bool) -> Verified {
        let spec = self.spec();
        let plan = self.plan(&spec, keep);
        self.carry_out(spec, plan, afterwards, &mut Silent).await
    }

    /// Runs a plan. `watch` may stop it.
    pub async fn carry_out(
        &self,
        spec: Arc<Spec>,
        plan: Plan,
        afterwards: Afterwards,
        watch: &mut dyn Watch,
    ) -> Verified {
        let (_stop, stopped) = tokio::sync::watch::channel(false);
        self.carry_out_until(spec, plan, afterwards, watch, stopped).await
    }

    /// The same until it is stopped.
    pub async fn carry_out_until(
        &self,
        spec: Arc<Spec>,
        plan: Plan,
        afterwards: Afterwards,
        watch: &mut dyn Watch,
        stop: tokio::sync::watch::Receiver<bool>,
    ) -> Verified {
        let folder = tempfile::tempdir().unwrap();
        let plan = Rc::new(plan);
        let order = Order {
            spec: Arc::clone(&spec),
            plan: Rc::clone(&plan),
            options: self.options.clone(),
            folder: folder.path().to_owned(),
            afterwards,
            resume: Resume::Fresh,
        };
        let run = order.begin().unwrap().carry_out(watch, stop).await.unwrap();
        Verified { text: self.text(), spec, plan, run, folder }
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.task.abort();
    }
}
