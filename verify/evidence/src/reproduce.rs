//! A finding as a command that anyone can run: `curl`, with tokens and passwords from the environment. It is made from
//! what the log says of the sender, never from texts for people.

mod code;
mod forging;
mod shell;
mod tokens;

use secrecy::ExposeSecret as _;
use watertight_engine::call::Forged;
use watertight_engine::log::{Exchange, Lookup, Sender, Sent, What, Written};
use watertight_spec::{ClientCertificate, Credential, Locator, Principal, Setting, Spec, TokenCommand, Variable};

pub use tokens::obtain_token;

use forging::forging;
use shell::{Words, escaped, quoted, single};

/// Headers that curl adds by itself, or that say nothing.
const LEFT_OUT: [&str; 4] = ["host", "user-agent", "accept-encoding", "content-length"];

/// Makes commands of the exchanges of one run.
#[derive(Debug)]
pub struct Reproducer<'s> {
    spec: &'s Spec,
    words: Words,
}

impl<'s> Reproducer<'s> {
    /// For a run of this spec. What the log shows in place of a secret becomes the variable that holds it.
    pub fn new(spec: &'s Spec, lookup: &mut Lookup) -> Self {
        let began = lookup.event(0).map(|event| event.what);
        let shown = match began {
            Some(What::Began(part)) => part.variables,
            _ => std::collections::BTreeMap::new(),
        };
        let is_secret = |name: &String| matches!(spec.variables.get(name), Some(Variable::Secret(_)));
        let shown = shown.into_iter().filter(|(name, _)| is_secret(name));
        Self { spec, words: Words::new(shown.filter_map(|(name, shown)| Some((shell_name(spec, name)?, shown)))) }
    }

    pub(crate) fn spec(&self) -> &'s Spec {
        self.spec
    }

    /// The exchange as a `curl` command, without any secret.
    pub fn command(&self, exchange: &Exchange) -> String {
        let sent = &exchange.request;
        let mut words = vec!["curl -i --path-as-is".to_owned()];
        match sent.method.as_str() {
            "GET" => {}
            // With `-X HEAD` it would wait for a body.
            "HEAD" => words.push("--head".to_owned()),
            method => words.push(format!("-X {}", single(method))),
        }
        if let Some(address) = self.spec.target.address.as_ref().filter(|_| self.is_of_target(&sent.origin)) {
            words.push(format!("--connect-to {}", single(&format!("::{address}"))));
        }
        let principal = exchange.sender.who().filter(|who| self.spec.has(*who)).map(|who| &self.spec[who]);
        words.extend(principal.and_then(|principal| certificate(self.spec, principal)));
        let usual_host = sent.origin.split("://").nth(1).unwrap_or_default();
        for (name, value) in &sent.headers {
            let is_usual_host = name == "host" && value == usual_host;
            if is_usual_host || (name != "host" && LEFT_OUT.contains(&name.as_str())) {
                continue;
            }
            words.push(self.header(&exchange.sender, name, value));
        }
        let (before, option) = self.body(sent, &self.words_of(sent, principal));
        words.extend(option);
        words.push(self.words.of(&format!("{}{}", sent.origin, sent.target)));
        format!("{before}{}", words.join(" "))
    }

    /// What stands before the command, and its option, so that the body is sent.
    fn body(&self, sent: &Sent, words: &Words) -> (String, Option<String>) {
        let Some(body) = &sent.body else { return (String::new(), None) };
        let piped = |body: &str| (format!("printf %b {} | ", words.of(body)), Some("--data-binary @-".to_owned()));
        match sent.written {
            // It is one line in every report, whatever is in it.
            Written::Plain if body.contains(char::is_control) => piped(&escaped(body)),
            Written::Plain => (String::new(), Some(format!("--data-binary {}", words.of(body)))),
            // No word of a shell can hold every byte.
            Written::Escaped => piped(body),
        }
    }

    /// The variables of a body: those of the spec, and what a session has put into its form.
    fn words_of(&self, sent: &Sent, principal: Option<&Principal>) -> Words {
        let Some((principal, Credential::Session { form, .. })) = principal.map(|one| (one, &one.credential)) else {
            return self.words.clone();
        };
        let body = sent.body.as_deref().unwrap_or_default();
        let named = form.iter().filter_map(|(name, _)| Some((carried_in(principal, name), member(body, name)?)));
        self.words.and(named)
    }

    /// Whether requests for this origin go to the spec's `address`.
    fn is_of_target(&self, origin: &str) -> bool {
        let mut urls = self.spec.target.url.iter().chain(self.spec.tenants.iter().map(|tenant| &tenant.url));
        urls.any(|url| url.origin().ascii_serialization() == origin)
    }

    fn header(&self, sender: &Sender, name: &str, value: &str) -> String {
        let principal = sender.who().filter(|who| self.spec.has(*who)).map(|who| &self.spec[who]);
        let credential = principal.and_then(|principal| self.credential(sender, principal, name, value));
        credential.unwrap_or_else(|| format!("-H {}", self.words.of(&format!("{name}: {value}"))))
    }

    /// Whether a cookie (`name=value`) names the tenant, and no more.
    fn is_locator(&self, cookie: &str) -> bool {
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        let named = cookie.split_once('=').filter(|(_, value)| is_plain(value)).map(|(name, _)| name);
        let mut locators = self.spec.tenancy.locators.iter();
        locators.any(|locator| matches!(locator, Locator::Cookie(own) if Some(own.as_str()) == named))
    }

    /// The header as an option for `curl`, if it is the one that carries the credential.
    fn credential(&self, sender: &Sender, principal: &Principal, name: &str, value: &str) -> Option<String> {
        let is_authorization = name.eq_ignore_ascii_case("authorization");
        match (&principal.credential, sender) {
            (_, Sender::Forged { forged, .. }) => is_authorization.then(|| forged_bearer(forged, principal)),
            (Credential::Keys { headers, .. }, _) => {
                let (header, value) = headers.iter().find(|(header, _)| name.eq_ignore_ascii_case(header))?;
                let variable = variable(self.spec, value.expose_secret()).unwrap_or_else(|| "KEY".into());
                Some(format!("-H \"{header}: ${variable}\""))
            }
            // Each cookie as its variable.
            (Credential::Cookies { .. }, _) => None,
            // What a session carries is had by logging in: its cookies, and the headers that the spec names.
            (Credential::Session { headers, .. }, _) => {
                let is_carried = name == "cookie" || headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
                let variable = carried_in(principal, name);
                // Beside its cookies there may be those that name the tenant.
                let further = || {
                    let cookies = value.split("; ").filter(|cookie| self.is_locator(cookie));
                    cookies.map(|cookie| format!("; {cookie}")).collect::<String>()
                };
                let further = if name == "cookie" { further() } else { String::new() };
                is_carried.then(|| format!("-H \"{name}: ${variable}{further}\""))
            }
            (Credential::Command(TokenCommand { header: Some(header), .. }), _) => {
                let is_carried = name.eq_ignore_ascii_case(header);
                is_carried.then(|| format!("-H \"{header}: ${}\"", principal.env_name))
            }
            _ if !is_authorization => None,
            (Credential::Basic { username, password }, _) => {
                let password = variable(self.spec, password.expose_secret()).unwrap_or_else(|| "PASSWORD".into());
                Some(format!("-u {}:\"${password}\"", setting(self.spec, username)))
            }
            // A request for a token: id and secret of the client.
            (_, sender) if sender.token().is_none() => {
                value.strip_prefix("Basic ").map(|client| format!("-u {}", self.words.of(client)))
            }
            _ => Some(format!("-H \"Authorization: Bearer ${}\"", principal.env_name)),
        }
    }
}

