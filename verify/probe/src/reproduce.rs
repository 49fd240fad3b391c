//! A finding as a command that anyone can run: `curl`, with tokens and passwords from the environment.

use secrecy::ExposeSecret as _;
use watertight_spec::{Credential, Principal, Spec, Variable};

use crate::trace::Exchange;

/// Headers that curl adds by itself, or that say nothing.
const LEFT_OUT: [&str; 4] = ["host", "user-agent", "accept-encoding", "content-length"];

/// The exchange as a `curl` command. No secret stands in it.
pub fn reproduce(spec: &Spec, exchange: &Exchange) -> String {
    let mut words = vec!["curl -i --path-as-is".to_owned()];
    if exchange.request.method != "GET" {
        words.push(format!("-X {}", exchange.request.method));
    }
    let origin_host = exchange.request.origin.split("://").nth(1).unwrap_or_default();
    for (name, value) in &exchange.request.headers {
        let usual_host = name == "host" && value == origin_host;
        if usual_host || (name != "host" && LEFT_OUT.contains(&name.as_str())) {
            continue;
        }
        words.push(header(spec, exchange, name, value));
    }
    if let Some(body) = &exchange.request.body {
        words.push(format!("--data-binary {}", body_word(spec, exchange, body)));
    }
    words.push(single(&format!("{}{}", exchange.request.origin, exchange.request.target)));
    words.join(" ")
}

/// A command that puts a principal's token into the variable that [`reproduce`] uses; nothing where no token is used,
/// or where its secret has no variable.
pub fn obtain_token(spec: &Spec, principal: &Principal) -> Option<String> {
    let Credential::ClientCredentials { token_url, client_id, client_secret, scope, .. } = &principal.credential else {
        return None;
    };
    let secret = variable(spec, client_secret.expose_secret())?;
    let scope =
        scope.as_ref().map(|s| format!(" --data-urlencode {}", single(&format!("scope={s}")))).unwrap_or_default();
    Some(format!(
        "{}=$(curl -s -u {}:\"${secret}\" -d grant_type=client_credentials{scope} {} | python3 -c 'import json,sys;print(json.load(sys.stdin)[\"access_token\"])')",
        principal.env_name,
        single(client_id),
        single(token_url.as_str()),
    ))
}

fn header(spec: &Spec, exchange: &Exchange, name: &str, value: &str) -> String {
    if !value.contains("[redacted:") && !value.starts_with("Bearer [forged") {
        return format!("-H {}", single(&format!("{name}: {value}")));
    }
    match sender(spec, exchange) {
        Some(Principal { credential: Credential::Basic { username, password }, .. }) => {
            let password = variable(spec, password.expose_secret()).unwrap_or("PASSWORD".into());
            format!("-u {}:\"${password}\"", single(username))
        }
        Some(Principal { credential: Credential::Header { header, value }, .. }) => {
            let value = variable(spec, value.expose_secret()).unwrap_or("KEY".into());
            format!("-H \"{header}: ${value}\"")
        }
        Some(principal) if value.starts_with("Bearer [forged") => {
            let token = &principal.env_name;
            match forging(value, token) {
                Some(command) => format!("-H \"Authorization: Bearer $({command})\""),
                None => format!("-H \"Authorization: Bearer ${token}_FORGED\""),
            }
        }
        Some(principal) => format!("-H \"Authorization: Bearer ${}\"", principal.env_name),
        None => format!("-H \"{name}: $CREDENTIAL\""),
    }
}

/// A command that forges the token from the genuine one, where no key is needed for it. Claims are data to it, never code:
/// the target's own issuer may have chosen them.
fn forging(label: &str, token: &str) -> Option<String> {
    let (what, rest) = label.strip_prefix("Bearer [forged ")?.split_once(" | ")?;
    let (claims, _) = rest.rsplit_once(" | from ")?;
    let (header, signature) = if what.starts_with("NoneAlgorithm") {
        let spelling = what.split('"').nth(1).filter(|s| s.chars().all(|c| c.is_ascii_alphabetic()))?;
        (format!("h[\"alg\"]=\"{spelling}\";"), "\"\"")
    } else if what.starts_with("AlteredClaim") {
        (String::new(), "s")
    } else if what.starts_with("EmptySignature") {
        (String::new(), "\"\"")
    } else if what.starts_with("UnknownCritical") {
        ("h[\"crit\"]=[\"urn:example:unknown\"];h[\"urn:example:unknown\"]=True;".to_owned(), "s")
    } else {
        return None;
    };
    // Within the command substitution, single quotes keep the script from the shell.
    Some(format!(
        "python3 -c 'import base64,json,sys;h,c,s=sys.argv[1].split(\".\");\
d=lambda t:json.loads(base64.urlsafe_b64decode(t+\"==\"));\
e=lambda o:base64.urlsafe_b64encode(json.dumps(o).encode()).decode().rstrip(\"=\");\
h=d(h);c=d(c);{header}c.update(json.loads(sys.argv[2]));print(e(h)+\".\"+e(c)+\".\"+{signature})' \"${token}\" {}",
        single(claims)
    ))
}

fn body_word(spec: &Spec, exchange: &Exchange, body: &str) -> String {
    match (body.contains("[redacted:"), sender(spec, exchange)) {
        (true, Some(Principal { credential: Credential::ClientCredentials { client_secret, .. }, .. })) => {
            let name = variable(spec, client_secret.expose_secret()).unwrap_or("SECRET".into());
            let (before, rest) = body.split_once("[redacted:").unwrap_or((body, ""));
            let after = rest.split_once(']').map_or("", |(_, after)| after);
            format!("{}\"${name}\"{}", single(before), single(after))
        }
        _ => single(body),
    }
}

fn sender<'s>(spec: &'s Spec, exchange: &Exchange) -> Option<&'s Principal> {
    let tenant = spec.tenants.get(exchange.tenant?)?;
    let name = exchange.by.split_once('/')?.1.trim_end_matches(" (forged)");
    tenant.principals.iter().find(|p| p.name == name)
}

/// The variable that holds a secret.
fn variable(spec: &Spec, secret: &str) -> Option<String> {
    spec.variables
        .iter()
        .find(|(_, value)| matches!(value, Variable::Secret(held) if held.expose_secret() == secret))
        .map(|(name, _)| name.clone())
}

/// As one word for a POSIX shell.
fn single(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(safe) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_that_a_hostile_issuer_chose_are_one_word_to_the_shell() {
        let claims = serde_json::json!({ "sub": "x';touch pwned;'\"$(id)" });
        let label = format!("Bearer [forged AlteredClaim | {claims} | from [redacted:00]]");
        let command = forging(&label, "NORTH_TOKEN").unwrap();
        let script = format!("NORTH_TOKEN=e30.e30.sig; printf '%s' \"$({command})\" | cut -d. -f2 | tr -d '\\n'");
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let decoded = crate::forge::object(&text).unwrap();
        assert_eq!(serde_json::Value::Object(decoded), claims, "{script}");
    }
}
