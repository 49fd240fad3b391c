//! An operation of the spec, at a place, in words → a request.

use std::borrow::Cow;
use std::cell::Cell;

use serde_json::Value;
use watertight_engine::Tape;
use watertight_engine::call::{Address, Caller, Mark, ObjectName, Part, Payload, Request, UploadedFile};
use watertight_engine::marker::Canary;
use watertight_engine::planted::Object;
use watertight_spec::{
    AddressPart, BodyTemplate, Effect, FileTemplate, Form, IdSource, ObjectId, Operation, PartTemplate, PathTemplate,
    Piece, RequestTemplate, Resource, ResourceIx, Role, Spec, Symbol, TenantIx, TextTemplate, Way,
};

use super::company::{Company, Slot};
use super::{escape, is_creatable};
use crate::verdict::Stop;

/// Where a request goes: whose place, and which objects are named in its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The tenant that the request names.
    pub(crate) tenant: TenantIx,
    /// How that tenant is spelled, if not as usual; in a path it is sent as it is, without any encoding.
    pub(crate) spelled: Option<String>,
    /// Where in the request it is named.
    pub(crate) named: Named,
    /// An id for each resource.
    pub(crate) ids: Vec<(ResourceIx, ObjectId)>,
    /// What else a request names there of one kind, where it names several.
    pub(crate) company: Option<Company>,
}

/// Where a request names the tenant of its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Named {
    /// Wherever it names one.
    #[default]
    Everywhere,
    /// In one part alone; the others name this tenant.
    In(Way, TenantIx),
}

impl Place {
    /// In a tenant's own, with the ids of these ancestors.
    pub(crate) fn within(tenant: TenantIx, ids: &[(ResourceIx, ObjectId)]) -> Self {
        Self { tenant, spelled: None, named: Named::Everywhere, ids: ids.to_vec(), company: None }
    }

    /// Beside others of one kind.
    pub(crate) fn beside(mut self, company: Option<Company>) -> Self {
        self.company = company;
        self
    }

    /// With this id in place of another, where it names several of one kind.
    pub(crate) fn with_another(mut self, other: &ObjectId, id: &ObjectId) -> Self {
        let others = self.company.iter_mut().flat_map(|company| &mut company.others);
        others.filter(|named| *named == other).for_each(|named| *named = id.clone());
        self
    }

    /// With the tenant named as it says.
    pub(crate) fn named_in(mut self, named: Named) -> Self {
        self.named = named;
        self
    }

    /// The tenant that one part of the request names.
    fn tenant_in(&self, way: Way) -> TenantIx {
        match self.named {
            Named::In(only, other) if only != way => other,
            Named::In(..) | Named::Everywhere => self.tenant,
        }
    }

    /// How that one is spelled there, if not as usual.
    fn spelled_in(&self, way: Way) -> Option<&str> {
        self.spelled.as_deref().filter(|_| !matches!(self.named, Named::In(only, _) if only != way))
    }

    /// At the object of this name.
    pub(crate) fn named(object: &ObjectName) -> Self {
        Self::within(object.tenant, &object.above).and(object.resource, &object.id)
    }

    /// At an object.
    pub(crate) fn of(object: &Object) -> Self {
        Self::within(object.tenant, &object.parents).and(object.resource, &object.id)
    }

    /// With one more id.
    pub(crate) fn and(mut self, resource: ResourceIx, id: impl Into<ObjectId>) -> Self {
        self.ids.retain(|(r, _)| *r != resource);
        self.ids.push((resource, id.into()));
        self
    }

    /// The same ids in another tenant's place.
    pub(crate) fn in_tenant(mut self, tenant: TenantIx) -> Self {
        self.tenant = tenant;
        self
    }

    /// With the tenant spelled otherwise.
    pub(crate) fn spelled(mut self, spelling: impl Into<String>) -> Self {
        self.spelled = Some(spelling.into());
        self
    }

