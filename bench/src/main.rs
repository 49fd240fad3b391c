//! Figures of the verifier, each with the command that it comes from and what it is compared with, in one run.
//!
//! ```text
//! cargo build --release -p watertight-cli -p watertight-bench
//! target/release/watertight-bench rate       requests a second, beside oha with as many connections
//! target/release/watertight-bench latency    the demo's plan behind 50 ms, beside one request at a time
//! target/release/watertight-bench load       100,000 trials: peak memory, and the time that judging takes
//! target/release/watertight-bench scan       GB a second of the marker scan, beside a plain automaton
//! ```
//!
//! The verifier is the binary that users run, against servers of this crate in processes of their own.

#![expect(clippy::print_stdout, reason = "figures are what it is for")]
#![expect(clippy::indexing_slicing, reason = "a missing member of a JSON document is null")]

mod child;
mod latency;
mod load;
mod rate;
mod scan;
mod spec;
mod target;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

/// What a figure comes to, or why there is none.
type Outcome = Result<(), Box<dyn std::error::Error>>;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    figure: Figure,
}

#[derive(Subcommand)]
enum Figure {
    /// Requests a second on an endpoint that costs its server 100 µs, beside `oha`
    Rate {
        /// Connections of both
        #[arg(long, default_value_t = 32)]
        connections: usize,
    },
    /// The sound demo behind some latency, beside one request at a time
    Latency {
        /// Milliseconds that every answer is late
        #[arg(long, default_value_t = 50)]
        millis: u64,
        /// Only these checks, for a quicker figure
        #[arg(long)]
        only: Option<String>,
    },
    /// Many trials with answers of 4 KiB: memory, and judging
    Load {
        /// Tenants; 32 of them with 100 resources make 99,200 trials
        #[arg(long, default_value_t = 32)]
        tenants: usize,
        /// Kinds of objects
        #[arg(long, default_value_t = 100)]
        resources: usize,
    },
    /// The scan for markers
    Scan,
    /// The server that `rate` and `load` verify, in a process of its own
    Target {
        /// Microseconds of work for each answer
        #[arg(long, default_value_t = 0)]
        work: u64,
        /// Bytes that pad each object
        #[arg(long, default_value_t = 0)]
        pad: usize,
    },
    /// A way to a server on which every answer is late, in a process of its own
    Late {
        /// The server's port
        #[arg(long)]
        port: u16,
        /// Milliseconds
        #[arg(long)]
        millis: u64,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().figure {
        Figure::Rate { connections } => rate::measure(connections),
        Figure::Latency { millis, only } => latency::measure(Duration::from_millis(millis), only.as_deref()),
        Figure::Load { tenants, resources } => load::measure(tenants, resources),
        Figure::Scan => scan::measure(),
        Figure::Target { work, pad } => target::serve(Duration::from_micros(work), pad),
        Figure::Late { port, millis } => latency::be_late(port, Duration::from_millis(millis)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("no figure: {error}");
            ExitCode::FAILURE
        }
    }
}
