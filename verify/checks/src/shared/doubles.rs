//! Objects of two tenants with one and the same id: where ids count in each tenant by itself, or where clients choose them.

use watertight_engine::planted::{Object, Planted};
use watertight_engine::{Tape, WriteTape, both, side_by_side};
use watertight_spec::{ObjectId, Pair, ResourceIx, Spec, TenantIx};

use super::below::ancestors;
use super::place::is_client_named;
use super::{Place, ids_count, is_creatable, parents_for, plant, plant_named, plant_under, read, remove, remove_all};
use crate::bracket::Untried;
use crate::verdict::{NotApplicable, Reason, Stop};

/// One object of each, with the same ids all the way up.
pub(crate) struct Doubles {
    /// The attacker's.
    pub(crate) mine: Object,
    /// The victim's.
    pub(crate) theirs: Object,
}

impl Doubles {
    /// Removes both, the victim's first: a target that goes by the id alone would remove that for the attacker's.
    pub(crate) async fn discard(&self, w: WriteTape<'_>) -> Result<(), Stop> {
        remove(w, &self.theirs).await?;
        remove(w, &self.mine).await
    }
}

/// What a search for an id that both have came to.
pub(crate) type Searched = Result<Doubles, NotApplicable>;

/// Why nothing is tried at an id of both.
pub(crate) const NO_DOUBLES: &str = "no id is both the victim's and the attacker's";

/// How many objects are made at most in search of an id that both have, besides those that show that ids count. Where an id is
/// not given twice, one search keeps the tenants' ids close, so that the next one makes few.
const MOST_MADE: usize = 96;

fn are_doubles(spec: &Spec, mine: &Object, theirs: &Object) -> bool {
    mine.id == theirs.id && above(spec, mine.resource, &mine.parents) == above(spec, theirs.resource, &theirs.parents)
}

/// The ids of what an object is below. What it names besides says nothing of where it is.
fn above(spec: &Spec, resource: ResourceIx, ids: &[(ResourceIx, ObjectId)]) -> Vec<(ResourceIx, ObjectId)> {
    ids.iter().filter(|(kind, _)| ancestors(spec, resource).any(|one| one == *kind)).cloned().collect()
}

/// Whether both tenants make objects of a kind below the same ids.
fn are_below_the_same(t: &Tape, pair: Pair, resource: ResourceIx) -> Result<bool, Stop> {
    let of = |tenant| Ok::<_, Stop>(above(&t.spec, resource, &parents_for(t, tenant, resource)?));
    Ok(of(pair.attacker)? == of(pair.victim)?)
}

/// Of those that set-up has planted.
pub(crate) fn known_doubles(t: &Tape, pair: Pair, resource: ResourceIx) -> Option<Doubles> {
    t.planted.of(pair.attacker, resource).find_map(|mine| {
        let theirs = t.planted.of(pair.victim, resource).find(|theirs| are_doubles(&t.spec, mine, theirs))?;
        Some(Doubles { mine: mine.clone(), theirs: theirs.clone() })
    })
}

/// Where ids count in each tenant by itself: creates in both, and then where ids are behind, until one coincides. Nothing else
/// writes there meanwhile.
pub(crate) async fn search_doubles(w: WriteTape<'_>, pair: Pair, resource: ResourceIx) -> Result<Searched, Stop> {
    let none = Err(NotApplicable::because(NO_DOUBLES));
    if !ids_count(&w, pair.attacker, resource) || !ids_count(&w, pair.victim, resource) {
        return Ok(none);
    }
    let quiet = w.quiet([pair.attacker, pair.victim]).await;
    let Some(MadeInBoth { mine, theirs }) = count_by_themselves(w, pair, resource).await? else {
        return Ok(none);
    };
    let mut search = Search { spec: &w.spec, pair, made_before: mine.len().saturating_add(theirs.len()), mine, theirs };
    let mut at_a_time = AT_A_TIME;
    while let Some((tenant, gap)) = search.behind() {
        let made = side_by_side((0..gap.min(at_a_time)).map(|_| plant(w, tenant, resource))).await;
        // Not every target can count where several are made at a time.
        match search.take(tenant, made) {
            Some(_) if at_a_time > 1 => at_a_time = 1,
            Some(stop) => {
                search.discard_all_but(w, None).await?;
                return Err(stop);
            }
            None => {}
        }
    }
    drop(quiet);
    let found = search.outcome();
    // Not at the end of the trial: as long as they are there, others look in vain for an id of which these tenants have nothing.
    search.discard_all_but(w, found.as_ref().ok()).await?;
    Ok(found)
}

