//! How fast the verifier sends while it scans, redacts, records and judges.

use std::process::Command;

use serde_json::Value;

use crate::Outcome;
use crate::child::{Server, run};
use crate::spec;

/// Microseconds of work that an answer costs the server.
const WORK: &str = "100";
const TENANTS: usize = 16;
const RESOURCES: usize = 60;

pub(crate) fn measure(connections: usize) -> Outcome {
    let server = Server::start(&["target", "--work", WORK])?;
    println!("an endpoint that costs its server {WORK} µs, {connections} connections\n");

    let folder = tempfile::tempdir()?;
    let text = format!("{}\n", spec::text(&server.said, TENANTS, RESOURCES, connections));
    let text = text.replacen("settle = \"0s\"\n", "settle = \"0s\"\nenv_file = \"keys.env\"\n", 1);
    std::fs::write(folder.path().join("watertight.toml"), text)?;
    std::fs::write(folder.path().join("keys.env"), spec::variables(TENANTS))?;
    let arguments = ["verify", "--only", "api.list-own", "--format", "json", "--seed", "1"];
    let cost = run(folder.path(), &arguments)?;
    let report: Value = serde_json::from_str(&cost.output)?;
    let (requests, millis) = (number(&report["requests"]), number(&report["duration_ms"]));
    let own = requests * 1000.0 / millis.max(1.0);
    println!("watertight {}: {requests} requests, {own:.0} a second ({})", arguments.join(" "), report["verdict"]);

    let open = format!("{}/open", server.said);
    let connections = connections.to_string();
    let oha = ["-z", "10s", "-c", &connections, "--no-tui", "--output-format", "json", &open];
    let output = Command::new("oha").args(oha).output();
    let output = output.map_err(|error| format!("oha: {error}; install it: cargo install oha --locked"))?;
    let summary: Value = serde_json::from_slice(&output.stdout)?;
    let other = number(&summary["summary"]["requestsPerSec"]);
    println!("oha {}: {other:.0} a second", oha.join(" "));
    println!("\n{:.0} % of oha's rate (at least 60 is asked for, 85 is the goal)", own * 100.0 / other);
    Ok(())
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(0.0)
}
