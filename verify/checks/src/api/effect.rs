//! What the owner sees of an object: at rest, after its own operation, and after an attack.

mod at_rest;
mod expected;
mod state;

use std::collections::BTreeSet;

use watertight_engine::log::Exchange;
use watertight_engine::planted::Object;
use watertight_engine::{Quiet, Seen, Tape, side_by_side};
use watertight_spec::{Operation, Role, TenantIx};

pub(super) use self::at_rest::{AtRest, observe_at_rest, observe_one};
pub(super) use self::expected::Expected;
use self::state::{State, is_anothers, state, still_gone};
use super::members::Members;
use super::restoring::{purges, restores};
use crate::shared::{Place, Words, any_object, is_page, own, poll, read, request, succeed_or_lead_on};
use crate::verdict::{Evidence, Reason, Shows, Stop, Unproven};

/// What an operation does to an object, as the owner sees it.
#[derive(Clone)]
pub(super) enum SeenEffect {
    /// It is gone.
    Gone,
    /// These members change; none if nothing can be seen.
    Changes(BTreeSet<String>),
}

impl SeenEffect {
    /// Whether there is anything to be seen of it.
    pub(super) fn is_seen(&self) -> bool {
        match self {
            Self::Gone => true,
            Self::Changes(members) => !members.is_empty(),
        }
    }
}

/// The owner does it to an object of its own, at this place, and sees what it does.
pub(super) async fn rehearse(
    t: &Tape,
    op: &Operation,
    place: &Place,
    object: &Object,
    before: &AtRest,
) -> Result<SeenEffect, Stop> {
    if op.role != Role::Delete {
        let effects = rehearse_at(t, op, place, &[(object, before)]).await?.effects()?;
        return effects.into_iter().next().ok_or_else(|| Unproven::nothing_sent().into());
    }
    let done = done_by_owner(t, op, place, object.tenant).await?;
    if poll(t, async || is_gone(t, object).await).await?.is_some() {
        return Ok(SeenEffect::Gone);
    }
    // What is deleted may stay, and say so.
    match done.effect_now(t, object, before).await? {
        Some(SeenEffect::Changes(changed)) => Ok(SeenEffect::Changes(changed)),
        Some(SeenEffect::Gone) | None => {
            let detail = "the owner's own delete shows no effect";
            Err(Unproven::shown(Reason::EffectUnseen, detail, &done.answer).into())
        }
    }
}

/// The same, and what it does to others of the owner's meanwhile, at a place that names these objects: the first is the one
/// that it concerns, or is named besides that.
pub(super) async fn rehearse_at(
    t: &Tape,
    op: &Operation,
    place: &Place,
    objects: &[(&Object, &AtRest)],
) -> Result<Rehearsal, Stop> {
    let owner = objects.first().map(|(object, _)| object.tenant).ok_or_else(Unproven::nothing_sent)?;
    let still = Still::of(t, objects).await?;
    let done = done_by_owner(t, op, place, owner).await?;
    let effects = done.effects_on(t, &still.looked_at(objects)).await?;
    Ok(Rehearsal { answer: done.answer, effects })
}

/// Where an object is shown on a page, which may list others, no other trial writes in its tenant while it is watched.
struct Still<'t> {
    _quiet: Option<Quiet<'t>>,
    /// What those on pages are like since then.
    now: Vec<Option<AtRest>>,
}

impl<'t> Still<'t> {
    async fn of(t: &'t Tape, objects: &[(&Object, &AtRest)]) -> Result<Self, Stop> {
        let on_page = objects.iter().find(|(_, before)| before.is_page());
        let quiet = match on_page {
            Some((object, _)) if !t.is_quiet([object.tenant]) => Some(t.quiet([object.tenant]).await),
            _ => None,
        };
        let mut now = Vec::new();
        for (object, before) in objects {
            now.push(if before.is_page() { Some(before.now(t, object).await?) } else { None });
        }
        Ok(Self { _quiet: quiet, now })
    }

    fn looked_at<'o>(&'o self, objects: &[(&'o Object, &'o AtRest)]) -> Vec<(&'o Object, &'o AtRest)> {
        let with_now = objects.iter().zip(&self.now);
        with_now.map(|((object, before), now)| (*object, now.as_ref().unwrap_or(before))).collect()
    }
}

/// What an owner has done, and seen of its objects since.
pub(super) struct Rehearsal {
    answer: Seen,
    effects: Vec<SeenEffect>,
}

impl Rehearsal {
    /// What it does. That it was done is not even said where the owner is led elsewhere, or shown a page (a form again, with
    /// what is wrong in it), and sees nothing of it on the first.
    pub(super) fn effects(self) -> Result<Vec<SeenEffect>, Stop> {
        let is_seen = self.effects.first().is_some_and(SeenEffect::is_seen);
        let unseen = |detail| Err(Unproven::shown(Reason::EffectUnseen, detail, &self.answer).into());
        match is_seen {
            false if self.answer.leads_on() => unseen(LED_ELSEWHERE),
            false if is_page(&self.answer) => unseen(A_PAGE),
            _ => Ok(self.effects),
        }
    }