/// How many are made at a time where nothing else is, and one is behind by many.
const AT_A_TIME: usize = 8;

/// What was made in search of an id that both have.
struct Search<'s> {
    spec: &'s Spec,
    pair: Pair,
    /// How many had been made before.
    made_before: usize,
    mine: Vec<Object>,
    theirs: Vec<Object>,
}

impl Search<'_> {
    /// What it has come to, when no more are made.
    fn outcome(&self) -> Result<Doubles, NotApplicable> {
        self.met().ok_or_else(|| match self.gap() {
            Some((_, 1..)) => NotApplicable::out_of_bounds(Untried::IdOfBoth { made: MOST_MADE }),
            _ => NotApplicable::because(NO_DOUBLES),
        })
    }

    /// Removes what was made and is not of use, what is the victim's first.
    async fn discard_all_but(&self, w: WriteTape<'_>, found: Option<&Doubles>) -> Result<(), Stop> {
        let is_left = |object: &&Object| found.is_none_or(|doubles| object.id != doubles.mine.id);
        remove_all(w, self.theirs.iter().filter(is_left)).await?;
        remove_all(w, self.mine.iter().filter(is_left)).await
    }

    fn met(&self) -> Option<Doubles> {
        self.mine.iter().find_map(|mine| {
            let theirs = self.theirs.iter().find(|theirs| are_doubles(self.spec, mine, theirs))?;
            Some(Doubles { mine: mine.clone(), theirs: theirs.clone() })
        })
    }

    /// How many may still be made.
    fn left(&self) -> usize {
        let made = self.mine.len().saturating_add(self.theirs.len());
        MOST_MADE.saturating_add(self.made_before).saturating_sub(made)
    }

    /// The tenant whose ids are behind, and by how many, as long as none coincides and so many may still be made.
    fn behind(&self) -> Option<(TenantIx, usize)> {
        let may_be_made = |(_, gap): &(TenantIx, usize)| (1..=self.left()).contains(gap);
        self.gap().filter(may_be_made).filter(|_| self.met().is_none())
    }

    /// The tenant whose ids are behind, and by how many. None where they differ in more than their numbers: then none of them
    /// will ever be the same.
    fn gap(&self) -> Option<(TenantIx, usize)> {
        let last = |objects: &[Object]| {
            let numbered =
                objects.iter().filter_map(|object| Some((number(&object.id)?, prefix(&object.id).to_owned())));
            numbered.max()
        };
        let ((mine, of_mine), (theirs, of_theirs)) = last(&self.mine).zip(last(&self.theirs))?;
        let tenant = if mine < theirs { self.pair.attacker } else { self.pair.victim };
        let gap = usize::try_from(mine.abs_diff(theirs)).ok()?;
        (of_mine == of_theirs).then_some((tenant, gap))
    }

    /// What was made in a tenant; or why something was not.
    fn take(&mut self, tenant: TenantIx, made: Vec<Result<Object, Stop>>) -> Option<Stop> {
        let objects = if tenant == self.pair.attacker { &mut self.mine } else { &mut self.theirs };
        let mut failed = None;
        for made in made {
            match made {
                Ok(object) => objects.push(object),
                Err(stop) => failed = Some(stop),
            }
        }
        failed
    }
}

