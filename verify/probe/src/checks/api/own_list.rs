//! `api.list-own` and `api.search-own`

use watertight_model::{Severity, Surface};
use watertight_spec::{Operation, Role, Spec};

use super::count::numbers;
use super::reading::{looking_for, sees};
use crate::check::{About, Check, Phase, Sends};
use crate::checks::kit::{
    Aim, Place, Words, each, first_page, foreign_field, leak, own, request, shows, standing, walk,
};
use crate::judge::{self, Answer, Evidence, Verdict};
use crate::request::Intent;
use crate::tape::{Halt, Tape};
use crate::trace::Exchange;

pub(crate) static LIST: About = About {
    id: "api.list-own",
    surface: Surface::Api,
    severity: Severity::Critical,
    cwe: &["CWE-200", "CWE-639"],
    title: "A tenant's own list, page by page to the end",
    does: "The victim lists its own and finds its marker; the attacker lists its own and follows every page, up to \
           limits.pages; the victim lists again.",
    judges: "Leak: any page shows a marker of the victim's, or one of tenancy.fields names another tenant. Isolated: \
             the list was read to its end and shows neither. Unproven: a control fails, a page is no answer, or the \
             list is longer than limits.pages.",
    origin: "Seed 18.1; a second page without the tenant; logtide #256.",
    mend: "Put the tenant into the query of every page; a cursor must not carry more than a position.",
};

pub(crate) static SEARCH: About = About {
    id: "api.search-own",
    surface: Surface::Api,
    severity: Severity::Critical,
    cwe: &["CWE-200", "CWE-639"],
    title: "A tenant's own search for words that only another tenant has",
    does: "The victim searches for the public half of its marker until it is found (an index may lag by up to \
           target.settle); the attacker searches for the same words in its own; the victim searches again.",
    judges: "Leak: the answer shows the secret half of the victim's marker, or one of tenancy.fields names another \
             tenant, or a number in it tells words of the victim's from words that no one has, three times over. The \
             words that were searched for are no evidence. Unproven: the victim does not find it either.",
    origin: "Seed 18.5, 28.6: a search index without the tenant.",
    mend: "Put the tenant into the index and make it a mandatory filter of every query.",
};

pub(crate) fn lists(spec: &Spec) -> Vec<Check> {
    each(spec, &LIST, Phase::Main, probe, |op| op.role == Role::List, |_| Sends::Reads)
}

pub(crate) fn searches(spec: &Spec) -> Vec<Check> {
    each(spec, &SEARCH, Phase::Main, probe, |op| op.role == Role::Search, |_| Sends::Reads)
}

fn probe(t: &Tape<'_>, aim: Aim) -> Result<Verdict, Halt> {
    let op = aim.op(t)?;
    let Some(resource) = op.resource else { return Err(Halt::NotApplicable("it concerns no object".into())) };
    let object = standing(t, aim.victim, resource)?;
    let by_owner = request(t, own(t, aim.victim)?, op, &Place::of(&object), &looking_for(&object))?;
    // A victim who is shown too much has a failed control, and yet what the attacker is shown is a leak.
    let opening = match sees(t, op, by_owner.clone(), &object) {
        Ok(_) => None,
        Err(Halt::Unproven(why)) => Some(Verdict::Unproven(why)),
        Err(halt) => return Err(halt),
    };
    let mine = standing(t, aim.attacker, resource)?;
    let mut verdict = look_through(t, op, aim, &Place::of(&mine), &looking_for(&object))?;
    if verdict == Verdict::Isolated && op.role == Role::Search {
        verdict = compare_counts(t, op, aim, &Place::of(&mine), &looking_for(&object))?;
    }
    if matches!(verdict, Verdict::Leak(_)) {
        return Ok(verdict);
    }
    if let Some(unproven) = opening {
        return Ok(unproven);
    }
    sees(t, op, by_owner, &object)?;
    Ok(verdict)
}