    /// What a request of the operation there brings, as an answer may echo it.
    pub(crate) fn sent(&self, spec: &Spec, op: &Operation) -> Vec<String> {
        let tenant = || self.spelled.clone().unwrap_or_else(|| tenant_name(spec, self.tenant).to_owned());
        let mut sent = self.sent_ids(op);
        sent.extend(names_tenant(op).then(tenant));
        let given = op.request.symbols().into_iter().filter_map(|symbol| match symbol {
            Symbol::Value(name) => spec[self.tenant].values.get(name).map(as_text),
            Symbol::TenantName => Some(spec[self.tenant].name.clone()),
            _ => None,
        });
        sent.extend(given);
        sent
    }

    /// The ids of that: the innermost first, for it is the longest part of what is echoed.
    pub(crate) fn sent_ids(&self, op: &Operation) -> Vec<String> {
        let is_sent = |resource: &ResourceIx| op.request.mentions(&Symbol::Object(*resource));
        let others = self.company.iter().flat_map(|company| &company.others);
        let ids = self.ids.iter().rev().filter(|(resource, _)| is_sent(resource)).map(|(_, id)| id);
        ids.chain(others).map(ToString::to_string).collect()
    }

    /// The ids that it has besides one of this kind.
    fn above(&self, resource: ResourceIx) -> Vec<(ResourceIx, ObjectId)> {
        self.ids.iter().filter(|(other, _)| *other != resource).cloned().collect()
    }

    /// The object of this kind that it names.
    fn name_of(&self, resource: ResourceIx) -> Option<ObjectName> {
        let id = self.id(resource)?.clone();
        Some(ObjectName { tenant: self.tenant, resource, above: self.above(resource), id })
    }

    /// Whether what is above an object is what it names of these kinds, if it names any.
    pub(super) fn has_above(&self, object: &Object) -> bool {
        object.parents.iter().all(|(kind, id)| self.id(*kind).is_none_or(|named| named == id))
    }

    /// The id of this kind that it has.
    pub(crate) fn id(&self, resource: ResourceIx) -> Option<&ObjectId> {
        self.ids.iter().find(|(r, _)| *r == resource).map(|(_, id)| id)
    }
}

/// What is written for the symbols of markers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    /// For `{canary}`.
    pub(crate) text: Option<String>,
    /// For `{canary.public}`.
    pub(crate) public: Option<String>,
    /// For `{unique}`; a fresh value if absent.
    pub(crate) unique: Option<String>,
}

impl Words {
    /// An owner's.
    pub(crate) fn canary(canary: &Canary) -> Self {
        Self { text: Some(canary.to_string()), public: Some(canary.public.clone()), unique: None }
    }

    /// An attacker's.
    pub(crate) fn nonce(nonce: &str) -> Self {
        Self { text: Some(nonce.to_owned()), public: Some(nonce.to_owned()), unique: None }
    }

    /// Of one who searches.
    pub(crate) fn searching(public: &str) -> Self {
        Self { text: None, public: Some(public.to_owned()), unique: None }
    }
}

/// The request of an operation, by `caller`, as an ordinary one. Effect and mark follow from what the operation is.
pub(crate) fn request(t: &Tape, caller: Caller, op: &Operation, place: &Place, words: &Words) -> Result<Request, Stop> {
    let unbound = || Stop::not_applicable(format!("{} needs an object that the run does not have", op.label()));
    let request = written(t, caller, &op.request, &accompanied(t, op, place), words).ok_or_else(unbound)?;
    let mark = match (op.role, op.resource) {
        (Role::Create, Some(resource)) => Mark::Creates {
            resource,
            owner: place.tenant,
            named: place.id(resource).cloned().filter(|_| is_client_named(&t.spec[resource])),
            above: place.above(resource),
        },
        (Role::Delete, Some(resource)) => Mark::Removes(place.name_of(resource).ok_or_else(unbound)?),
        _ => Mark::Nothing,
    };
    Ok(request.of(op.ix).effect(op.effect).mark(mark))
}

/// The place, with different objects where a request names several of a kind, if nothing is done to these.
fn accompanied<'p>(t: &Tape, op: &Operation, place: &'p Place) -> Cow<'p, Place> {
    let is_safe = |kind: &ResourceIx| op.effect == Effect::Read || Some(*kind) != op.resource;
    let company = |kind: ResourceIx| {
        let id = place.id(kind).or_else(|| t.planted.of(place.tenant, kind).next().map(|object| &object.id))?;
        Slot::All.beside_known(t, op, place, (kind, id))
    };
    let company = match place.company {
        Some(_) => None,
        None => op.request.objects().into_iter().filter(is_safe).find_map(company),
    };
    match company {
        Some(_) => Cow::Owned(place.clone().beside(company)),
        None => Cow::Borrowed(place),
    }
}

