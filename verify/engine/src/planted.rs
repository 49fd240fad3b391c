//! What set-up planted and learned: the objects of each tenant that checks may use without making their own.

use std::collections::HashMap;

use watertight_spec::{ObjectId, ResourceIx, TenantIx};

use crate::marker::Canary;

/// What set-up planted and learned.
#[derive(Clone, Debug, Default)]
pub struct Planted {
    objects: Vec<Object>,
    /// Places in the list of objects: a run asks for one with each trial.
    by_kind: HashMap<(TenantIx, ResourceIx), Vec<usize>>,
    /// The same of those that are known by witnesses.
    witnessed: HashMap<TenantIx, Vec<usize>>,
    /// Set-up steps that failed, with the reason: checks that need their objects are unproven.
    pub failures: Vec<SetupFailure>,
}

/// A set-up step that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupFailure {
    /// The tenant.
    pub tenant: TenantIx,
    /// The kind of object.
    pub resource: ResourceIx,
    /// What went wrong, for people.
    pub why: String,
}

/// An object that belongs to one tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// The tenant that owns it.
    pub tenant: TenantIx,
    /// What kind of object it is.
    pub resource: ResourceIx,
    /// Its id, as the target spells it.
    pub id: ObjectId,
    /// Its ancestors, nearest last.
    pub parents: Vec<(ResourceIx, ObjectId)>,
    /// What shows that an answer holds it.
    pub marker: Marker,
}

/// What shows that an answer holds an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Marker {
    /// A canary that the run planted in it.
    Planted(Canary),
    /// What its owner alone was shown of it before the first attack.
    Witnessed(Witness),
}

/// By what an object is recognised that the run did not make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Witness {
    /// Texts and numbers each of which is enough: it is not shared by chance.
    pub alone: Vec<String>,
    /// Texts that are enough where all of them are in one answer; none, or at least two.
    pub together: Vec<String>,
}

impl Marker {
    /// Whether nothing shows the object.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Witnessed(witness) if witness.is_empty())
    }
}

impl Witness {
    /// Whether nothing shows the object.
    pub fn is_empty(&self) -> bool {
        self.alone.is_empty() && self.together.is_empty()
    }
}

impl Planted {
    /// One more object.
    pub fn add(&mut self, object: Object) {
        let at = self.objects.len();
        self.by_kind.entry((object.tenant, object.resource)).or_default().push(at);
        if matches!(object.marker, Marker::Witnessed(_)) {
            self.witnessed.entry(object.tenant).or_default().push(at);
        }
        self.objects.push(object);
    }

    /// All of them, in the order of planting.
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// By what existing objects of a tenant are recognised.
    pub fn witnesses(&self, tenant: TenantIx) -> impl Iterator<Item = &Witness> {
        self.at(self.witnessed.get(&tenant)).filter_map(|object| match &object.marker {
            Marker::Witnessed(witness) => Some(witness),
            Marker::Planted(_) => None,
        })
    }

    /// Objects of a tenant and resource, in the order of planting.
    pub fn of(&self, tenant: TenantIx, resource: ResourceIx) -> impl Iterator<Item = &Object> {
        self.at(self.by_kind.get(&(tenant, resource)))
    }

    fn at<'p>(&'p self, places: Option<&'p Vec<usize>>) -> impl Iterator<Item = &'p Object> {
        places.into_iter().flatten().filter_map(|at| self.objects.get(*at))
    }

    /// Why a tenant has no object of a resource, if set-up failed there.
    pub fn failure(&self, tenant: TenantIx, resource: ResourceIx) -> Option<&str> {
        self.failures.iter().find(|f| f.tenant == tenant && f.resource == resource).map(|f| f.why.as_str())
    }
}
