//! Whose data is in an answer, and the controls that must hold before anything is believed.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use watertight_spec::Spec;

use crate::judge::{self, Answer, Evidence, Verdict};
use crate::marker::Encoding;
use crate::request::Request;
use crate::tape::{Halt, Tape, scalar};
use crate::trace::Exchange;
use crate::world::{Marker, Object, World};

/// What of a tenant's stands in an answer, for people. Content alone is looked at, whatever the status.
pub(crate) fn foreign(t: &Tape<'_>, exchange: &Exchange, tenant: usize) -> Option<String> {
    shown_of(t.spec, t.world, exchange, tenant)
}

/// The same without a tape, for what is judged over a whole trace.
pub(crate) fn shown_of(spec: &Spec, world: &World, exchange: &Exchange, tenant: usize) -> Option<String> {
    let name = spec.tenants.get(tenant).map_or("another tenant", |t| t.id.as_str());
    if let Some(hit) = exchange.hits.iter().find(|hit| hit.owner == tenant) {
        return Some(format!("{} of {} in the {}", hit.text, name, hit.place));
    }
    let witnesses = world.objects.iter().filter(|o| o.tenant == tenant).filter_map(|o| match &o.marker {
        Marker::Witnessed(values) => Some(values),
        Marker::Planted(_) => None,
    });
    let value = witnesses.flatten().find(|value| stands_in(exchange, value))?;
    Some(format!("{value}, which only {name} can read,"))
}

/// A leak, if anything of `tenant`'s stands in the answer.
pub(crate) fn leak(t: &Tape<'_>, exchange: &Exchange, tenant: usize) -> Option<Verdict> {
    let what = foreign(t, exchange, tenant)?;
    Some(Verdict::Leak(Evidence::of(format!("{} was given {what}", exchange.by), exchange)))
}

/// Whether an answer shows this object's own marker.
pub(crate) fn shows(exchange: &Exchange, object: &Object) -> bool {
    match &object.marker {
        Marker::Planted(canary) => exchange.hits.iter().any(|hit| {
            hit.owner == object.tenant
                && (hit.encoding != Encoding::Plain || hit.text.to_lowercase().starts_with(&canary.secret))
        }),
        Marker::Witnessed(values) => values.iter().any(|value| stands_in(exchange, value)),
    }
}

/// Headers that tell when something last changed, whoever's it was: the time of a tenant's own object is no content of it.
const CLOCKS: [&str; 4] = ["date", "etag", "expires", "last-modified"];

/// Whether a value stands in an answer as a whole word, and was not in the request.
fn stands_in(exchange: &Exchange, value: &str) -> bool {
    let Some(received) = exchange.response() else { return false };
    let was_sent = exchange.request.target.contains(value)
        || exchange.request.body.as_deref().is_some_and(|body| body.contains(value));
    let is_whole = |text: &str| {
        text.match_indices(value).any(|(at, _)| {
            let before = text.get(..at).and_then(|t| t.chars().next_back());
            let after = text.get(at.saturating_add(value.len())..).and_then(|t| t.chars().next());
            ![before, after].into_iter().flatten().any(char::is_alphanumeric)
        })
    };
    let mut telling = received.headers.iter().filter(|(name, _)| !CLOCKS.contains(&name.as_str()));
    !was_sent && (is_whole(&received.body) || telling.any(|(_, text)| is_whole(text)))
}

/// A control without a marker: it must succeed, and show nothing of other tenants.
pub(crate) fn succeed<'t>(t: &Tape<'t>, request: Request, owner: usize) -> Result<&'t Exchange, Halt> {
    let exchange = t.send(request)?;
    match judge::answer(exchange) {
        Answer::Success => {}
        Answer::NotOffered => return Err(Halt::NotApplicable(format!("not offered: {}", exchange.line()))),
        Answer::Denied => {
            return Err(Halt::Unproven(format!("the owner itself was denied: {}", exchange.line())));
        }
        Answer::Undecided => {
            return Err(Halt::Unproven(format!("control: {}", judge::why_undecided(exchange))));
        }
    }
    let stranger = (0..t.spec.tenants.len()).filter(|n| *n != owner).find_map(|n| foreign(t, exchange, n));
    match stranger {
        None => Ok(exchange),
        Some(what) => Err(Halt::Unproven(format!("a control shows {what} (see api.own-view): {}", exchange.line()))),
    }
}

/// A control: the owner's own request succeeds, and shows the object's marker within `settle`.
pub(crate) fn control<'t>(t: &Tape<'t>, request: Request, object: &Object) -> Result<&'t Exchange, Halt> {
    let mut last = None;
    let found = poll(t, || {
        let outcome = succeed(t, request.clone(), object.tenant);
        match outcome {
            Ok(exchange) if shows(exchange, object) => Ok(Some(exchange)),
            Ok(exchange) => {
                last = Some(format!("the owner does not see its own marker: {}", exchange.line()));
                Ok(None)
            }
            Err(Halt::Unproven(why)) => {
                last = Some(why);
                Ok(None)
            }
            Err(halt) => Err(halt),
        }
    })?;
    found.ok_or_else(|| Halt::Unproven(last.unwrap_or_default()))
}

