//! A run that only reads: nothing else is sent, set-up included, and what exists already is what it tries.

use watertight_checks::run::Ending;
use watertight_testbed::{Bed, Fixture};

#[tokio::test]
async fn a_quick_run_sends_nothing_but_reads_and_tries_what_is_there() {
    // The spec says how people are created; the target refuses every write.
    let creates = "create = { name = \"{canary}\" }";
    let existing = "existing = { north = \"user-17\", south = \"user-90\", north-east = \"user-5\" }";
    let fixture = Fixture::by_path().only(&["user"]).change(existing, creates);
    let bed = Bed::with(fixture, &[]).await.reading_only();
    bed.hinder(|seen| (seen.method != "GET").then_some(500));
    let verified = bed.verify(|_| true).await;
    assert_eq!(verified.run.ending, Ending::Complete);
    let wrote: Vec<String> = bed.seen().into_iter().map(|seen| seen.method).filter(|method| method != "GET").collect();
    assert_eq!(wrote, Vec::<String>::new());
    let concluded = verified.concluded();
    for check in ["api.list-own", "api.swap-item", "api.swap-path-tenant", "api.header-tenant", "oracle.existence"] {
        assert!(concluded.iter().any(|one| one.check == check && one.is_isolated()), "{check}: {concluded:#?}");
    }
    assert!(!concluded.iter().any(|one| one.is_finding()), "{concluded:#?}");
}
