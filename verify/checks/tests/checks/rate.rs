//! A target that limits the rate makes it slow, and decides nothing.

use watertight_engine::log::What;
use watertight_testbed::{Bed, Fixture};

use crate::support::{holds, is_of_data};

#[tokio::test]
async fn a_target_that_refuses_every_third_request_is_isolated_late() {
    let bed = Bed::start(&[]).await;
    bed.hinder(|seen| (seen.number % 3 == 2).then_some(429));
    let verified = bed.verify(|one| is_of_data(one) && (one.attacker, one.victim) == (1, 0)).await;
    for one in verified.concluded() {
        let is_known = one.check == "oracle.name-taken" && one.is_finding() && !one.is_leak();
        assert!(holds(&one) || is_known, "{one:?}");
    }
    let throttled = verified.events().iter().filter(|event| matches!(event.what, What::Throttled(_))).count();
    assert!(throttled > 100, "{throttled}");
    assert_eq!(verified.run.left_behind, Vec::<String>::new());
    assert_eq!(verified.replay().divergences, []);
}

/// The same of the checks of tokens, whose endpoint refuses as well.
#[tokio::test]
async fn token_endpoints_that_refuse_every_third_request_are_isolated_late() {
    let bed = Bed::with(Fixture::tokens(), &[]).await;
    bed.hinder(|seen| (seen.number % 3 == 2).then_some(429));
    let verified = bed.verify(|one| one.check.starts_with("token.")).await;
    let throttled = verified.events().iter().filter(|event| matches!(event.what, What::Throttled(_))).count();
    assert!(throttled > 20, "{throttled}");
    for one in verified.concluded() {
        assert!(one.is_isolated() || one.is_not_applicable(), "{one:?}");
    }
    assert_eq!(verified.replay().divergences, []);
}
