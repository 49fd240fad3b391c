//! What an answer is: by its status, and where that is a success, by what it says. GraphQL and JSON-RPC answer 200 and put
//! the refusal into the body.

use serde_json::Value;
use watertight_engine::journal::id_in;
use watertight_engine::log::Exchange;
use watertight_spec::Spec;

use super::Reason;

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseClass {
    /// 2xx, and no refusal in it.
    Success,
    /// 401, 403, 404, 410: any of them is a denial (RFC 9110 15.5.5 lets 404 stand for 403). Or the same in words.
    Denied,
    /// 405, 501: the target has no such operation.
    NotOffered,
    /// 429, 503, 5xx, 3xx, other 4xx, or no answer: decides nothing.
    Undecided,
}

/// What an answer is.
pub fn class_of(exchange: &Exchange) -> ResponseClass {
    match exchange.status() {
        Some(200..=299) => refusal(exchange).map_or(ResponseClass::Success, Refusal::class),
        Some(401 | 403 | 404 | 410) => ResponseClass::Denied,
        Some(405 | 501) => ResponseClass::NotOffered,
        // Every fault has this status (SOAP 1.1, 6.2).
        Some(500) => refusal(exchange).map_or(ResponseClass::Undecided, Refusal::class),
        _ => ResponseClass::Undecided,
    }
}

/// What the answer to a write is: one that leads on to an object of the kind that it concerns is a success.
pub(crate) fn class_of_write(spec: &Spec, exchange: &Exchange) -> ResponseClass {
    let concerned = exchange.operation.and_then(|operation| spec[operation].resource);
    let leads_to_it = || concerned.and_then(|resource| id_in(spec, resource, exchange)).is_some();
    match class_of(exchange) {
        ResponseClass::Undecided if exchange.leads_on() && leads_to_it() => ResponseClass::Success,
        class => class,
    }
}

/// Why a success is none, by what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refusal {
    /// Not there, or not allowed.
    Denied,
    /// Not well formed.
    Invalid,
    /// The target failed.
    Failed,
}

impl Refusal {
    fn class(self) -> ResponseClass {
        match self {
            Self::Denied => ResponseClass::Denied,
            Self::Invalid | Self::Failed => ResponseClass::Undecided,
        }
    }

    pub(super) fn reason(self) -> Reason {
        match self {
            Self::Denied => Reason::UnclearAnswer,
            Self::Invalid => Reason::RefusedForForm,
            Self::Failed => Reason::TargetFailed,
        }
    }
}

/// The refusal that a success, or a fault of SOAP, has in its body. None where it has none, has data as well, or does not say
/// of what kind it is.
pub(crate) fn refusal(exchange: &Exchange) -> Option<Refusal> {
    let json = exchange.json()?;
    if exchange.status() == Some(500) { fault_in(json) } else { refusal_in(json) }
}

/// The refusal in a fault of SOAP: by its words, else by whose fault it is said to be (SOAP 1.1, 4.4; SOAP 1.2, 5.4).
fn fault_in(json: &Value) -> Option<Refusal> {
    let fault = json.pointer("/Envelope/Body/Fault")?;
    let text =
        |places: [&str; 3]| places.into_iter().find_map(|place| fault.pointer(place)?.as_str()).unwrap_or_default();
    let code = text(["/faultcode", "/faultcode/#text", "/Code/Value"]);
    let said = text(["/faultstring", "/faultstring/#text", "/Reason/Text"]);
    let whose = code.rsplit(':').next().unwrap_or_default().split('.').next().unwrap_or_default();
    let is_clients = matches!(whose, "Client" | "Sender");
    Some(match by_words(said) {
        // Much that is let in fails in such words as well: "could not find stored procedure".
        Some(Refusal::Denied) if !is_clients => Refusal::Invalid,
        Some(refusal) => refusal,
        None if is_clients => Refusal::Invalid,
        None => Refusal::Failed,
    })
}

fn refusal_in(json: &Value) -> Option<Refusal> {
    if let Some(refusal) = fault_in(json) {
        return Some(refusal);
    }
    let is_empty = |value: Option<&Value>| match value {
        None | Some(Value::Null) => true,
        Some(Value::Object(members)) => members.values().all(Value::is_null),
        Some(_) => false,
    };
    // GraphQL (September 2025, 7.1): what failed has no data.
    if let Some(errors) = json.get("errors").and_then(Value::as_array) {
        let is_graphql =
            !errors.is_empty() && is_empty(json.get("data")) && errors.iter().all(|one| one["message"].is_string());
        let kinds: Option<Vec<Refusal>> = errors.iter().map(of_graphql).collect();
        return kinds.filter(|_| is_graphql)?.into_iter().max();
    }
    let error = error_in(json).or_else(|| within(json).and_then(error_in))?;
    // JSON-RPC 2.0, 5.1.
    let code = error["code"].as_i64().filter(|_| json.get("jsonrpc").is_some());
    match code {
        Some(-32603) => Some(Refusal::Failed),
        Some(-32700 | -32602..=-32600) => Some(Refusal::Invalid),
        _ => texts(error).into_iter().filter_map(by_words).max(),
    }
}

