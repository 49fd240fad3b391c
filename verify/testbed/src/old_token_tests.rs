use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::kinds;
use super::platform::{Flaw, Obstacle, Platform, spec};
use crate::check::Phase;
use crate::judge::Verdict;
use crate::request::{Call, Caller, Forgery, Intent};
use crate::trace::SignatureState;

/// Picks forgeries.
type Which = fn(&Forgery) -> bool;

const FORGERIES: [&str; 8] = [
    "token.forged-none",
    "token.forged-hmac",
    "token.altered-claim",
    "token.empty-signature",
    "token.unknown-kid",
    "token.embedded-key",
    "token.key-url",
    "token.unknown-crit",
];

fn ids() -> Vec<&'static str> {
    kinds().iter().map(|kind| kind.about.id).collect()
}

fn is_finding(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Leak(_) | Verdict::Advisory(_))
}

fn is_attack(call: &Call) -> bool {
    match call {
        Call::Api(request) => request.intent == Intent::Across || matches!(request.caller, Caller::Issued(_)),
        Call::Token(ask) => ask.secret_of.is_some() || ask.scope.is_some(),
        Call::Discovery { .. } | Call::Keys { .. } => false,
    }
}

/// Ids of the checks that find something.
fn caught_by(platform: &mut Platform) -> Vec<&'static str> {
    ids().into_iter().filter(|id| platform.verdicts(id).iter().any(|(_, verdict)| is_finding(verdict))).collect()
}

#[test]
fn every_check_is_described_and_named_once() {
    let all = ids();
    assert_eq!(all.len(), 22);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    for kind in kinds() {
        let about = kind.about;
        assert!(about.id.starts_with("token."), "{}", about.id);
        assert!(!about.cwe.is_empty() && about.cwe.iter().all(|cwe| cwe.starts_with("CWE-")), "{}", about.id);
        for text in [about.title, about.does, about.judges, about.origin, about.mend] {
            assert!(text.len() > 20 && !text.contains("  "), "{}: {text:?}", about.id);
        }
    }
}

