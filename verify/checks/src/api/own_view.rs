//! `api.own-view`: what all ordinary requests of a tenant have shown, whatever they were for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use watertight_engine::Access;
use watertight_engine::call::Intent;
use watertight_engine::log::{CleanUp, Event, Exchange, What};
use watertight_engine::marker::RunTag;
use watertight_engine::planted::Planted;
use watertight_model::{Severity, Surface};
use watertight_spec::{Effect, Membership, OperationIx, Pair, Role, Spec, Supply, TenantIx};

use crate::bracket::{self, Attack};
use crate::check::{Check, Concluded, Subject};
use crate::shared::{field_naming, shown_of};
use crate::verdict::{Evidence, Reason, Shows, Stop, Unproven};
use crate::watchers::{Sight, Watcher, now};

pub(crate) static CHECK: Check = Check {
    id: "api.own-view",
    surface: Surface::Api,
    severity: Severity::Critical,
    cwe: &["CWE-200"],
    title: "No ordinary request ever shows another tenant's data",
    does: "Sends nothing of its own: looks through the answers to everything that a tenant asked in its own place \
           during the run (set-up, controls, read-backs).",
    judges: "Leak: such an answer shows another tenant's marker, or one of its credentials, or one of tenancy.fields \
             names another tenant in what the run has not written itself. Where a trial found that operation to leak \
             between the same tenants, or the one that had written what is shown, it is no finding of its own: the trial's \
             says that it was also seen here. \
             Isolated: there is nothing else, and at least one answer showed the tenant's own. Unproven: none showed \
             the tenant's own.",
    origin: "isolation 29: a query constrains the tenant before it returns anything.",
    fix: "Follow the request of the finding: its answer was not constrained to the caller's tenant.",
    requests: 0,
};

/// What the answers so far have shown.
pub(crate) struct OwnView {
    spec: Arc<Spec>,
    /// In everything that the run writes.
    tag: String,
    access: Access,
    /// What set-up planted; none while it runs.
    planted: Option<Rc<Planted>>,
    /// Whether a clean-up is under way.
    is_cleaned_up: bool,
    /// Answers that wait for the end of set-up, where markers are learned in it.
    waiting: Vec<Exchange>,
    /// Tenants that were shown a marker of their own.
    shown_own: BTreeSet<TenantIx>,
    /// What was written into something that was there, or across, and by which operation: the last ones.
    written: VecDeque<(String, OperationIx)>,
    /// Operations by which each tenant has written across, and was not refused: what it got by them is shown to it since.
    attacks: BTreeMap<TenantIx, BTreeSet<OperationIx>>,
    /// The first answer at a place to one tenant that showed what is another's, by how that may have come there.
    leaks: BTreeMap<(Pair, Subject, Came), Seen>,
}

/// How what is another's may have come to where it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Came {
    /// It was always there.
    Always,
    /// Whose it is has written it by this operation: into its own, or across.
    Written(OperationIx),
    /// Whoever is shown it may have got it by an attack.
    Attacked,
}

struct Seen {
    evidence: Evidence,
    /// The operations by which it may have come.
    by: BTreeSet<OperationIx>,
}

/// How many of those are known.
const MOST_WRITTEN: usize = 1_000;

impl OwnView {
    pub(crate) fn new(spec: &Arc<Spec>, tag: &RunTag, access: Access) -> Self {
        Self {
            spec: Arc::clone(spec),
            tag: tag.text().to_owned(),
            access,
            planted: None,
            is_cleaned_up: false,
            waiting: Vec::new(),
            shown_own: BTreeSet::new(),
            written: VecDeque::new(),
            attacks: BTreeMap::new(),
            leaks: BTreeMap::new(),
        }
    }

    /// Whether set-up learns by what to recognise objects that exist already. What it plants itself is found without.
    fn learns_markers(&self) -> bool {
        self.access == Access::Read || self.spec.resources.iter().any(|resource| resource.supply != Supply::Made)
    }

