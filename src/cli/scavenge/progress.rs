//! How far an operation is, for a person: a bar on a terminal, plain lines anywhere else.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::client::OperationStatus;

/// The least time between two lines about the same state.
const LINE_EVERY: Duration = Duration::from_secs(2);
pub(super) const BAR: &str = "{msg} [{bar:32}] {pos} of {len} events, {eta} left";
pub(super) const SPINNER: &str = "{spinner} {msg}";

/// Shows how far an operation is.
pub(super) struct Progress<'a, W: Write> {
    notices: &'a mut W,
    bar: Option<ProgressBar>,
    last_line: Option<(String, Instant)>,
}

impl<'a, W: Write> Progress<'a, W> {
    /// Progress that is told to `notices`, or drawn on stderr if that is a terminal.
    pub(super) fn new(notices: &'a mut W, is_terminal: bool) -> Self {
        let bar = is_terminal.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(style(SPINNER));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self {
            notices,
            bar,
            last_line: None,
        }
    }

    /// Shows the operation as it now is.
    pub(super) fn show(&mut self, status: &OperationStatus) -> io::Result<()> {
        let state = status.state.to_lowercase();
        let (done, total) = (status.progress.done, status.progress.total);
        let Some(bar) = &self.bar else {
            return self.line(&state, done, total);
        };
        bar.set_message(state);
        if let Some(total) = total {
            if bar.length() != Some(total) {
                bar.set_style(style(BAR));
                bar.set_length(total);
            }
            bar.set_position(done);
        }
        Ok(())
    }

    /// Tells something else.
    pub(super) fn say(&mut self, text: &str) -> io::Result<()> {
        match &self.bar {
            Some(bar) => bar.println(format!("-- {text}")),
            None => writeln!(self.notices, "-- {text}")?,
        }
        Ok(())
    }

    /// Takes the bar away.
    pub(super) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&mut self, state: &str, done: u64, total: Option<u64>) -> io::Result<()> {
        let is_news = self
            .last_line
            .as_ref()
            .is_none_or(|(last, at)| last != state || at.elapsed() >= LINE_EVERY);
        if !is_news {
            return Ok(());
        }
        self.last_line = Some((state.to_owned(), Instant::now()));
        match total {
            Some(total) => writeln!(self.notices, "-- {state}: {done} of {total} events"),
            None => writeln!(self.notices, "-- {state}"),
        }?;
        self.notices.flush()
    }
}

/// The templates are constants, which a test draws.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
