//! What the checks share: where a request goes, what is planted, what an answer shows, and how trials are made.
//!
//! - [`place`](Place): an operation of the spec, at a place, in words → a request.
//!   What a document needs escaped is (`escape`). [`company`](Slot): where it names several objects of a kind.
//! - [`plant`](plant()): disposable objects, and those that set-up planted for all.
//!   [`doubles`](Doubles): objects of two tenants with one id. [`clear`](clear_object()): ids that no one else has.
//!   [`below`](Furnished): what is made below the object that a request concerns, to be named with it.
//! - [`evidence`](foreign()): whose data is in an answer, and the controls that must hold.
//! - [`nothing`](says_nothing()): what a target answers for what does not exist. [`features`](Features): what can be seen
//!   of an answer, and how answers are told apart.
//! - [`made`](Made): the id of what a create made. [`once`](fresh_parents()): what may be made of the same others only once.
//!   [`ids`](ids_count()): what the form of an id tells. [`opaque`](opaque::Opaque): ids that hold another.
//! - [`fresh`](asked_afresh()): whether a leak is that of a cache.
//! - [`time`](is_time()): texts that are times.
//! - [`unmarked`](told_each()): what two tenants are told where nothing marks it.
//! - [`page`](id_beside()): which object a text on an HTML page belongs to.
//! - [`paging`](follow()): every page of a list. [`item`](id_of()): what a list shows of each object.

mod below;
mod clear;
mod company;
mod doubles;
mod escape;
mod evidence;
mod features;
mod fresh;
mod ids;
mod item;
mod made;
mod nothing;
mod once;
mod opaque;
mod page;
mod paging;
mod place;
mod plant;
mod time;
mod unmarked;

pub(crate) use below::{Furnished, named_below, prepare};
pub(crate) use clear::{
    clear_below, clear_object, is_held_by_a_third, is_listed_as_own, is_taken, is_told_anywhere, once_clear,
    quiet_at_ids, quiet_for, tries,
};
pub(crate) use company::{Company, Slot};
pub(crate) use doubles::{
    Doubles, NO_DOUBLES, Searched, are_named_by_clients, known_doubles, name_doubles, plant_below_of_both,
    search_doubles,
};
pub(crate) use evidence::{
    control, failed, field_naming, foreign, foreign_field, has_word, is_listed, leak, leaves, poll, reason, redirected,
    shown_of, shows, succeed, succeed_or_lead_on, succeed_writing,
};
pub(crate) use features::{Features, are_alike, told_apart};
pub(crate) use fresh::{Fresh, asked_afresh, only_cached, told_to_anyone};
pub(crate) use ids::{has_unique_id, ids_count};
pub(crate) use item::{id_of, item_of, items};
pub(crate) use made::{Made, Tells, makes_nothing};
pub(crate) use nothing::{
    Nowhere, holds_nothing, is_invalid, is_nothing, is_turned_away, never_existed, says_nothing, similar, told_nowhere,
};
pub(crate) use once::{anew, fresh_parents};
pub(crate) use page::{id_beside, ids_at, is_page, numbers_on, texts_on};
pub(crate) use paging::{Pages, first_page, follow, is_broken_json, is_counted, path_of_link};
pub(crate) use place::{
    Named, Place, Words, named_besides, named_by, names_tenant, operation_of, parent_of, request, scalar,
    spells_tenant, tenant_name, written,
};
pub(crate) use plant::{
    Listed, NAMELESS, SHARED, any_object, is_creatable, look_up, make, make_under, parents_for, plant, plant_below,
    plant_named, plant_under, prepared_object, read, remove, remove_all, remove_if_written,
};

pub(crate) use time::is_time;
pub(crate) use unmarked::{Told, is_error, told_each};

use std::rc::Rc;

use watertight_engine::call::{Caller, Mark, Request};
pub(crate) use watertight_engine::journal::id_in;
use watertight_engine::{Future, Script, Tape};
use watertight_spec::{Operation, OperationIx, Pair, Spec, TenantIx, Who};

use crate::check::{Check, Concluded, Phase, Subject, Target, Trial};
use crate::verdict::{Evidence, Reason, Stop, Unproven, Verdict};

/// What a trial of an operation aims at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Aim {
    /// The tenant whose credentials attack.
    pub(crate) attacker: TenantIx,
    /// The tenant whose data is tried.
    pub(crate) victim: TenantIx,
    /// What is tried.
    pub(crate) operation: OperationIx,
}

impl Aim {
    /// The operation aimed at.
    pub(crate) fn op(self, t: &Tape) -> &Operation {
        &t.spec[self.operation]
    }

    /// Who attacks whom.
    pub(crate) fn pair(self) -> Pair {
        Pair { attacker: self.attacker, victim: self.victim }
    }
}

/// One trial for every ordered pair of tenants and every operation in which there is a target:
/// `each(spec, &CHECK, Phase::Main, at(Target::Tenant, fits), |aim| reads(move |t| again(t, async move || try_it(t, aim).await)))`.
pub(crate) fn each(
    spec: &Spec,
    check: &'static Check,
    phase: Phase,
    targets: impl Fn(&Operation) -> Vec<Target>,
    script: impl Fn(Aim) -> Script<Concluded>,
) -> Vec<Trial> {
    let targeted = spec.operation_ixs().map(|operation| (operation, Rc::<[Target]>::from(targets(&spec[operation]))));
    let targeted: Vec<(OperationIx, Rc<[Target]>)> = targeted.filter(|(_, targets)| !targets.is_empty()).collect();
    let aims = spec.pairs().into_iter().flat_map(|Pair { attacker, victim }| {
        targeted.iter().map(move |(operation, targets)| (Aim { attacker, victim, operation: *operation }, targets))
    });
    aims.map(|(aim, targets)| Trial {
        check,
        pair: aim.pair(),
        subject: Subject::Operation(aim.operation),
        targets: Rc::clone(targets),
        phase,
        script: script(aim),
    })
    .collect()
}