/// The number at the end of an id that counts.
fn number(id: &str) -> Option<u64> {
    let prefix = prefix(id);
    let tail = id.get(prefix.len()..)?;
    tail.parse().ok().filter(|_| tail.len() <= 9 && !prefix.contains(|c: char| c.is_ascii_digit()))
}

/// What comes before that.
fn prefix(id: &str) -> &str {
    id.trim_end_matches(|c: char| c.is_ascii_digit())
}

/// The same name in both tenants, where clients choose them. None where the attacker is refused it, and the victim's is left
/// alone: a name is then of all tenants together.
pub(crate) async fn name_doubles(w: WriteTape<'_>, pair: Pair, resource: ResourceIx) -> Result<Option<Doubles>, Stop> {
    if !are_below_the_same(&w, pair, resource)? {
        return Ok(None);
    }
    let theirs = plant(w, pair.victim, resource).await?;
    match plant_named(w, pair.attacker, resource, &theirs.id).await {
        Ok(mine) => Ok(Some(Doubles { mine, theirs })),
        Err(Stop::Unproven(doubt)) if is_answer(doubt.reason) => {
            read(&w, &theirs).await?;
            remove(w, &theirs).await?;
            Ok(None)
        }
        Err(stop) => Err(stop),
    }
}

/// A disposable object of the victim's, below one whose name the attacker has given to an object of its own; and those two. Not
/// applicable where no client names what is above, or a name is of all tenants together.
pub(crate) async fn plant_below_of_both(
    w: WriteTape<'_>,
    pair: Pair,
    resource: ResourceIx,
) -> Result<(Object, Vec<Object>), Stop> {
    let parent = w.spec[resource].parent.filter(|parent| are_named_by_clients(&w, *parent));
    let parent = parent.ok_or_else(|| Stop::not_applicable(NO_DOUBLES))?;
    let doubles = name_doubles(w, pair, parent).await?;
    let Doubles { mine, theirs } = doubles.ok_or_else(|| Stop::not_applicable(NO_DOUBLES))?;
    let object = plant_under(w, pair.victim, resource, &Place::of(&theirs).ids).await?;
    Ok((object, vec![theirs, mine]))
}

/// Whether the target has answered, be it that a name twice makes it fail.
fn is_answer(reason: Reason) -> bool {
    use Reason::{ControlFailed, Redirected, RefusedForForm, TargetFailed, UnclearAnswer};
    matches!(reason, ControlFailed | RefusedForForm | UnclearAnswer | TargetFailed | Redirected)
}

/// Whether clients choose the ids of what may be created.
pub(crate) fn are_named_by_clients(t: &Tape, resource: ResourceIx) -> bool {
    is_client_named(&t.spec[resource]) && is_creatable(&t.spec, resource)
}

/// What was made of both.
struct MadeInBoth {
    mine: Vec<Object>,
    theirs: Vec<Object>,
}

/// One of each, where ids count in each tenant by itself: a create in one leaves no gap in the other.
async fn count_by_themselves(w: WriteTape<'_>, pair: Pair, resource: ResourceIx) -> Result<Option<MadeInBoth>, Stop> {
    let Pair { attacker, victim } = pair;
    // Two kinds of the spec may be one of the target's, and count together: then there are gaps, and numbers that both have.
    let may_count = [attacker, victim].into_iter().all(|tenant| is_gapless(&w.planted, tenant, resource))
        || have_met(&w, pair, resource);
    let are_numbers = w.planted.of(victim, resource).all(|object| number(&object.id).is_some());
    if !may_count || !are_numbers || !is_creatable(&w.spec, resource) || !are_below_the_same(&w, pair, resource)? {
        return Ok(None);
    }
    if known_doubles(&w, pair, resource).is_some() {
        let (mine, theirs) = both(plant(w, attacker, resource), plant(w, victim, resource)).await;
        return Ok(Some(MadeInBoth { mine: vec![mine?], theirs: vec![theirs?] }));
    }
    let (first, between) = both(plant(w, victim, resource), plant(w, attacker, resource)).await;
    let (first, between) = (first?, between?);
    // One that counts for all may have given the attacker's its number before: the next comes between the victim's two.
    let is_before = number(&between.id) < number(&first.id);
    let mut mine = vec![between];
    if is_before {
        mine.push(plant(w, attacker, resource).await?);
    }
    let second = plant(w, victim, resource).await?;
    let next = number(&first.id).and_then(|number| number.checked_add(1));
    if next.is_some() && number(&second.id) == next {
        return Ok(Some(MadeInBoth { mine, theirs: vec![first, second] }));
    }
    remove_all(w, mine.iter().chain([&first, &second])).await?;
    Ok(None)
}

