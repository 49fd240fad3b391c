//! How to obtain the tokens that reproductions name.

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;
use watertight_spec::{
    CODE, ClientProof, Credential, LoginEncoding, LoginValue, Principal, SecretGoes, Spec, TokenCommand, TokenEndpoint,
    TokenGrant, Totp, WrittenPart,
};

use super::code::one_time_code;
use super::shell::{quoted, single};
use super::{certificate, setting, variable};

/// A command that puts a principal's token into the variable that a reproduction uses. None where no token is used, where
/// its secret has no variable, or where the answer names it in a way that takes more than a few words to follow.
pub fn obtain_token(spec: &Spec, principal: &Principal) -> Option<String> {
    let tenant =
        spec.tenants.iter().find(|tenant| tenant.principals.iter().any(|own| own.env_name == principal.env_name));
    let (options, url, path) = match &principal.credential {
        Credential::Endpoint(endpoint) => {
            (of_endpoint(spec, endpoint)?, &endpoint.url, "[\"access_token\"]".to_owned())
        }
        Credential::Login { url, method, fields, encoding, token, totp, .. } => {
            let word = |value| login_value(spec, value, totp.as_ref());
            let fields = fields.iter().map(|(name, value)| Some((name.as_str(), word(value)?)));
            let fields: Vec<(&str, String)> = fields.collect::<Option<_>>()?;
            let data = match encoding {
                LoginEncoding::Form => fields.iter().map(|(name, word)| field(name, word)).collect(),
                LoginEncoding::Json => {
                    format!(" -H 'Content-Type: application/json' --data-binary {}", object(&fields))
                }
            };
            (format!("-X {}{data}", single(method)), url, members(&token.to_string())?)
        }
        Credential::Cookies { stored, .. } => {
            let host = tenant?.url.host_str()?;
            return stored.as_ref().map(|stored| of_file(&principal.env_name, &stored.file, host));
        }
        Credential::Command(command) => return printed(&principal.env_name, command),
        Credential::Basic { .. } | Credential::Keys { .. } | Credential::Session { .. } => return None,
    };
    let options = certificate(spec, principal).into_iter().chain([options]).collect::<Vec<_>>().join(" ");
    Some(command(&principal.env_name, &options, url, &path))
}

/// The cookies of a file in the spec's folder that are for a host.
fn of_file(name: &str, file: &str, host: &str) -> String {
    let script = "import json,sys;f,h=sys.argv[1:];t=open(f).read();\
p=t.lstrip()[:1]==\"{\";l=[r.removeprefix(\"#HttpOnly_\").split(\"\\t\") for r in t.splitlines()];\
c=[(x[\"domain\"],x[\"name\"],x[\"value\"]) for x in json.loads(t)[\"cookies\"]] if p else [(x[0],x[5],x[6]) for x in l if len(x)==7];\
print(\"; \".join(n+\"=\"+v for d,n,v in c if (\".\"+h).endswith(\".\"+d.lstrip(\".\"))))";
    format!("{name}=$(python3 -c '{script}' {} {})", single(file), single(host))
}

/// What a command of the spec prints, in the spec's folder.
fn printed(name: &str, command: &TokenCommand) -> Option<String> {
    let words: Vec<String> =
        std::iter::once(&command.program).chain(&command.arguments).map(|word| single(word)).collect();
    let taken = match &command.token {
        Some(path) => format!(" | {}", member_of(&members(&path.to_string())?)),
        None => String::new(),
    };
    Some(format!("{name}=$({}{taken})", words.join(" ")))
}

/// None where an assertion is signed: that takes more than a line of shell.
fn of_endpoint(spec: &Spec, endpoint: &TokenEndpoint) -> Option<String> {
    let secret = |secret: &SecretString| variable(spec, secret.expose_secret()).map(|name| quoted(&name));
    let granted = match &endpoint.grant {
        TokenGrant::ClientCredentials => "-d grant_type=client_credentials".to_owned(),
        TokenGrant::Password { username, password } => {
            let user = [field("username", &setting(spec, username)), field("password", &secret(password)?)].concat();
            format!("-d grant_type=password{user}")
        }
        TokenGrant::RefreshToken(token) => {
            format!("-d grant_type=refresh_token{}", field("refresh_token", &secret(token)?))
        }
        TokenGrant::JwtBearer { .. } => return None,
    };
    let (as_user, client) = match endpoint.client.as_ref().map(|client| (setting(spec, &client.id), &client.proof)) {
        None => (String::new(), String::new()),
        Some((id, ClientProof::Nothing)) => (String::new(), field("client_id", &id)),
        Some((id, ClientProof::Secret(own, SecretGoes::InHeader))) => {
            (format!("-u {id}:{} ", secret(own)?), String::new())
        }
        Some((id, ClientProof::Secret(own, SecretGoes::InForm))) => {
            (String::new(), [field("client_id", &id), field("client_secret", &secret(own)?)].concat())
        }
        Some((_, ClientProof::PrivateKey(_))) => return None,
    };
    let scope = endpoint.scope.as_ref().map(|scope| field("scope", &single(scope))).unwrap_or_default();
    let params = endpoint.params.iter().map(|(name, value)| Some(field(name, &login_value(spec, value, None)?)));
    let params: String = params.collect::<Option<_>>()?;
    Some(format!("{as_user}{granted}{client}{scope}{params}"))
}