fn look_through(t: &Tape<'_>, op: &Operation, aim: Aim, place: &Place, words: &Words) -> Result<Verdict, Halt> {
    let mut first = first_page(t.spec, op, request(t, own(t, aim.attacker)?, op, place, words)?);
    first.intent = Intent::Across;
    let walked = walk(t, op, first, |_| false)?;
    let prefix = own_prefix(t, aim.attacker);
    for page in &walked.pages {
        if let Some(verdict) = leak(t, page, aim.victim) {
            return Ok(verdict);
        }
        if let Some(field) = foreign_field(t, page, aim.attacker, &prefix) {
            return Ok(Verdict::Leak(Evidence::of(format!("an object of the list says {field}"), page)));
        }
    }
    let Some(last) = walked.last() else { return Ok(Verdict::Unproven("nothing was sent".into())) };
    Ok(match judge::answer(last) {
        Answer::Success if last.json().is_none() => {
            Verdict::Unproven(format!("an answer that can't be read: {}", last.line()))
        }
        Answer::Success if walked.is_complete => match unlisted(t, op, aim, place, &walked.pages) {
            0 => Verdict::Isolated,
            missing => Verdict::Unproven(format!(
                "{missing} of the attacker's own objects are not on the pages that were read; if the list has more pages, \
                 say how under `page`: {}",
                last.line()
            )),
        },
        Answer::Success => Verdict::Unproven("the list was not followed to its end (limits.pages)".into()),
        Answer::Denied => Verdict::Unproven(format!("the attacker was denied its own: {}", last.line())),
        Answer::NotOffered | Answer::Undecided => Verdict::Unproven(judge::why_undecided(last)),
    })
}

/// How many of the attacker's own standing objects a list of its own does not show: it has pages that were not read.
fn unlisted(t: &Tape<'_>, op: &Operation, aim: Aim, place: &Place, pages: &[&Exchange]) -> usize {
    let (Role::List, Some(resource)) = (op.role, op.resource) else { return 0 };
    let mine = t.world.of(aim.attacker, resource).filter(|object| object.parents.iter().all(|p| place.ids.contains(p)));
    mine.filter(|object| !pages.iter().any(|page| shows(page, object))).count()
}

/// A search that shows nothing of the victim's must not count it either: searched for the victim's words and for words
/// that no one has, the attacker must be told the same numbers.
fn compare_counts(t: &Tape<'_>, op: &Operation, aim: Aim, place: &Place, words: &Words) -> Result<Verdict, Halt> {
    let mut told = Vec::new();
    for _ in 0..3 {
        let mut pair = Vec::new();
        // Words of the same form that were never written: a search by likeness finds as much of one as of the other.
        for words in [words.clone(), Words::searching(&t.canary(aim.victim).public)] {
            let mut asked = request(t, own(t, aim.attacker)?, op, place, &words)?;
            asked.intent = Intent::Across;
            let answer = t.send(asked)?;
            if !answer.succeeded() {
                return Ok(Verdict::Unproven(judge::why_undecided(answer)));
            }
            pair.push((numbers(answer), answer));
        }
        told.push(pair);
    }
    let constant = |which: usize, at: &str| {
        let mut values =
            told.iter().filter_map(|pair| pair.get(which)).map(|(numbers, _)| numbers.get(at).map(|n| n.to_bits()));
        values.next().filter(|first| values.all(|value| value == *first))
    };
    let Some([(theirs, foreign), (_, no_one)]) = told.first().map(Vec::as_slice) else {
        return Ok(Verdict::Isolated);
    };
    // A number that is the same each time for either words, and differs between them.
    let telling = theirs.keys().find(|at| match (constant(0, at), constant(1, at)) {
        (Some(one), Some(other)) => one != other,
        _ => false,
    });
    Ok(match telling {
        None => Verdict::Isolated,
        Some(at) => Verdict::Leak(
            Evidence::of(format!("{at} counts what the victim has"), foreign)
                .with("for words that no one has it says otherwise", no_one),
        ),
    })
}

/// What every nonce of this sender begins with.
pub(super) fn own_prefix(t: &Tape<'_>, sender: usize) -> String {
    let nonce = t.nonce(sender);
    nonce.get(..nonce.len().saturating_sub(6)).unwrap_or(&nonce).to_owned()
}

#[cfg(test)]
mod tests {
    use crate::checks::api;
    use crate::checks::testbed::{Switch, Testbed};
    use crate::judge::Verdict;

    #[test]
    fn a_fuzzy_search_that_counts_own_words_alike_is_no_leak() {
        let concluded =
            Testbed::new(&[Switch::FuzzySearch]).run(api::kinds(), |check| check.about.id == "api.search-own");
        assert_eq!(concluded.len(), 6);
        for one in concluded {
            assert_eq!(one.verdict, Verdict::Isolated);
        }
    }
}
