//! The picture on a terminal.

use std::io;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use lifeboat_model::Timestamp;

use super::Follow;
use super::view::{self, Tone};

/// The size of a terminal that does not say its own.
const SIZE: (usize, usize) = (80, 24);

/// The picture on the terminal: each line is one of indicatif's, which cuts it should the terminal become narrower.
pub(crate) struct Screen {
    all: MultiProgress,
    lines: Vec<ProgressBar>,
}

impl Screen {
    pub(crate) fn new() -> Self {
        Self { all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8)), lines: Vec::new() }
    }

    pub(crate) fn draw(&mut self, follow: &Follow, now: Timestamp) {
        let size = terminal_size::terminal_size_of(io::stderr());
        let (width, height) = size.map_or(SIZE, |(width, height)| (usize::from(width.0), usize::from(height.0)));
        let lines = view::lines(follow, now, width, height.saturating_sub(1));
        while self.lines.len() < lines.len() {
            self.lines.push(self.all.add(ProgressBar::new(0)));
        }
        while self.lines.len() > lines.len() {
            if let Some(line) = self.lines.pop() {
                self.all.remove(&line);
            }
        }
        for (bar, (tone, text)) in self.lines.iter().zip(lines) {
            let template = match tone {
                Tone::Bold => "{wide_msg:.bold}",
                Tone::Live => "{wide_msg:.cyan}",
                Tone::Good => "{wide_msg:.green}",
                Tone::Bad => "{wide_msg:.red}",
                Tone::Dim => "{wide_msg:.dim}",
                Tone::Plain => "{wide_msg}",
            };
            bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_message(text);
            bar.tick();
        }
    }

    /// What was drawn last stays; the cursor stands below it.
    pub(crate) fn leave(&self) {
        self.lines.iter().for_each(ProgressBar::abandon);
        eprintln!();
    }
}