/// The variable that holds what a session carries under a name.
fn carried_in(principal: &Principal, name: &str) -> String {
    format!("{}_{}", principal.env_name.trim_end_matches("_TOKEN"), upper_snake(name))
}

/// What the body of a form has under a name.
fn member(body: &str, name: &str) -> Option<String> {
    let of_multipart = || body.split_once(&format!("; name=\"{name}\"\r\n\r\n"))?.1.split("\r\n").next();
    let of_pairs = || body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    of_pairs().or_else(of_multipart).map(str::to_owned)
}

/// The variable of a command that holds what a variable of the spec does: its own name, or for what is in a file, that of
/// the credential. None for other files.
fn shell_name(spec: &Spec, name: String) -> Option<String> {
    if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Some(name);
    }
    let principals = spec.tenants.iter().flat_map(|tenant| &tenant.principals);
    let holds = |principal: &&Principal| match &principal.credential {
        Credential::Cookies { stored: Some(stored), .. } => stored.variable == name,
        _ => false,
    };
    principals.into_iter().find(holds).map(|principal| principal.env_name.clone())
}

/// The certificate that a principal shows, as options for `curl` in a shell that makes files of commands, as bash does.
fn certificate(spec: &Spec, principal: &Principal) -> Option<String> {
    let ClientCertificate { chain, key } = principal.certificate.as_ref()?;
    let file = |text: String| format!("<(printf %s {text})");
    let chain = chain.variable().map_or_else(|| single(chain.text()), quoted);
    let key =
        variable(spec, key.expose_secret()).map_or_else(|| "\"$CERTIFICATE_KEY\"".to_owned(), |name| quoted(&name));
    Some(format!("--cert {} --key {}", file(chain), file(key)))
}

/// A header's name as a variable's: `X_CSRF_TOKEN`.
fn upper_snake(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

fn forged_bearer(forged: &Forged, principal: &Principal) -> String {
    let token = &principal.env_name;
    match forging(forged, token) {
        Some(command) => format!("-H \"Authorization: Bearer $({command})\""),
        None => format!("-H \"Authorization: Bearer ${token}_FORGED\""),
    }
}

/// A text of the spec as a word for the shell: itself, or its variable where that is a secret elsewhere in the file.
fn setting(spec: &Spec, setting: &Setting) -> String {
    match variable(spec, setting.text()).filter(|_| setting.is_secret(spec)) {
        Some(name) => quoted(&name),
        None => single(setting.text()),
    }
}

/// The variable that holds a secret.
fn variable(spec: &Spec, secret: &str) -> Option<String> {
    spec.variables
        .iter()
        .find(|(_, value)| matches!(value, Variable::Secret(held) if held.expose_secret() == secret))
        .map(|(name, _)| name.clone())
}
