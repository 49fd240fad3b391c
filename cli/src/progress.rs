//! How far a run has come, on standard error, where that is a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use watertight_evidence::style::Palette;
use watertight_probe::run::Watch;

use crate::printer::{Draws, Printer};

/// A bar that goes away when the run ends.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(printer: Printer) -> Self {
        let target = match printer.draws {
            Draws::Progress => ProgressDrawTarget::stderr(),
            Draws::Nothing => ProgressDrawTarget::hidden(),
        };
        let template = match printer.err_palette() {
            Palette::Ansi => "{bar:30.cyan} {pos}/{len}  {msg}",
            Palette::Plain => "{bar:30} {pos}/{len}  {msg}",
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(None, target).with_style(style.progress_chars("━╸─"));
        bar.set_message("set-up");
        Self(bar)
    }
}

impl Watch for Progress {
    fn progress(&mut self, done: usize, total: usize, last: &str) {
        let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        self.0.set_length(number(total));
        self.0.set_position(number(done));
        self.0.set_message(last.to_owned());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
