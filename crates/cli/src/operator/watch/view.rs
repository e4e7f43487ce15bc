//! The picture of a run that is followed, as lines of a given width: pure, so that it can be tested without a terminal.

use lifeboat_model::request::Purpose;
use lifeboat_model::{Plan, Timestamp};
use lifeboat_report::figures::{clock, duration};
use lifeboat_report::text::{clean, shortened};

use super::Follow;
use crate::cause;
use crate::live::rows::{Row, Status};

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// The title.
    Bold,
    /// What is under way.
    Live,
    /// What is done.
    Good,
    /// What failed, or is beyond its objective.
    Bad,
    /// What has not begun, and asides.
    Dim,
    /// All else.
    Plain,
}

/// The widest bar, in characters.
const BAR_MAX: usize = 60;
/// From this width on a step that has a limit has a bar of its own.
const WIDE: usize = 110;
/// The width of a step's own bar.
const STEP_BAR: usize = 12;
/// The most items of one map.
const ITEMS_MAX: usize = 8;
/// The least lines of a picture that is cut to a low terminal.
const HEIGHT_MIN: usize = 8;

/// The picture at `now`, of lines no wider than `width` and, if it can be, no more than `height`.
pub fn lines(follow: &Follow, now: Timestamp, width: usize, height: usize) -> Vec<(Tone, String)> {
    let now = follow.ended_at().unwrap_or(now);
    let mut lines = vec![(Tone::Bold, title(follow)), (Tone::Plain, standing(follow, now))];
    lines.extend(recovery(follow, now, width));
    let notes = notes(follow, now);
    let room = height.max(HEIGHT_MIN).saturating_sub(lines.len() + notes.len());
    lines.extend(rows(follow, now, width, room));
    lines.extend(notes);
    lines.into_iter().map(|(tone, line)| (tone, shortened(&line, width))).collect()
}

fn title(follow: &Follow) -> String {
    let Some(request) = follow.request() else { return format!("run {}", follow.run().name()) };
    let mode = match request.purpose {
        Purpose::Act => request.mode.as_str().to_owned(),
        Purpose::Rehearse => format!("rehearsal of a {}", request.mode.as_str()),
    };
    let way = follow.direction().map_or_else(|| format!("to {}", request.target), |way| way.to_string());
    format!("{mode} of {}, {way}  ({})", request.plan, follow.run().name())
}

fn standing(follow: &Follow, now: Timestamp) -> String {
    let elapsed = clock(follow.since_start(now));
    let word = match follow.ended() {
        Some(ended) => ended.word(),
        None if follow.started_at().is_none() => "asking Step Functions",
        None if follow.waits_for_a_person() => "waits for a person",
        None => "under way",
    };
    format!("  {elapsed:>8}  {word}")
}

/// The recovery against its objective.
fn recovery(follow: &Follow, now: Timestamp, width: usize) -> Option<(Tone, String)> {
    let objective_s = follow.plan()?.objectives.rto.as_seconds();
    let (from, until) = follow.recovery()?;
    let gone_s = until.unwrap_or(now).seconds_since(from).max(0.0);
    let words = format!(
        "{} of {}{}",
        duration(gone_s.round()),
        duration(objective_s),
        if until.is_some() { ": the target serves" } else { "" }
    );
    let room = width.saturating_sub("  recovery [] ".len() + words.chars().count()).min(BAR_MAX);
    let tone = match (gone_s > objective_s, until) {
        (true, _) => Tone::Bad,
        (false, Some(_)) => Tone::Good,
        (false, None) => Tone::Live,
    };
    Some((tone, format!("  recovery [{}] {words}", bar(gone_s / objective_s, room))))
}

fn bar(share: f64, room: usize) -> String {
    let full = (share.clamp(0.0, 1.0) * room as f64).round() as usize;
    "\u{2588}".repeat(full) + &"\u{2591}".repeat(room - full)
}