fn command(name: &str, options: &str, url: &Url, path: &str) -> String {
    let url = single(url.as_str());
    format!("{name}=$(curl -s {options} {url} | {})", member_of(path))
}

/// A command that prints a member of the JSON that it is given.
fn member_of(path: &str) -> String {
    format!("python3 -c 'import json,sys;print(json.load(sys.stdin){path})'")
}

/// A member of a form; `word` is its value, as a word for the shell.
fn field(name: &str, word: &str) -> String {
    format!(" --data-urlencode {}{word}", single(&format!("{name}=")))
}

/// A JSON object, made by a command: a secret may hold what JSON must escape.
fn object(fields: &[(&str, String)]) -> String {
    let words: Vec<String> = fields.iter().map(|(name, word)| format!("{} {word}", single(name))).collect();
    let script = "import json,sys;a=sys.argv[1:];print(json.dumps(dict(zip(a[::2],a[1::2]))))";
    format!("\"$(python3 -c '{script}' {})\"", words.join(" "))
}

fn login_value(spec: &Spec, value: &LoginValue, totp: Option<&Totp>) -> Option<String> {
    match value {
        LoginValue::Plain(text) => Some(single(text)),
        LoginValue::Scalar(scalar) => Some(single(&scalar.to_string())),
        LoginValue::Written(written) => {
            let words = written.parts().iter().map(|part| match part {
                WrittenPart::Text(text) => Some(single(text)),
                WrittenPart::Taken(name) if name == CODE => one_time_code(spec, totp?),
                WrittenPart::Taken(_) => None,
            });
            words.collect()
        }
        // Not in a line of shell.
        LoginValue::Table(_) | LoginValue::List(_) => None,
        LoginValue::Secret(secret) => variable(spec, secret.expose_secret()).map(|name| quoted(&name)),
    }
}

/// A JSONPath as subscripts in Python, where it does nothing but name members or places of a list.
fn members(path: &str) -> Option<String> {
    let mut rest = path.strip_prefix('$')?;
    let mut subscripts = String::new();
    while !rest.is_empty() {
        let (name, after) = match (rest.strip_prefix('.'), rest.strip_prefix('[')) {
            (Some(dotted), _) => dotted.split_at(dotted.find(['.', '[']).unwrap_or(dotted.len())),
            (None, Some(bracketed)) => bracketed.split_once(']')?,
            (None, None) => return None,
        };
        if !name.is_empty() && name.chars().all(|c| c.is_ascii_digit()) && rest.starts_with('[') {
            subscripts.push_str(&format!("[{name}]"));
        } else {
            let is_quote = |c: char| c == '\'' || c == '"';
            let name = name.trim_start_matches(is_quote).trim_end_matches(is_quote);
            let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if name.is_empty() || !name.chars().all(is_plain) {
                return None;
            }
            subscripts.push_str(&format!("[\"{name}\"]"));
        }
        rest = after;
    }
    (!subscripts.is_empty()).then_some(subscripts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_members_become_subscripts() {
        for (path, expected) in [
            ("$.token", Some("[\"token\"]")),
            ("$.data.access-token", Some("[\"data\"][\"access-token\"]")),
            ("$['data']['token']", Some("[\"data\"][\"token\"]")),
            ("$.tokens[0].value", Some("[\"tokens\"][0][\"value\"]")),
            ("$", None),
            ("$..token", None),
            ("$.a[*]", None),
            ("$.a[?@.b == 1]", None),
            ("$['it''s']", None),
        ] {
            assert_eq!(members(path).as_deref(), expected, "{path}");
        }
    }
}
