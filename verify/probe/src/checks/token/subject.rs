//! Whose tokens are looked at, and how one is had.

use serde_json::{Map, Value};
use watertight_spec::{Credential, Names, Principal, Spec, TokenKind, Tokens};

use crate::check::{About, Check, Phase, Sends};
use crate::checks::kit::pairs;
use crate::judge::{Verdict, why_undecided};
use crate::request::{Call, TokenCall, Who};
use crate::tape::{Halt, Tape};
use crate::trace::{Exchange, IssuedToken};

/// The rules for tokens. No instance of a token check exists where a spec has none.
pub(super) fn rules<'t>(t: &Tape<'t>) -> Result<&'t Tokens, Halt> {
    t.spec.tokens.as_ref().ok_or_else(|| Halt::NotApplicable("the spec has no [tokens]".into()))
}

/// The rules for tokens that can be read.
pub(super) fn readable<'t>(t: &Tape<'t>) -> Result<&'t Tokens, Halt> {
    let tokens = rules(t)?;
    match tokens.kind {
        TokenKind::Jwt => Ok(tokens),
        TokenKind::Opaque => Err(Halt::NotApplicable("tokens are opaque: there are no claims to look at".into())),
    }
}

/// Principals of a tenant that get tokens, where the spec has tokens at all.
pub(super) fn bearers(spec: &Spec, tenant: usize) -> impl Iterator<Item = (Who, &Principal)> {
    let known = spec.tokens.as_ref().and_then(|_| spec.tenants.get(tenant));
    known
        .into_iter()
        .flat_map(|t| t.principals.iter().enumerate())
        .filter(|(_, p)| matches!(p.credential, Credential::ClientCredentials { .. } | Credential::Login { .. }))
        .map(move |(principal, p)| (Who { tenant, principal }, p))
}

/// The first principal of a tenant whose token names that tenant.
pub(super) fn ordinary(spec: &Spec, tenant: usize) -> Option<Who> {
    bearers(spec, tenant).find(|(_, p)| p.names == Names::Own).map(|(who, _)| who)
}

/// `token agency-north/service`: how findings about a principal's token name it.
pub(super) fn operation(spec: &Spec, who: Who) -> String {
    format!("token {}", name(spec, who))
}

/// `agency-north/service`
pub(super) fn name(spec: &Spec, who: Who) -> String {
    let principal = principal(spec, who).map_or("?", |p| p.name.as_str());
    format!("{}/{principal}", tenant_id(spec, who.tenant))
}

/// A tenant's id, as the target spells it.
pub(super) fn tenant_id(spec: &Spec, tenant: usize) -> &str {
    spec.tenants.get(tenant).map_or("?", |t| t.id.as_str())
}

/// A principal of the spec.
pub(super) fn principal(spec: &Spec, who: Who) -> Option<&Principal> {
    spec.tenants.get(who.tenant)?.principals.get(who.principal)
}

/// What an observation does with a principal.
pub(super) type Look = fn(&Tape<'_>, Who) -> Result<Verdict, Halt>;

/// An observation of each principal that `of` picks. It concerns one tenant's token; it stands in the cell of every
/// tenant that a bad one could reach.
pub(super) fn observe(spec: &Spec, about: &'static About, of: fn(&Principal) -> bool, look: Look) -> Vec<Check> {
    let mut checks = Vec::new();
    for (attacker, victim) in pairs(spec) {
        for (who, _) in bearers(spec, attacker).filter(|(_, p)| of(p)) {
            checks.push(Check {
                about,
                attacker,
                victim,
                operation: operation(spec, who),
                phase: Phase::Main,
                sends: Sends::Reads,
                machine: Box::new(move |t| look(t, who)),
            });
        }
    }
    checks
}

/// Any principal.
pub(super) fn any(_: &Principal) -> bool {
    true
}

/// One whose token must name its own tenant.
pub(super) fn names_own(principal: &Principal) -> bool {
    principal.names == Names::Own
}

/// A new token, as the session itself would ask for it.
pub(super) fn fresh<'t>(t: &Tape<'t>, who: Who) -> Result<(&'t Exchange, &'t IssuedToken), Halt> {
    granted(t.call(Call::Token(TokenCall::plain(who)))?)
}

/// The token that an exchange must have brought.
pub(super) fn granted(exchange: &Exchange) -> Result<(&Exchange, &IssuedToken), Halt> {
    match &exchange.token {
        Some(token) if exchange.succeeded() => Ok((exchange, token)),
        _ if exchange.succeeded() => Err(Halt::Unproven(format!("the answer holds no token: {}", exchange.line()))),
        _ if refused(exchange) => Err(Halt::Unproven(format!("no token to look at: {}", exchange.line()))),
        _ => Err(Halt::Unproven(why_undecided(exchange))),
    }
}

/// Whether a token endpoint says no: 400 and 401 by RFC 6749 5.2, and what some send instead.
pub(super) fn refused(exchange: &Exchange) -> bool {
    matches!(exchange.status(), Some(400 | 401 | 403 | 404))
}

/// Claims of a token that the spec says can be read.
pub(super) fn claims<'t>(exchange: &Exchange, token: &'t IssuedToken) -> Result<&'t Map<String, Value>, Halt> {
    token.claims.as_ref().and_then(Value::as_object).ok_or_else(|| {
        let line = exchange.line();
        Halt::Unproven(format!("the token is no JWT; if it is meant to be opaque, write kind = \"opaque\": {line}"))
    })
}

/// Claims of a new token.
pub(super) fn fresh_claims<'t>(t: &Tape<'t>, who: Who) -> Result<(&'t Exchange, &'t Map<String, Value>), Halt> {
    let (exchange, token) = fresh(t, who)?;
    Ok((exchange, claims(exchange, token)?))
}

/// A new token of a principal must name this tenant, or none: else what becomes of it shows nothing. Holds without a
/// look where there is none: no token, an opaque one, or a spec that declares no `tenant_claim`.
pub(crate) fn must_name(t: &Tape<'_>, who: Who, tenant: Option<&str>) -> Result<(), Halt> {
    let readable = t.spec.tokens.as_ref().filter(|tokens| tokens.kind == TokenKind::Jwt);
    let is_bearer = bearers(t.spec, who.tenant).any(|(bearer, _)| bearer == who);
    let Some(claim) = readable.and_then(|tokens| tokens.tenant_claim.as_ref()).filter(|_| is_bearer) else {
        return Ok(());
    };
    let (exchange, claims) = fresh_claims(t, who)?;
    let named = claims.get(claim).filter(|value| !value.is_null());
    let wrong = match (named, tenant) {
        (None, None) => return Ok(()),
        (Some(Value::String(named)), Some(tenant)) if named == tenant => return Ok(()),
        (_, Some(tenant)) => format!("does not name {tenant}"),
        (Some(_), None) => "names a tenant".to_owned(),
    };
    Err(Halt::Unproven(format!("the token of {} {wrong} in `{claim}`: {}", name(t.spec, who), exchange.line())))
}
