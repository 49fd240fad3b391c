//! A step consumes the one before it, so that one token isn't verified for one thing and used for another.

use watertight_core::{BearerToken, CandidateTenant, TokenVerifier};

async fn twice(candidate: CandidateTenant, token: &BearerToken, verifier: &dyn TokenVerifier) {
    let _ = candidate.verify(token, verifier).await;
    let _ = candidate.verify(token, verifier).await;
}

fn main() {}
