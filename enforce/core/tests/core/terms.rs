//! The isolation equation over every combination of its seven terms.

use watertight_core::{ReasonCode, Term, TermState, Terms};

/// A reason of its own for each term, so that a test sees which one was reported.
fn reason(term: Term) -> ReasonCode {
    match term {
        Term::Authenticated => ReasonCode::TokenAbsent,
        Term::TokenTrustedForTenant => ReasonCode::TenantConflict,
        Term::SubjectMemberOfTenant => ReasonCode::NotMember,
        Term::ClientAllowedForTenant => ReasonCode::ClientUnknown,
        Term::ActionAllowedInTenant => ReasonCode::ActionNotAllowed,
        Term::ResourceBelongsToTenant => ReasonCode::ForeignAnswer,
        Term::DataAccessConstrained => ReasonCode::ResourceMissing,
    }
}

/// The states that the digits of `n` to base 3 stand for, first term first.
fn combination(n: u32) -> Terms {
    let mut rest = n;
    Terms::from_fn(|term| {
        let digit = rest % 3;
        rest /= 3;
        match digit {
            0 => TermState::Proven,
            1 => TermState::Failed(reason(term)),
            _ => TermState::Owed,
        }
    })
}

#[test]
fn every_combination_of_terms_permits_only_if_none_failed_and_only_the_last_two_are_owed() {
    let mut permitted = 0;
    for n in 0..3_u32.pow(7) {
        let terms = combination(n);
        let states: Vec<TermState> = terms.iter().map(|(_, state)| state).collect();
        let (provable, at_the_data) = states.split_at(5);

        let permit = provable.iter().all(|s| *s == TermState::Proven)
            && at_the_data.iter().all(|s| matches!(s, TermState::Proven | TermState::Owed));
        assert_eq!(terms.judge().is_ok(), permit, "{terms:?}");
        permitted += u32::from(permit);
    }
    assert_eq!(permitted, 4, "the last two terms are each proven or owed, and nothing else is open");
}

#[test]
fn the_terms_that_are_owed_are_exactly_those_that_nobody_has_looked_at() {
    for n in 0..3_u32.pow(7) {
        let terms = combination(n);
        if let Ok(owed) = terms.judge() {
            let open: Vec<Term> = terms.iter().filter(|(_, s)| *s == TermState::Owed).map(|(t, _)| t).collect();
            assert_eq!(owed, open);
        }
    }
}

#[test]
fn the_first_term_that_does_not_hold_is_the_one_reported() {
    for n in 0..3_u32.pow(7) {
        let terms = combination(n);
        if let Err(reported) = terms.judge() {
            let (term, state) = terms
                .iter()
                .find(|(term, state)| match state {
                    TermState::Proven => false,
                    TermState::Failed(_) => true,
                    TermState::Owed => !matches!(term, Term::ResourceBelongsToTenant | Term::DataAccessConstrained),
                })
                .unwrap();
            let expected = if state == TermState::Owed { ReasonCode::TermUnproven(term) } else { reason(term) };
            assert_eq!(reported, expected, "{terms:?}");
        }
    }
}

#[test]
fn there_are_seven_terms_each_with_a_name() {
    let mut names: Vec<&str> = Term::ALL.iter().map(|term| term.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 7);
}
