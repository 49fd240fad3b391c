//! What set-up planted and learned: the objects of each tenant that checks may use without making their own.

use crate::marker::Canary;

/// What set-up planted and learned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    /// In the order of planting.
    pub objects: Vec<Object>,
    /// Set-up steps that failed, with the reason: checks that need their objects are unproven.
    pub failures: Vec<SetupFailure>,
}

/// A set-up step that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupFailure {
    /// Index of the tenant.
    pub tenant: usize,
    /// Index of the resource.
    pub resource: usize,
    /// What went wrong.
    pub why: String,
}

/// An object that belongs to one tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Index of the tenant that owns it.
    pub tenant: usize,
    /// Index of the resource.
    pub resource: usize,
    /// Its id, as the target spells it.
    pub id: String,
    /// Its ancestors, nearest last: (index of the resource, id).
    pub parents: Vec<(usize, String)>,
    /// What shows that an answer holds it.
    pub marker: Marker,
}

/// What shows that an answer holds an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Marker {
    /// A canary that the run planted in it.
    Planted(Canary),
    /// Values that only its owner's own reading shows: not other tenants' readings of their own, not an anonymous one.
    Witnessed(Vec<String>),
}

impl World {
    /// Objects of a tenant and resource, in the order of planting.
    pub fn of(&self, tenant: usize, resource: usize) -> impl Iterator<Item = &Object> {
        self.objects.iter().filter(move |o| o.tenant == tenant && o.resource == resource)
    }
    /// Why a tenant has no object of a resource, if set-up failed there.
    pub fn failure(&self, tenant: usize, resource: usize) -> Option<&str> {
        self.failures.iter().find(|f| f.tenant == tenant && f.resource == resource).map(|f| f.why.as_str())
    }
}
