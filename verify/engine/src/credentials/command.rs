//! A program that prints a token: run without a shell, in the folder of the spec, with a bound on its time and what it says.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use watertight_spec::{TokenCommand, Who};

use super::LONGEST;
use super::forge::object;

/// How long it may take.
pub(crate) const LONGEST_TIME: Duration = Duration::from_secs(30);
/// Bytes that are read of what it says on standard error.
const TOLD: usize = 4096;
/// Characters of why it failed that are told, once secrets are replaced in them.
const SHOWN: usize = 500;
/// How often in a row it may fail. A run has many requests, and each would try it again.
const MOST_FAILURES: u32 = 3;

/// Commands that failed, since they last did not.
#[derive(Default)]
pub(crate) struct Failures {
    by_principal: HashMap<Who, (u32, String)>,
}

impl Failures {
    /// Whether it is not run any more.
    pub(crate) fn are_too_many(&self, who: Who) -> bool {
        self.by_principal.get(&who).is_some_and(|(times, _)| *times >= MOST_FAILURES)
    }

    pub(crate) fn note(&mut self, who: Who, why: &str) {
        let failed = self.by_principal.entry(who).or_default();
        *failed = (failed.0.saturating_add(1), why.chars().take(SHOWN).collect());
    }

    pub(crate) fn forget(&mut self, who: Who) {
        self.by_principal.remove(&who);
    }

    /// Why it failed last.
    pub(crate) fn why(&self, who: Who) -> Option<&str> {
        self.by_principal.get(&who).map(|(_, why)| why.as_str())
    }
}

/// The token that a program prints, and the seconds that it says it has left at this time since 1970.
///
/// # Errors
/// Why there is none, perhaps with a secret in it.
pub(crate) async fn printed(
    command: &TokenCommand,
    folder: &Path,
    bound: Duration,
    now: Duration,
) -> Result<(String, Option<u64>), String> {
    let out = tokio::time::timeout(bound, run(command, folder))
        .await
        .map_err(|_| format!("did not end within {} s", bound.as_secs_f32()))??;
    let token = token_in(command, &out)?;
    let left = seconds_left(&token, now);
    match left {
        Some(0) => Err("printed a token that has expired".to_owned()),
        _ => Ok((token, left)),
    }
}

/// What it prints. It ends with its future.
async fn run(command: &TokenCommand, folder: &Path) -> Result<String, String> {
    let unable = |error: std::io::Error| format!("can't be run: {error}");
    let mut child = tokio::process::Command::new(program(&command.program, folder))
        .args(&command.arguments)
        .current_dir(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(unable)?;
    let (out, told) = (child.stdout.take(), child.stderr.take());
    let (out, told) = tokio::join!(begin_of(out, LONGEST), begin_of(told, TOLD));
    let status = child.wait().await.map_err(unable)?;
    if !status.success() {
        let told = String::from_utf8_lossy(&told.bytes).trim().to_owned();
        return Err(match told.as_str() {
            "" => format!("ended with {status} and told nothing"),
            told => format!("ended with {status} and told: {told}"),
        });
    }
    match (out.rest, String::from_utf8(out.bytes)) {
        (0, Ok(text)) => Ok(text),
        (0, Err(_)) => Err("printed what is no text".to_owned()),
        _ => Err(format!("printed more than {LONGEST} bytes")),
    }
}

/// A program of the spec's folder is written with `/`, as in a shell; any other is looked for in `PATH`.
fn program(written: &str, folder: &Path) -> PathBuf {
    let path = Path::new(written);
    if path.is_absolute() || path.components().count() < 2 && !written.contains('/') {
        return path.to_owned();
    }
    let joined = folder.join(path);
    std::path::absolute(&joined).unwrap_or(joined)
}

/// What was read, and how many bytes more there were.
struct Begin {
    bytes: Vec<u8>,
    rest: usize,
}

async fn begin_of(from: Option<impl AsyncRead + Unpin>, most: usize) -> Begin {
    let mut begin = Begin { bytes: Vec::new(), rest: 0 };
    let Some(mut from) = from else { return begin };
    let mut buffer = [0; 4096];
    // Whoever writes more must not be kept waiting.
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let fits = read.min(most.saturating_sub(begin.bytes.len()));
        begin.bytes.extend_from_slice(buffer.get(..fits).unwrap_or_default());
        begin.rest = begin.rest.saturating_add(read.saturating_sub(fits));
    }
    begin
}

fn token_in(command: &TokenCommand, out: &str) -> Result<String, String> {
    let token = match &command.token {
        None => Some(out.trim().to_owned()),
        Some(path) => {
            let json: Value = serde_json::from_str(out).map_err(|error| format!("printed no JSON: {error}"))?;
            path.query(&json).first().and_then(Value::as_str).map(str::to_owned)
        }
    };
    let token = token.filter(|token| !token.is_empty()).ok_or("printed no token")?;
    match token.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        true => Ok(token),
        false => Err("printed more than a token: it is one line, or JSON and `token` says where in it".to_owned()),
    }
}

/// By the `exp` of a JWS: who prints it may have had it for a while.
fn seconds_left(token: &str, now: Duration) -> Option<u64> {
    let mut parts = token.split('.');
    let claims = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(claims), Some(_), None) => object(claims).ok()?,
        _ => return None,
    };
    Some(claims.get("exp")?.as_u64()?.saturating_sub(now.as_secs()))
}
