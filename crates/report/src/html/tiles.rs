//! The key figures, each against what the plan asks for.

use lifeboat_model::report::Standing;
use maud::{Markup, html};

use crate::figures::{duration, duration_or, thousands};

/// How a figure looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// Neither.
    Plain,
}

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Tile {
    /// What it is.
    pub name: &'static str,
    /// The figure.
    pub value: String,
    /// What it means.
    pub about: String,
    /// How it looks.
    pub look: Look,
    /// The share of the objective that was used up, in percent.
    pub gauge_percent: Option<f64>,
}

impl Tile {
    /// A length of time that stands against an objective; both in seconds.
    pub fn against(
        name: &'static str,
        value_s: Option<f64>,
        standing: Option<Standing>,
        objective_s: f64,
        about: String,
    ) -> Self {
        let look = match standing {
            Some(Standing::Met) => Look::Good,
            Some(Standing::Missed) => Look::Bad,
            None => Look::Plain,
        };
        let gauge_percent = value_s.map(|value_s| value_s * 100.0 / objective_s);
        Self { name, value: duration_or(value_s, "not known"), about, look, gauge_percent }
    }

    /// A length of time in seconds.
    pub fn duration(name: &'static str, value_s: f64, about: &str) -> Self {
        Self { name, value: duration(value_s), about: about.to_owned(), look: Look::Plain, gauge_percent: None }
    }

    /// A count.
    pub fn count(name: &'static str, value: usize, about: &str) -> Self {
        let value = thousands(u64::try_from(value).unwrap_or(u64::MAX));
        Self { name, value, about: about.to_owned(), look: Look::Plain, gauge_percent: None }
    }
}

/// The figures beside each other.
pub fn tiles(tiles: &[Tile]) -> Markup {
    html! {
        section.tiles aria-label="Key figures" {
            @for tile in tiles { (draw(tile)) }
        }
    }
}

fn draw(tile: &Tile) -> Markup {
    let class = match tile.look {
        Look::Good => "tile good",
        Look::Bad => "tile bad",
        Look::Plain => "tile",
    };
    html! {
        div class=(class) {
            p.tile-name { (tile.name) }
            p.tile-value { (tile.value) }
            @if let Some(gauge) = tile.gauge_percent {
                div.gauge { div style=(format!("width:{:.1}%", gauge.clamp(0.0, 100.0))) {} }
            }
            p.tile-about { (tile.about) }
        }
    }
}
