//! Names that are nearly right.

/// The candidate that was probably meant.
pub(crate) fn nearest<'c>(wrong: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let close = |candidate: &'c str| (strsim::jaro_winkler(wrong, candidate), candidate);
    let best = candidates.into_iter().map(close).max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(likeness, _)| *likeness > 0.7).map(|(_, candidate)| candidate)
}

/// ` did you mean …?`, or what lists all.
pub(crate) fn help(wrong: &str, candidates: impl IntoIterator<Item = &'static str>, lists_all: &str) -> String {
    match nearest(wrong, candidates) {
        Some(meant) => format!("did you mean `{meant}`? `{lists_all}` lists all"),
        None => format!("`{lists_all}` lists all"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let ids = ["api.swap-item", "api.swap-path-tenant", "token.expired"];
        assert_eq!(nearest("api.swap-itme", ids), Some("api.swap-item"));
        assert_eq!(nearest("token-expired", ids), Some("token.expired"));
        assert_eq!(nearest("zzz", ids), None);
    }
}
