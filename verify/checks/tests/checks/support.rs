//! What the tests share.

use watertight_checks::run::Afterwards;
use watertight_testbed::{Bed, Concluded, Fixture, Picked, Seen, Switch, Verified};

/// Runs, over the double with these switches, the trials of the API, caches and oracles that `keep` picks.
pub(crate) async fn run(switches: &[Switch], keep: impl Fn(&Picked) -> bool) -> Vec<Concluded> {
    run_with(Fixture::by_path(), switches, keep).await
}

/// The same over a fixture.
pub(crate) async fn run_with(fixture: Fixture, switches: &[Switch], keep: impl Fn(&Picked) -> bool) -> Vec<Concluded> {
    Bed::with(fixture, switches).await.verify(|one| is_of_data(one) && keep(one)).await.concluded()
}

/// Whether a trial is of the API, a cache or an oracle: not of tokens.
pub(crate) fn is_of_data(one: &Picked) -> bool {
    !one.check.starts_with("token.")
}

/// Whether south attacks north.
pub(crate) fn is_souths(one: &Picked) -> bool {
    (one.attacker, one.victim) == (1, 0)
}

/// How many requests set-up sends to a double: so many come before those of the trials.
pub(crate) async fn set_up(fixture: &Fixture, switches: &[Switch]) -> usize {
    let bed = Bed::with(fixture.clone(), switches).await;
    bed.verify_under(Afterwards::Leave, |_| false).await;
    bed.seen().len()
}

/// Runs the trials that `keep` picks with an obstacle in the way of everything that comes after set-up. It is told
/// whether something has crossed already.
pub(crate) async fn hindered(
    fixture: &Fixture,
    switches: &[Switch],
    obstacle: impl Fn(&Seen, bool) -> Option<u16> + Send + 'static,
    keep: impl Fn(&Picked) -> bool,
) -> Verified {
    let set_up = set_up(fixture, switches).await;
    let bed = Bed::with(fixture.clone(), switches).await;
    let mut has_crossed = false;
    bed.hinder(move |seen| {
        let before = has_crossed;
        has_crossed |= seen.number >= set_up && seen.crosses;
        obstacle(seen, before).filter(|_| seen.number >= set_up)
    });
    bed.verify_under(Afterwards::Leave, keep).await
}

/// Whether nothing is wrong: it is isolated, or a list without a number in it has nothing to count.
pub(crate) fn holds(one: &Concluded) -> bool {
    one.is_isolated() || (one.is_not_applicable() && one.check == "api.count-own")
}
