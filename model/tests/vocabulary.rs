//! What may and may not be said in the vocabulary.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use proptest::prelude::*;
use watertight_model::*;

fn tenant(text: &str) -> Result<TenantId, TenantIdError> {
    text.parse()
}

#[test]
fn one_tenant_has_one_spelling() {
    assert_eq!(tenant("Agency-NORTH").unwrap(), tenant("agency-north").unwrap());
    assert_eq!(tenant("Agency-NORTH").unwrap().as_str(), "agency-north");
}

#[test]
fn each_rule_of_tenant_ids_is_named_when_broken() {
    assert_eq!(tenant(""), Err(TenantIdError::TooShort { len: 0 }));
    assert_eq!(tenant("ab"), Err(TenantIdError::TooShort { len: 2 }));
    assert_eq!(tenant(&"a".repeat(101)), Err(TenantIdError::TooLong { len: 101 }));
    assert_eq!(tenant("ab/c"), Err(TenantIdError::Character { found: '/', at: 2 }));
    assert_eq!(tenant("é-north"), Err(TenantIdError::Character { found: 'é', at: 0 }));
    assert_eq!(tenant("..."), Err(TenantIdError::NoLetterOrDigit));
    assert_eq!(tenant("._-"), Err(TenantIdError::NoLetterOrDigit));
    assert!(tenant("abc").is_ok() && tenant(&"a".repeat(100)).is_ok() && tenant("1..").is_ok());
}

/// Casbin website #221: names that are joined with a separator can be made to mean another tenant; no separator is
/// allowed.
#[test]
fn bug_24_a_tenant_named_like_a_joined_key_is_no_tenant() {
    for text in ["admin::x", "a:b:c", "a|b|c", "a b c", "abc\0d", "abc\n", "abc%2f", "a/../b", "abc,def"] {
        assert!(matches!(tenant(text), Err(TenantIdError::Character { .. })), "{text:?}");
    }
}

#[test]
fn look_alike_letters_are_no_letters() {
    for text in ["аgency", "agency\u{200b}", "ＡＢＣ", "agenc\u{131}"] {
        assert!(tenant(text).is_err(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn what_parses_is_its_own_spelling(text in "\\PC{0,110}") {
        if let Ok(id) = tenant(&text) {
            prop_assert_eq!(id.as_str(), text.to_ascii_lowercase());
            prop_assert_eq!(tenant(id.as_str()), Ok(id.clone()));
        }
    }

    #[test]
    fn everything_of_the_grammar_parses(text in "[a-zA-Z0-9][a-zA-Z0-9._-]{2,99}") {
        prop_assert!(tenant(&text).is_ok());
    }
}

#[test]
fn texts_are_bounded_and_compared_exactly() {
    let issuer = |text: &str| Issuer::try_from(text);
    assert_ne!(issuer("https://idp.example/a").unwrap(), issuer("https://idp.example/a/").unwrap());
    assert_ne!(issuer("https://idp.example/a").unwrap(), issuer("https://IDP.example/a").unwrap());
    assert_eq!(issuer("").unwrap_err().rule, TextRule::Empty);
    assert_eq!(issuer("a\u{7f}").unwrap_err().rule, TextRule::Character { found: '\u{7f}', at: 1 });
    assert_eq!(issuer(&"a".repeat(513)).unwrap_err().rule, TextRule::TooLong { len: 513, max: 512 });
    assert_eq!(issuer("").unwrap_err().to_string(), "not a valid issuer: it is empty");
}

#[test]
fn a_scope_is_one_token_of_rfc_6749() {
    assert!("case:read".parse::<Scope>().is_ok());
    for text in ["case:read case:write", "a\"b", "a\\b", "é", ""] {
        assert!(text.parse::<Scope>().is_err(), "{text:?}");
    }
}

fn names_round_trip<T>(all: &[T], name: fn(T) -> &'static str)
where
    T: Copy + Debug + Display + PartialEq + FromStr<Err = UnknownName>,
{
    for (i, &member) in all.iter().enumerate() {
        assert_eq!(name(member).parse::<T>(), Ok(member));
        assert!("no-such-name".parse::<T>().is_err_and(|error| error.to_string().contains(name(member))));
        assert_eq!(member.to_string(), name(member));
        assert!(all.iter().skip(i + 1).all(|&other| name(other) != name(member)), "{member:?} shares its name");
    }
}

#[test]
fn every_enumeration_reads_what_it_writes() {
    names_round_trip(TenantStatus::ALL, TenantStatus::name);
    names_round_trip(OperationClass::ALL, OperationClass::name);
    names_round_trip(AccessMode::ALL, AccessMode::name);
    names_round_trip(AssertionSource::ALL, AssertionSource::name);
    names_round_trip(Surface::ALL, Surface::name);
    names_round_trip(Severity::ALL, Severity::name);
    assert_eq!(Severity::ALL.iter().max(), Some(&Severity::Critical));
}
