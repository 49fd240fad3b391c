//! Objects: those that set-up planted for all, and disposable ones.

use serde_json::Value;
use watertight_engine::log::Exchange;
use watertight_engine::planted::{Marker, Object, Witness};
use watertight_engine::{Seen, Tape, WriteTape, side_by_side};
use watertight_spec::{ObjectId, Resource, ResourceIx, Role, Spec, Supply, Symbol, TargetEnvironment, TenantIx};

use super::once::{anew, is_once};
use super::place::is_client_named;
use super::{
    Made, Place, Tells, Words, a, control, failed, follow, is_error, item_of, operation_of, owner, poll, reason,
    request, shows,
};
use crate::verdict::{Reason, ResponseClass, Stop, Unproven, class_of};

/// Nothing tells whose an object is that the run has not made.
pub(crate) const SHARED: &str = "both tenants are shown the same objects there, of which nothing is one's alone: if they are everyone's, exclude it \
                                 from coverage; else name a text of one under `shows`";

/// Whether objects of a resource may be made here. Where the spec names existing ones, they are used instead.
pub(crate) fn is_creatable(spec: &Spec, resource: ResourceIx) -> bool {
    let described = &spec[resource];
    described.supply == Supply::Made
        && spec.target.environment != TargetEnvironment::Production
        && operation_of(spec, resource, Role::Create).is_some()
}

/// An object that set-up planted or found, and that can be recognised. It must not be changed.
pub(crate) fn prepared_object(t: &Tape, tenant: TenantIx, resource: ResourceIx) -> Result<Object, Stop> {
    match t.planted.of(tenant, resource).find(|object| !object.marker.is_empty()) {
        Some(object) => Ok(object.clone()),
        None => Err(unprepared(t, tenant, resource)),
    }
}

/// An object that set-up planted or found, recognised or not: for answers that are compared word for word.
pub(crate) fn any_object(t: &Tape, tenant: TenantIx, resource: ResourceIx) -> Result<Object, Stop> {
    t.planted.of(tenant, resource).next().cloned().ok_or_else(|| unprepared(t, tenant, resource))
}

/// Why set-up has none.
fn unprepared(t: &Tape, tenant: TenantIx, resource: ResourceIx) -> Stop {
    match t.planted.failure(tenant, resource) {
        Some(why) => Unproven::new(Reason::SetupFailed, format!("set-up failed: {why}")).into(),
        None if t.planted.of(tenant, resource).next().is_some() => {
            let one = a(&t.spec[resource].name);
            Stop::not_applicable(format!("nothing recognises {one}; a text of one may be named under `shows`"))
        }
        None => Stop::not_applicable("the tenant has no object of this kind"),
    }
}

/// Where new objects of a resource go: the ids of the objects that its requests name, of those that set-up has planted.
/// Nearest last: the parent, after those that it is below itself.
pub(crate) fn parents_for(
    t: &Tape,
    tenant: TenantIx,
    resource: ResourceIx,
) -> Result<Vec<(ResourceIx, ObjectId)>, Stop> {
    let described = &t.spec[resource];
    let others = described.needs.iter().filter(|need| Some(**need) != described.parent);
    let mut ids: Vec<(ResourceIx, ObjectId)> = Vec::new();
    // Nothing needs to be seen of them.
    for need in described.parent.iter().chain(others) {
        let object = t.planted.of(tenant, *need).next().ok_or_else(|| unprepared(t, tenant, *need))?;
        let new: Vec<_> =
            Place::of(object).ids.into_iter().filter(|(r, _)| !ids.iter().any(|(known, _)| known == r)).collect();
        // Those of the parent stay last.
        ids.splice(0..0, new);
    }
    Ok(ids)
}

/// A new disposable object with a canary, below set-up's first parent object.
pub(crate) async fn plant(w: WriteTape<'_>, tenant: TenantIx, resource: ResourceIx) -> Result<Object, Stop> {
    plant_under(w, tenant, resource, &parents_for(&w, tenant, resource)?).await
}

/// These ids, and those of the other objects that requests of a resource name. What is below one of these is below this very
/// one: a thread of that channel is made, where those that set-up has planted are in another.
async fn completed(
    w: WriteTape<'_>,
    tenant: TenantIx,
    resource: ResourceIx,
    ids: &[(ResourceIx, ObjectId)],
) -> Result<Vec<(ResourceIx, ObjectId)>, Stop> {
    let is_known = |need: &ResourceIx| ids.iter().any(|(known, _)| known == need);
    if w.spec[resource].needs.iter().all(is_known) {
        return Ok(ids.to_vec());
    }
    let mut others = parents_for(&w, tenant, resource)?;
    others.retain(|(other, _)| !is_known(other));
    for (kind, id) in &mut others {
        let names_another = |object: &Object| {
            let mut named = object.parents.iter().filter(|(above, _)| is_known(above));
            object.resource == *kind && object.id == *id && named.any(|above| !ids.contains(above))
        };
        if is_creatable(&w.spec, *kind) && w.planted.of(tenant, *kind).any(names_another) {
            *id = Box::pin(plant_under(w, tenant, *kind, ids)).await?.id;
        }
    }
    Ok(others.into_iter().chain(ids.iter().cloned()).collect())
}

