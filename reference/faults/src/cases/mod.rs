//! Cases, where the tenant was forgotten in one place.
//!
//! [`FaultyCases`] sends each question of a store to its faulty implementation or to the sound one; the bugs themselves
//! are in `by_id` (one record), `listing` (many) and `bodies` (what a body names).

mod bodies;
mod by_id;
mod listing;

use std::sync::Arc;

use watertight_casework::Ports;
use watertight_casework::domain::{Case, Facets, Listing, Term, Window};
use watertight_casework::draft::{CaseChange, CaseContent, Proposal};
use watertight_casework::ports::{CaseStore, Stored};
use watertight_core::TenantScope;
use watertight_model::{ResourceId, TenantId};

use crate::fault::Workshop;
use crate::raw::Raw;

/// Where the tenant was forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CaseBug {
    ReadById,
    ReplacedById,
    PatchedById,
    DeletedById,
    ClosedById,
    ClosedByTermAlone,
    NextOfAll,
    ListWithoutTenant,
    SecondPageWithoutTenant,
    SearchWithoutTenant,
    FacetsGlobal,
    BodyTenantAtCreate,
    BodyTenantAtUpdate,
    DeleteAnswers404,
    UniqueRefGlobal,
}

macro_rules! changes {
    ($($name:ident = $Bug:ident,)+) => {
        $(pub(crate) fn $name(workshop: &Workshop, ports: Ports) -> Ports {
            faulty(workshop, ports, CaseBug::$Bug)
        })+
    };
}

changes! {
    read_by_id = ReadById,
    replaced_by_id = ReplacedById,
    patched_by_id = PatchedById,
    deleted_by_id = DeletedById,
    closed_by_id = ClosedById,
    closed_by_term_alone = ClosedByTermAlone,
    next_of_all = NextOfAll,
    list_without_tenant = ListWithoutTenant,
    second_page_without_tenant = SecondPageWithoutTenant,
    search_without_tenant = SearchWithoutTenant,
    facets_global = FacetsGlobal,
    body_tenant_at_create = BodyTenantAtCreate,
    body_tenant_at_update = BodyTenantAtUpdate,
    delete_answers_404 = DeleteAnswers404,
    unique_ref_global = UniqueRefGlobal,
}

fn faulty(workshop: &Workshop, ports: Ports, bug: CaseBug) -> Ports {
    let sound = Arc::clone(&ports.cases);
    let cases = FaultyCases { raw: workshop.raw.clone(), tenants: workshop.tenants(), bug, sound };
    Ports { cases: Arc::new(cases), ..ports }
}

/// A store with one bug, which leaves everything else to the sound store behind it.
struct FaultyCases {
    raw: Raw,
    tenants: Arc<[TenantId]>,
    bug: CaseBug,
    sound: Arc<dyn CaseStore>,
}

impl CaseStore for FaultyCases {
    fn page<'a>(&'a self, scope: &'a TenantScope, window: Window) -> Stored<'a, Listing<Case>> {
        match self.bug {
            CaseBug::ListWithoutTenant => Box::pin(self.page_of_all(scope, window)),
            CaseBug::SecondPageWithoutTenant => Box::pin(self.rest_of_all(scope, window)),
            _ => self.sound.page(scope, window),
        }
    }

    fn get<'a>(&'a self, scope: &'a TenantScope, id: &'a ResourceId) -> Stored<'a, Option<Case>> {
        match self.bug {
            CaseBug::ReadById => Box::pin(self.read_any(scope, id)),
            _ => self.sound.get(scope, id),
        }
    }

    fn create<'a>(&'a self, scope: &'a TenantScope, proposal: Proposal<CaseContent>) -> Stored<'a, Case> {
        match self.bug {
            CaseBug::BodyTenantAtCreate => Box::pin(self.create_where_named(scope, proposal)),
            CaseBug::UniqueRefGlobal => Box::pin(self.create_if_nobody_has(scope, proposal)),
            _ => self.sound.create(scope, proposal),
        }
    }

    fn replace<'a>(
        &'a self,
        scope: &'a TenantScope,
        id: &'a ResourceId,
        proposal: Proposal<CaseContent>,
    ) -> Stored<'a, Option<Case>> {
        match self.bug {
            CaseBug::ReplacedById => Box::pin(self.replace_any(scope, id, proposal)),
            CaseBug::BodyTenantAtUpdate => Box::pin(self.replace_and_move(scope, id, proposal)),
            _ => self.sound.replace(scope, id, proposal),
        }
    }

    fn patch<'a>(
        &'a self,
        scope: &'a TenantScope,
        id: &'a ResourceId,
        proposal: Proposal<CaseChange>,
    ) -> Stored<'a, Option<Case>> {
        match self.bug {
            CaseBug::PatchedById => Box::pin(self.patch_any(scope, id, proposal)),
            CaseBug::BodyTenantAtUpdate => Box::pin(self.patch_and_move(scope, id, proposal)),
            _ => self.sound.patch(scope, id, proposal),
        }
    }

    fn close<'a>(&'a self, scope: &'a TenantScope, id: &'a ResourceId) -> Stored<'a, Option<Case>> {
        match self.bug {
            CaseBug::ClosedById => Box::pin(self.close_any(scope, id)),
            CaseBug::NextOfAll => Box::pin(self.close_and_name_next(scope, id)),
            _ => self.sound.close(scope, id),
        }
    }

    fn close_matching<'a>(&'a self, scope: &'a TenantScope, term: &'a Term) -> Stored<'a, Vec<ResourceId>> {
        match self.bug {
            CaseBug::ClosedByTermAlone => Box::pin(self.close_all_matching(scope, term)),
            _ => self.sound.close_matching(scope, term),
        }
    }

    fn remove<'a>(&'a self, scope: &'a TenantScope, id: &'a ResourceId) -> Stored<'a, Option<Case>> {
        match self.bug {
            CaseBug::DeletedById => Box::pin(self.remove_any(scope, id)),
            CaseBug::DeleteAnswers404 => Box::pin(self.remove_silently(scope, id)),
            _ => self.sound.remove(scope, id),
        }
    }

    fn search<'a>(&'a self, scope: &'a TenantScope, term: &'a Term, window: Window) -> Stored<'a, Listing<Case>> {
        match self.bug {
            CaseBug::SearchWithoutTenant => Box::pin(self.search_all(scope, term)),
            _ => self.sound.search(scope, term, window),
        }
    }

    fn facets<'a>(&'a self, scope: &'a TenantScope) -> Stored<'a, Facets> {
        match self.bug {
            CaseBug::FacetsGlobal => Box::pin(self.facets_of_all(scope)),
            _ => self.sound.facets(scope),
        }
    }
}
