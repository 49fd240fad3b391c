//! What the checks share: where a request goes, what is planted, what an answer shows, and how instances are made.
//!
//! - [`render`](Place): an operation of the spec, at a place, in words → a request.
//! - [`plant`](plant()): disposable objects, and those that set-up left standing.
//! - [`look`](foreign()): whose data is in an answer, and the controls that must hold.
//! - [`walk`](walk()): every page of a list.

mod look;
mod plant;
mod render;
mod walk;

pub(crate) use look::{control, foreign, foreign_field, leak, leaves, poll, redirected, shown_of, shows, succeed};
pub(crate) use plant::{
    clear_below, clear_object, id_in, is_creatable, is_taken, parents_for, plant, plant_under, read, remove,
    remove_if_written, standing,
};
pub(crate) use render::{Place, Words, encode, names_tenant, operation_of, request, tenant_name};
pub(crate) use walk::{Walk, first_page, next_page, walk};

use watertight_spec::{Effect, Operation, Spec};

use crate::check::{About, Check, Phase, Sends};
use crate::judge::Verdict;
use crate::request::{Caller, Mark, Request};
use crate::tape::{Halt, Tape};

/// What an instance of a check aims at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Aim {
    /// Index of the tenant whose credentials attack.
    pub(crate) attacker: usize,
    /// Index of the tenant whose data is tried.
    pub(crate) victim: usize,
    /// Index of the operation in [`Spec::operations`].
    pub(crate) operation: usize,
}

impl Aim {
    /// The operation aimed at.
    pub(crate) fn op<'t>(&self, t: &Tape<'t>) -> Result<&'t Operation, Halt> {
        let spec: &'t Spec = t.spec;
        spec.operations.get(self.operation).ok_or_else(|| Halt::Unproven("the spec has no such operation".into()))
    }
}

/// The machine of a kind of check, before it is bound to an aim.
pub(crate) type Probe = fn(&Tape<'_>, Aim) -> Result<Verdict, Halt>;

/// Every ordered pair of tenants.
pub(crate) fn pairs(spec: &Spec) -> impl Iterator<Item = (usize, usize)> {
    let tenants = spec.tenants.len();
    (0..tenants).flat_map(move |a| (0..tenants).map(move |v| (a, v))).filter(|(a, v)| a != v)
}

/// One instance for every ordered pair of tenants and every operation that `fits`.
pub(crate) fn each(
    spec: &Spec,
    about: &'static About,
    phase: Phase,
    probe: Probe,
    fits: impl Fn(&Operation) -> bool,
    sends: impl Fn(&Operation) -> Sends,
) -> Vec<Check> {
    let fitting: Vec<(usize, &Operation)> = spec.operations.iter().enumerate().filter(|(_, op)| fits(op)).collect();
    pairs(spec)
        .flat_map(|(attacker, victim)| fitting.iter().map(move |(index, op)| (attacker, victim, *index, *op)))
        .map(|(attacker, victim, operation, op)| {
            let aim = Aim { attacker, victim, operation };
            Check {
                about,
                attacker,
                victim,
                operation: op.label(),
                phase,
                sends: sends(op),
                machine: Box::new(move |t| persist(|| probe(t, aim))),
            }
        })
        .collect()
}

/// Tries a second time, with fresh objects, what stayed unproven: a disturbance passes, a broken control stays.
pub(crate) fn persist(attempt: impl Fn() -> Result<Verdict, Halt>) -> Result<Verdict, Halt> {
    match attempt() {
        Ok(Verdict::Unproven(_)) | Err(Halt::Unproven(_)) => attempt(),
        settled => settled,
    }
}

/// What an operation sends when it is tried across tenants.
pub(crate) fn sends(op: &Operation) -> Sends {
    match op.effect {
        Effect::Read => Sends::Reads,
        Effect::Create | Effect::Change | Effect::Destroy => Sends::Writes,
    }
}

/// The caller that a tenant uses by default.
pub(crate) fn own(t: &Tape<'_>, tenant: usize) -> Result<Caller, Halt> {
    t.caller(tenant).map(Caller::Own)
}

/// The same request by the attacker. What an attack claims to have deleted may still be there, so the journal keeps it.
pub(crate) fn attack(t: &Tape<'_>, request: &Request, attacker: usize) -> Result<Request, Halt> {
    let across = request.across(own(t, attacker)?);
    Ok(match across.mark {
        Mark::Removes { .. } => across.mark(Mark::Nothing),
        _ => across,
    })
}
