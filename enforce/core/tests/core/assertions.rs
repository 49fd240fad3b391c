//! Which tenant: over any set of agreeing and conflicting assertions, one or none.

use proptest::prelude::*;
use watertight_core::{Assertions, DenialClass, ReasonCode, Trust, trust};
use watertight_model::{AssertionSource, TenantId};

const DEFINING: [AssertionSource; 6] = [
    AssertionSource::Host,
    AssertionSource::Path,
    AssertionSource::TokenClaim,
    AssertionSource::ServerSession,
    AssertionSource::ClientRegistration,
    AssertionSource::GatewaySignedHeader,
];

fn collect(made: &[(AssertionSource, &str)]) -> Assertions {
    made.iter().fold(Assertions::new(), |all, (source, raw)| all.assert(*source, raw))
}

fn reason(made: &[(AssertionSource, &str)]) -> ReasonCode {
    collect(made).resolve().unwrap_err().reason()
}

fn any_source() -> impl Strategy<Value = AssertionSource> {
    prop::sample::select(AssertionSource::ALL)
}

/// Two tenants in several spellings each, and things that are no tenant.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(vec!["agency-north", "Agency-North", "AGENCY-NORTH"]).prop_map(String::from),
        2 => prop::sample::select(vec!["agency-south", "agency-north.", "agency_north"]).prop_map(String::from),
        1 => prop::sample::select(vec!["", "..", "...", "agency%2dnorth", "agency-north,agency-south", "*", "null"])
            .prop_map(String::from),
        1 => "\\PC{0,8}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn any_set_of_assertions_resolves_only_if_all_name_one_tenant_and_one_may_define_it(
        made in prop::collection::vec((any_source(), any_text()), 0..6)
    ) {
        let assertions = made.iter().fold(Assertions::new(), |all, (source, raw)| all.assert(*source, raw));
        let named: Vec<Option<TenantId>> = made.iter().map(|(_, raw)| raw.parse().ok()).collect();
        let one = named.first().cloned().flatten().filter(|first| named.iter().all(|n| n.as_ref() == Some(first)));
        let defined = made.iter().any(|(source, _)| DEFINING.contains(source));

        match assertions.resolve() {
            Ok(candidate) => {
                prop_assert_eq!(Some(candidate.tenant()), one.as_ref());
                prop_assert!(defined);
                prop_assert!(DEFINING.contains(&candidate.source()));
                prop_assert!(made.iter().any(|(source, _)| *source == candidate.source()));
                prop_assert!(made.iter().all(|(source, _)| candidate.sources().contains(source)));
            }
            Err(denial) => {
                prop_assert!(one.is_none() || !defined, "{denial}");
            }
        }
    }

    #[test]
    fn the_order_of_assertions_does_not_matter(
        made in prop::collection::vec((any_source(), any_text()), 0..6)
    ) {
        let forward = made.iter().fold(Assertions::new(), |all, (source, raw)| all.assert(*source, raw)).resolve();
        let backward = made.iter().rev().fold(Assertions::new(), |all, (source, raw)| all.assert(*source, raw)).resolve();
        match (forward, backward) {
            (Ok(a), Ok(b)) => {
                prop_assert_eq!(a.tenant(), b.tenant());
                prop_assert_eq!(a.source(), b.source());
            }
            (Err(a), Err(b)) => prop_assert_eq!(a.class(), b.class()),
            (a, b) => prop_assert!(false, "{a:?} but backwards {b:?}"),
        }
    }

    #[test]
    fn an_assertion_more_never_turns_a_denial_for_conflict_into_a_tenant(
        made in prop::collection::vec((any_source(), any_text()), 0..6), more in (any_source(), any_text())
    ) {
        let all = made.iter().fold(Assertions::new(), |all, (source, raw)| all.assert(*source, raw));
        let before = all.clone().resolve();
        let after = all.assert(more.0, &more.1).resolve();
        if before.is_err_and(|denial| denial.reason() != ReasonCode::TenantAbsent) {
            prop_assert!(after.is_err());
        }
    }
}

