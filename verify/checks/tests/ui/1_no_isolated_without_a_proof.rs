//! That nothing was found proves nothing.

use watertight_checks::verdict::Verdict;

fn nothing_found() -> Verdict {
    Verdict::Isolated
}

fn main() {}
