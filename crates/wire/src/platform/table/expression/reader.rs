//! Reads expressions into trees, strictly.

use super::{Change, Comparison, Condition, Element, Operand, Path, Source};
use crate::platform::table::lexer::{Token, tokens};
use crate::platform::table::placeholders::Placeholders;
use crate::platform::table::reserved::is_reserved;
use crate::platform::table::value::Sign;

/// Reads a condition.
///
/// # Errors
/// What is wrong with it, in DynamoDB's words.
pub fn condition(text: &str, placeholders: &Placeholders) -> Result<Condition, String> {
    let mut reader = Reader::new(text, placeholders)?;
    let condition = reader.or()?;
    reader.end()?;
    Ok(condition)
}

/// Reads an update.
///
/// # Errors
/// What is wrong with it, in DynamoDB's words.
pub fn update(text: &str, placeholders: &Placeholders) -> Result<Vec<Change>, String> {
    let mut reader = Reader::new(text, placeholders)?;
    let mut changes = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    while !reader.at_end() {
        let clause = ["SET", "REMOVE"].into_iter().find(|word| reader.takes_word(word));
        let clause = clause.ok_or_else(|| reader.unexpected())?;
        if seen.contains(&clause) {
            return Err(format!("The \"{clause}\" section can only be used once in an update expression;"));
        }
        seen.push(clause);
        loop {
            let path = reader.path()?;
            if clause == "SET" {
                reader.sign("=")?;
                changes.push(Change::Set(path, reader.source()?));
            } else {
                changes.push(Change::Remove(path));
            }
            if !reader.takes(",") {
                break;
            }
        }
    }
    let mut paths: Vec<&Path> = changes.iter().map(Change::path).collect();
    while let Some(path) = paths.pop() {
        if paths.contains(&path) {
            let name = &path.attribute;
            return Err(format!(
                "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [{name}], path two: [{name}]"
            ));
        }
    }
    Ok(changes)
}

/// Reads a list of paths: a projection.
///
/// # Errors
/// What is wrong with it, in DynamoDB's words.
pub fn projection(text: &str, placeholders: &Placeholders) -> Result<Vec<Path>, String> {
    let mut reader = Reader::new(text, placeholders)?;
    let mut paths = vec![reader.path()?];
    while reader.takes(",") {
        paths.push(reader.path()?);
    }
    reader.end()?;
    Ok(paths)
}

struct Reader<'a> {
    tokens: Vec<Token>,
    at: usize,
    placeholders: &'a Placeholders,
}

/// How deep an expression may be nested; DynamoDB's limit is 300 operators.
const DEPTH_MAX: usize = 300;