    fn fold(&mut self, planted: &Planted, exchange: &Exchange) {
        let Some(who) = exchange.sender.who() else { return };
        // Who is outside all tenants may be shown any of them.
        if self.spec[who].membership == Membership::Nowhere {
            return;
        }
        // What is no operation's is about the credential: who it is, or a token for it.
        let subject = exchange.operation.map_or(Subject::Token(who), Subject::Operation);
        let attacker = who.tenant;
        for victim in self.spec.tenant_ixs().filter(|tenant| *tenant != attacker) {
            let pair = Pair { attacker, victim };
            if self.leaks.contains_key(&(pair, subject, Came::Always)) {
                continue;
            }
            // What the run itself has written into an object is its own doing.
            let field = || {
                let told = field_naming(&self.spec, exchange, victim, |object| RunTag::marks(&self.tag, object));
                // A person may be told of all tenants that it is in.
                told.filter(|_| exchange.succeeded() && self.spec.also_member(who, victim).is_none())
            };
            if let Some(what) = shown_of(&self.spec, planted, exchange, victim).or_else(field) {
                let line = format!("an ordinary answer to {} shows {what}", exchange.by);
                let (came, by) = self.came_by(exchange, pair);
                let evidence = || Evidence::of(Shows::ForeignData, line, exchange);
                self.leaks.entry((pair, subject, came)).or_insert_with(|| Seen { evidence: evidence(), by });
            }
        }
        let is_known = self.shown_own.contains(&attacker);
        if !is_known && exchange.succeeded() && shown_of(&self.spec, planted, exchange, attacker).is_some() {
            self.shown_own.insert(attacker);
        }
    }

    /// How what an answer shows of another tenant's may have come there, and by which operations.
    fn came_by(&self, exchange: &Exchange, pair: Pair) -> (Came, BTreeSet<OperationIx>) {
        let shown = exchange.hits.iter().find(|hit| hit.owner == pair.victim).map(|hit| &hit.text);
        let written = self.written.iter().find(|(marker, _)| Some(marker) == shown);
        match (written, self.attacks.get(&pair.attacker)) {
            (Some((_, operation)), _) => (Came::Written(*operation), BTreeSet::from([*operation])),
            (None, Some(attacks)) => (Came::Attacked, attacks.clone()),
            (None, None) => (Came::Always, BTreeSet::new()),
        }
    }

    /// Keeps in mind by what a tenant may have got something of another's.
    fn note_attack(&mut self, exchange: &Exchange) {
        let (Some(who), Some(operation)) = (exchange.sender.who(), exchange.operation) else { return };
        let is_done = exchange.succeeded() || exchange.leads_on();
        if is_done && self.spec[operation].effect != Effect::Read {
            self.attacks.entry(who.tenant).or_default().insert(operation);
        }
    }

    /// Keeps in mind what a request writes into something that is there already, or where it must not.
    fn note_written(&mut self, exchange: &Exchange) {
        let Some(operation) = exchange.operation else { return };
        let op = &self.spec[operation];
        let may_be_anothers = exchange.intent == Intent::Across && op.effect != Effect::Read;
        if !may_be_anothers && (op.effect != Effect::Change || op.role == Role::Create) {
            return;
        }
        for marker in RunTag::secrets(&self.tag, exchange.request.body.as_deref().unwrap_or_default()) {
            if self.written.len() == MOST_WRITTEN {
                self.written.pop_front();
            }
            self.written.push_back((marker.to_owned(), operation));
        }
    }

    /// The control: an ordinary answer to this tenant showed a marker of its own, so another's would have shown too.
    fn shows_own(&self, tenant: TenantIx) -> Result<(), Stop> {
        match self.shown_own.contains(&tenant) {
            true => Ok(()),
            false => Err(Unproven::new(Reason::MarkerNotSeen, "no answer showed the tenant's own marker").into()),
        }
    }
}