/// Tries until it succeeds or `settle` has passed; the last try is after that.
pub(crate) fn poll<T>(t: &Tape<'_>, mut attempt: impl FnMut() -> Result<Option<T>, Halt>) -> Result<Option<T>, Halt> {
    let mut passed = Duration::ZERO;
    loop {
        if let Some(found) = attempt()? {
            return Ok(Some(found));
        }
        if passed >= t.spec.target.settle {
            return Ok(None);
        }
        let step = pause(t);
        t.wait(step)?;
        passed = passed.saturating_add(step);
    }
}

/// How long to wait between two looks.
fn pause(t: &Tape<'_>) -> Duration {
    (t.spec.target.settle / 4).max(Duration::from_millis(1))
}

/// Where a redirect leads, if it leads to a path of the same target.
pub(crate) fn redirected(spec: &Spec, exchange: &Exchange) -> Option<String> {
    let received = exchange.response().filter(|r| matches!(r.status, 301 | 302 | 303 | 307 | 308))?;
    let (_, location) = received.headers.iter().find(|(name, _)| name == "location")?;
    super::walk::path_of_link(spec, exchange, location)
}

/// A member of `tenancy.fields` that names another tenant, in an object that the caller did not write itself.
///
/// A tenant may have stored any text in its own object: one that holds a nonce of its own proves nothing.
pub(crate) fn foreign_field(t: &Tape<'_>, exchange: &Exchange, own: usize, nonce_prefix: &str) -> Option<String> {
    let strangers: Vec<&str> =
        t.spec.tenants.iter().enumerate().filter(|(n, _)| *n != own).map(|(_, t)| t.id.as_str()).collect();
    find_field(&exchange.json()?, &t.spec.tenancy.fields, &strangers, nonce_prefix)
}

fn find_field(json: &Value, fields: &[String], strangers: &[&str], nonce_prefix: &str) -> Option<String> {
    match json {
        Value::Array(items) => items.iter().find_map(|item| find_field(item, fields, strangers, nonce_prefix)),
        Value::Object(members) => {
            let here = members.iter().find_map(|(name, value)| {
                let tenant = value.as_str()?;
                (fields.contains(name) && strangers.contains(&tenant)).then(|| format!("{name} = {tenant}"))
            });
            here.filter(|_| !json.to_string().contains(nonce_prefix))
                .or_else(|| members.values().find_map(|value| find_field(value, fields, strangers, nonce_prefix)))
        }
        _ => None,
    }
}

/// The longest place of a scalar that is kept, in bytes.
const LONGEST_PLACE: usize = 512;
/// How many scalars of a document are kept.
const MOST_LEAVES: usize = 20_000;

/// Every scalar of a document, by where it stands; within bounds, since a target may answer anything.
pub(crate) fn leaves(json: &Value) -> BTreeMap<String, String> {
    fn gather(json: &Value, path: &str, into: &mut BTreeMap<String, String>) {
        if path.len() > LONGEST_PLACE || into.len() >= MOST_LEAVES {
            return;
        }
        match json {
            Value::Object(members) => {
                members.iter().for_each(|(name, value)| gather(value, &format!("{path}.{name}"), into));
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(n, value)| gather(value, &format!("{path}[{n}]"), into));
            }
            Value::Bool(flag) => drop(into.insert(path.to_owned(), flag.to_string())),
            other => drop(into.insert(path.to_owned(), scalar(other).unwrap_or_default())),
        }
    }
    let mut all = BTreeMap::new();
    gather(json, "$", &mut all);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testbed::answered;
    use crate::trace::Outcome;

    #[test]
    fn the_time_of_a_change_in_the_validator_of_a_list_is_no_content() {
        let mut answer = answered(Some(0), "/cases", "[]");
        let Outcome::Response(received) = &mut answer.outcome else { panic!("{answer:?}") };
        received.headers.push(("etag".into(), "\"1795415600563\"".into()));
        assert!(!stands_in(&answer, "1795415600563"));
        let Outcome::Response(received) = &mut answer.outcome else { panic!("{answer:?}") };
        received.headers.push(("x-case".into(), "1795415600563".into()));
        assert!(stands_in(&answer, "1795415600563"));
    }

    #[test]
    fn a_long_name_before_many_values_takes_no_more_than_a_bounded_space() {
        let hostile = serde_json::json!({ "k".repeat(100_000): vec![0; 20_000], "few": vec![1; 50_000] });
        let all = leaves(&hostile);
        assert!(all.len() <= 20_000, "{}", all.len());
        assert!(all.keys().map(String::len).sum::<usize>() < 11_000_000);
        assert_eq!(all.get("$.few[0]").map(String::as_str), Some("1"));
    }
}