/// A request of a template, as one that reads. None where a symbol has no value.
pub(crate) fn written(
    t: &Tape,
    caller: Caller,
    template: &RequestTemplate,
    place: &Place,
    words: &Words,
) -> Option<Request> {
    let bound = Bound { t, template, place, words, unique: unique(t, template, words), outside: Cell::new(0) };
    let request = Request::read(caller, place.tenant_in(Way::Url), &template.method, bound.path(&template.path)?);
    let headers = bound.headers(&template.headers)?;
    let request = headers.into_iter().fold(request, |request, (name, value)| request.header(&name, value));
    Some(request.bringing(bound.body(template.body.as_ref())?))
}

/// What is written for each symbol of a request.
struct Bound<'b> {
    t: &'b Tape,
    template: &'b RequestTemplate,
    place: &'b Place,
    words: &'b Words,
    unique: Option<String>,
    /// How many places outside of lists have been written of the kind that has company.
    outside: Cell<usize>,
}

impl Bound<'_> {
    fn object(&self, resource: ResourceIx) -> Option<&ObjectId> {
        self.listed(resource, None)
    }

    /// The object that is named by the n-th element of a list, or by the next place outside of lists.
    fn listed(&self, resource: ResourceIx, nth: Option<usize>) -> Option<&ObjectId> {
        let id = self.place.id(resource).or_else(|| self.planted(resource))?;
        let is_of_kind = |company: &&Company| company.resource == resource;
        let Some(company) = self.place.company.as_ref().filter(is_of_kind) else { return Some(id) };
        let slots = self.template.slots(resource);
        if slots.count() < 2 {
            return Some(id);
        }
        let slot = match nth {
            Some(nth) => slots.of_listed(nth),
            None => slots.of_place(self.outside.replace(self.outside.get().saturating_add(1))),
        };
        Some(company.id(id, slot))
    }

    /// Where the place names no object of a kind: the first that set-up has planted in that tenant, below what the place names
    /// if there is one.
    fn planted(&self, resource: ResourceIx) -> Option<&ObjectId> {
        let all = || self.t.planted.of(self.place.tenant, resource);
        all().find(|object| self.place.has_above(object)).or_else(|| all().next()).map(|object| &object.id)
    }

    /// What the spec says that is written for a tenant.
    fn given(&self, name: &str, way: Way) -> Option<&Value> {
        self.t.spec[self.place.tenant_in(way)].values.get(name)
    }

    fn path(&self, template: &PathTemplate) -> Option<Address> {
        let mut named: Vec<ResourceIx> = Vec::new();
        address(template, |address, symbol, way| match (symbol, self.place.spelled_in(way)) {
            (Symbol::Tenant, Some(spelled)) => Some(address.text(spelled)),
            (Symbol::Object(resource), _) if way == Way::Query && template.listed(*resource) > 0 => {
                let nth = named.iter().filter(|other| *other == resource).count();
                named.push(*resource);
                Some(address.value(self.listed(*resource, Some(nth))?.to_string()))
            }
            _ => Some(address.value(self.text(symbol, way)?)),
        })
    }

    /// None where a symbol has no value.
    fn body(&self, template: Option<&BodyTemplate>) -> Option<Option<Payload>> {
        let value = |symbol: &Symbol, nth: Option<usize>| match symbol {
            Symbol::Object(resource) => self.listed(*resource, nth).map(ObjectId::value),
            Symbol::Generated(form) => Some(made_up(*form, self.unique.as_deref()?)),
            Symbol::Value(name) => self.given(name, Way::Body).cloned(),
            other => self.text(other, Way::Body).map(Value::String),
        };
        Some(match template {
            None => None,
            Some(BodyTemplate::Json(json)) => {
                let kind = self.place.company.as_ref().map(|company| company.resource);
                let second = kind.filter(|kind| self.template.slots(*kind).can_grow());
                Some(Payload::Json(json.render_lists(second, &mut |symbol, nth| value(symbol, nth))?))
            }
            Some(form @ BodyTemplate::Form(members)) => Some(Payload::Form(self.form(form, members)?)),
            Some(BodyTemplate::Multipart(parts)) => {
                let part = |part: &PartTemplate| {
                    let kind = part.file.as_ref().map_or("text/plain", |file| file.kind.as_str());
                    let text = part.text.render(&mut |symbol| self.text_within(kind, symbol))?;
                    let file = match &part.file {
                        Some(file) => Some(self.file(file)?),
                        None => None,
                    };
                    Some(Part { name: part.name.clone(), file, text })
                };
                Some(Payload::Multipart(parts.iter().map(part).collect::<Option<_>>()?))
            }
            Some(BodyTemplate::Text { kind, text }) => {
                let text = text.render(&mut |symbol| self.text_within(kind, symbol))?;
                Some(Payload::Text { kind: kind.clone(), text })
            }
        })
    }

    fn file(&self, file: &FileTemplate) -> Option<UploadedFile> {
        let name = file.name.render(&mut |symbol| self.text_within("text/plain", symbol))?;
        Some(UploadedFile { name, kind: file.kind.clone(), form: file.form })
    }

    /// The members of a form. One that is sent several times is a list.
    fn form(&self, form: &BodyTemplate, members: &[(String, TextTemplate)]) -> Option<Vec<(String, String)>> {
        let mut named: Vec<(&str, ResourceIx)> = Vec::new();
        let mut all = Vec::new();
        for (name, value) in members {
            let mut bind = |symbol: &Symbol| match symbol {
                Symbol::Object(kind) if form.listed_in_form(name, *kind) > 0 => {
                    let nth = named.iter().filter(|known| **known == (name.as_str(), *kind)).count();
                    named.push((name, *kind));
                    self.listed(*kind, Some(nth)).map(ToString::to_string)
                }
                other => self.text(other, Way::Body),
            };
            all.push((name.clone(), value.render(&mut bind)?));
        }
        Some(all)
    }

    fn headers(&self, templates: &[(String, TextTemplate)]) -> Option<Vec<(String, String)>> {
        let text = |(at, (name, value)): (usize, &(String, TextTemplate))| {
            Some((name.clone(), value.render(&mut |symbol| self.text(symbol, Way::Header(at)))?))
        };
        templates.iter().enumerate().map(text).collect()
    }

    /// In the text of a body, as a document of this media type has it.
    fn text_within(&self, kind: &str, symbol: &Symbol) -> Option<String> {
        self.text(symbol, Way::Body).map(|text| escape::within(kind, text))
    }

    fn text(&self, symbol: &Symbol, way: Way) -> Option<String> {
        let tenant = self.place.tenant_in(way);
        match symbol {
            Symbol::Tenant => {
                Some(self.place.spelled_in(way).unwrap_or_else(|| tenant_name(&self.t.spec, tenant)).to_owned())
            }
            Symbol::TenantName => Some(self.t.spec[tenant].name.clone()),
            Symbol::Canary => self.words.text.clone(),
            Symbol::CanaryPublic => self.words.public.clone(),
            Symbol::Unique => self.unique.clone(),
            Symbol::Generated(form) => scalar(&made_up(*form, self.unique.as_deref()?)),
            Symbol::Moment(moment) => Some(self.t.moment(*moment)),
            Symbol::Value(name) => self.given(name, way).map(as_text),
            Symbol::Object(resource) => self.object(*resource).map(ToString::to_string),
        }
    }
}

