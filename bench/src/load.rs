//! Whether memory grows with a run, and what judging it costs.

use serde_json::Value;

use crate::Outcome;
use crate::child::{Server, mib, run};
use crate::spec;

/// Bytes of padding, so that an answer has 4 KiB.
const PAD: &str = "3800";

pub(crate) fn measure(tenants: usize, resources: usize) -> Outcome {
    let server = Server::start(&["target", "--pad", PAD])?;
    let folder = tempfile::tempdir()?;
    let text = spec::text(&server.said, tenants, resources, 16);
    let text = text.replacen("settle = \"0s\"\n", "settle = \"0s\"\nenv_file = \"keys.env\"\n", 1);
    std::fs::write(folder.path().join("watertight.toml"), text)?;
    std::fs::write(folder.path().join("keys.env"), spec::variables(tenants))?;

    let arguments = ["verify", "--only", "api.list-own", "--format", "json", "--seed", "1"];
    let verified = run(folder.path(), &arguments)?;
    let report: Value = serde_json::from_str(&verified.output)?;
    println!(
        "watertight {}\n  {} trials, {} requests, {:.1} s, peak {} (at most 200 MiB is asked for), {} unproven, exit {:?}",
        arguments.join(" "),
        report["summary"]["checks"],
        report["requests"],
        verified.took.as_secs_f64(),
        mib(verified.peak),
        report["summary"]["unproven"],
        verified.code,
    );
    for entry in std::fs::read_dir(folder.path().join("watertight-report"))? {
        let entry = entry?;
        println!("    {}: {}", entry.file_name().to_string_lossy(), mib(entry.metadata()?.len()));
    }
    let judged = run(folder.path(), &["judge"])?;
    let share = judged.took.as_secs_f64() * 100.0 / verified.took.as_secs_f64();
    println!(
        "watertight judge\n  {:.1} s, {share:.0} % of the run (at most 25 is asked for), peak {}, exit {:?}: {}",
        judged.took.as_secs_f64(),
        mib(judged.peak),
        judged.code,
        judged.output.lines().next().unwrap_or_default(),
    );
    Ok(())
}