/// The steps, with the items that are shown of each; what is least needed is left out where there is no room.
fn rows(follow: &Follow, now: Timestamp, width: usize, room: usize) -> Vec<(Tone, String)> {
    let all: Vec<&Row> = follow.rows.0.iter().filter(|row| is_shown(row)).collect();
    let mut shown: Vec<&Row> = Vec::new();
    for row in &all {
        let items = shown.iter().filter(|r| r.item.is_some() && r.step.name == row.step.name).count();
        if row.item.is_none() || items < ITEMS_MAX {
            shown.push(row);
        }
    }
    let is_done_item = |row: &Row| row.item.is_some() && matches!(row.status, Status::Done { .. });
    let is_pending = |row: &Row| row.status == Status::Pending;
    let is_done = |row: &Row| matches!(row.status, Status::Done { .. });
    let expendable: [&dyn Fn(&Row) -> bool; 3] = [&is_done_item, &is_done, &is_pending];
    for (n, is_expendable) in expendable.iter().enumerate() {
        while shown.len() > room {
            // Of what has not begun the last goes first, of what is done the first.
            let at = if n == 2 {
                shown.iter().rposition(|row| is_expendable(row))
            } else {
                shown.iter().position(|row| is_expendable(row))
            };
            match at {
                Some(at) => drop(shown.remove(at)),
                None => break,
            }
        }
    }
    shown.into_iter().map(|row| line(row, follow.plan(), follow.since_start(now), width)).collect()
}

fn is_shown(row: &Row) -> bool {
    !(row.step.is_detour && row.status == Status::Pending)
}

fn line(row: &Row, plan: Option<&Plan>, now_s: f64, width: usize) -> (Tone, String) {
    let indent = "  ".repeat(row.step.depth + usize::from(row.item.is_some()));
    let name = format!("{indent}{}", row.item.as_ref().map_or_else(|| row.step.name.clone(), |item| clean(item)));
    match &row.status {
        Status::Pending => (Tone::Dim, format!("  \u{b7} {name}")),
        Status::Done { took_s } => {
            let about = if row.item.is_some() { clean(&row.about) } else { String::new() };
            let took = duration(*took_s);
            (Tone::Good, format!("  \u{2713} {name:<27}{took:>12}  {about}").trim_end().to_owned())
        }
        Status::Failed { problem } => {
            let problem = clean(&cause::read(problem).what);
            (Tone::Bad, format!("  \u{2717} {name:<27}{:>12}  {problem}", ""))
        }
        Status::Running { since_s } => {
            let gone_s = (now_s - since_s).max(0.0);
            let is_wide = width >= WIDE;
            let limit = plan.and_then(|plan| limit_s(&row.step.name, plan)).filter(|_| is_wide || row.item.is_none());
            let limit = limit.map_or_else(String::new, |limit_s| {
                let own = if is_wide { format!("[{}] ", bar(gone_s / limit_s, STEP_BAR)) } else { String::new() };
                format!("{own}of {}  ", duration(limit_s))
            });
            // Where there is little room, a map's items say what it does.
            let is_map = !row.step.inner.is_empty() && row.item.is_none();
            let about = if is_map && !is_wide { String::new() } else { clean(&row.about) };
            let took = duration(gone_s.round());
            (Tone::Live, format!("  \u{25b8} {name:<27}{took:>12}  {limit}{about}").trim_end().to_owned())
        }
    }
}

/// How long a step may take before the run stops and asks for a person, where the plan says so.
fn limit_s(step: &str, plan: &Plan) -> Option<f64> {
    let limits = &plan.limits;
    let limit = match step {
        "RequestApproval" => limits.approval,
        "ScaleServicesFirst" | "ScaleServices" => limits.compute,
        "PromoteDatabases" => limits.promotion,
        "PromoteCaches" => limits.cache,
        "PromoteBrokers" | "DrainBrokers" => limits.broker,
        "CheckTables" => limits.table,
        "IsolateSource" | "VerifyTraffic" => limits.traffic,
        _ => return None,
    };
    Some(limit.as_seconds())
}

/// What a person should know beside the steps.
fn notes(follow: &Follow, now: Timestamp) -> Vec<(Tone, String)> {
    let mut notes = Vec::new();
    if let Some((since, why)) = follow.silence().filter(|_| follow.ended().is_none()) {
        let gone = duration(now.seconds_since(since).max(0.0).round());
        notes.push((Tone::Bad, format!("  no answer since {gone}; trying again ({})", clean(why))));
    }
    if follow.waits_for_a_person() {
        let plan = follow.plan_name().map_or_else(|| "PLAN".to_owned(), |name| name.to_string());
        let region = follow.run().region();
        notes.push((
            Tone::Live,
            format!("  lifeboat approve {plan} --region {region} --reason WHY --max-data-loss 30s"),
        ));
        notes.push((Tone::Live, format!("  lifeboat deny {plan} --region {region} --reason WHY")));
    }
    notes
}