/// This target in every operation that `fits`.
pub(crate) fn at(target: Target, fits: impl Fn(&Operation) -> bool) -> impl Fn(&Operation) -> Vec<Target> {
    move |op| if fits(op) { vec![target] } else { Vec::new() }
}

/// Tries again, with fresh objects, what stayed unproven: a disturbance passes, a broken control stays. Where it may
/// be another trial that disturbed it (ids that count may meet, counts move), no other one creates or removes anything in
/// any tenant while it is tried a third time; so too for a leak that another trial's attack may have caused.
pub(crate) fn again<'t>(t: &'t Tape, attempt: impl AsyncFn() -> Concluded + 't) -> Future<'t, Concluded> {
    Box::pin(async move {
        let mut concluded = attempt().await;
        if reason_of(&concluded).is_some() {
            concluded = attempt().await;
        }
        if reason_of(&concluded).is_some_and(is_of_others) {
            let _quiet = t.quiet(t.spec.tenant_ixs()).await;
            concluded = attempt().await;
        }
        match concluded {
            Ok(Verdict::Leak(first)) if !first.shows.names_its_cause() => alone(t, first, &attempt).await,
            concluded => concluded,
        }
    })
}

/// Why it is unproven, if it is.
fn reason_of(concluded: &Concluded) -> Option<Reason> {
    match concluded {
        Ok(Verdict::Unproven(unproven)) | Err(Stop::Unproven(unproven)) => Some(unproven.reason),
        _ => None,
    }
}

/// Whether what another trial did may be why.
fn is_of_others(reason: Reason) -> bool {
    matches!(reason, Reason::IdTaken | Reason::Disturbed)
}

/// How often a leak is tried alone: which of several objects with one id a faulty target hits may be chance.
const TRIES_ALONE: usize = 3;

/// Tries it while no other trial writes. A leak that is never seen so may be another trial's doing.
async fn alone(t: &Tape, first: Evidence, attempt: &impl AsyncFn() -> Concluded) -> Concluded {
    let _quiet = t.quiet(t.spec.tenant_ixs()).await;
    let mut is_decided = true;
    for _ in 0..TRIES_ALONE {
        match attempt().await {
            Ok(Verdict::Leak(second)) => return Ok(Verdict::Leak(second)),
            Ok(Verdict::Isolated(_)) => {}
            told => is_decided &= reason_of(&told).is_some_and(says_no_more_than_before),
        }
    }
    match is_decided {
        true => Err(Unproven::once(&first).into()),
        // What could not be tried again counts as it was seen.
        false => Ok(Verdict::Leak(first)),
    }
}

/// Whether a doubt is of the kind that there was before, too: then what was seen once may have had another cause. A target that
/// does not do any more what it did may have been broken by the attack.
fn says_no_more_than_before(reason: Reason) -> bool {
    matches!(reason, Reason::MarkerNotSeen | Reason::UnclearAnswer | Reason::IdTaken | Reason::Disturbed)
}

/// The principal that calls for a tenant in this trial.
pub(crate) fn caller(t: &Tape, tenant: TenantIx) -> Result<Who, Stop> {
    t.caller(tenant).ok_or_else(nobody)
}

/// The credential that a tenant uses in this trial.
pub(crate) fn own(t: &Tape, tenant: TenantIx) -> Result<Caller, Stop> {
    caller(t, tenant).map(Caller::Own)
}

/// The credential with which a tenant makes what a trial needs: whoever attacks may have fewer rights.
pub(crate) fn owner(t: &Tape, tenant: TenantIx) -> Result<Caller, Stop> {
    t.spec.caller(tenant).map(Caller::Own).ok_or_else(nobody)
}

fn nobody() -> Stop {
    Stop::not_applicable("the tenant has no principal that names it")
}

/// The same request by the attacker. What an attack claims to have deleted may still be there, so the journal keeps it.
pub(crate) fn attack(t: &Tape, request: &Request, attacker: TenantIx) -> Result<Request, Stop> {
    let across = request.across(own(t, attacker)?);
    Ok(match across.mark {
        Mark::Removes(_) => across.mark(Mark::Nothing),
        _ => across,
    })
}

/// The name of a kind with its article: `a case`, `an account`.
pub(crate) fn a(name: &str) -> String {
    let lower = name.to_lowercase();
    let is_spoken_with_a_vowel = match lower.chars().next() {
        Some('a' | 'e' | 'i' | 'o') => true,
        // A user, a unit; an upload, an unread one.
        Some('u') => lower.starts_with("up") || (lower.starts_with("un") && !lower.starts_with("uni")),
        _ => false,
    };
    format!("{} {name}", if is_spoken_with_a_vowel { "an" } else { "a" })
}

#[cfg(test)]
mod tests {
    use super::a;

    #[test]
    fn a_kind_has_the_article_that_people_would_say() {
        let said = ["case", "account", "export", "user", "unit", "upload", "Invoice", ""].map(a);
        assert_eq!(said, ["a case", "an account", "an export", "a user", "a unit", "an upload", "an Invoice", "a "]);
    }
}