/// Whether set-up has got one number in both tenants.
fn have_met(t: &Tape, Pair { attacker, victim }: Pair, resource: ResourceIx) -> bool {
    let is_of_attacker = |id: &ObjectId| t.planted.of(attacker, resource).any(|mine| mine.id == *id);
    t.planted.of(victim, resource).any(|theirs| number(&theirs.id).is_some() && is_of_attacker(&theirs.id))
}

/// Whether the ids that set-up has got in a tenant count without a gap, while others were made in other tenants. Two kinds of
/// the spec may be one of the target's: so all ids are looked at as well that begin as those of this kind do.
fn is_gapless(planted: &Planted, tenant: TenantIx, resource: ResourceIx) -> bool {
    let Some(begins) = planted.of(tenant, resource).next().map(|object| prefix(&object.id)) else { return false };
    let alike = planted.objects().iter().filter(|object| object.tenant == tenant && prefix(&object.id) == begins);
    count_up(planted.of(tenant, resource)) || count_up(alike)
}

/// Whether the numbers of ids follow each other.
fn count_up<'o>(objects: impl Iterator<Item = &'o Object>) -> bool {
    let mut numbers: Vec<Option<u64>> = objects.map(|object| number(&object.id)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let follows = |pair: &[Option<u64>]| match pair {
        [Some(one), Some(next)] => one.checked_add(1) == Some(*next),
        _ => false,
    };
    numbers.iter().all(Option::is_some) && numbers.windows(2).all(follows)
}

#[cfg(test)]
mod tests {
    use watertight_engine::planted::{Marker, Witness};

    use super::*;

    fn planted(of: &[(u32, u32, &str)]) -> Planted {
        let mut planted = Planted::default();
        for (tenant, resource, id) in of {
            planted.add(Object {
                tenant: serde_json::from_value((*tenant).into()).unwrap(),
                resource: serde_json::from_value((*resource).into()).unwrap(),
                id: ObjectId::text(*id),
                parents: Vec::new(),
                marker: Marker::Witnessed(Witness::default()),
            });
        }
        planted
    }

    /// What the spec has as two kinds, `/cases` and `/me/cases`, is one of the target's: which got which number is chance.
    #[test]
    fn two_kinds_that_count_together_have_no_gaps_of_their_own() {
        let gapless = |of: &[(u32, u32, &str)]| {
            let [tenant, resource] = ["0", "0"];
            is_gapless(&planted(of), serde_json::from_str(tenant).unwrap(), serde_json::from_str(resource).unwrap())
        };
        assert!(gapless(&[(0, 0, "case-1"), (0, 1, "case-2"), (0, 0, "case-3"), (1, 0, "case-1")]));
        assert!(gapless(&[(0, 0, "1"), (0, 0, "2"), (0, 1, "1"), (0, 1, "2")]));
        assert!(gapless(&[(0, 0, "1"), (0, 0, "2"), (0, 1, "17"), (0, 2, "12345678901234")]));
        assert!(!gapless(&[(0, 0, "case-1"), (1, 0, "case-2"), (0, 0, "case-3")]));
        assert!(!gapless(&[(0, 0, "case-1"), (0, 1, "task-2"), (0, 0, "case-3")]));
        assert!(!gapless(&[]));
    }
}
