//! `[tokens]`

use std::time::Duration;

use crate::keys::{TOKENS, WHOAMI};
use crate::reader::{Reader, Table};
use crate::spec::{AudienceRule, RequestTemplate, TokenKind, Tokens, WhoAmI};
use crate::template::symbols::{IN_COLLECTION, Objects, Scope};

const LEEWAY: Duration = Duration::from_secs(60);
const LONGEST_LEEWAY: Duration = Duration::from_secs(3600);
const EXPIRY_WAIT: Duration = Duration::from_secs(10);
const LONGEST_EXPIRY_WAIT: Duration = Duration::from_secs(300);
const LEAST_LIFETIME: Duration = Duration::from_secs(1);
const LONGEST_LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);

/// `Some(None)` when the section is absent.
pub(super) fn tokens<'t>(reader: &mut Reader<'t, '_>, root: &Table<'t>, objects: &Objects) -> Option<Option<Tokens>> {
    if root.get("tokens").is_none() {
        return Some(None);
    }
    let table = reader.table(root, "tokens", &TOKENS)?;
    let kinds = [("jwt", TokenKind::Jwt), ("opaque", TokenKind::Opaque)];
    let kind = reader.need(&table, "kind").and_then(|value| reader.choice(value, &kinds));
    let rules = [("shared", AudienceRule::Shared), ("per-tenant", AudienceRule::PerTenant)];
    let audience = table.get("audience").and_then(|value| reader.choice(value, &rules));
    let issuers = table.get("issuers").and_then(|value| reader.texts(value));
    let audiences = table.get("audiences").and_then(|value| reader.texts(value));
    let tenant_claim = reader.optional_text(&table, "tenant_claim");
    let forbidden_scope = reader.optional_text(&table, "forbidden_scope");
    let elsewhere = table.get("elsewhere").and_then(|value| reader.text_map(value));
    let max_lifetime =
        table.get("max_lifetime").and_then(|value| reader.duration(value, LEAST_LIFETIME..=LONGEST_LIFETIME));
    let leeway = table.get("leeway").and_then(|value| reader.duration(value, Duration::ZERO..=LONGEST_LEEWAY));
    let expiry_wait =
        table.get("expiry_wait").and_then(|value| reader.duration(value, Duration::ZERO..=LONGEST_EXPIRY_WAIT));
    let whoami = whoami(reader, &table, objects);
    Some(Some(Tokens {
        kind: kind?,
        issuers: issuers.unwrap_or_default(),
        tenant_claim,
        audience: audience.unwrap_or(AudienceRule::Shared),
        audiences: audiences.unwrap_or_default(),
        max_lifetime,
        leeway: leeway.unwrap_or(LEEWAY),
        expiry_wait: expiry_wait.unwrap_or(EXPIRY_WAIT),
        whoami,
        elsewhere: elsewhere.unwrap_or_default(),
        forbidden_scope,
    }))
}

fn whoami<'t>(reader: &mut Reader<'t, '_>, tokens: &Table<'t>, objects: &Objects) -> Option<WhoAmI> {
    let table = reader.table(tokens, "whoami", &WHOAMI)?;
    let scope = Scope { objects, bound: Some(Vec::new()), others: IN_COLLECTION };
    let request = reader.need(&table, "request").and_then(|value| reader.request_line(value)).and_then(|line| {
        let path = reader.path(&line.path, &scope)?;
        Some(RequestTemplate::bare(line.method, path))
    });
    let tenant = reader.need(&table, "tenant").and_then(|value| reader.json_path(value));
    Some(WhoAmI { request: request?, tenant: tenant? })
}
