//! Why a run did not complete, as a person reads it.

/// A run's cause, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    /// What was seen.
    pub(crate) what: String,
    /// What to do.
    pub(crate) next: Option<String>,
}

/// Takes a cause of the state machine apart: `<error>: <what a Lambda answered> -- <what next>`.
pub(crate) fn read(cause: &str) -> Cause {
    let (what, next) = match cause.rsplit_once(" -- ") {
        Some((what, next)) => (what, Some(next.to_owned())),
        None => (cause, None),
    };
    Cause { what: message(what), next }
}

/// The answer of a Lambda is JSON, in which only the message is for people.
fn message(what: &str) -> String {
    let Some(begin) = what.find('{') else { return what.to_owned() };
    let (before, json) = what.split_at(begin);
    let answer: Option<serde_json::Value> = serde_json::from_str(json).ok();
    let message = answer.as_ref().and_then(|a| a.get("errorMessage")).and_then(serde_json::Value::as_str);
    message.map_or_else(|| what.to_owned(), |message| format!("{before}{message}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_reads_as_what_was_seen_and_what_to_do() {
        let cause = read(
            r#"Lifeboat.Refused: {"errorMessage":"database orders: lag 90s; wait -- or not","errorType":"x"} -- start again"#,
        );
        assert_eq!(cause.what, "Lifeboat.Refused: database orders: lag 90s; wait -- or not");
        assert_eq!(cause.next.as_deref(), Some("start again"));
    }

    #[test]
    fn a_cause_of_any_other_form_is_told_as_it_is() {
        assert_eq!(read("the table {did not answer"), Cause { what: "the table {did not answer".into(), next: None });
    }
}
