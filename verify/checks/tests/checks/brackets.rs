//! Every check, with one part of its bracket broken at a time: the opening control, the attack, the closing control. Where
//! one of them fails nothing is proven, whatever the other two say.
//!
//! Each trial is run by itself, one request at a time: first over a sound double, which tells how many requests attack;
//! then once for each part and each way to break it. The double tells the parts apart by the credential, by what crosses,
//! and by how many attacks there have been.

use std::collections::BTreeSet;

use watertight_checks::catalog;
use watertight_checks::run::Afterwards;
use watertight_testbed::{Bed, Concluded, Entrance, Fixture, Picked, Seen, Switch, Verified};

use crate::support::{is_of_data, set_up};

/// Checks of which there is nothing to break here.
const NO_TRIALS: [&str; 1] = [
    // A watcher: it sends nothing of its own.
    "api.own-view",
];

/// Checks that send nothing as an attack: what the control brings is looked at.
const SEND_NO_ATTACK: [&str; 8] = [
    "token.issuer",
    "token.audience-wildcard",
    "token.audience-unlisted",
    "token.tenant-claim",
    "token.scope-drift",
    "token.lifetime",
    "token.whoami",
    "token.shared-secret",
];

/// Checks whose control is made by the tenant that the trial names as the attacker: they concern its tokens alone.
const OF_ONE_TENANT: [&str; 4] =
    ["token.scope-escalation", "token.signature", "token.expired", "token.foreign-audience"];

/// A part of a bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Opening,
    Attack,
    Closing,
}

/// Each part, and the status with which it is broken.
const WAYS: [(Part, u16); 5] =
    [(Part::Opening, 500), (Part::Opening, 404), (Part::Attack, 500), (Part::Closing, 500), (Part::Closing, 404)];

/// By what the double knows the attack of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// It writes, and crosses.
    CrossingWrite,
    /// It crosses.
    Crossing,
    /// It is the attacker's: what it sends is an ordinary request.
    OfAttacker,
    /// It asks for an issuer's keys.
    Keys,
    /// There is none.
    Nothing,
}

impl Mark {
    /// Of the requests that a trial has sent to a sound double.
    fn of(one: &Picked, sent: &[Seen]) -> Self {
        let is_sent = |mark: Self| sent.iter().any(|seen| mark.fits(one, seen));
        match one.check {
            check if SEND_NO_ATTACK.contains(&check) => Self::Nothing,
            "token.signature" => Self::Keys,
            _ if is_sent(Self::CrossingWrite) => Self::CrossingWrite,
            _ if is_sent(Self::Crossing) => Self::Crossing,
            _ => Self::OfAttacker,
        }
    }

    fn fits(self, one: &Picked, seen: &Seen) -> bool {
        match self {
            Self::CrossingWrite => seen.entrance == Entrance::Api && seen.crosses && seen.method != "GET",
            Self::Crossing => seen.crosses,
            Self::OfAttacker => seen.entrance == Entrance::Api && seen.by == Some(one.attacker),
            Self::Keys => seen.entrance == Entrance::Keys,
            Self::Nothing => false,
        }
    }
}

/// Whether a request is a control's: its owner reads, or asks for a token.
fn is_control(one: &Picked, seen: &Seen) -> bool {
    let is_of_one = SEND_NO_ATTACK.contains(&one.check) || OF_ONE_TENANT.contains(&one.check);
    let owner = if is_of_one { one.attacker } else { one.victim };
    let reads = seen.entrance == Entrance::Api && seen.method == "GET";
    seen.by == Some(owner) && !seen.crosses && (reads || seen.entrance == Entrance::Token)
}

/// What a request is to a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    Control,
    Attack,
    Neither,
}

/// How far a trial has come.
#[derive(Clone, Copy, Debug, Default)]
struct Course {
    controls: usize,
    /// After the first control: what crosses before is a look whether an id is free.
    attacks: usize,
}

