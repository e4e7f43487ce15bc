//! The words of an expression.

/// A word of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A name, a keyword or a function.
    Word(String),
    /// `#name`
    Name(String),
    /// `:value`
    Value(String),
    /// A whole number, within brackets.
    Index(usize),
    /// A sign or a comparison.
    Sign(&'static str),
}

/// The signs, longer ones first.
const SIGNS: [&str; 14] = ["<>", "<=", ">=", "=", "<", ">", "(", ")", "[", "]", ",", ".", "+", "-"];

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Word(text) | Self::Name(text) | Self::Value(text) => f.write_str(text),
            Self::Index(number) => number.fmt(f),
            Self::Sign(sign) => f.write_str(sign),
        }
    }
}

/// Takes an expression apart.
///
/// # Errors
/// A letter that no word begins with.
pub fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let word = |from: &str| from.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(from.len());
        let (token, length) = match first {
            '#' | ':' => {
                // Names and values may hold a few letters more than attributes do.
                let more = |c: char| !c.is_ascii_alphanumeric() && !"_-.".contains(c) || first == '#' && c == '.';
                let length = rest.get(1..).and_then(|r| r.find(more)).map_or(rest.len(), |n| n + 1);
                let whole = rest.get(..length).unwrap_or_default().to_owned();
                if length == 1 {
                    return Err(syntax(rest, first));
                }
                (if first == '#' { Token::Name(whole) } else { Token::Value(whole) }, length)
            }
            c if c.is_ascii_digit() => {
                let length = word(rest);
                let number = rest.get(..length).and_then(|digits| digits.parse().ok());
                (Token::Index(number.ok_or_else(|| syntax(rest, first))?), length)
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let length = word(rest);
                (Token::Word(rest.get(..length).unwrap_or_default().to_owned()), length)
            }
            _ => {
                let sign = SIGNS.into_iter().find(|s| rest.starts_with(s)).ok_or_else(|| syntax(rest, first))?;
                (Token::Sign(sign), sign.len())
            }
        };
        found.push(token);
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok(found)
}

fn syntax(rest: &str, token: char) -> String {
    let near: String = rest.chars().take(12).collect();
    format!("Syntax error; token: \"{token}\", near: \"{near}\"")
}
