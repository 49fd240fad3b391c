//! Whose tokens are looked at, how one is had, and the bracket around what looks at one.

use std::rc::Rc;

use serde_json::{Map, Value};
use watertight_engine::call::{Call, TokenCall};
use watertight_engine::log::{Exchange, IssuedToken};
use watertight_engine::{Script, Seen, Tape};
use watertight_spec::{Credential, Names, Pair, Principal, Spec, TenantIx, TokenGrant, TokenKind, Tokens, Usage, Who};

use crate::bracket::{self, Attack};
use crate::check::{Check, Concluded, Phase, Subject, Target, Trial, reads};
use crate::verdict::{Reason, Stop, Unproven};

/// Whether an observation has anything to look for, by what the spec declares: asked before anything is sent.
pub(super) type Applies = fn(&Tape, Who) -> Result<(), Stop>;

/// An observation of a fresh token of each principal that `of` picks.
///
/// The bracket is the same for all of them: the principal is granted a token, `judge_token` says what is wrong with it, and the
/// principal is granted another one. Where the spec says that tokens can be read, both must be readable.
pub(super) fn observe<L>(
    spec: &Spec,
    check: &'static Check,
    of: fn(&Principal) -> bool,
    applies: Applies,
    judge_token: L,
) -> Vec<Trial>
where
    L: AsyncFn(&Tape, Who, &Granted) -> Result<Attack, Stop> + Copy + 'static,
{
    each_bearer(spec, check, of, |_, who| reads(move |t| Box::pin(observed(t, who, applies, judge_token))))
}

async fn observed<L>(t: &Tape, who: Who, applies: Applies, judge_token: L) -> Concluded
where
    L: AsyncFn(&Tape, Who, &Granted) -> Result<Attack, Stop>,
{
    applies(t, who)?;
    let open = bracket::open(async || as_declared(t, who).await).await?;
    let attack = judge_token(t, who, open.held()).await?;
    open.attack(attack).close().await
}

/// A new token, which can be read where the spec says that it can.
async fn as_declared(t: &Tape, who: Who) -> Result<Granted, Stop> {
    let granted = fresh(t, who).await?;
    if rules(t)?.kind == TokenKind::Jwt {
        granted.claims()?;
    }
    Ok(granted)
}

/// A trial of each principal that `of` picks. It concerns one tenant's token; it is in the cell of every tenant that a
/// bad one could reach.
pub(super) fn each_bearer(
    spec: &Spec,
    check: &'static Check,
    of: fn(&Principal) -> bool,
    script: impl Fn(Pair, Who) -> Script<Concluded>,
) -> Vec<Trial> {
    let targets: Rc<[Target]> = Rc::from([Target::Credential]);
    let mut trials = Vec::new();
    for pair in spec.pairs() {
        for (who, _) in bearers(spec, pair.attacker).filter(|(_, principal)| of(principal)) {
            let (subject, phase) = (Subject::Token(who), Phase::Main);
            trials.push(Trial { check, pair, subject, targets: Rc::clone(&targets), phase, script: script(pair, who) });
        }
    }
    trials
}

/// Principals of a tenant that get tokens, where the spec has tokens at all.
pub(super) fn bearers(spec: &Spec, tenant: TenantIx) -> impl Iterator<Item = (Who, &Principal)> {
    let has_tokens = spec.tokens.is_some();
    spec.principals(tenant)
        .filter(move |(_, principal)| has_tokens && gets_tokens(principal) && principal.usage != Usage::Acts)
}

/// Whether a principal proves itself with a token.
pub(super) fn gets_tokens(principal: &Principal) -> bool {
    match &principal.credential {
        // A refresh token may be good for one use.
        Credential::Endpoint(endpoint) => !matches!(endpoint.grant, TokenGrant::RefreshToken(_)),
        Credential::Login { .. } => true,
        // What a command prints may be the same each time.
        Credential::Basic { .. }
        | Credential::Keys { .. }
        | Credential::Session { .. }
        | Credential::Cookies { .. }
        | Credential::Command(_) => false,
    }
}

/// Whether a principal is a client that gets tokens of its own.
pub(super) fn is_client(principal: &Principal) -> bool {
    match &principal.credential {
        Credential::Endpoint(endpoint) => matches!(endpoint.grant, TokenGrant::ClientCredentials),
        _ => false,
    }
}