impl Course {
    fn of(one: &Picked, mark: Mark, sent: &[Seen]) -> Self {
        let mut course = Self::default();
        for seen in sent {
            course.step(one, mark, seen);
        }
        course
    }

    fn step(&mut self, one: &Picked, mark: Mark, seen: &Seen) -> Is {
        if mark.fits(one, seen) {
            self.attacks += usize::from(self.controls > 0);
            return Is::Attack;
        }
        if is_control(one, seen) {
            self.controls += 1;
            return Is::Control;
        }
        Is::Neither
    }
}

/// What a trial is tried on.
struct Case {
    fixture: Fixture,
    switches: Vec<Switch>,
    set_up: usize,
}

impl Case {
    async fn new(fixture: Fixture, switches: &[Switch]) -> Self {
        let fixture = fixture.one_at_a_time().change("settle = \"40ms\"", "settle = \"12ms\"");
        let set_up = set_up(&fixture, switches).await;
        Self { fixture, switches: switches.to_vec(), set_up }
    }

    /// The trials of north against south that `keep` picks.
    async fn trials(&self, keep: impl Fn(&Picked) -> bool) -> Vec<Picked> {
        let bed = Bed::with(self.fixture.clone(), &self.switches).await;
        let spec = bed.spec();
        let plan = bed.plan(&spec, |one| (one.attacker, one.victim) == (0, 1) && keep(one));
        plan.trials.iter().map(|trial| Picked::of(trial, &spec)).collect()
    }

    /// Breaks each part of each of these trials. Returns what went wrong, and the checks that were tried.
    async fn break_all(&self, trials: &[Picked]) -> (Vec<String>, BTreeSet<&'static str>) {
        let (mut wrong, mut tried) = (Vec::new(), BTreeSet::new());
        for one in trials {
            let (sound, sent) = self.sound(one).await;
            if sound.is_not_applicable() {
                continue;
            }
            tried.insert(one.check);
            // Names in a namespace for all can be guessed: a weakness, and closed as what withstands is.
            let is_weak = one.check == "oracle.name-taken" && sound.is_finding() && !sound.is_leak();
            if !sound.is_isolated() && !is_weak {
                wrong.push(format!("sound: {sound:?}"));
                continue;
            }
            let mark = Mark::of(one, &sent);
            let attacks = Course::of(one, mark, &sent).attacks;
            for (part, status) in WAYS {
                if part == Part::Attack && mark == Mark::Nothing {
                    continue;
                }
                let broken = self.broken(one, mark, attacks, part, status).await;
                if !broken.is_unproven() {
                    wrong.push(format!("{part:?} {status}, {mark:?}: {broken:?}"));
                }
            }
        }
        (wrong, tried)
    }

    /// What a trial concludes over a sound double, and what it has sent.
    async fn sound(&self, one: &Picked) -> (Concluded, Vec<Seen>) {
        let bed = Bed::with(self.fixture.clone(), &self.switches).await;
        let verified = bed.verify_under(Afterwards::Leave, |known| known == one).await;
        (only(&verified), bed.seen().split_off(self.set_up))
    }

    /// What it concludes where a part of its bracket is broken. `attacks` requests attack in a sound run; where none
    /// does, the first control is the opening one.
    async fn broken(&self, one: &Picked, mark: Mark, attacks: usize, part: Part, status: u16) -> Concluded {
        let bed = Bed::with(self.fixture.clone(), &self.switches).await;
        let (set_up, picked) = (self.set_up, one.clone());
        let mut course = Course::default();
        bed.hinder(move |seen| {
            if seen.number < set_up {
                return None;
            }
            let (before, is) = (course, course.step(&picked, mark, seen));
            let (is_before, is_after) = match mark {
                Mark::Nothing => (before.controls == 0, before.controls > 0),
                _ => (before.attacks == 0, before.attacks >= attacks),
            };
            let is_hit = match part {
                Part::Opening => is == Is::Control && is_before,
                Part::Attack => is == Is::Attack,
                Part::Closing => is == Is::Control && is_after,
            };
            if is_hit && is == Is::Control {
                // A control that was refused has not been there: the next one is still the opening one, also where the
                // check tries a second time.
                course = before;
            }
            is_hit.then_some(status)
        });
        only(&bed.verify_under(Afterwards::Leave, |known| known == one).await)
    }
}