/// A new disposable object with a canary, below these ancestors.
pub(crate) async fn plant_under(
    w: WriteTape<'_>,
    tenant: TenantIx,
    resource: ResourceIx,
    parents: &[(ResourceIx, ObjectId)],
) -> Result<Object, Stop> {
    Ok(make_under(w, tenant, resource, parents).await?.0)
}

/// A new disposable object with a canary, under a name that its client chooses.
pub(crate) async fn plant_named(
    w: WriteTape<'_>,
    tenant: TenantIx,
    resource: ResourceIx,
    name: &ObjectId,
) -> Result<Object, Stop> {
    Ok(make_as(w, tenant, resource, &parents_for(&w, tenant, resource)?, Some(name.clone())).await?.0)
}

/// As [`plant`], and where the target has told the object's id.
pub(crate) async fn make(w: WriteTape<'_>, tenant: TenantIx, resource: ResourceIx) -> Result<(Object, Tells), Stop> {
    make_under(w, tenant, resource, &parents_for(&w, tenant, resource)?).await
}

/// As [`plant_under`], and where the target has told the object's id.
pub(crate) async fn make_under(
    w: WriteTape<'_>,
    tenant: TenantIx,
    resource: ResourceIx,
    parents: &[(ResourceIx, ObjectId)],
) -> Result<(Object, Tells), Stop> {
    let chosen = is_client_named(&w.spec[resource]).then(|| ObjectId::text(w.unique()));
    make_as(w, tenant, resource, parents, chosen).await
}

/// The same under an id that its client has chosen, where clients choose them.
async fn make_as(
    w: WriteTape<'_>,
    tenant: TenantIx,
    resource: ResourceIx,
    parents: &[(ResourceIx, ObjectId)],
    chosen: Option<ObjectId>,
) -> Result<(Object, Tells), Stop> {
    let described = &w.spec[resource];
    let op = operation_of(&w.spec, resource, Role::Create)
        .filter(|_| is_creatable(&w.spec, resource))
        .ok_or_else(|| not_creatable(described))?;
    let canary = w.canary(tenant);
    let parents = &completed(w, tenant, resource, parents).await?;
    let parents = &match is_once(&w, tenant, resource) {
        true => anew(w, tenant, resource, parents).await?,
        false => parents.clone(),
    };
    let mut place = Place::within(tenant, parents);
    if let Some(id) = &chosen {
        place = place.and(resource, id);
    }
    let created = w.send(request(&w, owner(&w, tenant)?, op, &place, &Words::canary(&canary))?).await;
    match class_of(&created) {
        ResponseClass::Success => {}
        // What it made is shown there, or by a list.
        ResponseClass::Undecided if created.leads_on() => {}
        ResponseClass::NotOffered => return Err(Stop::not_offered(&created)),
        ResponseClass::Denied | ResponseClass::Undecided => {
            let detail = format!("the owner's own create failed{}", words_of(&created));
            return Err(Unproven::shown(reason(&created), detail, &created).into());
        }
    }
    let tells = if chosen.is_some() { Tells::InAnswer } else { Tells::by(&w.spec, resource, &created) };
    let made = Made { tenant, resource, parents, words: &[&canary.public, &canary.secret] };
    let id = match chosen {
        Some(id) => Some(id),
        None => made.id(&w, tells, &created).await?,
    };
    let id = id.ok_or_else(|| nameless(&created))?;
    if id.to_lowercase().contains(&canary.secret) {
        return Err(Unproven::shown(Reason::UnclearAnswer, MARKED_ID, &created).into());
    }
    let marker = match op.request.mentions(&Symbol::Canary) {
        true => Marker::Planted(canary),
        // What holds none is told apart by comparing answers.
        false => Marker::Witnessed(Witness::default()),
    };
    Ok((Object { tenant, resource, id, parents: parents.to_vec(), marker }, tells))
}

/// No other tenant may send what is to be recognised when it comes back.
const MARKED_ID: &str = "its id holds the marker, so that no other tenant can ask for it: have `{unique}` where the id comes from \
                         (of a file: `{ name = \"{unique}.txt\", text = \"{canary}\" }`), and `{canary}` in another member";

/// Why it is not known what a create has made.
fn nameless(created: &Exchange) -> Stop {
    let detail = match created.json().is_some_and(is_error) || created.leads_on() {
        true => format!("the owner's own create failed{}", words_of(created)),
        false => NAMELESS.to_owned(),
    };
    Unproven::shown(Reason::UnclearAnswer, detail, created).into()
}

/// Characters of an answer that are told of a refusal.
const MOST_WORDS: usize = 200;

/// What the target itself says of a refusal, as the log has it.
pub(super) fn words_of(answer: &Exchange) -> String {
    let text = answer.response().map(|received| received.body.text().trim()).unwrap_or_default();
    let words: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_WORDS).collect();
    if words.is_empty() { String::new() } else { format!(", and the target says: {words}") }
}