#[test]
fn every_pair_of_sources_that_disagrees_is_denied() {
    for &one in AssertionSource::ALL {
        for &other in AssertionSource::ALL {
            let made = [(one, "agency-north"), (other, "agency-south")];
            assert_eq!(reason(&made), ReasonCode::TenantConflict, "{one} against {other}");
        }
    }
}

#[test]
fn header_query_and_body_never_define_a_tenant() {
    use AssertionSource::{Body, Header, Query};
    let made = [(Header, "agency-north"), (Query, "agency-north"), (Body, "agency-north")];
    assert_eq!(reason(&made), ReasonCode::TenantAbsent);
    for &source in AssertionSource::ALL {
        let defines = collect(&[(source, "agency-north")]).resolve().is_ok();
        assert_eq!(defines, trust(source) == Trust::Defining, "{source}");
        assert_eq!(defines, DEFINING.contains(&source), "{source}");
    }
}

/// didacta #57, mcp-hangar #312: no tenant named is no tenant, not the first one, not a global one.
#[test]
fn bug_19_21_no_assertion_is_a_denial_and_never_a_default_tenant() {
    assert_eq!(reason(&[]), ReasonCode::TenantAbsent);
    for nothing in ["", "null", "undefined", "none", "*", "%"] {
        let made = [(AssertionSource::Path, nothing)];
        let resolved = collect(&made).resolve();
        match nothing {
            // Words are names like any other: they select no tenant that exists, and the directory won't know them.
            "null" | "undefined" | "none" => assert_eq!(resolved.unwrap().tenant().as_str(), nothing),
            _ => assert_eq!(resolved.unwrap_err().reason(), ReasonCode::TenantMalformed),
        }
    }
}

/// Atlas #131, #114: a header does not overrule the claim, and a query does not overrule the header.
#[test]
fn bug_20_a_header_or_query_that_disagrees_with_the_claim_is_denied() {
    for source in [AssertionSource::Header, AssertionSource::Query] {
        let made = [(AssertionSource::TokenClaim, "agency-north"), (source, "agency-south")];
        assert_eq!(reason(&made), ReasonCode::TenantConflict);
    }
    let among_themselves = [
        (AssertionSource::TokenClaim, "agency-north"),
        (AssertionSource::Header, "agency-north"),
        (AssertionSource::Query, "agency-south"),
    ];
    assert_eq!(reason(&among_themselves), ReasonCode::TenantConflict);
}

/// Zitadel #8588: a hint from the caller never supersedes what the path or the token says.
#[test]
fn bug_22_every_untrusted_source_against_every_defining_one_is_a_conflict() {
    for defining in DEFINING {
        for hint in [AssertionSource::Header, AssertionSource::Query, AssertionSource::Body] {
            for made in [[(defining, "agency-north"), (hint, "other")], [(hint, "other"), (defining, "agency-north")]] {
                assert_eq!(reason(&made), ReasonCode::TenantConflict, "{hint} against {defining}");
            }
        }
    }
}

#[test]
fn a_malformed_assertion_denies_even_beside_a_sound_one() {
    let made = [(AssertionSource::TokenClaim, "agency-north"), (AssertionSource::Header, "agency north")];
    assert_eq!(reason(&made), ReasonCode::TenantMalformed);
}

#[test]
fn more_assertions_than_the_bound_are_denied_even_if_all_agree() {
    let many = vec![(AssertionSource::Path, "agency-north"); Assertions::MAX];
    assert!(collect(&many).resolve().is_ok());
    let too_many = vec![(AssertionSource::Path, "agency-north"); Assertions::MAX + 1];
    assert_eq!(reason(&too_many), ReasonCode::TooManyAssertions);
    assert_eq!(collect(&too_many).resolve().unwrap_err().class(), DenialClass::BadRequest400);
}
