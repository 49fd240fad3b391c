//! How far a run has come, on standard error: a bar on a terminal, and elsewhere a line now and then.

mod lines;

use std::collections::BTreeSet;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use watertight_checks::run::{Doubt, Pauses, Watch};
use watertight_checks::verdict::Reason;
use watertight_evidence::escape::short;
use watertight_evidence::style::Palette;

use crate::printer::{Draws, Printer};
use lines::Lines;

/// Shorter pauses are told by a bar alone.
const TOLD: Duration = Duration::from_secs(5);

/// Shows how far a run has come, until it is dropped.
pub(crate) struct Progress {
    printer: Printer,
    shown: Shown,
    /// Kinds of doubt that were told.
    told: BTreeSet<Reason>,
}

enum Shown {
    /// It goes away when the run ends.
    Bar(ProgressBar),
    Lines(Lines),
}

impl Progress {
    pub(crate) fn new(printer: Printer) -> Self {
        let shown = match printer.draws {
            Draws::Progress => Shown::Bar(bar(printer.err_palette())),
            Draws::Nothing => Shown::Lines(Lines::new(printer)),
        };
        Self { printer, shown, told: BTreeSet::new() }
    }
}

fn bar(palette: Palette) -> ProgressBar {
    let template = match palette {
        Palette::Ansi => "{bar:30.cyan} {pos}/{len}  {msg}",
        Palette::Plain => "{bar:30} {pos}/{len}  {msg}",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style.progress_chars("━╸─"));
    bar.set_message("set-up");
    bar
}

impl Watch for Progress {
    fn progress(&mut self, done: usize, total: usize, last: &str) {
        match &self.shown {
            Shown::Bar(bar) => {
                let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
                bar.set_length(number(total));
                bar.set_position(number(done));
                bar.set_message(last.to_owned());
            }
            Shown::Lines(lines) => lines.progress(done, total),
        }
    }

    fn doubt(&mut self, doubt: &Doubt) {
        if !self.told.insert(doubt.reason) {
            return;
        }
        let (count, says, remedy) = (doubt.count, doubt.reason.says(), doubt.reason.remedy());
        let text = format!(
            "note: {count} trials so far are unproven: {says} ({remedy})\n  as in: {}",
            short(&doubt.example, 300)
        );
        match &self.shown {
            Shown::Bar(bar) => bar.suspend(|| self.printer.note(&text)),
            Shown::Lines(_) => self.printer.note(&text),
        }
    }

    fn pauses(&self) -> Pauses {
        match &self.shown {
            Shown::Bar(bar) => {
                let bar = bar.clone();
                Box::new(move |what, time| bar.set_message(pause(what, time)))
            }
            Shown::Lines(_) => {
                let printer = self.printer;
                Box::new(move |what, time| {
                    if time >= TOLD {
                        printer.note(&pause(what, time));
                    }
                })
            }
        }
    }
}

/// `north/service logs in with the next one-time code, in 17 s`
fn pause(what: &str, time: Duration) -> String {
    format!("{}, in {} s", short(what, 200), time.as_millis().div_ceil(1000))
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}
