//! A token for another API.

use watertight_model::{Severity, Surface};
use watertight_spec::{Credential, Spec};

use super::audience::named;
use super::expired::once_a_tenant;
use super::subject::{claims, fresh_claims, granted, name, principal, readable, refused};
use super::target::Target;
use crate::check::{About, Check};
use crate::judge::{Answer, Evidence, Verdict, answer, why_undecided};
use crate::request::{Call, Caller, TokenCall, Who};
use crate::tape::{Halt, Tape};

pub(super) static ABOUT: About = About {
    id: "token.foreign-audience",
    surface: Surface::Token,
    severity: Severity::High,
    cwe: &["CWE-863"],
    title: "A genuine token for another API is refused",
    does: "Asks for a token with the form parameters of `elsewhere`, makes sure that its audience is another one, and \
           uses it at an operation that shows the tenant's own object. It concerns no other tenant's data, so it runs once \
           a tenant, against the next one in the spec.",
    judges: "advisory: the token shows the object. isolated: 401, 403, 404 or 410, and the object shows to an ordinary \
             token before and after. unproven: a control failed, or the answer decides nothing. not applicable: no \
             `elsewhere`, no client, or the endpoint grants no token for another audience.",
    origin: "RFC 8725 3.9, RFC 9068 4, RFC 8707; seed 12; NIST SP 800-63C (audience restriction)",
    mend: "Refuse tokens whose `aud` does not name this API.",
};

pub(super) fn instances(spec: &Spec) -> Vec<Check> {
    once_a_tenant(spec, &ABOUT, attempt)
}

fn attempt(t: &Tape<'_>, principals: &[Who], operation: usize) -> Result<Verdict, Halt> {
    let tokens = readable(t)?;
    if tokens.elsewhere.is_empty() {
        return Err(Halt::NotApplicable("the spec gives no way to a token for another API (`elsewhere`)".into()));
    }
    let client = |who: &&Who| {
        principal(t.spec, **who).is_some_and(|p| matches!(p.credential, Credential::ClientCredentials { .. }))
    };
    let who = *principals.iter().find(client).ok_or_else(|| Halt::NotApplicable("the tenant has no client".into()))?;
    let (_, ordinary) = fresh_claims(t, who)?;
    let asked = t.call(Call::Token(TokenCall { extra: tokens.elsewhere.clone(), ..TokenCall::plain(who) }))?;
    if refused(asked) {
        return Err(Halt::NotApplicable(format!("the endpoint grants no token for another API: {}", asked.line())));
    }
    let (issued, token) = granted(asked)?;
    let audiences = named(claims(issued, token)?);
    let for_this_api = |a: &&str| named(ordinary).contains(a) || tokens.audiences.iter().any(|own| own == a);
    if audiences.is_empty() || audiences.iter().any(for_this_api) {
        let why = format!("the token is for this API all the same ({audiences:?}): {}", issued.line());
        return Err(Halt::NotApplicable(why));
    }
    let target = Target::open_as(t, operation, who)?;
    let attack = t.send(target.own(Caller::Issued(issued.seq)))?;
    if target.shown_in(attack) {
        let line = format!("a token of {} for {audiences:?} works here", name(t.spec, who));
        return Ok(Verdict::Advisory(Evidence::of(line, attack).with("the token", issued)));
    }
    target.close(t)?;
    match answer(attack) {
        Answer::Denied => Ok(Verdict::Isolated),
        Answer::Success => Err(Halt::Unproven(format!("a success without the object: {}", attack.line()))),
        Answer::Undecided | Answer::NotOffered => Err(Halt::Unproven(why_undecided(attack))),
    }
}
