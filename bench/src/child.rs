//! Processes that are measured, and servers that they need.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server in a process of its own; it ends with this value.
pub(crate) struct Server {
    child: Child,
    /// The first line that it printed.
    pub(crate) said: String,
}

impl Server {
    /// This binary with other arguments; it says where it listens.
    pub(crate) fn start(arguments: &[&str]) -> Result<Self, Box<dyn std::error::Error>> {
        let mut command = Command::new(std::env::current_exe()?);
        Self::of(command.args(arguments).stdout(Stdio::piped()))
    }

    /// A command that says on standard output that it is ready.
    pub(crate) fn of(command: &mut Command) -> Result<Self, Box<dyn std::error::Error>> {
        let mut child = command.spawn()?;
        let mut said = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut said)?;
        Ok(Self { child, said: said.trim().to_owned() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process cost.
pub(crate) struct Cost {
    pub(crate) took: Duration,
    /// Bytes of memory at the highest point.
    pub(crate) peak: u64,
    pub(crate) output: String,
    pub(crate) code: Option<i32>,
}

/// The verifier, beside this binary.
pub(crate) fn verifier() -> Result<PathBuf, Box<dyn std::error::Error>> {
    let beside = std::env::current_exe()?.with_file_name("watertight");
    match beside.exists() {
        true => Ok(beside),
        false => Err("build it first: cargo build --release -p watertight-cli".into()),
    }
}

/// Runs the verifier to its end; its memory is read every few milliseconds.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Result<Cost, Box<dyn std::error::Error>> {
    let begun = Instant::now();
    let out = folder.join("stdout");
    let mut command = Command::new(verifier()?);
    command.args(arguments).current_dir(folder).env("KEY", "hush-0123456789").stderr(Stdio::null());
    let mut child = command.stdout(std::fs::File::create(&out)?).spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let code = loop {
        let highest = std::fs::read_to_string(&status).unwrap_or_default();
        let line = highest.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes: u64 = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0);
        peak = peak.max(kilobytes * 1024);
        match child.try_wait()? {
            Some(status) => break status.code(),
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    Ok(Cost { took: begun.elapsed(), peak, output: std::fs::read_to_string(out)?, code })
}

/// Bytes in MiB.
pub(crate) fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}