fn only(verified: &Verified) -> Concluded {
    let mut concluded = verified.concluded();
    assert_eq!(concluded.len(), 1);
    concluded.remove(0)
}

/// Breaks the parts of these checks' trials; each of them must have one that could be tried.
async fn assert_brackets(case: &Case, of: impl Fn(&Picked) -> bool) {
    let trials = case.trials(of).await;
    let planned: BTreeSet<&str> = trials.iter().map(|one| one.check).collect();
    let (wrong, tried) = case.break_all(&trials).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(tried, planned, "nothing of these could be tried");
}

/// What the API's checks are tried on. South attacks nothing here, so its nameless principal is left out.
async fn of_data() -> Case {
    Case::new(Fixture::by_path().two_tenants(), &[]).await
}

fn writes(one: &Picked) -> bool {
    !one.subject.starts_with("GET ")
}

#[tokio::test]
async fn no_check_that_reads_one_object_proves_anything_without_its_controls_and_its_attack() {
    let of = |one: &Picked| one.check.starts_with("api.") && !writes(one) && one.subject.ends_with('}');
    assert_brackets(&of_data().await, of).await;
}

#[tokio::test]
async fn no_check_that_reads_many_objects_proves_anything_without_its_controls_and_its_attack() {
    let of = |one: &Picked| one.check.starts_with("api.") && !writes(one) && !one.subject.ends_with('}');
    assert_brackets(&of_data().await, of).await;
}

#[tokio::test]
async fn no_check_that_writes_proves_anything_without_its_controls_and_its_attack() {
    assert_brackets(&of_data().await, |one| one.check.starts_with("api.") && writes(one)).await;
}

#[tokio::test]
async fn no_check_of_caches_and_oracles_proves_anything_without_its_controls_and_its_attack() {
    assert_brackets(&of_data().await, |one| is_of_data(one) && !one.check.starts_with("api.")).await;
}

#[tokio::test]
async fn no_check_of_tokens_proves_anything_without_its_controls_and_its_attack() {
    let case = Case::new(Fixture::tokens(), &[]).await;
    assert_brackets(&case, |one| one.check.starts_with("token.") && one.check != "token.expired").await;
}

#[tokio::test]
async fn no_check_of_dead_tokens_proves_anything_without_its_controls_and_its_attack() {
    let case = Case::new(Fixture::tokens(), &[Switch::Lifetime(1)]).await;
    assert_brackets(&case, |one| one.check == "token.expired").await;
}

#[tokio::test]
async fn no_check_of_acts_proves_anything_without_its_controls_and_its_attack() {
    assert_brackets(&Case::new(Fixture::lives(), &[]).await, |one| one.check.starts_with("life.")).await;
}

/// The tests above leave no check out.
#[tokio::test]
async fn every_check_of_the_catalogue_has_a_bracket_that_is_broken_here() {
    let data = of_data().await.trials(is_of_data).await;
    let tokens = Case::new(Fixture::tokens(), &[]).await.trials(|one| one.check.starts_with("token.")).await;
    let lives = Case::new(Fixture::lives(), &[]).await.trials(|one| one.check.starts_with("life.")).await;
    let planned: BTreeSet<&str> = data.iter().chain(&tokens).chain(&lives).map(|one| one.check).collect();
    let all: BTreeSet<&str> = catalog::all().into_iter().map(|check| check.id).collect();
    let without: Vec<&str> = all.difference(&planned).copied().collect();
    assert_eq!(without, NO_TRIALS);
}