/// The error of an envelope that holds nothing else: an `error` (a text, or an object with one), or a message beside the word
/// that it failed.
fn error_in(json: &Value) -> Option<&Value> {
    let members = json.as_object()?;
    let is_data = |(name, value): (&String, &Value)| match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty() && name != "error",
        _ => false,
    };
    // What has an id is an object, and may have failed itself: a job.
    let is_object = members.contains_key("id") && !members.contains_key("jsonrpc");
    if is_object || members.iter().any(is_data) {
        return None;
    }
    let has_failed = ["status", "result", "ok", "success"].iter().any(|name| match members.get(*name) {
        Some(Value::Bool(is_well)) => !is_well,
        Some(Value::String(word)) => matches!(word.to_lowercase().as_str(), "failed" | "fail" | "error" | "failure"),
        _ => false,
    });
    match members.get("error") {
        Some(error @ Value::Object(_)) => Some(error),
        Some(error @ Value::String(text)) if !text.is_empty() => Some(error),
        _ => {
            let words = ["message", "msg", "reason", "detail", "description"];
            words.iter().find_map(|name| members.get(*name)).filter(|_| has_failed)
        }
    }
}

/// What is in an envelope of one member: `{ "response": { "status": "failed", … } }`.
fn within(json: &Value) -> Option<&Value> {
    let members = json.as_object().filter(|members| members.len() == 1)?;
    members.values().next().filter(|inner| inner.is_object())
}

/// The texts of an error: itself, or its members. What JSON-RPC calls its data may be an error itself, with a name and a message
/// that say more than the outer one (Odoo); a trace of where it arose says nothing.
fn texts(error: &Value) -> Vec<&str> {
    match error {
        Value::Object(members) => {
            let inner = members.get("data").map(inner_texts).unwrap_or_default();
            members.values().filter_map(Value::as_str).chain(inner).collect()
        }
        other => other.as_str().into_iter().collect(),
    }
}

fn inner_texts(data: &Value) -> Vec<&str> {
    let members = ["name", "message", "type", "code", "reason"];
    members.into_iter().filter_map(|name| data.get(name)?.as_str()).collect()
}

fn of_graphql(error: &Value) -> Option<Refusal> {
    // Some servers put it beside the message.
    let places = ["/extensions/code", "/extensions/classification", "/code", "/type"];
    let code = places.iter().find_map(|place| error.pointer(place)?.as_str()).unwrap_or_default().to_uppercase();
    let is_any = |words: &[&str]| words.iter().any(|word| code.contains(word));
    if is_any(&["INTERNAL", "TIMEOUT", "UNAVAILABLE"]) {
        return Some(Refusal::Failed);
    }
    if is_any(&["FORBIDDEN", "UNAUTH", "NOT_FOUND", "NOTFOUND", "DENIED", "PERMISSION", "NOT_ALLOWED"]) {
        return Some(Refusal::Denied);
    }
    if is_any(&["BAD_USER_INPUT", "VALIDATION", "PARSE_FAILED", "INVALID"]) {
        return Some(Refusal::Invalid);
    }
    by_words(error["message"].as_str()?)
}

