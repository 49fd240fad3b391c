//! Where a run may send requests.

use std::collections::BTreeSet;

use url::Url;

use crate::spec::Spec;
use crate::spec::credential::Credential;

impl Spec {
    /// Every host and port that a run may send requests to: those of the target, where its answers may lead, of tenants, token endpoints,
    /// logins and acts, and of issuers that are http or https URLs. Hosts are written as by [`Url::host_str`]: lower-case, IPv6
    /// in brackets.
    pub fn hosts(&self) -> BTreeSet<(String, u16)> {
        let credentials = self.tenants.iter().flat_map(|tenant| &tenant.principals).flat_map(|p| match &p.credential {
            Credential::Endpoint(endpoint) => vec![&endpoint.url],
            Credential::Login { url, .. } => vec![url],
            Credential::Session { steps, .. } => steps.iter().map(|step| &step.origin).collect(),
            Credential::Basic { .. }
            | Credential::Keys { .. }
            | Credential::Cookies { .. }
            | Credential::Command(_) => Vec::new(),
        });
        let acts = self.acts.iter().flat_map(|act| std::iter::once(&act.request).chain(&act.undo));
        let acts = acts.map(|request| &request.origin);
        let bases =
            self.target.url.iter().chain(&self.target.hosts).chain(self.tenants.iter().map(|tenant| &tenant.url));
        let issuers: Vec<Url> = self
            .tokens
            .iter()
            .flat_map(|tokens| &tokens.issuers)
            .filter_map(|issuer| Url::parse(issuer).ok())
            .collect();
        let issuers = issuers.iter().filter(|issuer| matches!(issuer.scheme(), "http" | "https"));
        bases.chain(credentials).chain(acts).chain(issuers).filter_map(host).collect()
    }
}

fn host(url: &Url) -> Option<(String, u16)> {
    Some((url.host_str()?.to_owned(), url.port_or_known_default()?))
}