/// A value as a text has it.
fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value of a form, made from one that no other object has: the same from the same.
fn made_up(form: Form, unique: &str) -> Value {
    // FNV-1a, once from each end: what is made is no secret.
    let mix = |bytes: &mut dyn Iterator<Item = u8>| {
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |mixed, byte| (mixed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    };
    let (head, tail) = (mix(&mut unique.bytes()), mix(&mut unique.bytes().rev()));
    match form {
        Form::Uuid => {
            let (a, b, c) = (head >> 32, (head >> 16) & 0xffff, head & 0x0fff);
            let (d, e) = (0x8000 | ((tail >> 48) & 0x3fff), tail & 0xffff_ffff_ffff);
            format!("{a:08x}-{b:04x}-8{c:03x}-{d:04x}-{e:012x}").into()
        }
        Form::Int => (1_000_000 + head % 2_000_000_000).into(),
        Form::Number => {
            serde_json::Number::from_f64((head % 100_000_000) as f64 / 100.0).map_or(Value::Null, Value::Number)
        }
        Form::Email => format!("{unique}@example.com").into(),
        Form::Slug => format!("{unique}-x").into(),
        Form::Date => format!("{}-{:02}-{:02}", 2030 + head % 50, 1 + (head >> 8) % 12, 1 + (head >> 16) % 28).into(),
    }
}

/// What is written for `{unique}`, if the request has it anywhere.
fn unique(t: &Tape, template: &RequestTemplate, words: &Words) -> Option<String> {
    let needs_one = template.symbols().into_iter().any(Symbol::is_unique);
    needs_one.then(|| words.unique.clone().unwrap_or_else(|| t.unique()))
}

/// A path with every symbol bound: `bind` adds what is written for one. None where it can't.
fn address(path: &PathTemplate, mut bind: impl FnMut(Address, &Symbol, Way) -> Option<Address>) -> Option<Address> {
    path.located().try_fold(Address::default(), |address, (piece, part)| match (piece, part) {
        (Piece::Text(text), _) => Some(address.text(text.as_str())),
        (Piece::Symbol(symbol, _), AddressPart::Path) => bind(address, symbol, Way::Path),
        (Piece::Symbol(symbol, _), AddressPart::Query) => bind(address, symbol, Way::Query),
    })
}

/// The operation of a resource in a role.
pub(crate) fn operation_of(spec: &Spec, resource: ResourceIx, role: Role) -> Option<&Operation> {
    spec.operation_of(resource, role).map(|operation| &spec[operation])
}

/// The resource below whose objects those of the operation are.
pub(crate) fn parent_of(spec: &Spec, op: &Operation) -> Option<ResourceIx> {
    spec[op.resource?].parent
}

/// Kinds of which one may be made that names one of this kind, and nothing else that does: that would have to name the same.
pub(crate) fn named_by(spec: &Spec, kind: ResourceIx) -> impl Iterator<Item = ResourceIx> {
    let names = move |other: ResourceIx| {
        let create = operation_of(spec, other, Role::Create).filter(|_| is_creatable(spec, other));
        other != kind && create.is_some_and(|create| create.request.mentions(&Symbol::Object(kind)))
    };
    spec.resource_ixs().filter(move |one| names(*one) && !spec[*one].needs.iter().any(|need| names(*need)))
}

/// The kinds of objects that a request names besides the one that it concerns. In a path, what comes before a parent only
/// says where that parent is.
pub(crate) fn named_besides(spec: &Spec, op: &Operation) -> Vec<ResourceIx> {
    let in_path = op.request.path.objects();
    let is_above = |one: &ResourceIx, other: &ResourceIx| {
        std::iter::successors(spec[*other].parent, |above| spec[*above].parent).any(|above| above == *one)
    };
    let leads = |one: &ResourceIx| {
        let mut others = in_path.iter().filter(|other| Some(**other) != op.resource);
        in_path.contains(one) && others.any(|other| is_above(one, other))
    };
    op.request.objects().into_iter().filter(|one| Some(*one) != op.resource && !leads(one)).collect()
}

/// A tenant's name as the target spells it.
pub(crate) fn tenant_name(spec: &Spec, tenant: TenantIx) -> &str {
    spec[tenant].id.as_str()
}

/// Whether a request of the operation names its tenant, other than by its credential.
pub(crate) fn names_tenant(op: &Operation) -> bool {
    op.request.symbols().into_iter().any(Symbol::names_tenant)
}

/// Whether a request of the operation names its tenant by its id, which can be spelled otherwise.
pub(crate) fn spells_tenant(op: &Operation) -> bool {
    op.request.mentions(&Symbol::Tenant)
}

/// Whether clients choose the ids of a resource.
pub(super) fn is_client_named(resource: &Resource) -> bool {
    resource.ids == IdSource::Client
}

/// A scalar as text, for ids in JSON: strings as they are, numbers as written.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