impl Watcher for OwnView {
    fn check(&self) -> &'static Check {
        &CHECK
    }

    fn planted(&mut self, planted: &Rc<Planted>) {
        self.planted = Some(Rc::clone(planted));
        for exchange in std::mem::take(&mut self.waiting) {
            self.fold(planted, &exchange);
        }
    }

    fn see(&mut self, event: &Event) {
        match &event.what {
            // Set-up starts anew, and is told of when it has ended again. The clean-up before that may have been killed.
            What::Began(part) if part.number > 1 => (self.planted, self.is_cleaned_up) = (None, false),
            // It comes after the verdicts of a run, so it must not change those of its replay.
            What::CleanUp(stage) => self.is_cleaned_up = *stage == CleanUp::Begins,
            What::Exchange(exchange) if exchange.intent == Intent::Own && !self.is_cleaned_up => {
                self.note_written(exchange);
                match self.planted.clone() {
                    Some(planted) => self.fold(&planted, exchange),
                    None if self.learns_markers() => self.waiting.push(Exchange::clone(exchange)),
                    None => self.fold(&Planted::default(), exchange),
                }
            }
            What::Exchange(exchange) if exchange.intent == Intent::Across => {
                self.note_written(exchange);
                self.note_attack(exchange);
            }
            _ => {}
        }
    }

    fn leaks(&self, pair: Pair) -> Vec<Sight> {
        let of_pair = self.leaks.iter().filter(|((seen, ..), _)| *seen == pair);
        let sight = |((_, subject, _), Seen { evidence, by }): (&(Pair, Subject, Came), &Seen)| Sight {
            subject: *subject,
            evidence: evidence.clone(),
            by: by.clone(),
        };
        of_pair.map(sight).collect()
    }

    fn nothing_else(&self, pair: Pair) -> Concluded {
        let judged = async {
            let open = bracket::open(async || self.shows_own(pair.attacker)).await?;
            open.attack(Attack::Withstood).close().await
        };
        // Nothing in it waits.
        now(judged).unwrap_or_else(|| Err(Unproven::new(Reason::Unfinished, "it waits").into()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use serde_json::json;
    use watertight_engine::log::{AskIx, Body, Outcome, Received, Source};

    use super::*;

    const SPEC: &str = r#"
[target]
name = "t"
url = "http://127.0.0.1:1"
[tenancy]
locator = "token"
fields = ["tenantId"]
[[tenant]]
id = "north"
principal = [{ name = "p", grant = "basic", username = "n", password = "$N" }]
[[tenant]]
id = "south"
principal = [{ name = "p", grant = "basic", username = "s", password = "$S" }]
[[operation]]
name = "mine"
request = "GET /mine"
"#;

    /// North is told something of south's, as the engine asks for a token.
    fn told() -> Event {
        let exchange = json!({
            "at": 1, "took": 1, "by": "north/p", "intent": "own",
            "sender": { "principal": { "who": { "tenant": 0, "principal": 0 }, "token": null } },
            "request": { "method": "POST", "origin": "http://127.0.0.1:1", "target": "/token", "headers": [] },
            "outcome": { "failed": { "kind": "refused", "text": "" } },
        });
        let mut exchange: Exchange = serde_json::from_value(exchange).unwrap();
        let body = Body::new(r#"{"tenantId":"south"}"#);
        exchange.outcome = Outcome::Response(Received { status: 200, headers: vec![], body, length: 20 });
        Event { seq: 1, source: Source::Engine, ask: AskIx::default(), what: What::Exchange(Box::new(exchange)) }
    }

    fn clean_up(stage: CleanUp) -> Event {
        Event { seq: 0, source: Source::Cleanup, ask: AskIx::default(), what: What::CleanUp(stage) }
    }

    /// A run comes to its verdicts before it cleans up; who judges its log has all of it.
    #[test]
    fn what_is_told_during_clean_up_changes_no_verdict_not_even_with_a_token() {
        let env = BTreeMap::from([("N".to_owned(), "hush-n".to_owned()), ("S".to_owned(), "hush-s".to_owned())]);
        let today = time::Date::from_calendar_date(2026, time::Month::June, 15).unwrap();
        let spec = Arc::new(watertight_spec::parse(Path::new("t.toml"), SPEC, &env, today).unwrap());
        let pair = spec.pairs()[0];
        let seen = |events: &[Event]| {
            let mut view = OwnView::new(&spec, &RunTag::new(1, 1), Access::Write);
            events.iter().for_each(|event| view.see(event));
            view.leaks(pair).len()
        };
        assert_eq!(seen(&[told()]), 1);
        assert_eq!(seen(&[clean_up(CleanUp::Begins), told()]), 0);
        assert_eq!(seen(&[clean_up(CleanUp::Begins), clean_up(CleanUp::Ends), told()]), 1);
    }
}
