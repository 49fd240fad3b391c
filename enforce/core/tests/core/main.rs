//! The rules of the chain, tried exhaustively where they are finite and by properties where they are not.

#[cfg(test)]
mod assertions;
#[cfg(test)]
mod chain;
#[cfg(test)]
mod denials;
#[cfg(test)]
mod ports;
#[cfg(test)]
mod status;
#[cfg(test)]
mod terms;

/// No step of the chain can be skipped or forged: each of these programs tries one, and must not compile.
#[test]
fn no_step_of_the_chain_can_be_skipped_or_forged() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
