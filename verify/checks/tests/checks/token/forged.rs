//! Tokens that no issuer made.

use watertight_engine::call::Intent;
use watertight_testbed::Switch::*;
use watertight_testbed::{Bed, Fixture, Forgeable};

use super::{FORGERIES, all, caught, check, is_advisory, of};

const READ: &str = "GET /tenants/{tenant}/cases/{case}";
const LIST: &str = "GET /buckets";

#[tokio::test]
async fn each_forgery_that_is_taken_for_genuine_is_a_leak_of_its_own_check() {
    let table = [
        // One spelling is enough.
        (Forgeable::Unsigned("nOnE"), "token.forged-none"),
        (Forgeable::KeyedWithPublicKey, "token.forged-hmac"),
        (Forgeable::Altered, "token.altered-claim"),
        (Forgeable::EmptySignature, "token.empty-signature"),
        (Forgeable::UnknownKid, "token.unknown-kid"),
        (Forgeable::EmbeddedKey, "token.embedded-key"),
        (Forgeable::KeyUrl("x5u"), "token.key-url"),
        (Forgeable::UnknownCritical, "token.unknown-crit"),
    ];
    for (forgeable, id) in table {
        for switches in [vec![Accepts(forgeable)], vec![Accepts(forgeable), ClientMustFit]] {
            let concluded = all(&switches).await;
            assert_eq!(caught(&concluded), [id], "{switches:?}");
            for one in concluded.iter().filter(|one| one.check == id) {
                assert!(one.is_leak(), "{switches:?}: {one:?}");
            }
        }
    }
}

#[tokio::test]
async fn forged_tokens_are_tried_by_path_and_by_token_alone() {
    let bed = Bed::with(Fixture::tokens(), &[]).await;
    let spec = bed.spec();
    for id in FORGERIES {
        let plan = bed.plan(&spec, |one| one.check == id);
        let mut tried: Vec<_> = plan
            .trials
            .iter()
            .map(|t| (t.pair.attacker.number(), t.pair.victim.number(), t.subject.label(&spec)))
            .collect();
        tried.sort();
        let expected = [(0, 1, LIST), (0, 1, READ), (1, 0, LIST), (1, 0, READ)];
        assert_eq!(tried, expected.map(|(attacker, victim, label)| (attacker, victim, label.to_owned())), "{id}");
    }
}

#[tokio::test]
async fn an_attack_on_a_list_asks_for_the_page_that_shows_the_object() {
    let bed = Bed::with(Fixture::tokens(), &[FirstPageEmpty]).await;
    let verified = bed.verify(|one| one.check == "token.empty-signature" && one.subject == LIST).await;
    assert_eq!(verified.concluded().len(), 2);
    for one in verified.concluded() {
        assert!(one.is_isolated(), "{one:?}");
    }
    let exchanges = verified.exchanges();
    let mut attacks = exchanges.iter().filter(|(_, x)| x.intent == Intent::Across).peekable();
    assert!(attacks.peek().is_some());
    for (_, exchange) in attacks {
        assert!(exchange.request.target.contains("from=0"), "{}", exchange.line());
    }
}

#[tokio::test]
async fn a_denial_that_carries_the_record_is_a_leak() {
    for one in of(Fixture::tokens(), &[ForgedGetsRecords], |id| FORGERIES.contains(&id)).await {
        assert!(one.is_leak(), "{one:?}");
    }
}

#[tokio::test]
async fn a_success_without_data_is_an_advisory_only_where_anonymous_calls_are_refused() {
    for one in check("token.forged-none", &[ForgedGetsNothing]).await {
        assert!(is_advisory(&one), "{one:?}");
    }
    for one in check("token.forged-none", &[EmptyForAll]).await {
        assert!(one.is_unproven(), "{one:?}");
    }
}

#[tokio::test]
async fn a_target_that_fetches_the_attackers_url_is_found_though_it_refuses_the_token() {
    let concluded = all(&[KeysFetched]).await;
    assert_eq!(caught(&concluded), ["token.key-url"]);
    for one in concluded.iter().filter(|one| one.check == "token.key-url") {
        assert!(is_advisory(one) && format!("{one:?}").contains("attacker chose"), "{one:?}");
    }
}

#[tokio::test]
async fn where_nothing_can_be_forged_nothing_is_isolated() {
    // No claim names the tenant, and south has no token from which one could be made.
    let fixture = Fixture::tokens().south_by_key().change("tenant_claim = \"tenant_id\"\n", "");
    let verified = Bed::with(fixture, &[]).await.verify(|one| FORGERIES.contains(&one.check)).await;
    let concluded = verified.concluded();
    assert!(concluded.iter().any(|one| (one.attacker, one.victim) == (0, 1)), "{concluded:#?}");
    for one in concluded {
        assert!(one.is_not_applicable(), "{one:?}");
    }
}
