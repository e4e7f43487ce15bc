//! Puts labelled bars and ticks into rows, so that nothing overlaps.

/// How something is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it goes.
    Calm,
    /// Well.
    Good,
    /// For attention.
    Warn,
    /// Ill.
    Bad,
}

impl Tone {
    /// The class that gives it its colour.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// Something to be placed. A moment has `from == until`.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Where it begins, in pixels.
    pub from: f64,
    /// Where it ends, in pixels.
    pub until: f64,
    /// Whether it is a moment.
    pub is_moment: bool,
    /// What stands in it or beside it.
    pub label: String,
    /// The whole text, for whoever points at it.
    pub full: String,
    /// How it is meant.
    pub tone: Tone,
}

/// Where a label stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LabelAt {
    /// In the bar, from here.
    Inside(f64),
    /// To the right of the shape, from here.
    Right(f64),
    /// To the left of the shape, up to here.
    Left(f64),
    /// Nowhere: there was no room.
    Nowhere,
}

/// Something in its row.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// What.
    pub item: Item,
    /// The row, from 0 at the top.
    pub row: usize,
    /// Where its label stands.
    pub label_at: LabelAt,
}

/// The size of the text.
pub const FONT: f64 = 12.0;
/// Between a shape and its label, and the padding within a bar.
const PAD: f64 = 5.0;
/// Between neighbours in a row.
const GAP: f64 = 7.0;
/// Half of a tick's width.
pub const TICK: f64 = 4.5;
/// No lane is higher; the rest is in the table of the timeline.
pub const ROWS_MAX: usize = 13;

/// An upper bound of a text's width in any usual sans-serif font.
pub fn text_width(text: &str) -> f64 {
    let ems = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' | '(' | ')' | '[' | ']' | '-' => 0.4,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 1.0,
        c if c.is_ascii_uppercase() => 0.75,
        c if c.is_ascii() => 0.64,
        _ => 1.0,
    };
    text.chars().map(ems).sum::<f64>() * FONT
}

/// A lane's shapes in their rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// The shapes.
    pub placed: Vec<Placed>,
    /// How many rows they take.
    pub rows: usize,
    /// How many had no room: the shortest.
    pub left_out: usize,
}

/// The items in rows between `left` and `right`: all of them, or of too many the longest.
pub fn place(mut items: Vec<Item>, left: f64, right: f64) -> Rows {
    let length = |i: &Item| if i.is_moment { f64::INFINITY } else { i.until - i.from };
    items.sort_by(|a, b| length(b).total_cmp(&length(a)));
    let (mut fits, mut too_many) = (0, items.len() + 1);
    let mut best = Rows::default();
    while fits + 1 < too_many {
        // All of them first: that they fit is the rule.
        let tried = if too_many > items.len() { items.len() } else { fits.midpoint(too_many) };
        match in_rows(items.get(..tried).unwrap_or_default(), left, right) {
            Some((placed, rows)) => {
                best = Rows { placed, rows, left_out: items.len() - tried };
                fits = tried;
            }
            None => too_many = tried,
        }
    }
    best
}

/// `None` when they take too many rows.
fn in_rows(items: &[Item], left: f64, right: f64) -> Option<(Vec<Placed>, usize)> {
    let mut items = items.to_vec();
    let later = |a: &Item, b: &Item| a.from.total_cmp(&b.from).then(b.is_moment.cmp(&a.is_moment));
    items.sort_by(|a, b| later(a, b).then(b.until.total_cmp(&a.until)));
    let mut rows: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut placed = Vec::with_capacity(items.len());
    for mut item in items {
        let (label_at, taken) = label(&mut item, left, right);
        let row = row_for(&mut rows, taken)?;
        placed.push(Placed { item, row, label_at });
    }
    Some((placed, rows.len()))
}

fn row_for(rows: &mut Vec<Vec<(f64, f64)>>, taken: (f64, f64)) -> Option<usize> {
    let free = |row: &Vec<(f64, f64)>| row.iter().all(|(from, until)| taken.1 + GAP <= *from || taken.0 >= until + GAP);
    let row = rows.iter().position(free).unwrap_or(rows.len());
    if row >= ROWS_MAX {
        return None;
    }
    if row == rows.len() {
        rows.push(Vec::new());
    }
    rows.get_mut(row)?.push(taken);
    Some(row)
}

