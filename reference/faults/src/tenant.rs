//! Which tenant a request is about, taken from the wrong place.

use std::sync::Arc;

use axum::http::request::Parts;
use percent_encoding::percent_decode_str;
use watertight_casework::Ports;
use watertight_core::{Assertions, Denial};
use watertight_guard::{CollectAssertions, TENANT_HEADERS, bearer};
use watertight_model::TenantId;

use crate::fault::Workshop;
use crate::tenant_hint::{Hints, believing_hint, token_tenant};

/// Headers in which proxies tell of the original request.
const PROXY_HEADERS: &[&str] =
    &["x-forwarded-host", "x-original-host", "x-host", "forwarded", "x-original-url", "x-rewrite-url"];

/// Query parameters that are believed.
const QUERY_NAMES: &[&str] = &["tenant", "tenantId", "tenant_id"];

pub(crate) fn path_over_token(workshop: &Workshop, ports: Ports) -> Ports {
    believing_hint(workshop, ports, |hints| hints.path.map(str::to_owned))
}

pub(crate) fn header_believed(workshop: &Workshop, ports: Ports) -> Ports {
    believing_hint(workshop, ports, |hints| {
        TENANT_HEADERS.iter().find_map(|&name| header(hints, name)).map(str::to_owned)
    })
}

pub(crate) fn query_believed(workshop: &Workshop, ports: Ports) -> Ports {
    believing_hint(workshop, ports, |hints| {
        let pairs = hints.parts.uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
        let named = pairs.into_iter().find(|(name, _)| QUERY_NAMES.contains(name))?.1;
        Some(percent_decode_str(named).decode_utf8_lossy().into_owned())
    })
}

pub(crate) fn forwarded_host_believed(workshop: &Workshop, ports: Ports) -> Ports {
    believing_hint(workshop, ports, |hints| {
        // `agency-north.example`, `host=agency-north`, `/tenants/agency-north/cases`.
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let texts = PROXY_HEADERS.iter().filter_map(|&name| header(hints, name));
        let mut words = texts.flat_map(|text| text.split(move |c| !is_name(c)));
        words.find(|word| hints.is_tenant(word)).map(str::to_owned)
    })
}

/// A name that no tenant has passes the comparison with the token, and is normalised afterwards into one that a tenant
/// has.
pub(crate) fn spelling_normalised_late(workshop: &Workshop, ports: Ports) -> Ports {
    believing_hint(workshop, ports, |hints| {
        let raw = hints.path.filter(|raw| !hints.is_tenant(raw))?;
        Some(normalised(raw)).filter(|name| hints.is_tenant(name))
    })
}

/// Who-am-I answers from a cache that the callers share, so that each is shown another caller.
pub(crate) fn whoami_names_another(workshop: &Workshop, ports: Ports) -> Ports {
    believing_hint(workshop, ports, |hints| {
        if hints.parts.uri.path() != "/me" {
            return None;
        }
        let own = token_tenant(&bearer(&hints.parts.headers).ok()?)?;
        hints.tenants.iter().find(|tenant| **tenant != own).map(|tenant| tenant.as_str().to_owned())
    })
}

pub(crate) fn unknown_falls_back(workshop: &Workshop, mut ports: Ports) -> Ports {
    let sound = Arc::clone(&ports.guard.assertions);
    ports.guard.assertions = Arc::new(UnknownFallsBack { tenants: workshop.tenants(), sound });
    ports
}

fn header<'h>(hints: &Hints<'h>, name: &str) -> Option<&'h str> {
    hints.parts.headers.get(name)?.to_str().ok()
}

/// A tenant's name as file systems, proxies and people's eyes read it: decoded once more, dot segments resolved, in lower
/// case, without dots and spaces around it.
fn normalised(raw: &str) -> String {
    let decoded = percent_decode_str(raw).decode_utf8_lossy();
    let mut segments: Vec<&str> = Vec::new();
    for segment in decoded.split(['/', '\\']).filter(|segment| !segment.is_empty() && *segment != ".") {
        match segment {
            ".." => drop(segments.pop()),
            other => segments.push(other),
        }
    }
    let named = segments.last().copied().unwrap_or_default();
    let named = named.split([';', '?', '#', '\0']).next().unwrap_or_default();
    named.trim_matches(|c: char| c == '.' || c.is_whitespace()).to_lowercase()
}

/// A path tenant that does not exist is ignored.
struct UnknownFallsBack {
    tenants: Arc<[TenantId]>,
    sound: Arc<dyn CollectAssertions>,
}

impl CollectAssertions for UnknownFallsBack {
    fn collect(&self, parts: &Parts, path_tenant: Option<&str>) -> Result<Assertions, Denial> {
        let is_known = |name: &&str| match name.parse::<TenantId>() {
            Ok(named) => self.tenants.contains(&named),
            // What can't be a tenant's name at all is still refused.
            Err(_) => true,
        };
        self.sound.collect(parts, path_tenant.filter(is_known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_spellings_become_one_name() {
        for raw in [
            "agency-south.",
            "Agency-South",
            "agency%2Dsouth",
            "agency-south ",
            "agency-north/../agency-south",
            "agency-north%2F..%2Fagency-south",
            "./agency-south/",
            "agency-south;v=1",
        ] {
            assert_eq!(normalised(raw), "agency-south", "{raw}");
        }
        assert_eq!(normalised("agency-southern"), "agency-southern");
        assert_eq!(normalised(".."), "");
    }
}