/// The first principal of a tenant whose token names that tenant.
pub(super) fn ordinary(spec: &Spec, tenant: TenantIx) -> Option<Who> {
    bearers(spec, tenant).find(|(_, principal)| names_own(principal)).map(|(who, _)| who)
}

/// Any principal.
pub(super) fn any(_: &Principal) -> bool {
    true
}

/// One whose token must name its own tenant.
pub(super) fn names_own(principal: &Principal) -> bool {
    principal.names == Names::Own
}

/// The rules for tokens. No trial of a token check exists where a spec has none.
pub(super) fn rules(t: &Tape) -> Result<&Tokens, Stop> {
    t.spec.tokens.as_ref().ok_or_else(|| Stop::not_applicable("the spec has no [tokens]"))
}

/// The rules for tokens that can be read.
pub(super) fn readable(t: &Tape) -> Result<&Tokens, Stop> {
    let tokens = rules(t)?;
    match tokens.kind {
        TokenKind::Jwt => Ok(tokens),
        TokenKind::Opaque => Err(Stop::not_applicable("tokens are opaque: there are no claims to look at")),
    }
}

/// A token that was granted.
pub(super) struct Granted {
    /// What brought it.
    pub(super) exchange: Seen,
    token: IssuedToken,
}

impl Granted {
    /// What is known of it.
    pub(super) fn token(&self) -> &IssuedToken {
        &self.token
    }

    /// Whether it may have expired before this exchange was over: then a refusal shows nothing. A request may have to wait
    /// for its turn.
    pub(super) fn was_over(&self, used: &Exchange) -> bool {
        let ends = self.token.lifetime.map(|seconds| self.exchange.at.saturating_add(seconds.saturating_mul(1000)));
        ends.is_some_and(|ends| used.at.saturating_add(used.took) >= ends)
    }

    /// Claims of a token that the spec says can be read.
    pub(super) fn claims(&self) -> Result<&Map<String, Value>, Stop> {
        self.token.claims.as_ref().and_then(Value::as_object).ok_or_else(|| {
            let why = "the token is no JWT; if it is meant to be opaque, write kind = \"opaque\"";
            Unproven::shown(Reason::NoToken, why, &self.exchange).into()
        })
    }
}

/// A new token, as the engine itself would ask for it.
pub(super) async fn fresh(t: &Tape, who: Who) -> Result<Granted, Stop> {
    granted(t.call(Call::Token(TokenCall::plain(who))).await)
}

/// The token that an exchange must have brought.
pub(super) fn granted(exchange: Seen) -> Result<Granted, Stop> {
    let unproven = match exchange.token.clone() {
        Some(token) if exchange.succeeded() => return Ok(Granted { exchange, token }),
        _ if exchange.succeeded() => Unproven::shown(Reason::NoToken, "the answer holds no token", &exchange),
        _ if refused(&exchange) => Unproven::shown(Reason::NoToken, Reason::NoToken.says(), &exchange),
        _ => Unproven::undecided(&exchange),
    };
    Err(unproven.into())
}

/// Whether a token endpoint says no: 400 and 401 by RFC 6749 5.2, and what some send instead.
pub(super) fn refused(exchange: &Exchange) -> bool {
    matches!(exchange.status(), Some(400 | 401 | 403 | 404))
}

/// A new token of a principal must name this tenant, or none: else what becomes of it shows nothing. Holds without a
/// look where there is none: no token, an opaque one, or a spec that declares no `tenant_claim`.
pub(crate) async fn must_name(t: &Tape, who: Who, tenant: Option<&str>) -> Result<(), Stop> {
    let readable = t.spec.tokens.as_ref().filter(|tokens| tokens.kind == TokenKind::Jwt);
    let is_bearer = gets_tokens(&t.spec[who]);
    let Some(claim) = readable.and_then(|tokens| tokens.tenant_claim.as_ref()).filter(|_| is_bearer) else {
        return Ok(());
    };
    let granted = fresh(t, who).await?;
    let named = granted.claims()?.get(claim).filter(|value| !value.is_null());
    let wrong = match (named, tenant) {
        (None, None) => return Ok(()),
        (Some(Value::String(named)), Some(tenant)) if named == tenant => return Ok(()),
        (_, Some(tenant)) => format!("does not name {tenant}"),
        (Some(_), None) => "names a tenant".to_owned(),
    };
    let why = format!("the token of {} {wrong} in `{claim}`", t.spec.name_of(who));
    Err(Unproven::shown(Reason::ControlFailed, why, &granted.exchange).into())
}
