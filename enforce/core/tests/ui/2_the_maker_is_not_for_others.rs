//! What makes a step out of the one before is called by that step alone.

use watertight_core::{CandidateTenant, TokenFacts, VerifiedToken};

fn call(candidate: CandidateTenant, facts: TokenFacts) {
    let _ = VerifiedToken::new(candidate, facts);
}

fn main() {}
