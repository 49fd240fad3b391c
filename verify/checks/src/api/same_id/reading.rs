//! What is read by an id that both tenants have: a list of what is tagged with a name, below a number, or the object itself.

use watertight_engine::planted::Object;
use watertight_engine::{Tape, WriteTape};
use watertight_spec::{Operation, Pair, ResourceIx, Role, Symbol, TenantIx};

use super::super::reading::looking_for;
use super::{Found, MOST_KINDS, discard};
use crate::bracket::{self, Attack};
use crate::check::Concluded;
use crate::shared::{
    Doubles, NO_DOUBLES, Pages, Place, are_named_by_clients, failed, first_page, follow, foreign, ids_count,
    is_creatable, leak, named_by, own, plant_under, poll, request,
};
use crate::verdict::{Reason, Stop, Unproven, Verdict};

/// The attacker's own reading by an id that the victim has as well, of each kind of which there may be one.
pub(in crate::api) async fn read_own(t: &Tape, op: &Operation, pair: Pair) -> Concluded {
    let mut concluded = Err(Stop::not_applicable(NO_DOUBLES));
    let mut untried = None;
    let Some(w) = t.writing().filter(|_| !matches!(op.role, Role::Search | Role::Count)) else { return concluded };
    for kind in op.request.objects() {
        let may_meet = are_named_by_clients(t, kind)
            || (ids_count(t, pair.attacker, kind) && ids_count(t, pair.victim, kind) && is_creatable(&t.spec, kind));
        if may_meet && !is_of_another(op, kind) && !is_tried_for_caches(op) {
            match read_by(w, op, pair, kind).await {
                Err(Stop::NotApplicable(nothing)) => {
                    untried = untried.or(nothing.is_out_of_bounds().then_some(nothing))
                }
                Ok(Verdict::Isolated(proof)) => concluded = Ok(Verdict::Isolated(proof)),
                told => return told,
            }
        }
    }
    match untried {
        Some(nothing) => concluded.map(|verdict| verdict.beside(&nothing)).map_err(|_| Stop::NotApplicable(nothing)),
        None => concluded,
    }
}

/// Whether it shows one other object alone, which it names as well: that is tried by its own id.
fn is_of_another(op: &Operation, kind: ResourceIx) -> bool {
    op.resource.is_some_and(|concerned| concerned != kind && op.request.mentions(&Symbol::Object(concerned)))
}

/// An object's own reading: the check of caches sends it, by an id that both have.
fn is_tried_for_caches(op: &Operation) -> bool {
    op.role == Role::Read && op.request.method == "GET"
}

async fn read_by(w: WriteTape<'_>, op: &Operation, pair: Pair, kind: ResourceIx) -> Concluded {
    let t = w.tape();
    let Found { doubles: Doubles { mine, theirs }, mut made } = Found::search(w, pair, kind).await?;
    for naming in namers(t, op, kind) {
        for double in [&mine, &theirs] {
            made.insert(0, plant_under(w, double.tenant, naming, &Place::of(double).ids).await?);
        }
    }
    let by = Reading { op, pair, made: &made };
    let concluded = by.compare(t, &mine, &theirs).await;
    if matches!(concluded, Ok(Verdict::Leak(_))) {
        return concluded;
    }
    let removed = discard(w, &made).await;
    concluded.and_then(|verdict| removed.map(|()| verdict))
}

/// Kinds of objects that name this one when they are made, of which the operation may show some.
fn namers(t: &Tape, op: &Operation, kind: ResourceIx) -> Vec<ResourceIx> {
    let concerned = op.resource.filter(|concerned| *concerned != kind);
    match concerned {
        // What is read by its own id shows itself.
        None if op.role == Role::Read => Vec::new(),
        _ => named_by(&t.spec, kind).filter(|one| concerned.is_none_or(|only| only == *one)).take(MOST_KINDS).collect(),
    }
}

/// A request of each tenant's own, the same but for who sends it.
struct Reading<'o> {
    op: &'o Operation,
    pair: Pair,
    /// Objects that name the ones of that id.
    made: &'o [Object],
}

impl Reading<'_> {
    async fn compare(&self, t: &Tape, mine: &Object, theirs: &Object) -> Concluded {
        let Pair { attacker, victim } = self.pair;
        if !self.shows_own(t, theirs).await? {
            return Err(Stop::not_applicable("its owner is shown nothing of its own there"));
        }
        let open = bracket::open(async || self.control(t, theirs).await).await?;
        let pages = self.ask(t, mine).await?;
        let leaked = pages.pages.iter().find_map(|page| leak(t, page, victim));
        let Some(last) = pages.last() else { return Err(Unproven::nothing_sent().into()) };
        let outcome = match (leaked, failed(last)) {
            (Some(evidence), _) => Attack::Leaked(
                evidence.further("it asked by the id of an object of its own, which the victim has as well"),
            ),
            (None, Some(stop)) => return Err(stop),
            (None, None) if !pages.is_complete => {
                Attack::Undecided(Unproven::shown(Reason::NotReadToEnd, Reason::NotReadToEnd.says(), last))
            }
            (None, None) if pages.pages.iter().any(|page| foreign(t, page, attacker).is_some()) => Attack::Withstood,
            (None, None) => {
                let detail = "the attacker does not see its own marker";
                Attack::Undecided(Unproven::shown(Reason::MarkerNotSeen, detail, last))
            }
        };
        open.attack(outcome).close().await
    }

    async fn control(&self, t: &Tape, object: &Object) -> Result<(), Stop> {
        match self.shows_own(t, object).await? {
            true => Ok(()),
            false => Err(Unproven::new(Reason::MarkerNotSeen, Reason::MarkerNotSeen.says()).into()),
        }
    }

    /// Whether the owner is shown something of its own by that id: else there is nothing to be seen of it.
    async fn shows_own(&self, t: &Tape, object: &Object) -> Result<bool, Stop> {
        let shown = poll(t, async || {
            let pages = self.ask(t, object).await?;
            Ok(pages.pages.iter().any(|page| foreign(t, page, object.tenant).is_some()).then_some(()))
        });
        Ok(shown.await?.is_some())
    }

    async fn ask(&self, t: &Tape, object: &Object) -> Result<Pages, Stop> {
        let marked = self.made.iter().find(|one| self.is_named_with(one, object.tenant)).unwrap_or(object);
        let asked = request(t, own(t, object.tenant)?, self.op, &Place::of(object), &looking_for(marked))?;
        Ok(follow(t, self.op, first_page(&t.spec, self.op, asked.crossing()), |_| false).await)
    }

    fn is_named_with(&self, one: &Object, tenant: TenantIx) -> bool {
        one.tenant == tenant && Some(one.resource) == self.op.resource
    }
}