/// Nothing says what was made.
pub(crate) const NAMELESS: &str = "no id of what was made was found: neither in the answer to its create (say where it is with `id`), nor beside its \
     canary in a list. What has no id may be described as an `[[operation]]`";

/// Why none is made.
fn not_creatable(described: &Resource) -> Stop {
    let name = &described.name;
    Stop::not_applicable(match described.supply {
        Supply::Made => format!("nothing may be created as {name}"),
        Supply::Known(_) | Supply::Listed => {
            format!(
                "{} is not created, and those that exist may be changed only where the spec says `disposable`",
                a(name)
            )
        }
    })
}

/// Removes a disposable object, by its owner. What fails here is left to the journal.
pub(crate) async fn remove(w: WriteTape<'_>, object: &Object) -> Result<(), Stop> {
    if let Some(op) = operation_of(&w.spec, object.resource, Role::Delete) {
        w.send(request(&w, owner(&w, object.tenant)?, op, &Place::of(object), &Words::default())?).await;
    }
    Ok(())
}

/// Removes several that don't depend on each other.
pub(crate) async fn remove_all<'o>(
    w: WriteTape<'_>,
    objects: impl IntoIterator<Item = &'o Object>,
) -> Result<(), Stop> {
    side_by_side(objects.into_iter().map(|object| remove(w, object))).await.into_iter().collect()
}

/// Removes an object that an attack may have left with a tenant, by that tenant, once its reading shows what the attacker
/// wrote: an id that was told by someone else may be that of an object of the tenant's own. Yields that reading.
pub(crate) async fn remove_if_written(w: WriteTape<'_>, object: &Object, nonce: &str) -> Result<Option<Seen>, Stop> {
    let Some(op) = operation_of(&w.spec, object.resource, Role::Read) else { return Ok(None) };
    let asked = request(&w, owner(&w, object.tenant)?, op, &Place::of(object), &Words::default())?;
    // Not the tenant's own id, perhaps, so no ordinary request.
    let seen = w.send(asked.crossing()).await;
    if seen.mentions(nonce) {
        remove(w, object).await?;
    }
    Ok(Some(seen))
}

/// The owner reads an object: it must succeed and show its marker.
pub(crate) async fn read(t: &Tape, object: &Object) -> Result<Seen, Stop> {
    if let Some(op) = operation_of(&t.spec, object.resource, Role::Read) {
        let asked = request(t, owner(t, object.tenant)?, op, &Place::of(object), &Words::default())?;
        return control(t, &asked, object).await;
    }
    let unseen = Reason::MarkerNotSeen;
    let mut doubt = Unproven::new(unseen, unseen.says());
    let found = poll(t, async || {
        let listed = look_up(t, object).await?;
        if let Some(stop) = failed(&listed.page) {
            return Err(stop);
        }
        // What nothing marks is known by its id there.
        if listed.item.is_some() && (object.marker.is_empty() || shows(&listed.page, object)) {
            return Ok(Some(listed.page));
        }
        doubt = Unproven::shown(unseen, "the owner's own list does not show it", &listed.page);
        Ok(None)
    })
    .await?;
    found.ok_or(Stop::Unproven(doubt))
}

/// An object in its owner's list.
pub(crate) struct Listed {
    /// The page that has it, else the last one.
    pub(crate) page: Seen,
    /// What the list says of it; none where it is not there.
    pub(crate) item: Option<Value>,
    /// Whether the list was read to its end.
    pub(crate) is_complete: bool,
}

/// Where there is no reading of one object, its owner's list must show it.
pub(crate) async fn look_up(t: &Tape, object: &Object) -> Result<Listed, Stop> {
    let op = operation_of(&t.spec, object.resource, Role::List)
        .ok_or_else(|| Stop::not_applicable("the owner has no way to read the object back"))?;
    let resource = &t.spec[object.resource];
    let item_in = |page: &Exchange| item_of(resource, page, &object.id).cloned();
    let first =
        request(t, owner(t, object.tenant)?, op, &Place::within(object.tenant, &object.parents), &Words::default())?;
    let pages = follow(t, op, first, |page| item_in(page).is_some()).await;
    let last = pages.last().ok_or_else(Unproven::nothing_sent)?;
    Ok(Listed { page: Seen::clone(last), item: item_in(last), is_complete: pages.is_complete })
}

/// A disposable object of a tenant's, and the disposable parent that it is below.
pub(crate) async fn plant_below(
    w: WriteTape<'_>,
    tenant: TenantIx,
    resource: ResourceIx,
) -> Result<(Object, Object), Stop> {
    let parent = w.spec[resource].parent.ok_or_else(|| Stop::not_applicable("it has no parent"))?;
    let above = plant(w, tenant, parent).await?;
    let object = plant_under(w, tenant, resource, &Place::of(&above).ids).await?;
    Ok((above, object))
}
