//! Facts alone don't make a verified token.

use watertight_core::{CandidateTenant, TokenFacts, VerifiedToken};

fn forge(candidate: CandidateTenant, facts: TokenFacts) -> VerifiedToken {
    VerifiedToken { candidate, facts }
}

fn main() {}
