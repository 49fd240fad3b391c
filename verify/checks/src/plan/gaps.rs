//! What a spec says nothing of, so that nothing is tried there.

use std::collections::BTreeSet;

use serde::Serialize;
use watertight_engine::Access;
use watertight_spec::{BodyTemplate, IdSource, Names, Operation, ResourceIx, Role, Spec, Spot, Symbol};

use super::Plan;

/// Something that is not covered.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// What.
    pub what: String,
    /// Why.
    pub why: &'static str,
}

/// For what a spec has no words.
const NO_WORDS: &str = "streams, webhooks, mail, queues, and how tenants are made";

/// What is not covered by a run of this plan.
pub(super) fn gaps(spec: &Spec, plan: &Plan) -> Vec<Gap> {
    let has = |role: Role| spec.operations.iter().any(|op| op.role == role);
    let any = |is: &dyn Fn(&Operation) -> bool| spec.operations.iter().any(is);
    let principals = || spec.tenants.iter().flat_map(|tenant| &tenant.principals);
    let known = [
        (plan.access == Access::Read, "writes", "only reads are sent"),
        (!has(Role::Search), "searches", "no resource has `search`"),
        (!has(Role::Count), "counts", "no resource has `count`"),
        (!has(Role::View), "exports, reports and filters", "no resource has `views`"),
        (!any(&|op| !op.changes.is_empty()), "what changes many objects at once", "no [[operation]] has `changes`"),
        (!any(&uploads), "uploads", "no request brings a file (`multipart`)"),
        (!any(&|op| op.request.follow.is_some()), "links that an answer hands out", "no request has `follow`"),
        (
            spec.tenant_ixs().all(|tenant| spec.further_attackers(tenant).next().is_none()),
            "what another role may do",
            "each tenant has one principal that attacks",
        ),
        (
            principals().all(|principal| principal.names != Names::Nothing),
            "a credential that names no tenant",
            "no principal has `names = \"none\"`",
        ),
        (
            spec.acts.is_empty(),
            "what becomes of access when a session, a member or a tenant ends",
            "the spec has no [[act]]",
        ),
        (spec.tokens.is_none(), "how tokens are issued and checked", "the spec has no [tokens]"),
        (spec.tenancy.fields.is_empty(), "members of bodies that name the tenant", "`tenancy.fields` is empty"),
    ];
    let unnamed = Some(unnamed(spec)).filter(|places| !places.is_empty());
    let unnamed = unnamed.map(|places| Gap {
        what: format!("ids and tenants in {}", places.join(", ")),
        why: "no request names any there",
    });
    let known = known.into_iter().filter(|(is_gap, ..)| *is_gap);
    let known = known.map(|(_, what, why)| Gap { what: what.to_owned(), why });
    let given = spec.resource_ixs().filter(|kind| gives_id(spec, *kind)).map(|kind| Gap {
        what: format!("two tenants' objects of one `{}` ({})", spec[kind].id_member(), spec[kind].name),
        why: "its create makes that up: name the object itself there, in braces",
    });
    let no_words = Gap { what: NO_WORDS.to_owned(), why: "a spec has no words for them" };
    unnamed.into_iter().chain(known).chain(given).chain([no_words]).collect()
}

/// Whether a create sends the very member that is the object's id, and a value that the run makes up.
fn gives_id(spec: &Spec, kind: ResourceIx) -> bool {
    let resource = &spec[kind];
    let is_id = |(spot, symbol): &(Spot, &Symbol)| {
        let is_made_up = matches!(symbol, Symbol::Unique | Symbol::Generated(_));
        let member = match spot {
            Spot::Json(pointer) => pointer.rsplit('/').next(),
            Spot::Form(name) | Spot::Part(name) => Some(name.as_str()),
            _ => None,
        };
        is_made_up && member == Some(resource.id_member().as_str())
    };
    let creates = |op: &&Operation| op.role == Role::Create && op.resource == Some(kind);
    resource.ids == IdSource::Server
        && spec.operations.iter().filter(creates).any(|op| op.request.spots().iter().any(is_id))
}

fn uploads(op: &Operation) -> bool {
    match &op.request.body {
        Some(BodyTemplate::Multipart(parts)) => parts.iter().any(|part| part.file.is_some()),
        _ => false,
    }
}

/// Parts of requests in which no request names an object or a tenant.
fn unnamed(spec: &Spec) -> Vec<&'static str> {
    let names = |symbol: &Symbol| matches!(symbol, Symbol::Object(_)) || symbol.names_tenant();
    let spots = spec.operations.iter().flat_map(|op| op.request.spots());
    let named: BTreeSet<&str> = spots.filter(|(_, symbol)| names(symbol)).map(|(spot, _)| spot.kind()).collect();
    let parts = [
        ("path", "paths"),
        ("query", "queries"),
        ("header", "headers"),
        ("body", "JSON bodies"),
        ("form", "forms"),
        ("part", "parts of uploads"),
        ("text", "texts"),
    ];
    parts.into_iter().filter(|(kind, _)| !named.contains(kind)).map(|(_, name)| name).collect()
}
