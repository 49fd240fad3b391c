//! Telling two kinds of answers apart: by what is the same in each one of a kind and differs between the kinds.

use std::collections::BTreeMap;

use watertight_engine::call::encode;
use watertight_engine::log::Exchange;

use crate::shared::leaves;

/// Headers that say nothing about what was asked, or follow from the body.
const VOLATILE: &[&str] = &[
    "age",
    "connection",
    "content-length",
    "content-md5",
    "date",
    "digest",
    "etag",
    "expires",
    "keep-alive",
    "last-modified",
    "repr-digest",
    "server-timing",
    "set-cookie",
    "transfer-encoding",
    "vary",
    "x-cache",
    "x-response-time",
    "x-runtime",
];

/// What can be seen of an answer: status, headers, members of the body. What was sent is replaced by a fixed word, since
/// an answer may echo it.
pub(super) fn features(exchange: &Exchange, sent: &[String]) -> BTreeMap<String, String> {
    let Some(received) = exchange.response() else { return BTreeMap::new() };
    let plain = |text: &str| {
        let path = exchange.request.target.split('?').next().unwrap_or_default();
        let text = text.replace(path, "{path}");
        sent.iter()
            .filter(|value| !value.is_empty())
            .fold(text, |text, value| text.replace(value.as_str(), "{sent}").replace(&encode(value), "{sent}"))
    };
    let headers = received.headers.iter().filter(|(name, _)| !is_volatile(name));
    let mut all: BTreeMap<String, String> =
        headers.map(|(name, value)| (format!("header {name}"), plain(value))).collect();
    all.insert("status".into(), received.status.to_string());
    match exchange.json() {
        Some(json) => {
            all.extend(leaves(json).into_iter().map(|(at, value)| (format!("body {}", plain(&at)), plain(&value))));
        }
        None => drop(all.insert("body".into(), plain(received.body.text()))),
    }
    all
}

fn is_volatile(name: &str) -> bool {
    VOLATILE.contains(&name)
        || name.contains("request-id")
        || name.contains("trace")
        || name.contains("ratelimit")
        || name.contains("rate-limit")
        || name.contains("correlation")
}

/// A feature that is the same in all of the one kind, the same in all of the other, and differs between them.
pub(super) fn told_apart(one: &[BTreeMap<String, String>], other: &[BTreeMap<String, String>]) -> Option<String> {
    // The status first: it is what people look at.
    let status = "status".to_owned();
    let names = std::iter::once(&status).chain(one.iter().chain(other).flat_map(BTreeMap::keys));
    let telling = names.into_iter().find(|name| match (constant(one, name), constant(other, name)) {
        (Some(a), Some(b)) => a != b,
        _ => false,
    })?;
    let say = |kind: &[BTreeMap<String, String>]| {
        let value = constant(kind, telling).flatten().unwrap_or("nothing");
        value.chars().take(80).collect::<String>()
    };
    Some(format!("{telling}: {} against {}", say(one), say(other)))
}

/// The value of a feature (or that it is absent), if it is the same throughout.
fn constant<'f>(kind: &'f [BTreeMap<String, String>], name: &str) -> Option<Option<&'f str>> {
    let mut values = kind.iter().map(|features| features.get(name).map(String::as_str));
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(values: &[&[(&str, &str)]]) -> Vec<BTreeMap<String, String>> {
        values.iter().map(|f| f.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()).collect()
    }

    #[test]
    fn only_what_is_constant_within_and_differs_between_tells_apart() {
        let foreign = kind(&[&[("status", "403"), ("id", "1")], &[("status", "403"), ("id", "2")]]);
        let nowhere = kind(&[&[("status", "404"), ("id", "3")], &[("status", "404"), ("id", "3")]]);
        assert_eq!(told_apart(&foreign, &nowhere).as_deref(), Some("status: 403 against 404"));
        assert_eq!(told_apart(&foreign, &foreign), None);
        let noisy = kind(&[&[("status", "404")], &[("status", "403")]]);
        assert_eq!(told_apart(&foreign, &noisy), None);
        let extra = kind(&[&[("status", "403"), ("hint", "x")], &[("status", "403"), ("hint", "x")]]);
        assert_eq!(told_apart(&foreign, &extra).as_deref(), Some("hint: nothing against x"));
    }
}
