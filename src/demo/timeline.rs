//! What is printed: when, who, what, and the sentences that were checked.

use std::fmt::Debug;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

/// Writes lines to standard output, each whole. Clones share the same beginning.
#[derive(Debug, Clone)]
pub(super) struct Timeline {
    started: Arc<Instant>,
    coloured: bool,
}

impl Timeline {
    pub(super) fn new(coloured: bool) -> Self {
        Self { started: Arc::new(Instant::now()), coloured }
    }

    /// A step begins.
    pub(super) fn step(&self, number: u8, title: &str) {
        self.print(&format!("\n{}", self.paint(BOLD, &format!("Step {number}  {title}"))));
    }

    /// Somebody did something.
    pub(super) fn tell(&self, actor: &str, what: &str) {
        let at = self.paint(DIM, &seconds(self.started.elapsed().as_millis()));
        self.print(&format!("{at}  {actor:<13} {what}"));
    }

    /// A sentence that must be true, as it was found.
    ///
    /// # Errors
    /// When what was found is something else.
    pub(super) fn check<T>(&self, sentence: &str, found: T, told: T) -> anyhow::Result<()>
    where
        T: PartialEq + Debug,
    {
        anyhow::ensure!(found == told, "{sentence}: found {found:?}, told {told:?}");
        self.print(&format!("{:25}{} {sentence}", "", self.paint(GREEN, "ok")));
        Ok(())
    }

    /// A step did not come out as told.
    pub(super) fn failed(&self, error: &anyhow::Error) {
        self.print(&format!("{:25}{} {error:#}", "", self.paint(RED, "NOT AS TOLD")));
    }

    /// The last line.
    pub(super) fn end(&self, right: usize, all: usize) {
        let colour = if right == all { GREEN } else { RED };
        let words = format!("{right} of {all} steps came out as told.");
        self.print(&format!("\n{}", self.paint(colour, &words)));
    }

    /// A line as it is.
    pub(super) fn print(&self, line: &str) {
        // A reader that has gone away (`| head`) is no reason to stop halfway.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.coloured { format!("{colour}{text}{PLAIN}") } else { text.to_owned() }
    }
}

fn seconds(millis: u128) -> String {
    format!("{:>6}.{:03} s", millis / 1_000, millis % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_that_is_not_true_says_what_was_found() {
        let timeline = Timeline::new(false);
        assert!(timeline.check("the wallet holds 1.00", "1.00", "1.00").is_ok());
        let error = timeline.check("the wallet holds 1.00", "0.00", "1.00").unwrap_err();
        assert_eq!(error.to_string(), r#"the wallet holds 1.00: found "0.00", told "1.00""#);
    }

    #[test]
    fn time_is_told_in_seconds_to_the_millisecond() {
        assert_eq!(seconds(7), "     0.007 s");
        assert_eq!(seconds(61_250), "    61.250 s");
    }

    #[test]
    fn only_a_terminal_gets_colours() {
        assert_eq!(Timeline::new(false).paint(GREEN, "ok"), "ok");
        assert_ne!(Timeline::new(true).paint(GREEN, "ok"), "ok");
    }
}