fn by_words(message: &str) -> Option<Refusal> {
    const FAILED: [&str; 13] = [
        "internal server error",
        "internal error",
        "unexpected error",
        "something went wrong",
        "cannot read propert",
        "is not a function",
        "undefined method",
        "nonetype",
        "nullpointer",
        "nil pointer",
        "traceback",
        "timed out",
        "deadlock",
    ];
    const DENIED: [&str; 18] = [
        "not found",
        "could not resolve",
        "could not find",
        "no such",
        "does not exist",
        "doesn't exist",
        "unknown id",
        "not authori",
        "unauthori",
        "unauthenticated",
        "not authenticated",
        "forbidden",
        "permission",
        "access denied",
        "not allowed",
        "accesserror",
        "no access",
        "not visible",
    ];
    let message = message.to_lowercase().replace(['_', '-'], " ");
    let has_any = |words: &[&str]| words.iter().any(|word| message.contains(word));
    match (has_any(&FAILED), has_any(&DENIED)) {
        (true, _) => Some(Refusal::Failed),
        (false, true) => Some(Refusal::Denied),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_success_is_a_refusal_where_its_body_says_so_and_has_no_data() {
        let fault = |code: &str, said: &str| json!({ "Envelope": { "Body": { "Fault": { "faultcode": code, "faultstring": said } } } });
        let graphql = |code: &str| json!({ "errors": [{ "message": "x", "extensions": { "code": code } }], "data": { "order": null } });
        for (json, expected) in [
            (graphql("FORBIDDEN"), Some(Refusal::Denied)),
            (graphql("NOT_FOUND"), Some(Refusal::Denied)),
            (graphql("UNAUTHENTICATED"), Some(Refusal::Denied)),
            (graphql("INTERNAL_SERVER_ERROR"), Some(Refusal::Failed)),
            (graphql("BAD_USER_INPUT"), Some(Refusal::Invalid)),
            (graphql("SOMETHING"), None),
            (
                json!({ "errors": [{ "message": "Cannot read properties of undefined (reading 'id')" }], "data": null }),
                Some(Refusal::Failed),
            ),
            (json!({ "errors": [{ "message": "Note 7 not found" }] }), Some(Refusal::Denied)),
            (json!({ "errors": [{ "message": "Not found" }], "data": { "note": null, "me": { "id": 7 } } }), None),
            (json!({ "errors": [], "data": null }), None),
            (json!({ "errors": ["not found"] }), None),
            (
                json!({ "errors": [{ "type": "NOT_FOUND", "message": "x" }], "data": { "node": null } }),
                Some(Refusal::Denied),
            ),
            (json!({ "errors": [{ "code": "FORBIDDEN", "message": "x" }], "data": null }), Some(Refusal::Denied)),
            (json!({ "errors": [{ "message": "Could not resolve to a node" }], "data": null }), Some(Refusal::Denied)),
            (json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": -32603, "message": "x" } }), Some(Refusal::Failed)),
            (json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": -32602, "message": "x" } }), Some(Refusal::Invalid)),
            (
                json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": 50, "message": "no such case" } }),
                Some(Refusal::Denied),
            ),
            (
                json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": 200, "message": "Server Error", "data": {
                    "name": "exceptions.AccessError", "message": "You are not allowed to do this.", "debug": "Traceback" } } }),
                Some(Refusal::Denied),
            ),
            (
                json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": 200, "message": "Internal error", "data": {
                    "name": "builtins.KeyError", "message": "'amount'", "debug": "Traceback" } } }),
                Some(Refusal::Failed),
            ),
            (json!({ "jsonrpc": "2.0", "id": 1, "result": { "id": 7 } }), None),
            (json!({ "error": { "code": 50, "message": "no such case" } }), Some(Refusal::Denied)),
            (fault("soap:Client", "Invoice not found"), Some(Refusal::Denied)),
            (fault("soap:Server", "Invoice 7 does not exist"), Some(Refusal::Invalid)),
            (fault("soap:Client.Form", "Amount is no number"), Some(Refusal::Invalid)),
            (fault("soap:Server", "ORA-00933"), Some(Refusal::Failed)),
            (
                json!({ "Envelope": { "Body": { "Fault": {
                    "Code": { "Value": "env:Sender" }, "Reason": { "Text": "no such invoice", "Text@lang": "en" } } } } }),
                Some(Refusal::Denied),
            ),
            (
                json!({ "api": { "status": "failed", "error": { "code": 50, "message": "User is not authorized" } } }),
                Some(Refusal::Denied),
            ),
            (json!({ "ok": false, "error": "channel_not_found" }), Some(Refusal::Denied)),
            (json!({ "success": false, "message": "No access to this" }), Some(Refusal::Denied)),
            (json!({ "status": "failed", "error": "something went wrong" }), Some(Refusal::Failed)),
            (json!({ "error": "", "id": 7 }), None),
            (json!({ "error": null, "title": "not found" }), None),
            (json!({ "id": 7, "status": "failed", "error": "file not found" }), None),
            (json!({ "error": "not found", "case": { "id": 7 } }), None),
            (json!({ "status": "failed", "title": "Not found: a novel", "pages": [1] }), None),
            (json!([{ "id": 7 }]), None),
        ] {
            assert_eq!(refusal_in(&json), expected, "{json}");
        }
    }

    #[test]
    fn of_several_errors_the_one_that_decides_least_counts() {
        let json = json!({ "errors": [{ "message": "not found" }, { "message": "internal server error" }] });
        assert_eq!(refusal_in(&json), Some(Refusal::Failed));
        let json = json!({ "errors": [{ "message": "not found" }, { "message": "who knows" }] });
        assert_eq!(refusal_in(&json), None);
    }
}
