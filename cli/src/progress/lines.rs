//! Progress where nothing can be drawn: a line after five seconds, and then one every ten seconds or with every further
//! tenth of the run. They come from a thread of their own, so that a run that hangs is noticed as well.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::printer::Printer;

/// Shorter runs say nothing.
const FIRST: Duration = Duration::from_secs(5);
/// Between two lines, unless a tenth of the run is done before.
const PAUSE: Duration = Duration::from_secs(10);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(250);

/// How many trials are done, of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    done: usize,
    total: usize,
}

/// Tells until it is dropped.
pub(super) struct Lines {
    count: Arc<Mutex<Count>>,
    /// Dropped first, which ends the thread.
    ends: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Lines {
    pub(super) fn new(printer: Printer) -> Self {
        let count = Arc::new(Mutex::new(Count::default()));
        let (ends, ended) = mpsc::channel::<()>();
        let shared = Arc::clone(&count);
        let thread = std::thread::spawn(move || {
            let begun = Instant::now();
            let mut due = Due::default();
            while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                let count = *shared.lock().unwrap_or_else(PoisonError::into_inner);
                if due.now(begun.elapsed(), count) {
                    printer.note(&line(begun.elapsed(), count));
                }
            }
        });
        Self { count, ends: Some(ends), thread: Some(thread) }
    }

    pub(super) fn progress(&self, done: usize, total: usize) {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) = Count { done, total };
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        drop(self.ends.take());
        if let Some(thread) = self.thread.take() {
            // All that it does is print.
            let _ = thread.join();
        }
    }
}

/// When the next line is due.
#[derive(Debug, Default)]
struct Due {
    last: Option<(Duration, usize)>,
}

impl Due {
    fn now(&mut self, elapsed: Duration, count: Count) -> bool {
        let is_due = match self.last {
            None => elapsed >= FIRST,
            Some((at, done)) => {
                let tenth = count.total.div_ceil(10).max(1);
                elapsed >= at.saturating_add(PAUSE) || count.done >= done.saturating_add(tenth)
            }
        };
        if is_due {
            self.last = Some((elapsed, count.done));
        }
        is_due
    }
}

fn line(elapsed: Duration, count: Count) -> String {
    let seconds = elapsed.as_secs();
    match count {
        Count { total: 0, .. } => format!("set-up, {seconds} s"),
        Count { done, total } => format!("{done} of {total} trials, {seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_due_after_five_seconds_then_every_ten_or_with_each_tenth() {
        let mut due = Due::default();
        let mut at = |ms: u64, done: usize| due.now(Duration::from_millis(ms), Count { done, total: 100 });
        assert!(!at(0, 0) && !at(4_900, 90));
        assert!(at(5_000, 20) && !at(5_250, 29));
        assert!(at(5_500, 30), "a tenth more");
        assert!(!at(15_400, 39) && at(15_500, 39), "ten seconds more");
    }

    #[test]
    fn lines_are_plain() {
        assert_eq!(line(Duration::from_millis(12_300), Count { done: 312, total: 810 }), "312 of 810 trials, 12 s");
        assert_eq!(line(FIRST, Count::default()), "set-up, 5 s");
    }
}
