//! A check that ends after the attack has no verdict: the control has not held once more.

use watertight_checks::bracket::{self, Attack};
use watertight_checks::check::Concluded;
use watertight_checks::verdict::{Stop, Verdict};

async fn check(control: impl AsyncFn() -> Result<(), Stop>) -> Concluded {
    let open = bracket::open(control).await?;
    let verdict: Verdict = open.attack(Attack::Withstood);
    Ok(verdict)
}

fn main() {}
