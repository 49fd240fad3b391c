//! The tenant of a request, taken from the wrong place.

use watertight_model::Surface;

use super::op;
use crate::fault::{Change, Fault};
use crate::{tenant, tokens};

pub(super) static FAULTS: &[Fault] = &[
    Fault {
        name: "path-tenant-over-token",
        summary: "the tenant in the path is believed, whatever tenant the token is for",
        origin: "isolation 28.1; OWASP API1:2023",
        surface: Surface::Api,
        caught_by: &["api.swap-path-tenant"],
        consequences: &["api.path-spelling", "api.child-of-foreign-parent"],
        operations: op::BY_PATH,
        change: Change::Ports(tenant::path_over_token),
    },
    Fault {
        name: "header-tenant-believed",
        summary: "X-Tenant-Id and similar headers overrule path and token",
        origin: "isolation 28.1; Atlas #131, #152",
        surface: Surface::Api,
        caught_by: &["api.header-tenant"],
        consequences: &[],
        operations: op::READS,
        change: Change::Ports(tenant::header_believed),
    },
    Fault {
        name: "query-tenant-believed",
        summary: "?tenant= overrules path and token",
        origin: "isolation 7.1; Atlas #114",
        surface: Surface::Api,
        caught_by: &["api.query-tenant"],
        consequences: &[],
        operations: op::READS,
        change: Change::Ports(tenant::query_believed),
    },
    Fault {
        name: "forwarded-host-believed",
        summary: "X-Forwarded-Host or X-Original-URL, whoever sends it, names the tenant",
        origin: "oauth2-proxy CVE-2026-76835",
        surface: Surface::Api,
        caught_by: &["api.header-tenant"],
        consequences: &[],
        operations: op::READS,
        change: Change::Ports(tenant::forwarded_host_believed),
    },
    Fault {
        name: "no-tenant-falls-back-to-first",
        summary: "a caller without a tenant counts as one of the first tenant",
        origin: "didacta #57, mcp-hangar #312, emqx #17062; isolation 7.3",
        surface: Surface::Api,
        caught_by: &["api.no-tenant"],
        consequences: &[],
        operations: op::READS,
        change: Change::Ports(tokens::falls_back_to_first),
    },
    Fault {
        name: "unknown-tenant-falls-back",
        summary: "a tenant in the path that does not exist is ignored",
        origin: "didacta #57; isolation 7.3",
        surface: Surface::Api,
        caught_by: &["api.unknown-tenant"],
        consequences: &[],
        operations: op::READS_BY_PATH,
        change: Change::Ports(tenant::unknown_falls_back),
    },
    Fault {
        name: "tenant-spelling-normalised-late",
        summary: "the path's tenant is compared with the token's before it is decoded, folded and resolved",
        origin: "Oathkeeper CVE-2026-33494, Istio-2021-005",
        surface: Surface::Api,
        caught_by: &["api.path-spelling"],
        consequences: &[],
        operations: op::READS_BY_PATH,
        change: Change::Ports(tenant::spelling_normalised_late),
    },
    Fault {
        name: "whoami-names-another",
        summary: "who-am-I answers with another tenant than the caller's",
        origin: "lua-resty-openidc #569; isolation 28.2",
        surface: Surface::Token,
        caught_by: &["token.whoami"],
        consequences: &[],
        operations: &[op::TOKEN],
        change: Change::Ports(tenant::whoami_names_another),
    },
];
