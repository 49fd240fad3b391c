//! A token for another API.

use watertight_engine::Tape;
use watertight_engine::call::{Call, Caller, TokenCall};
use watertight_model::{Severity, Surface};
use watertight_spec::{OperationIx, Spec, TenantIx, Who};

use super::audience::named;
use super::expired::{once_a_tenant, own_bearers};
use super::protected::ProtectedObject;
use super::subject::{fresh, granted, is_client, readable, refused};
use crate::bracket::{self, Attack};
use crate::check::{Check, Concluded, Trial};
use crate::verdict::{Evidence, Reason, Shows, Stop, Unproven};

pub(super) static CHECK: Check = Check {
    id: "token.foreign-audience",
    surface: Surface::Token,
    severity: Severity::High,
    cwe: &["CWE-863"],
    title: "A genuine token for another API is refused",
    does: "Asks for a token with the form parameters of `elsewhere`, makes sure that its audience is another one, and \
           uses it at an operation that shows the tenant's own object. It concerns no other tenant's data, so it runs once \
           a tenant, against the next one in the spec.",
    judges: "advisory: the token shows the object. isolated: 401, 403, 404 or 410, and the object shows to an ordinary \
             token before and after. unproven: a control failed, the answer decides nothing, or the token may have \
             expired before it was used. not applicable: no \
             `elsewhere`, no client, or the endpoint grants no token for another audience.",
    origin: "RFC 8725 3.9, RFC 9068 4, RFC 8707; isolation 12; NIST SP 800-63C (audience restriction)",
    fix: "Refuse tokens whose `aud` does not name this API.",
    requests: 5,
};

pub(super) fn trials(spec: &Spec) -> Vec<Trial> {
    once_a_tenant(spec, &CHECK, attempt)
}

async fn attempt(t: &Tape, tenant: TenantIx, operation: OperationIx) -> Concluded {
    let tokens = readable(t)?;
    if tokens.elsewhere.is_empty() {
        return Err(Stop::not_applicable("the spec gives no way to a token for another API (`elsewhere`)"));
    }
    let is_client = |who: &Who| is_client(&t.spec[*who]);
    let client = own_bearers(&t.spec, tenant).find(is_client);
    let who = client.ok_or_else(|| Stop::not_applicable("the tenant has no client"))?;
    let ordinary = fresh(t, who).await?;
    let ordinary = named(ordinary.claims()?);
    let asked = t.call(Call::Token(TokenCall { extra: tokens.elsewhere.clone(), ..TokenCall::plain(who) })).await;
    if refused(&asked) {
        let why = format!("the endpoint grants no token for another API: {}", asked.line());
        return Err(Stop::not_applicable(why));
    }
    let issued = granted(asked)?;
    let audiences = named(issued.claims()?);
    let for_this_api = |a: &&str| ordinary.contains(a) || tokens.audiences.iter().any(|own| own == a);
    if audiences.is_empty() || audiences.iter().any(for_this_api) {
        let why = format!("the token is for this API all the same ({audiences:?}): {}", issued.exchange.line());
        return Err(Stop::not_applicable(why));
    }
    let object = ProtectedObject::find_as(t, operation, who).await?;
    let open = bracket::open(async || object.control(t).await).await?;
    let answered = t.send(object.own(Caller::Issued(issued.exchange.seq))).await;
    let attack = object.judged(&answered, || {
        let line = format!("a token of {} for {audiences:?} works here", t.spec.name_of(who));
        Evidence::of(Shows::CredentialAccepted, line, &answered).with("the token", &issued.exchange)
    });
    let attack = match attack {
        Attack::Withstood if issued.was_over(&answered) => {
            let why = "the token may have expired before it was used";
            Attack::Undecided(Unproven::shown(Reason::NoToken, why, &answered))
        }
        judged => judged,
    };
    open.attack(attack).close().await
}