/// Where the label goes, shortened if it must be, and what shape and label take together.
fn label(item: &mut Item, left: f64, right: f64) -> (LabelAt, (f64, f64)) {
    let half = if item.is_moment { TICK } else { 0.0 };
    let (from, until) = (item.from - half, item.until + half);
    let width = text_width(&item.label);
    if !item.is_moment && width + 2.0 * PAD <= until - from {
        return (LabelAt::Inside(from + PAD), (from, until));
    }
    let (room_right, room_left) = (right - until - PAD, from - PAD - left);
    if width > room_right && width > room_left {
        item.label = shortened(&item.label, room_right.max(room_left));
    }
    let width = text_width(&item.label);
    if width <= room_right {
        (LabelAt::Right(until + PAD), (from, until + PAD + width))
    } else if width <= room_left {
        (LabelAt::Left(from - PAD), (from - PAD - width, until))
    } else {
        (LabelAt::Nowhere, (from, until))
    }
}

/// As much of `text` as fits into `width`, with an ellipsis.
fn shortened(text: &str, width: f64) -> String {
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if text_width(&kept) + FONT > width {
            kept.pop();
            break;
        }
    }
    kept.trim_end().to_owned() + "\u{2026}"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(from: f64, until: f64, label: &str) -> Item {
        let is_moment = from == until;
        Item { from, until, is_moment, label: label.to_owned(), full: label.to_owned(), tone: Tone::Calm }
    }

    fn taken(placed: &Placed) -> (f64, f64) {
        let width = text_width(&placed.item.label);
        match placed.label_at {
            LabelAt::Right(x) => (placed.item.from, x + width),
            LabelAt::Left(x) => (x - width, placed.item.until),
            LabelAt::Inside(_) | LabelAt::Nowhere => (placed.item.from, placed.item.until),
        }
    }

    #[test]
    fn labels_neither_overlap_nor_leave_the_picture() {
        let mut rng = 7_u64;
        let mut next = |n: u64| {
            rng = rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (rng >> 33) % n
        };
        for _ in 0..200 {
            let items: Vec<Item> = (0..30)
                .map(|_| {
                    let from = 100.0 + next(900) as f64;
                    let until = (from + next(3) as f64 * next(200) as f64).min(1000.0);
                    item(from, until, &"label of some length".repeat(1 + next(8) as usize))
                })
                .collect();
            let Rows { placed, rows, left_out } = place(items, 100.0, 1000.0);
            assert!(rows <= ROWS_MAX && placed.len() + left_out == 30);
            for (n, a) in placed.iter().enumerate() {
                let (from, until) = taken(a);
                assert!(from >= 100.0 - TICK && until <= 1000.0 + TICK, "{a:?}");
                let labelled = |p: &&Placed| p.row == a.row && p.label_at != LabelAt::Nowhere;
                for b in placed.iter().skip(n + 1).filter(labelled).filter(|_| a.label_at != LabelAt::Nowhere) {
                    let (b_from, b_until) = taken(b);
                    assert!(until <= b_from || b_until <= from, "{a:?}\n{b:?}");
                }
            }
        }
    }

    #[test]
    fn of_a_thousand_bars_the_longest_are_shown() {
        let items = (1..=1000).map(|n| item(0.0, f64::from(n), "db")).collect();
        let Rows { placed, left_out, .. } = place(items, 0.0, 1200.0);
        assert_eq!((placed.len(), left_out), (ROWS_MAX, 1000 - ROWS_MAX));
        assert!(placed.iter().all(|p| p.item.until > 980.0));
    }

    #[test]
    fn a_label_that_fits_stays_in_its_bar() {
        let Rows { placed, rows, .. } = place(vec![item(0.0, 300.0, "PromoteDatabases")], 0.0, 400.0);
        assert_eq!((rows, placed.first().map(|p| p.label_at)), (1, Some(LabelAt::Inside(PAD))));
    }
}
