//! `api.child-of-foreign-parent`

use watertight_model::{Severity, Surface};
use watertight_spec::{Operation, Role, Spec, Symbol};

use super::creating::{arrives, can_list};
use crate::check::{About, Check, Phase, Sends};
use crate::checks::kit::{
    Aim, Place, Words, attack, clear_object, each, id_in, is_taken, leak, names_tenant, operation_of, own, plant_under,
    remove, request,
};
use crate::checks::oracle::never_existed;
use crate::judge::{self, Answer, Evidence, Verdict};
use crate::tape::{Halt, Tape};
use crate::trace::Exchange;
use crate::world::Object;

pub(crate) static ABOUT: About = About {
    id: "api.child-of-foreign-parent",
    surface: Surface::Api,
    severity: Severity::High,
    cwe: &["CWE-639"],
    title: "A child created under the victim's object",
    does: "Creates a child below a disposable object of the victim's, in the attacker's own place and in the victim's.",
    judges: "Leak: the victim finds the child below its object; or a foreign parent is accepted where one that never \
             existed is refused, so the link was made. Advisory: any parent is accepted. Isolated: refused. Unproven: \
             a control fails, or the answer is no denial.",
    origin: "Seed 18.3: a foreign key that lacks the tenant.",
    mend: "Make the tenant part of the foreign key, and load the parent by tenant and id before linking.",
};

pub(crate) fn instances(spec: &Spec) -> Vec<Check> {
    let fits = |op: &Operation| {
        let parent = op.resource.and_then(|r| spec.resources.get(r)).and_then(|r| r.parent);
        op.role == Role::Create && parent.is_some_and(|parent| op.request.path.mentions(&Symbol::Object(parent)))
    };
    each(spec, &ABOUT, Phase::Main, probe, fits, |_| Sends::Writes)
}

fn probe(t: &Tape<'_>, aim: Aim) -> Result<Verdict, Halt> {
    let op = aim.op(t)?;
    let (Some(resource), Some(parent)) = (op.resource, parent_of(t, op)) else {
        return Err(Halt::NotApplicable("it has no parent".into()));
    };
    let beside = |above: &Object| Place::within(aim.attacker, &Place::of(above).ids);
    let above = clear_object(t, aim.attacker, aim.victim, parent, beside)?;
    let child = plant_under(t, aim.victim, resource, &Place::of(&above).ids)?;
    can_list(t, &child)?;
    let mut places = vec![beside(&above)];
    if names_tenant(t.spec, op) {
        places.push(Place::of(&above));
    }
    let mut worst = None;
    for place in places {
        if place.tenant == aim.attacker && is_taken(t, aim.attacker, &place, &above)? {
            return Err(Halt::Unproven("the attacker has got a parent of its own at that id meanwhile".into()));
        }
        let nonce = t.nonce(aim.attacker);
        let answer = create(t, op, aim, &place, &nonce)?;
        let verdict = match leak(t, answer, aim.victim) {
            Some(verdict) => Some(verdict),
            None => arrives(t, &child, answer, &nonce, None)?,
        };
        if let Some(verdict) = verdict {
            return Ok(verdict);
        }
        match settle_answer(t, op, aim, &place, answer, (resource, &above), &nonce)? {
            Verdict::Isolated => {}
            verdict @ Verdict::Leak(_) => return Ok(verdict),
            verdict => worst = worst.or(Some(verdict)),
        }
    }
    can_list(t, &child)?;
    remove(t, &child)?;
    remove(t, &above)?;
    Ok(worst.unwrap_or(Verdict::Isolated))
}

fn parent_of(t: &Tape<'_>, op: &Operation) -> Option<usize> {
    t.spec.resources.get(op.resource?)?.parent
}

fn create<'t>(t: &Tape<'t>, op: &Operation, aim: Aim, place: &Place, nonce: &str) -> Result<&'t Exchange, Halt> {
    let place = match op.resource {
        Some(resource) => place.clone().and(resource, &t.unique()),
        None => place.clone(),
    };
    let asked = request(t, own(t, aim.attacker)?, op, &place, &Words::nonce(nonce))?;
    t.send(attack(t, &asked, aim.attacker)?)
}

/// What an answer means that left nothing with the victim.
fn settle_answer(
    t: &Tape<'_>,
    op: &Operation,
    aim: Aim,
    place: &Place,
    answer: &Exchange,
    (resource, above): (usize, &Object),
    nonce: &str,
) -> Result<Verdict, Halt> {
    match judge::answer(answer) {
        Answer::Denied => return Ok(Verdict::Isolated),
        Answer::NotOffered | Answer::Undecided => return Ok(Verdict::Unproven(judge::why_undecided(answer))),
        Answer::Success => discard(t, aim.attacker, place, answer, resource, nonce)?,
    }
    // Accepted: was the foreign parent looked up, or is any parent whose id has the right form good enough?
    let nowhere = place.clone().and(above.resource, &never_existed(t, above, 0)?);
    let second = t.nonce(aim.attacker);
    let of_no_one = create(t, op, aim, &nowhere, &second)?;
    match judge::answer(of_no_one) {
        Answer::Success => {
            discard(t, aim.attacker, &nowhere, of_no_one, resource, &second)?;
            Ok(Verdict::Advisory(
                Evidence::of("a child is accepted below the victim's object", answer)
                    .with("and below one that never existed", of_no_one),
            ))
        }
        Answer::Denied => Ok(Verdict::Leak(
            Evidence::of("the attacker's child was linked to the victim's object", answer)
                .with("a parent that never existed is refused", of_no_one),
        )),
        Answer::NotOffered | Answer::Undecided => Ok(Verdict::Unproven(judge::why_undecided(of_no_one))),
    }
}

/// The attacker removes what it made, where it made it.
fn discard(
    t: &Tape<'_>,
    attacker: usize,
    place: &Place,
    answer: &Exchange,
    resource: usize,
    nonce: &str,
) -> Result<(), Halt> {
    let told = t.spec.resources.get(resource).and_then(|r| id_in(r, answer));
    let ways = (operation_of(t.spec, resource, Role::Read), operation_of(t.spec, resource, Role::Delete));
    if let (Some(id), (Some(read), Some(delete))) = (told, ways) {
        let place = place.clone().and(resource, &id);
        let asked = |op| request(t, own(t, attacker)?, op, &place, &Words::default());
        // The id may be that of another's object there: only what shows the attacker's own words is removed.
        if t.send(attack(t, &asked(read)?, attacker)?)?.mentions(nonce) {
            let asked = asked(delete)?;
            t.send(attack(t, &asked, attacker)?.mark(asked.mark.clone()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::checks::api;
    use crate::checks::testbed::{Switch, Testbed};
    use crate::judge::Verdict;

    #[test]
    fn any_parent_whose_id_has_the_right_form_is_an_advisory_not_a_link() {
        let concluded = Testbed::new(&[Switch::AnyParentOfForm])
            .run(api::kinds(), |check| check.about.id == "api.child-of-foreign-parent");
        assert_eq!(concluded.len(), 6);
        for one in concluded {
            assert!(matches!(one.verdict, Verdict::Advisory(_)), "{one:?}");
        }
    }
}
