//! No two tenants may share a client or a secret: then there would be nothing between them to verify.

use std::collections::BTreeMap;

use super::principal::Drafted;
use crate::diagnostic::printable;
use crate::reader::Reader;

/// Notes every client id and every secret variable that a second tenant uses.
///
/// A client id belongs to a token endpoint: issuers with the same ids are common. Secrets are compared by the name of
/// their variable, never by value.
pub(super) fn check<'d>(reader: &mut Reader<'_, '_>, tenants: impl Iterator<Item = &'d [Drafted]>) {
    let mut clients: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut secrets: BTreeMap<&str, usize> = BTreeMap::new();
    for (tenant, drafts) in tenants.enumerate() {
        for draft in drafts {
            if let Some((endpoint, client)) = &draft.client
                && *clients.entry((endpoint.as_str(), client.value.text())).or_insert(tenant) != tenant
            {
                let shown = match client.value.variable() {
                    Some(variable) if reader.variables.is_secret(variable) => format!("${variable}"),
                    _ => printable(client.value.text()),
                };
                let message = format!("another tenant has the client `{shown}` too");
                let help = "give each tenant its own client: with a shared client the tenants can't be distinguished";
                reader.report.note(client.span.clone(), message, help);
            }
            for secret in &draft.secrets {
                if *secrets.entry(secret.value.as_str()).or_insert(tenant) != tenant {
                    let message = format!("another tenant has the secret `${}` too", printable(&secret.value));
                    let help = "give each tenant its own secret, in a variable of its own";
                    reader.report.note(secret.span.clone(), message, help);
                }
            }
        }
    }
}