    /// The same where something else has shown that it was done.
    pub(super) fn effects_of_what_was_done(self) -> Vec<SeenEffect> {
        self.effects
    }
}

const A_PAGE: &str = "its owner is shown a page, and sees nothing of what it does";

const LED_ELSEWHERE: &str = "its owner is led elsewhere, and sees nothing of what it does";

/// The owner does it to an object of its own, at this place, and it works.
pub(crate) async fn does(t: &Tape, op: &Operation, place: &Place, object: &Object) -> Result<(), Stop> {
    let seen = match read(t, object).await {
        // It is gone, and is removed for good.
        Err(_) if purges(&t.spec, op) => return done_by_owner(t, op, place, object.tenant).await.map(drop),
        // It is gone, and is brought back.
        Err(_) if restores(t, op) => {
            let done = done_by_owner(t, op, place, object.tenant).await?;
            let unseen = || Unproven::shown(Reason::EffectUnseen, "its owner does not find it again", &done.answer);
            return if comes_back(t, object).await? { Ok(()) } else { Err(unseen().into()) };
        }
        seen => seen?,
    };
    let before = AtRest::of(t, object, &seen);
    let objects = [(object, &before)];
    let still = Still::of(t, &objects).await?;
    let done = done_by_owner(t, op, place, object.tenant).await?;
    if !done.answer.leads_on() && !is_page(&done.answer) {
        return Ok(());
    }
    let effects = done.effects_on(t, &still.looked_at(&objects)).await?;
    Rehearsal { answer: done.answer, effects }.effects().map(drop)
}

/// Whether the owner sees that what it has sent was done to an object, where the answer does not say so.
pub(super) async fn has_effect(
    t: &Tape,
    object: &Object,
    before: &AtRest,
    answer: &Seen,
    word: &str,
) -> Result<bool, Stop> {
    let done = Done { answer: Seen::clone(answer), word: word.to_owned() };
    Ok(poll(t, async || done.effect_now(t, object, before).await).await?.is_some())
}

/// What a tenant has done to objects of its own.
pub(super) struct Done {
    pub(super) answer: Seen,
    /// What it wrote, where the request writes.
    pub(super) word: String,
}

async fn done_by_owner(t: &Tape, op: &Operation, place: &Place, owner: TenantIx) -> Result<Done, Stop> {
    let canary = t.canary(owner);
    let asked = request(t, own(t, owner)?, op, place, &Words::canary(&canary))?;
    Ok(Done { answer: succeed_or_lead_on(t, asked, owner).await?, word: canary.public })
}

impl Done {
    /// What its owner sees of several objects until each has changed or `settle` has passed.
    pub(super) async fn effects_on(&self, t: &Tape, objects: &[(&Object, &AtRest)]) -> Result<Vec<SeenEffect>, Stop> {
        let mut seen: Vec<Option<SeenEffect>> = objects.iter().map(|_| None).collect();
        poll(t, async || {
            let unseen = seen.iter_mut().zip(objects).filter(|(effect, _)| effect.is_none());
            let looks = unseen.map(async |(effect, (object, before))| {
                *effect = self.effect_now(t, object, before).await?;
                Ok(())
            });
            side_by_side(looks).await.into_iter().collect::<Result<(), Stop>>()?;
            Ok(seen.iter().all(Option::is_some).then_some(()))
        })
        .await?;
        Ok(seen.into_iter().map(|effect| effect.unwrap_or(SeenEffect::Changes(BTreeSet::new()))).collect())
    }

    async fn effect_now(&self, t: &Tape, object: &Object, before: &AtRest) -> Result<Option<SeenEffect>, Stop> {
        Ok(match state(t, object).await? {
            State::Gone(_) => still_gone(t, object).await?.map(|_| SeenEffect::Gone),
            State::There(seen, now) => {
                let changed = match now.is_page() {
                    true => self.changes_on_page(t, object, before, (&seen, &now)).await?,
                    false => changes_of_data(t, object, before, &now).await?,
                };
                (!changed.is_empty()).then_some(SeenEffect::Changes(changed))
            }
            State::Unclear(_) => None,
        })
    }

    /// What has changed on a page, at a second look as well.
    async fn changes_on_page(
        &self,
        t: &Tape,
        object: &Object,
        before: &AtRest,
        (seen, now): (&Exchange, &Members),
    ) -> Result<BTreeSet<String>, Stop> {
        let is_written = |seen: &Exchange| seen.mentions(&self.word);
        if !is_written(seen) && before.changed(now).is_empty() {
            return Ok(BTreeSet::new());
        }
        let Some((again, lasting)) = before.lasting(t, object, now).await? else { return Ok(BTreeSet::new()) };
        match is_written(seen) && is_written(&again) {
            true => Ok(BTreeSet::from(["what was written".to_owned()])),
            false => Ok(lasting),
        }
    }
}

