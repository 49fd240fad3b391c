//! A platform that keeps running is verified from outside, by its file alone.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use super::faults;
use crate::desk::*;

/// A demonstration that stays. Killed when dropped, if it has not ended.
pub(crate) struct Kept {
    pub(crate) child: Child,
    pub(crate) desk: Desk,
    pub(crate) told: String,
}

impl Kept {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let desk = Desk::new();
        let mut command = Command::new(env!("CARGO_BIN_EXE_watertight"));
        command.args(["demo", "--keep", "--report", "demo"]).args(arguments);
        command.current_dir(desk.folder.path()).env_clear();
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut told = String::new();
        let mut err = BufReader::new(child.stderr.take().unwrap());
        while !told.contains("fresh tokens") && err.read_line(&mut told).unwrap() > 0 {}
        assert!(told.contains("watertight verify demo/demo.toml"), "{told}");
        std::thread::spawn(move || err.read_to_end(&mut Vec::new()));
        Self { child, desk, told }
    }

    /// A command in a shell that has read `demo.env`.
    pub(crate) fn shell(&self, command: &str) -> Output {
        let script = format!(". demo/demo.env\n{command}");
        let path = std::env::var("PATH").unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).current_dir(self.desk.folder.path()).env_clear().env("PATH", path);
        shell.output().unwrap()
    }

    /// All objects of a tenant, as it sees them.
    pub(crate) fn contents(&self, tenant: &str, token: &str) -> Value {
        let text = self.desk.read("demo/demo.toml");
        let url = text.lines().find_map(|line| line.strip_prefix("url = ")).unwrap().trim_matches('"').to_owned();
        let list = format!("curl -sf -H \"Authorization: Bearer ${token}\" {url}/tenants/{tenant}/cases?limit=100");
        json(&self.shell(&list))["items"].clone()
    }

    pub(crate) fn stop(mut self) -> Desk {
        signal("TERM", &self.child);
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        assert!(!self.desk.path("demo/demo.env").exists(), "the secrets outlive the platform");
        std::mem::replace(&mut self.desk, Desk::new())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Desk {
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }
}

pub(crate) fn signal(name: &str, child: &Child) {
    assert!(Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status().unwrap().success());
}

#[test]
fn a_kept_platform_is_verified_by_its_file_alone_and_no_secret_is_in_any_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let kept = Kept::start(&["--seed", "5"]);
    assert!(kept.told.contains(". demo/demo.env"), "{}", kept.told);
    let mode = std::fs::metadata(kept.desk.path("demo/demo.env")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let first: Value = serde_json::from_str(&kept.desk.read("demo/run.json")).unwrap();
    let output = kept.desk.run(&["verify", "demo/demo.toml", "--seed", "5", "--format", "json", "--report", "again"]);
    assert_eq!(code(&output), 0, "{} {}", out(&output), err(&output));
    let second = json(&output);
    for part in ["verdict", "summary", "coverage", "findings", "unproven"] {
        assert_eq!(first[part], second[part], "{part}");
    }
    is_about_what_was_planned(&kept, &second);

    let env = kept.desk.read("demo/demo.env");
    let secrets: Vec<&str> = env
        .lines()
        .filter(|line| !line.contains("_CLIENT_ID="))
        .map(|line| line.split_once('=').unwrap().1.trim_matches('\''))
        .collect();
    assert!(secrets.len() > 8 && secrets.iter().all(|secret| secret.len() >= 32));
    let mut searched = 0;
    for folder in ["demo", "again"] {
        for file in std::fs::read_dir(kept.desk.path(folder)).unwrap() {
            let path = file.unwrap().path();
            if path.ends_with("demo.env") {
                continue;
            }
            for secret in &secrets {
                assert!(!contains(&path, secret), "a secret is in {}", path.display());
            }
            searched += 1;
        }
    }
    assert!(searched >= 14, "{searched}");
    kept.stop();
}

/// Who reads a plan decides by it whether a run may be let loose, and with which limits.
fn is_about_what_was_planned(kept: &Kept, run: &Value) {
    let plan = json(&kept.desk.run(&["plan", "demo/demo.toml", "--seed", "5", "--format", "json"]));
    let [planned, allowed] = ["requests", "requests_allowed"].map(|name| plan["cost"][name].as_u64().unwrap());
    let sent = run["requests"].as_u64().unwrap();
    assert!(planned.abs_diff(sent) * 5 < sent, "planned {planned}, sent {sent}");
    assert!(sent * 2 < allowed, "a demonstration with few reserves: {sent} of {allowed}");
}

#[test]
fn a_reproduction_runs_as_printed() {
    let fault = faults().into_iter().find(|fault| fault["caught_by"][0] == "api.swap-path-tenant").unwrap();
    let kept = Kept::start(&["--fault", fault["fault"].as_str().unwrap()]);
    let report: Value = serde_json::from_str(&kept.desk.read("demo/run.json")).unwrap();
    let finding = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["check"] == "api.swap-path-tenant" && f["operation"].as_str().unwrap().starts_with("GET "))
        .unwrap();
    let command = finding["reproduce"].as_str().unwrap();
    assert!(command.contains("_TOKEN"), "{command}");
    let output = kept.shell(command);
    let answer = out(&output);
    assert!(answer.starts_with("HTTP/1.1 200"), "{command}\n{answer}{}", err(&output));
    assert!(answer.contains(finding["victim"].as_str().unwrap()), "{answer}");
    signal("TERM", &kept.child);
}
