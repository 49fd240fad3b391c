//! Every check is described, and named once.

use std::collections::BTreeSet;

use watertight_checks::catalog;

#[test]
fn every_check_is_described_and_named_once() {
    let all = catalog::all();
    assert_eq!(all.iter().map(|check| check.id).collect::<BTreeSet<_>>().len(), all.len());
    assert_eq!(all.iter().filter(|check| check.id.starts_with("token.")).count(), 22);
    for check in all {
        assert!(check.id.split_once('.').is_some_and(|(surface, _)| surface == check.surface.name()), "{}", check.id);
        assert!(!check.cwe.is_empty() && check.cwe.iter().all(|cwe| cwe.starts_with("CWE-")), "{}", check.id);
        for text in [check.title, check.does, check.judges, check.origin, check.fix] {
            assert!(text.len() > 10 && !text.contains("  "), "{}: {text:?}", check.id);
        }
    }
}
