//! The moving view: one line per step, a clock, and a bar of the recovery against its objective.

use std::thread;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use lifeboat_model::Plan;
use lifeboat_model::report::Report;
use lifeboat_report::text;
use lifeboat_simulator::world::Happening;

use super::board::Board;
use super::rows::Status;
use super::{Moment, lines};
use crate::story;
use lifeboat_report::figures::clock;

/// How many pictures are shown.
const FRAMES: u32 = 45;
/// How long each of them stands: one and a half seconds in all.
const FRAME: Duration = Duration::from_millis(33);
/// The bar of the recovery while it is within the objective.
const RECOVERY_OPEN: &str = "  {prefix} {wide_bar:.cyan/dim} {msg}";
/// And beyond it.
const RECOVERY_MISSED: &str = "  {prefix} {wide_bar:.red/dim} {msg}";
/// How much of the quiet before the incident is shown, as a share of all.
const BEFORE: f64 = 0.04;

/// Shows the drill at a pace that an eye can follow, and leaves its end on the screen.
pub(super) fn show(report: &Report, plan: &Plan, moments: &[Moment]) {
    let origin_s = story::incident_s(report);
    let end_s = report.availability.len() as f64;
    let begin_s = origin_s - (end_s - origin_s) * BEFORE;
    let mut board = Board::new(report, plan, moments);
    let screen = Screen::new(report, &board);
    let mut heard = moments.iter().peekable();
    let mut last = String::new();
    for frame in 0..=FRAMES {
        let now_s = begin_s + (end_s - begin_s) * f64::from(frame) / f64::from(FRAMES);
        while let Some(moment) = heard.next_if(|m| m.at_s <= now_s) {
            board.hear(moment);
            if let Happening::Noted(event) = &moment.happening
                && lines::is_notable(event)
            {
                last = lines::line(moment.at_s - origin_s, event).trim_start().to_owned();
            }
        }
        screen.draw(&board, now_s, origin_s, &last);
        thread::sleep(FRAME);
    }
    screen.leave();
}

/// The lines on the terminal. indicatif cuts them to its width, and to its height from below.
struct Screen {
    title: ProgressBar,
    clock: ProgressBar,
    recovery: ProgressBar,
    rows: Vec<ProgressBar>,
    last: ProgressBar,
}

/// A style; a template that cannot be read (they are all below) shows the bare message.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

impl Screen {
    fn new(report: &Report, board: &Board<'_>) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(60));
        let line = |template: &str, length: u64| {
            let bar = all.add(ProgressBar::new(length));
            bar.set_style(style(template));
            bar
        };
        let title = line("{wide_msg:.bold}", 0);
        title.set_message(format!(
            "lifeboat drill: {}, {}, {} -> {}, seed {}",
            report.scenario, report.mode, report.source, report.target, report.seed
        ));
        let clock = line("  {prefix:.bold}  {wide_msg}", 0);
        let objective_ms = (report.objectives.rto_s * 1000.0) as u64;
        let recovery = line(RECOVERY_OPEN, objective_ms);
        recovery.set_prefix("recovery");
        let rows = board.rows.0.iter().map(|_| line("  {prefix} {wide_msg}", 0)).collect();
        let last = line("  {wide_msg:.dim}", 0);
        Self { title, clock, recovery, rows, last }
    }

    fn draw(&self, board: &Board<'_>, now_s: f64, origin_s: f64, last: &str) {
        for (bar, row) in self.rows.iter().zip(&board.rows.0) {
            let (mark, line) = row.line(now_s);
            bar.set_style(style(match row.status {
                Status::Pending => "  {prefix:.dim} {wide_msg:.dim}",
                Status::Running { .. } => "  {prefix:.cyan} {wide_msg}",
                Status::Done { .. } => "  {prefix:.green} {wide_msg}",
                Status::Failed { .. } => "  {prefix:.red} {wide_msg:.red}",
            }));
            bar.set_prefix(mark);
            bar.set_message(line);
        }
        self.clock.set_prefix(format!("{:>8}", clock(now_s - origin_s)));
        self.clock.set_message(format!("virtual time; {}", board.clients(now_s)));
        let (gone_s, words) = board.recovery(now_s);
        let gone_ms = (gone_s * 1000.0) as u64;
        let length = self.recovery.length().unwrap_or(0);
        self.recovery.set_style(style(if gone_ms > length { RECOVERY_MISSED } else { RECOVERY_OPEN }));
        self.recovery.set_position(gone_ms.min(length));
        self.recovery.set_message(words);
        self.last.set_message(text::clean(last));
        self.last.tick();
    }

    /// What was drawn last stays; the cursor stands below it.
    fn leave(&self) {
        for bar in [&self.title, &self.clock, &self.recovery].into_iter().chain(&self.rows).chain([&self.last]) {
            bar.abandon();
        }
        eprintln!();
    }
}
