//! A proof comes from a bracket that was closed, and from nothing else.

use watertight_checks::bracket::Proof;
use watertight_checks::verdict::Verdict;

fn forge() -> Verdict {
    Verdict::Isolated(Proof { after: None, untried: None })
}

fn main() {}
