//! Asking again until access has ended, or is there again, for as long as an act gives.

use std::time::Duration;

use watertight_engine::log::Exchange;
use watertight_engine::{Seen, Tape};
use watertight_spec::Act;

use super::places::Access;
use crate::verdict::Stop;

/// How long is waited before it is asked again, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What was asked last.
pub(super) struct Asked {
    pub(super) access: Access,
    pub(super) answer: Seen,
}

/// Asks until the access is such, or `within` is over since the act, or its undoing, was answered. Returns what was asked last,
/// and how long that was after it.
pub(super) async fn until(
    t: &Tape,
    (act, cause): (&Act, &Exchange),
    is_such: impl Fn(&Access) -> bool,
    ask: impl AsyncFn() -> Result<Asked, Stop>,
) -> Result<(Asked, Duration), Stop> {
    let mut pause = FIRST_PAUSE;
    loop {
        let asked = ask().await?;
        let since = since(cause, &asked.answer);
        if is_such(&asked.access) || since >= act.within {
            return Ok((asked, since));
        }
        t.wait(pause).await;
        pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
    }
}

/// From the end of one exchange to the beginning of another.
fn since(cause: &Exchange, answer: &Exchange) -> Duration {
    Duration::from_millis(answer.at.saturating_sub(cause.at.saturating_add(cause.took)))
}