impl<'a> Reader<'a> {
    fn new(text: &str, placeholders: &'a Placeholders) -> Result<Self, String> {
        let tokens = tokens(text)?;
        if tokens.is_empty() {
            return Err("The expression can not be empty;".to_owned());
        }
        let opening =
            |t: &&Token| **t == Token::Sign("(") || matches!(t, Token::Word(w) if w.eq_ignore_ascii_case("not"));
        if tokens.iter().filter(opening).count() > DEPTH_MAX {
            return Err(format!("The expression contains more than {DEPTH_MAX} operators"));
        }
        Ok(Self { tokens, at: 0, placeholders })
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    fn end(&self) -> Result<(), String> {
        if self.at_end() { Ok(()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> String {
        let text = |range: &[Token]| range.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let near = self.tokens.get(self.at.saturating_sub(1)..(self.at + 2).min(self.tokens.len())).unwrap_or_default();
        let token = self.peek().map_or_else(|| "<EOF>".to_owned(), ToString::to_string);
        format!("Syntax error; token: \"{token}\", near: \"{}\"", text(near))
    }

    fn takes(&mut self, sign: &'static str) -> bool {
        let there = self.peek() == Some(&Token::Sign(sign));
        self.at += usize::from(there);
        there
    }

    fn sign(&mut self, sign: &'static str) -> Result<(), String> {
        if self.takes(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let there = matches!(self.peek(), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word));
        self.at += usize::from(there);
        there
    }

    fn or(&mut self) -> Result<Condition, String> {
        let mut left = self.and()?;
        while self.takes_word("OR") {
            left = Condition::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Condition, String> {
        let mut left = self.not()?;
        while self.takes_word("AND") {
            left = Condition::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Condition, String> {
        if self.takes_word("NOT") {
            return Ok(Condition::Not(Box::new(self.not()?)));
        }
        if self.takes("(") {
            let inner = self.or()?;
            self.sign(")")?;
            return Ok(inner);
        }
        self.single()
    }

    /// The name of a function, if one is called here.
    fn function(&self) -> Option<String> {
        match (self.peek(), self.tokens.get(self.at + 1)) {
            (Some(Token::Word(name)), Some(Token::Sign("("))) => Some(name.clone()),
            _ => None,
        }
    }

    fn single(&mut self) -> Result<Condition, String> {
        if let Some(name) = self.function().filter(|name| name != "size") {
            self.at += 2;
            let condition = match name.as_str() {
                "attribute_exists" => Condition::Exists(self.path()?),
                "attribute_not_exists" => Condition::NotExists(self.path()?),
                "begins_with" => Condition::BeginsWith(self.operand()?, self.second()?),
                "contains" => Condition::Contains(self.operand()?, self.second()?),
                "attribute_type" => Condition::Type(self.path()?, self.second()?),
                _ => return Err(format!("Invalid function name; function: {name}")),
            };
            self.sign(")")?;
            return Ok(condition);
        }
        let left = self.operand()?;
        if self.takes_word("BETWEEN") {
            let low = self.operand()?;
            if !self.takes_word("AND") {
                return Err(self.unexpected());
            }
            return Ok(Condition::Between(left, low, self.operand()?));
        }
        if self.takes_word("IN") {
            self.sign("(")?;
            let mut these = vec![self.operand()?];
            while self.takes(",") {
                these.push(self.operand()?);
            }
            self.sign(")")?;
            return Ok(Condition::In(left, these));
        }
        let comparison = match self.peek() {
            Some(Token::Sign("=")) => Comparison::Equal,
            Some(Token::Sign("<>")) => Comparison::NotEqual,
            Some(Token::Sign("<")) => Comparison::Less,
            Some(Token::Sign("<=")) => Comparison::AtMost,
            Some(Token::Sign(">")) => Comparison::Greater,
            Some(Token::Sign(">=")) => Comparison::AtLeast,
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(Condition::Compare(left, comparison, self.operand()?))
    }

    fn second(&mut self) -> Result<Operand, String> {
        self.sign(",")?;
        self.operand()
    }

    fn operand(&mut self) -> Result<Operand, String> {
        if let Some(name) = self.function() {
            self.at += 2;
            if name != "size" {
                return Err(format!(
                    "The function is not allowed to be used this way in an expression; function: {name}"
                ));
            }
            let path = self.path()?;
            self.sign(")")?;
            return Ok(Operand::Size(path));
        }
        if let Some(Token::Value(key)) = self.peek() {
            let value = self.placeholders.value(key)?;
            self.at += 1;
            return Ok(Operand::Value(value));
        }
        self.path().map(Operand::Path)
    }

    fn name(&mut self) -> Result<String, String> {
        match self.peek().cloned() {
            Some(Token::Name(key)) => {
                self.at += 1;
                self.placeholders.name(&key)
            }
            Some(Token::Word(name)) if is_reserved(&name) => {
                Err(format!("Attribute name is a reserved keyword; reserved keyword: {name}"))
            }
            Some(Token::Word(name)) => {
                self.at += 1;
                Ok(name)
            }
            Some(Token::Value(_) | Token::Index(_) | Token::Sign(_)) | None => Err(self.unexpected()),
        }
    }

    fn path(&mut self) -> Result<Path, String> {
        let attribute = self.name()?;
        let mut within = Vec::new();
        loop {
            if self.takes(".") {
                within.push(Element::Field(self.name()?));
            } else if self.takes("[") {
                let Some(Token::Index(number)) = self.next() else { return Err(self.unexpected()) };
                within.push(Element::Item(number));
                self.sign("]")?;
            } else {
                return Ok(Path { attribute, within });
            }
        }
    }

    fn source(&mut self) -> Result<Source, String> {
        let left = self.term()?;
        for (sign, what) in [("+", Sign::Plus), ("-", Sign::Minus)] {
            if self.takes(sign) {
                return Ok(Source::Sum(Box::new(left), what, Box::new(self.term()?)));
            }
        }
        Ok(left)
    }

    fn term(&mut self) -> Result<Source, String> {
        match self.function().as_deref() {
            Some("if_not_exists") => {
                self.at += 2;
                let path = self.path()?;
                self.sign(",")?;
                let otherwise = self.term()?;
                self.sign(")")?;
                Ok(Source::IfNotExists(path, Box::new(otherwise)))
            }
            Some(other) => Err(format!("Invalid function name; function: {other}")),
            None => self.operand().map(Source::Operand),
        }
    }
}
