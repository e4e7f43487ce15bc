//! The picture of a run, and the parts of which the picture of a drill is made.
//!
//! Guarantees: labels neither overlap nor leave the picture: their widths are estimated from above ([`place`]). Every text
//! goes through maud, which escapes it.

mod run;

pub mod place;
pub mod rows;
pub mod scale;

pub use run::inline;

/// The rules of the picture, with colours as custom properties of the page.
pub const STYLE: &str = include_str!("picture/picture.css");

/// How wide the picture is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For screens and landscape pages: lane names at the left.
    Wide,
    /// For phones and portrait pages: lane names above their lanes.
    Narrow,
}

/// What stands for each custom property where there is no page that sets it.
const COLOURS: [(&str, &str); 12] = [
    ("--ground", "#ffffff"),
    ("--band", "#f4f6f8"),
    ("--ink", "#1d2733"),
    ("--faint", "#5b6876"),
    ("--line", "#d5dbe1"),
    ("--good", "#2e8b62"),
    ("--good-tint", "#d3ecdf"),
    ("--bad", "#c8323c"),
    ("--bad-tint", "#f8d9da"),
    ("--calm", "#2f6db5"),
    ("--calm-tint", "#d8e6f6"),
    ("--warn", "#a86400"),
];

/// `style` with every custom property replaced, for where there is no page that sets them.
pub fn fixed(style: &str) -> String {
    COLOURS.iter().fold(style.to_owned(), |css, (name, value)| css.replace(&format!("var({name})"), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_of_the_standalone_picture_is_set() {
        assert!(STYLE.contains("var(--ink)"));
        assert!(!fixed(STYLE).contains("var("), "{}", fixed(STYLE));
    }
}