#[test]
fn a_sound_platform_is_isolated_in_every_check_and_pair() {
    let mut platform = Platform::sound();
    for id in ids() {
        let verdicts = platform.verdicts(id);
        assert!(!verdicts.is_empty(), "{id}");
        for (instance, verdict) in verdicts {
            // South has no principal that names north.
            let has_nothing_to_try = id == "token.foreign-issuer" && instance.starts_with('1');
            match verdict {
                Verdict::NotApplicable(_) if has_nothing_to_try => {}
                Verdict::Isolated => assert!(!has_nothing_to_try),
                other => panic!("{id} {instance}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_token_that_says_something_else_is_found_by_the_check_of_that_claim() {
    let table: [(Flaw, &[&str]); 19] = [
        (Flaw::Claims(|c| c["iss"] = json!("http://evil")), &["token.issuer"]),
        (Flaw::Claims(|c| c["iss"] = json!(7)), &["token.issuer"]),
        (Flaw::Claims(|c| c["aud"] = json!("*")), &["token.audience-wildcard", "token.audience-unlisted"]),
        (
            Flaw::Claims(|c| c["aud"] = json!(["case-api", "urn:*"])),
            &["token.audience-wildcard", "token.audience-unlisted"],
        ),
        (Flaw::Claims(|c| c["aud"] = json!([])), &["token.audience-wildcard"]),
        (Flaw::Claims(|c| c["aud"] = json!(null)), &["token.audience-wildcard"]),
        (Flaw::Claims(|c| c["aud"] = json!({ "a": 1 })), &["token.audience-wildcard"]),
        (Flaw::Claims(|c| c["aud"] = json!(["case-api", "billing"])), &["token.audience-unlisted"]),
        (Flaw::Claims(|c| c["tenant_id"] = json!(null)), &["token.tenant-claim"]),
        (Flaw::Claims(|c| c["tenant_id"] = json!(["north"])), &["token.tenant-claim"]),
        (Flaw::Claims(|c| c["tenant_id"] = json!("south")), &["token.tenant-claim"]),
        (Flaw::Claims(|c| c["scope"] = json!("case:read case:write case:delete")), &["token.scope-drift"]),
        (Flaw::Claims(|c| c["scp"] = json!(["case:read"])), &["token.scope-drift"]),
        (Flaw::Answer(|t| t.scope = Some("case:read".into())), &["token.scope-drift"]),
        (Flaw::AnyScope, &["token.scope-escalation"]),
        (Flaw::Claims(|c| c["exp"] = json!(90_000)), &["token.lifetime"]),
        (Flaw::Claims(|c| c["exp"] = json!("1005")), &["token.lifetime"]),
        (Flaw::Claims(|c| c["exp"] = json!(null)), &["token.lifetime"]),
        (Flaw::Signature(SignatureState::Failed("no key".into())), &["token.signature"]),
    ];
    for (flaw, expected) in table {
        let mut platform = Platform::with(flaw);
        let observations = ids().into_iter().take(9);
        let caught: Vec<_> =
            observations.filter(|id| platform.verdicts(id).iter().any(|(_, v)| is_finding(v))).collect();
        assert_eq!(caught, expected);
    }
}

#[test]
fn an_observation_is_an_advisory_never_a_leak() {
    let mut platform = Platform::with(Flaw::Claims(|c| c["tenant_id"] = json!("south")));
    let verdicts = platform.verdicts("token.tenant-claim");
    let advisories = verdicts.iter().filter(|(_, v)| matches!(v, Verdict::Advisory(_))).count();
    assert_eq!((advisories, verdicts.len()), (1, 2), "the tenant itself is named rightly by the other's tokens");
}

#[test]
fn a_target_that_takes_a_caller_for_another_tenants_leaks() {
    let verdicts = Platform::with(Flaw::WhoAmI("south")).verdicts("token.whoami");
    assert!(matches!(&verdicts[0].1, Verdict::Leak(_)), "{verdicts:?}");
    assert_eq!(verdicts[1].1, Verdict::Isolated);
    let verdicts = Platform::with(Flaw::WhoAmI("elsewhere")).verdicts("token.whoami");
    assert!(verdicts.iter().all(|(_, v)| matches!(v, Verdict::Advisory(_))), "{verdicts:?}");
}

#[test]
fn a_client_opened_by_anothers_secret_is_a_leak_tried_once_and_last() {
    let mut platform = Platform::with(Flaw::AnySecret);
    assert_eq!(caught_by(&mut platform), ["token.client-with-foreign-secret"]);
    let kind = kinds().into_iter().find(|k| k.about.id == "token.client-with-foreign-secret").unwrap();
    let checks = (kind.instances)(&platform.spec);
    assert_eq!(checks.len(), 2);
    for check in &checks {
        assert_eq!(check.phase, Phase::Last);
        assert!(matches!(platform.judge(check), Verdict::Leak(_)));
        let crossing = platform.calls.iter().filter(|c| matches!(c, Call::Token(ask) if ask.secret_of.is_some()));
        assert_eq!(crossing.count(), 1);
    }
}

#[test]
fn a_client_that_a_wrong_secret_locked_leaves_the_check_unproven() {
    let mut platform = Platform::sound();
    platform.obstacle = |before, _| before.iter().any(is_attack).then_some(401);
    for (_, verdict) in platform.verdicts("token.client-with-foreign-secret") {
        assert!(matches!(&verdict, Verdict::Unproven(why) if why.contains("locked")), "{verdict:?}");
    }
}

#[test]
fn a_secret_that_two_tenants_share_is_found_both_ways() {
    let mut platform = Platform::sound();
    let shared = platform.spec.tenants[0].principals[0].credential.clone();
    platform.spec.tenants[1].principals[0].credential = shared;
    let found = platform.verdicts("token.shared-secret").into_iter().filter(|(_, v)| is_finding(v)).count();
    assert_eq!(found, 2);
}

#[test]
fn each_forgery_that_is_taken_for_genuine_is_a_leak_of_its_own_check() {
    let table: [(Which, &str); 8] = [
        // One spelling is enough.
        (|f| *f == Forgery::NoneAlgorithm { spelling: "nOnE" }, "token.forged-none"),
        (|f| *f == Forgery::HmacWithPublicKey, "token.forged-hmac"),
        (|f| *f == Forgery::AlteredClaim, "token.altered-claim"),
        (|f| *f == Forgery::EmptySignature, "token.empty-signature"),
        (|f| *f == Forgery::UnknownKid, "token.unknown-kid"),
        (|f| *f == Forgery::EmbeddedKey, "token.embedded-key"),
        (|f| *f == Forgery::KeyUrl { parameter: "x5u" }, "token.key-url"),
        (|f| *f == Forgery::UnknownCritical, "token.unknown-crit"),
    ];
    for (which, id) in table {
        for flaw in [Flaw::Forged(which), Flaw::ForgedOfClient(which)] {
            let mut platform = Platform::with(flaw);
            assert_eq!(caught_by(&mut platform), [id]);
            for (instance, verdict) in platform.verdicts(id) {
                assert!(matches!(verdict, Verdict::Leak(_)), "{id} {instance}: {verdict:?}");
            }
        }
    }
}

#[test]
fn forged_tokens_are_tried_by_path_and_by_token_alone() {
    for id in FORGERIES {
        let operations: Vec<String> = Platform::sound().verdicts(id).into_iter().map(|(name, _)| name).collect();
        let expected = [
            "0→1 GET /tenants/{tenant}/cases/{case}",
            "0→1 GET /me/cases",
            "1→0 GET /tenants/{tenant}/cases/{case}",
            "1→0 GET /me/cases",
        ];
        assert_eq!(operations, expected, "{id}");
    }
}

#[test]
fn an_attack_on_a_list_asks_for_the_page_that_shows_the_object() {
    let mut platform = Platform::with(Flaw::Paged);
    for (instance, verdict) in platform.verdicts("token.empty-signature") {
        assert_eq!(verdict, Verdict::Isolated, "{instance}");
    }
    let attacks = platform.calls.iter().filter(|call| is_attack(call));
    assert!(attacks.clone().count() > 0);
    for call in attacks {
        assert!(matches!(call, Call::Api(r) if r.target == "/me/cases?page=2"), "{call:?}");
    }
}

#[test]
fn a_denial_that_carries_the_record_is_a_leak() {
    let mut platform = Platform::with(Flaw::TalkativeDenial);
    for id in FORGERIES {
        for (instance, verdict) in platform.verdicts(id) {
            assert!(matches!(verdict, Verdict::Leak(_)), "{id} {instance}: {verdict:?}");
        }
    }
}

#[test]
fn a_success_without_data_is_an_advisory_only_where_anonymous_calls_are_refused() {
    for (_, verdict) in Platform::with(Flaw::EmptySuccess).verdicts("token.forged-none") {
        assert!(matches!(verdict, Verdict::Advisory(_)), "{verdict:?}");
    }
    for (_, verdict) in Platform::with(Flaw::Public).verdicts("token.forged-none") {
        assert!(matches!(verdict, Verdict::Unproven(_)), "{verdict:?}");
    }
}

#[test]
fn a_target_that_fetches_the_attackers_url_is_found_though_it_refuses_the_token() {
    let mut platform = Platform::with(Flaw::Fetches);
    assert_eq!(caught_by(&mut platform), ["token.key-url"]);
    for (_, verdict) in platform.verdicts("token.key-url") {
        assert!(matches!(&verdict, Verdict::Advisory(e) if e.lines[0].contains("attacker chose")), "{verdict:?}");
    }
}

#[test]
fn one_tenants_issuer_believed_for_another_is_a_leak() {
    let mut platform = Platform::with(Flaw::Issuer);
    assert_eq!(caught_by(&mut platform), ["token.foreign-issuer"]);
    let leaks = platform.verdicts("token.foreign-issuer").into_iter().filter(|(_, v)| matches!(v, Verdict::Leak(_)));
    assert_eq!(leaks.count(), 2, "by path and by token alone");
}

#[test]
fn an_impostor_whose_token_does_not_name_the_victim_proves_nothing() {
    let wrong: [fn(&mut serde_json::Value); 2] =
        [|c| c["tenant_id"] = json!(null), |c| c["tenant_id"] = json!("north")];
    for claim in wrong {
        let verdicts = Platform::with(Flaw::Claims(claim)).verdicts("token.foreign-issuer");
        let is_unproven =
            |verdict: &Verdict| matches!(verdict, Verdict::Unproven(why) if why.contains("does not name south"));
        assert_eq!(verdicts.iter().filter(|(_, verdict)| is_unproven(verdict)).count(), 2, "{verdicts:?}");
    }
}

#[test]
fn a_credential_that_must_name_no_tenant_and_names_one_proves_nothing() {
    let nameless = || spec(&[("names = \"south\"", "names = \"none\"")]);
    let judged = |flaws| {
        let mut platform = Platform::new(nameless(), flaws);
        let kind = crate::checks::api::kinds().into_iter().find(|kind| kind.about.id == "api.no-tenant").unwrap();
        let checks = (kind.instances)(&platform.spec).into_iter();
        let tried = checks.filter(|check| check.attacker == 0 && check.operation == "GET /me/cases");
        tried.map(|check| platform.judge(&check)).collect::<Vec<_>>()
    };
    assert_eq!(judged(vec![]), [Verdict::Isolated]);
    let names_one = judged(vec![Flaw::Claims(|c| c["tenant_id"] = json!("north"))]);
    assert!(matches!(&names_one[..], [Verdict::Unproven(why)] if why.contains("names a tenant")), "{names_one:?}");
}

#[test]
fn a_dead_token_that_works_is_an_advisory_after_life_and_leeway() {
    let mut platform = Platform::with(Flaw::Expired);
    assert_eq!(caught_by(&mut platform), ["token.expired"]);
    platform.waited = Duration::ZERO;
    let verdicts = platform.verdicts("token.expired");
    assert!(verdicts.iter().all(|(_, v)| matches!(v, Verdict::Advisory(_))), "{verdicts:?}");
    assert_eq!(platform.waited, Duration::from_secs(2 * (5 + 2 + 1)), "two tenants");
}

#[test]
fn a_token_that_lives_too_long_is_not_waited_out_and_that_is_said() {
    let mut platform = Platform::with(Flaw::Answer(|t| t.lifetime = Some(3600)));
    for (_, verdict) in platform.verdicts("token.expired") {
        assert!(matches!(&verdict, Verdict::NotApplicable(why) if why.contains("3600 s")), "{verdict:?}");
    }
    assert_eq!(platform.waited, Duration::ZERO);
}

#[test]
fn a_token_for_another_api_that_works_is_an_advisory() {
    let mut platform = Platform::with(Flaw::Audience);
    assert_eq!(caught_by(&mut platform), ["token.foreign-audience"]);
}

#[test]
fn an_endpoint_that_ignores_the_other_audience_gives_nothing_to_try() {
    let mut platform = Platform::with(Flaw::Claims(|c| c["aud"] = json!("case-api")));
    for (_, verdict) in platform.verdicts("token.foreign-audience") {
        assert!(matches!(verdict, Verdict::NotApplicable(_)), "{verdict:?}");
    }
}

#[test]
fn a_per_tenant_audience_holds_the_tenants_own_id_and_no_others() {
    let rule = [("audience = \"shared\"", "audience = \"per-tenant\""), ("audiences = [\"case-api\"]", "")];
    let judged = |aud: fn(&mut serde_json::Value), names: &[(&str, &str)]| {
        let spec = spec(&[&rule, names].concat());
        let mut platform = Platform::new(spec, vec![Flaw::Claims(aud)]);
        let verdicts = platform.verdicts("token.audience-unlisted").into_iter();
        verdicts.filter(|(name, _)| name.contains("service")).map(|(_, v)| is_finding(&v)).collect::<Vec<_>>()
    };
    assert_eq!(judged(|c| c["aud"] = json!("case-api"), &[]), [true, true]);
    assert_eq!(judged(|c| c["aud"] = json!(format!("api:{}", c["tenant_id"].as_str().unwrap())), &[]), [false, false]);
    assert_eq!(judged(|c| c["aud"] = json!(["api:north", "api:south"]), &[]), [true, true]);
    // An id that is a part of another's.
    let longer = [("id = \"south\"", "id = \"north-2\""), ("names = \"south\"", "names = \"north-2\"")];
    assert_eq!(judged(|c| c["aud"] = json!("api:north-2"), &longer), [true, false]);
}

#[test]
fn opaque_tokens_leave_what_reads_claims_not_applicable_and_the_rest_at_work() {
    let opaque =
        || Platform::new(spec(&[("kind = \"jwt\"", "kind = \"opaque\"")]), vec![Flaw::Answer(|t| t.claims = None)]);
    for id in ids() {
        let at_work = [
            "token.scope-drift",
            "token.scope-escalation",
            "token.lifetime",
            "token.whoami",
            "token.shared-secret",
            "token.client-with-foreign-secret",
            "token.expired",
            "token.foreign-issuer",
        ];
        for (instance, verdict) in opaque().verdicts(id) {
            match verdict {
                Verdict::Isolated => assert!(at_work.contains(&id), "{id} {instance}"),
                Verdict::NotApplicable(_) => {
                    assert!(!at_work.contains(&id) || id == "token.foreign-issuer", "{id} {instance}");
                }
                other => panic!("{id} {instance}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_token_that_is_meant_to_be_readable_and_is_not_decides_nothing() {
    let mut platform = Platform::with(Flaw::Answer(|t| t.claims = None));
    for id in ["token.issuer", "token.audience-wildcard", "token.tenant-claim", "token.lifetime", "token.signature"] {
        for (_, verdict) in platform.verdicts(id) {
            assert!(matches!(verdict, Verdict::Unproven(_)), "{id}: {verdict:?}");
        }
    }
}

#[test]
fn a_spec_without_tokens_has_no_token_checks() {
    let mut spec = spec(&[]);
    spec.tokens = None;
    // Only secrets are compared: every credential has one.
    let planned =
        kinds().iter().filter(|kind| !(kind.instances)(&spec).is_empty()).map(|kind| kind.about.id).collect::<Vec<_>>();
    assert_eq!(planned, ["token.shared-secret"]);
}

#[test]
fn broken_controls_are_unproven_never_isolated_and_never_a_finding() {
    let everything: [(&str, Obstacle); 5] = [
        ("throttled", |_, _| Some(429)),
        ("failing", |_, _| Some(503)),
        ("silent", |_, _| Some(0)),
        ("no token to be had", |_, call| matches!(call, Call::Token(_)).then_some(500)),
        ("the attack alone is throttled", |_, call| is_attack(call).then_some(429)),
    ];
    for (what, obstacle) in everything {
        for id in ids().into_iter().filter(|id| *id != "token.shared-secret") {
            let mut platform = Platform::sound();
            platform.obstacle = obstacle;
            for (instance, verdict) in platform.verdicts(id) {
                let was_hindered = is_hindered(what, id, &instance);
                match verdict {
                    Verdict::Unproven(_) => assert!(was_hindered, "{what}: {id} {instance}"),
                    Verdict::Isolated | Verdict::NotApplicable(_) if !was_hindered => {}
                    other => panic!("{what}: {id} {instance}: {other:?}"),
                }
            }
        }
    }
}

/// Whether what is broken concerns an instance at all.
fn is_hindered(what: &str, id: &str, instance: &str) -> bool {
    let attacks = !matches!(
        id,
        "token.issuer"
            | "token.audience-wildcard"
            | "token.audience-unlisted"
            | "token.tenant-claim"
            | "token.scope-drift"
            | "token.lifetime"
            | "token.signature"
            | "token.whoami"
    );
    let has_impostor = id != "token.foreign-issuer" || instance.starts_with('0');
    // These send nothing to a token endpoint themselves: the session's own tokens are another matter.
    let asks_for_tokens = id != "token.whoami" && has_impostor;
    match what {
        "the attack alone is throttled" => attacks && has_impostor,
        "no token to be had" => asks_for_tokens && (!FORGERIES.contains(&id) || takes_token(id)),
        _ => has_impostor,
    }
}

fn takes_token(id: &str) -> bool {
    matches!(id, "token.forged-hmac" | "token.altered-claim" | "token.unknown-crit")
}

#[test]
fn a_victim_whose_token_is_revoked_half_way_leaves_attacks_unproven() {
    for id in FORGERIES.into_iter().chain(["token.foreign-issuer"]) {
        let mut platform = Platform::sound();
        platform.obstacle = |before, call| {
            let by_owner = matches!(call, Call::Api(_)) && !is_attack(call);
            (by_owner && before.iter().any(is_attack)).then_some(401)
        };
        for (instance, verdict) in platform.verdicts(id) {
            let nothing_to_try = id == "token.foreign-issuer" && instance.starts_with('1');
            assert!(matches!(verdict, Verdict::Unproven(_)) || nothing_to_try, "{id} {instance}: {verdict:?}");
        }
    }
}

#[test]
fn a_victim_without_its_object_leaves_attacks_unproven() {
    for id in FORGERIES {
        let mut platform = Platform::sound();
        platform.obstacle = |_, call| match call {
            Call::Api(r) if matches!(r.caller, Caller::Own(_)) => Some(204),
            _ => None,
        };
        for (instance, verdict) in platform.verdicts(id) {
            assert!(
                matches!(&verdict, Verdict::Unproven(why) if why.contains("own marker")),
                "{id} {instance}: {verdict:?}"
            );
        }
    }
}

#[test]
fn a_forged_token_refused_for_its_form_is_denied() {
    let mut platform = Platform::sound();
    platform.obstacle = |_, call| matches!(call, Call::Api(r) if r.intent == Intent::Across).then_some(400);
    for id in FORGERIES {
        for (instance, verdict) in platform.verdicts(id) {
            assert_eq!(verdict, Verdict::Isolated, "{id} {instance}");
        }
    }
}