/// What has changed of a document: a time alone counts if it stays as it is.
async fn changes_of_data(t: &Tape, object: &Object, before: &AtRest, now: &Members) -> Result<BTreeSet<String>, Stop> {
    let changed = before.changed(now);
    if changed.is_empty() || !now.are_times(&changed) {
        return Ok(changed);
    }
    let lasting = before.lasting(t, object, now).await?;
    Ok(lasting.map(|(_, lasting)| lasting).unwrap_or_default())
}

/// Whether its owner finds an object that was gone, at once or within `settle`.
pub(super) async fn comes_back(t: &Tape, object: &Object) -> Result<bool, Stop> {
    let found = poll(t, async || Ok(matches!(state(t, object).await?, State::There(..)).then_some(()))).await?;
    Ok(found.is_some())
}

/// Whether an object is gone, at two looks.
pub(super) async fn is_gone(t: &Tape, object: &Object) -> Result<Option<()>, Stop> {
    Ok(match state(t, object).await? {
        State::Gone(_) => still_gone(t, object).await?.map(drop),
        State::There(..) | State::Unclear(_) => None,
    })
}

/// What an attack has done to the victim's object, if anything: the owner looks at it until `settle` has passed.
pub(super) async fn poll_effect(
    t: &Tape,
    object: &Object,
    before: &AtRest,
    effect: &SeenEffect,
    attack: &Exchange,
    nonce: &str,
) -> Result<Option<Evidence>, Stop> {
    let other = async |object: &Object| read(t, &any_object(t, object.tenant, object.resource)?).await;
    poll_effects(t, &[(object, before, effect)], (attack, nonce), other).await
}

/// The same of several objects, each with what the operation does to such a one. Where one is gone, `other` reads another of
/// its owner's.
pub(super) async fn poll_effects(
    t: &Tape,
    objects: &[(&Object, &AtRest, &SeenEffect)],
    (attack, nonce): (&Exchange, &str),
    other: impl AsyncFn(&Object) -> Result<Seen, Stop>,
) -> Result<Option<Evidence>, Stop> {
    let mut gone = vec![false; objects.len()];
    let changed = poll(t, async || {
        let states = side_by_side(objects.iter().map(|(object, ..)| state(t, object))).await;
        for (((object, before, effect), is_gone), now) in objects.iter().zip(&mut gone).zip(states) {
            let now = now?;
            *is_gone = matches!(now, State::Gone(_)) || (*is_gone && matches!(now, State::Unclear(_)));
            let State::There(seen, members) = now else { continue };
            if seen.mentions(nonce) {
                return Ok(Some(written(attack, nonce, &seen)));
            }
            let is_such = |changed: &BTreeSet<String>| match effect {
                SeenEffect::Changes(members) => !members.is_disjoint(changed),
                SeenEffect::Gone => false,
            };
            if is_such(&before.changed(&members))
                && let Some((seen, changed)) = before.lasting(t, object, &members).await?
                && is_such(&changed)
            {
                return Ok(Some(altered(attack, &changed, &seen)));
            }
        }
        Ok(None)
    })
    .await?;
    if changed.is_some() {
        return Ok(changed);
    }
    for ((object, ..), _) in objects.iter().zip(gone).filter(|(_, is_gone)| *is_gone) {
        if let Some(evidence) = destroyed(t, object, attack, &other).await? {
            return Ok(Some(evidence));
        }
    }
    Ok(None)
}

fn written(attack: &Exchange, nonce: &str, seen: &Exchange) -> Evidence {
    Evidence::of(Shows::ForeignWrite, "the attacker wrote into the victim's object", attack)
        .with(format!("the victim reads {nonce}, which the attacker sent"), seen)
}

fn altered(attack: &Exchange, changed: &BTreeSet<String>, seen: &Exchange) -> Evidence {
    let members = changed.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    Evidence::of(Shows::ForeignChange, "the attacker changed the victim's object", attack)
        .with(format!("the victim reads it with {members} changed"), seen)
}

/// Gone at a second look as well, and for this object alone: the victim's other object is still to be read.
async fn destroyed(
    t: &Tape,
    object: &Object,
    attack: &Exchange,
    other: impl AsyncFn(&Object) -> Result<Seen, Stop>,
) -> Result<Option<Evidence>, Stop> {
    let Some(seen) = still_gone(t, object).await? else { return Ok(None) };
    let other = other(object).await?;
    let found = match is_anothers(t, &seen, object) {
        true => "the victim is shown another tenant's in its place",
        false => "the victim finds it gone",
    };
    Ok(Some(
        Evidence::of(Shows::ForeignDestruction, "the attacker destroyed the victim's object", attack)
            .with(found, &seen)
            .with("and reads another of its own as before", &other),
    ))
}
