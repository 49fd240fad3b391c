//! Controls of token checks, broken on purpose.

use watertight_checks::verdict::{Reason, Verdict};
use watertight_testbed::Switch::*;
use watertight_testbed::{Concluded, Entrance, Fixture, Presented, Seen, Switch};

use super::{FORGERIES, OBSERVATIONS, has_impostor};
use crate::support::hindered;

/// What is broken, once set-up is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    /// All is 429.
    Throttled,
    /// All is 503.
    Failing,
    /// No answer is complete.
    Silent,
    /// The token endpoint fails.
    NoToken,
    /// What crosses is 429.
    AttackThrottled,
}

impl Broken {
    fn status(self, seen: &Seen) -> Option<u16> {
        match self {
            Self::Throttled => Some(429),
            Self::Failing => Some(503),
            Self::Silent => Some(0),
            Self::NoToken => (seen.entrance == Entrance::Token).then_some(500),
            Self::AttackThrottled => seen.crosses.then_some(429),
        }
    }

    /// Whether it concerns a trial at all.
    fn hinders(self, one: &Concluded) -> bool {
        let sends_no_attack = OBSERVATIONS.contains(&one.check) && one.check != "token.scope-escalation";
        match self {
            Self::AttackThrottled => !sends_no_attack && has_impostor(one),
            Self::NoToken => has_impostor(one) && takes_token(one.check),
            Self::Throttled | Self::Failing | Self::Silent => has_impostor(one),
        }
    }
}

/// The others ask for no token themselves: the engine has those of set-up.
fn takes_token(id: &str) -> bool {
    let is_made_of_fresh_ones = matches!(id, "token.forged-hmac" | "token.altered-claim" | "token.unknown-crit");
    is_made_of_fresh_ones || (!FORGERIES.contains(&id) && id != "token.whoami")
}

fn is_tried(id: &str) -> bool {
    id.starts_with("token.") && id != "token.shared-secret" && id != "token.expired"
}

async fn broken(broken: Broken, switches: &[Switch], keep: fn(&str) -> bool) -> Vec<Concluded> {
    let obstacle = move |seen: &Seen, _| broken.status(seen);
    let verified = hindered(&Fixture::tokens(), switches, obstacle, |one| keep(one.check)).await;
    let concluded = verified.concluded();
    assert!(!concluded.is_empty());
    concluded
}

#[tokio::test]
async fn broken_controls_are_unproven_never_isolated_and_never_a_finding() {
    for what in [Broken::Throttled, Broken::Failing, Broken::Silent, Broken::NoToken, Broken::AttackThrottled] {
        let mut concluded = broken(what, &[], is_tried).await;
        concluded.extend(broken(what, &[Lifetime(1)], |id| id == "token.expired").await);
        for one in concluded {
            let is_right = match what.hinders(&one) {
                true => one.is_unproven(),
                false => one.is_isolated() || one.is_not_applicable(),
            };
            assert!(is_right, "{what:?}: {one:?}");
        }
    }
}

#[tokio::test]
async fn a_client_that_a_wrong_secret_locked_leaves_the_check_unproven() {
    let locks = |_: &Seen, has_crossed: bool| has_crossed.then_some(401);
    let verified = hindered(&Fixture::tokens(), &[], locks, |one| {
        one.check == "token.client-with-foreign-secret" && one.attacker == 0
    })
    .await;
    let concluded = verified.concluded();
    assert_eq!(concluded.len(), 1);
    assert!(concluded[0].is_unproven() && format!("{concluded:?}").contains("locked"), "{concluded:?}");
}

#[tokio::test]
async fn a_victim_whose_token_is_revoked_half_way_leaves_attacks_unproven() {
    let revoked = |seen: &Seen, has_crossed: bool| {
        (has_crossed && seen.entrance == Entrance::Api && seen.presented == Presented::Own).then_some(401)
    };
    let verified = hindered(&Fixture::tokens(), &[], revoked, |one| {
        FORGERIES.contains(&one.check) || one.check == "token.foreign-issuer"
    })
    .await;
    for one in verified.concluded().iter().filter(|one| has_impostor(one)) {
        assert!(one.is_unproven(), "{one:?}");
    }
}

#[tokio::test]
async fn a_victim_without_its_object_leaves_attacks_unproven() {
    let empty = |seen: &Seen, _| (seen.entrance == Entrance::Api && seen.presented == Presented::Own).then_some(204);
    let verified = hindered(&Fixture::tokens(), &[], empty, |one| FORGERIES.contains(&one.check)).await;
    for one in verified.concluded() {
        let reason = if let Verdict::Unproven(unproven) = &one.verdict { Some(unproven.reason) } else { None };
        assert_eq!(reason, Some(Reason::MarkerNotSeen), "{one:?}");
    }
}

#[tokio::test]
async fn a_forged_token_refused_for_its_form_is_denied() {
    let refuses = |seen: &Seen, _| (seen.presented == Presented::Forged).then_some(400);
    let verified = hindered(&Fixture::tokens(), &[], refuses, |one| FORGERIES.contains(&one.check)).await;
    for one in verified.concluded() {
        assert!(one.is_isolated(), "{one:?}");
    }
}
