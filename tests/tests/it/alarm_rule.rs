//! The rules of composite alarms, evaluated as CloudWatch documents them. What is not in that grammar is an error.

use std::collections::BTreeMap;

/// A state of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Ok,
    Alarm,
    InsufficientData,
}

impl State {
    pub const ALL: [Self; 3] = [Self::Ok, Self::Alarm, Self::InsufficientData];
}

/// Whether `rule` is true when each alarm is in the state that `states` says.
pub fn evaluate(rule: &str, states: &BTreeMap<String, State>) -> Result<bool, String> {
    let mut reader = Reader { rest: rule, states };
    let result = reader.any()?;
    match reader.rest.trim_start() {
        "" => Ok(result),
        rest => Err(format!("unexpected {rest:?}")),
    }
}

struct Reader<'r> {
    rest: &'r str,
    states: &'r BTreeMap<String, State>,
}

impl<'r> Reader<'r> {
    /// Terms with OR between them: it binds least.
    fn any(&mut self) -> Result<bool, String> {
        let mut result = self.all()?;
        while self.takes_word("OR") {
            // Both sides are read, whatever the first one was.
            result |= self.all()?;
        }
        Ok(result)
    }

    fn all(&mut self) -> Result<bool, String> {
        let mut result = self.term()?;
        while self.takes_word("AND") {
            result &= self.term()?;
        }
        Ok(result)
    }

    fn term(&mut self) -> Result<bool, String> {
        if self.takes_word("NOT") {
            return Ok(!self.term()?);
        }
        if self.takes("(") {
            let result = self.any()?;
            return if self.takes(")") { Ok(result) } else { Err("a parenthesis is not closed".to_owned()) };
        }
        for (word, value) in [("TRUE", true), ("FALSE", false)] {
            if self.takes_word(word) {
                return Ok(value);
            }
        }
        let functions = [("INSUFFICIENT_DATA", State::InsufficientData), ("ALARM", State::Alarm), ("OK", State::Ok)];
        for (word, wanted) in functions {
            if self.takes_word(word) {
                return Ok(self.state_of_argument()? == wanted);
            }
        }
        Err(format!("nothing known begins with {:?}", self.rest))
    }

    fn state_of_argument(&mut self) -> Result<State, String> {
        if !self.takes("(") {
            return Err(format!("expected an alarm's name in parentheses before {:?}", self.rest));
        }
        let (name, rest) = match self.rest.trim_start().strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or("a quote is not closed")?,
            None => {
                let end = self.rest.find(')').ok_or("a parenthesis is not closed")?;
                (self.rest[..end].trim(), &self.rest[end..])
            }
        };
        self.rest = rest;
        if !self.takes(")") {
            return Err(format!("expected ) after {name}"));
        }
        self.states.get(name).copied().ok_or_else(|| format!("no such alarm: {name:?}"))
    }

    fn takes(&mut self, what: &str) -> bool {
        match self.rest.trim_start().strip_prefix(what) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes a whole word: `OK` is not the beginning of `OKAY`.
    fn takes_word(&mut self, word: &str) -> bool {
        let Some(rest) = self.rest.trim_start().strip_prefix(word) else { return false };
        let ends = !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if ends {
            self.rest = rest;
        }
        ends
    }
}

#[test]
fn rules_of_the_documented_grammar_are_evaluated_and_no_others() {
    let states = [("a", State::Alarm), ("b", State::Ok), ("c", State::InsufficientData)];
    let states: BTreeMap<String, State> = states.into_iter().map(|(name, state)| (name.to_owned(), state)).collect();
    let good = [
        ("ALARM(a)", true),
        ("ALARM(\"a\")", true),
        ("OK ( \"b\" )", true),
        ("INSUFFICIENT_DATA(c)", true),
        ("OK(a)", false),
        ("NOT OK(a)", true),
        ("NOT NOT OK(a)", false),
        ("TRUE", true),
        ("FALSE OR TRUE AND FALSE", false),
        ("(FALSE OR TRUE) AND TRUE", true),
        ("TRUE OR FALSE AND FALSE", true),
        ("NOT ALARM(b) AND (OK(b) OR ALARM(c))", true),
    ];
    for (rule, expected) in good {
        assert_eq!(evaluate(rule, &states), Ok(expected), "{rule}");
    }
    let bad = [
        "",
        "ALARM",
        "ALARM()",
        "ALARM(d)",
        "ALARM(a",
        "ALARM(\"a)",
        "ALARM(a) AND",
        "ALARM(a) OK(b)",
        "ALARM(a) & OK(b)",
        "ALARM(a) XOR OK(b)",
        "(ALARM(a)",
        "ALARM(a))",
        "alarm(a)",
        "OKAY(a)",
        "NOTALARM(a)",
        "AT_LEAST(1, ALARM, (a, b))",
    ];
    for rule in bad {
        assert!(evaluate(rule, &states).is_err(), "{rule:?} is not in the grammar");
    }
}
