//! `--keep`: the platform stays until Ctrl-C, with its variables in a file that only its owner may read.

use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde::Deserialize;
use tokio::sync::watch;
use watertight_evidence::escape::line;
use watertight_spec::{Credential, Principal, Spec};

use super::{SPEC_FILE, Variables, env_file};
use crate::exit::Exit;
use crate::folder::unwritable;
use crate::printer::Printer;

/// Tokens live for a quarter of an hour; before that, the file gets new ones.
const RENEWAL: Duration = Duration::from_secs(10 * 60);
/// Tokens that live for less (seconds) would be dead before anyone could use them.
const SHORTEST: u64 = 60;
/// How long the identity provider may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Removes what a killed demo left.
pub(super) fn forget(dir: &Path) -> io::Result<()> {
    match std::fs::remove_file(env_file(dir)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Leaves the platform to others until someone stops it.
pub(super) async fn until_stopped(
    dir: &Path,
    spec: &Spec,
    variables: &Variables,
    mut stop: watch::Receiver<bool>,
    printer: Printer,
) -> Result<(), Exit> {
    let mut is_told = false;
    while !*stop.borrow() {
        let tokens = tokens(spec).await;
        if tokens.is_empty() {
            printer.note("no tokens could be fetched for demo.env; its other variables are there");
        }
        write(dir, variables.iter().chain(&tokens)).map_err(|error| unwritable(dir, &error, printer))?;
        if !is_told {
            tell(dir, printer);
            is_told = true;
        }
        tokio::select! {
            () = tokio::time::sleep(RENEWAL) => {}
            // The sender lives as long as the process.
            _ = stop.wait_for(|stopped| *stopped) => {}
        }
    }
    forget(dir).map_err(|error| unwritable(dir, &error, printer))
}

fn tell(dir: &Path, printer: Printer) {
    let of = |file: &Path| line(&file.to_string_lossy());
    let (spec, env) = (of(&dir.join(SPEC_FILE)), of(&env_file(dir)));
    // A name without a slash would be looked up in PATH.
    let env = if env.contains('/') { env } else { format!("./{env}") };
    printer.note(&format!(
        "\nThe platform keeps running until Ctrl-C. From another terminal:\n\n  watertight verify {spec}\n  . {env}      \
         (the variables that the printed commands use, with fresh tokens)\n"
    ));
}

/// Only its owner may read it.
fn write<'v>(dir: &Path, variables: impl Iterator<Item = (&'v String, &'v String)>) -> io::Result<()> {
    let part = dir.join(format!(".demo.env.{}.part", std::process::id()));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    let mut text = String::new();
    for (name, value) in variables {
        text.push_str(&format!("export {name}='{}'\n", value.replace('\'', r"'\''")));
    }
    let written = file.write_all(text.as_bytes()).and_then(|()| std::fs::rename(&part, env_file(dir)));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&part);
    }
    written
}

/// A fresh token of each principal, under the name that reproductions use.
async fn tokens(spec: &Spec) -> Variables {
    let mut tokens = Variables::new();
    let Ok(client) = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build() else { return tokens };
    for principal in spec.tenants.iter().flat_map(|tenant| &tenant.principals) {
        if let Some(token) = token(&client, principal).await {
            tokens.insert(principal.env_name.clone(), token);
        }
    }
    tokens
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u64,
}

async fn token(client: &reqwest::Client, principal: &Principal) -> Option<String> {
    let Credential::Endpoint(endpoint) = &principal.credential else { return None };
    let (known, secret) = (endpoint.client.as_ref()?, endpoint.client_secret()?);
    let request = client
        .post(endpoint.url.clone())
        .basic_auth(known.id.text(), Some(secret.expose_secret()))
        .header("content-type", "application/x-www-form-urlencoded")
        // Without a scope, all that the client is registered for.
        .body("grant_type=client_credentials");
    let answer = request.send().await.ok()?.text().await.ok()?;
    let granted: Granted = serde_json::from_str(&answer).ok()?;
    (granted.expires_in >= SHORTEST).then_some(granted.access_token)
}
