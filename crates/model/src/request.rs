//! The request for a run: what a person, an alarm or an SSM document asks for.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::plan::{Consent, Name};
use crate::read::{Cursor, Expected, Node, Problem, Problems};
use crate::{Region, Timestamp};

/// What is asked for. The smallest is `{"plan":"retail-store","target":"us-west-2","mode":"rehearse"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The plan's name.
    pub plan: Name,
    /// The Region that shall serve.
    pub target: Region,
    /// How.
    pub mode: Mode,
    /// Whether to do it.
    pub purpose: Purpose,
    /// Consent to data loss; a failover that an alarm starts uses the plan's instead.
    pub consent: Option<Consent>,
    /// Who or what asks.
    pub trigger: Trigger,
}

impl Serialize for Request {
    /// In the form that [`Request::read`] reads.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("plan", &self.plan)?;
        map.serialize_entry("target", &self.target)?;
        match self.purpose {
            Purpose::Act => map.serialize_entry("mode", &self.mode)?,
            Purpose::Rehearse => {
                map.serialize_entry("mode", REHEARSE)?;
                map.serialize_entry("of", &self.mode)?;
            }
        }
        if let Some(consent) = &self.consent {
            map.serialize_entry("consent", consent)?;
        }
        map.serialize_entry("trigger", &self.trigger)?;
        map.end()
    }
}

/// The smallest request, for who did not make one.
const SMALLEST: &str = r#"{"plan":"retail-store","target":"us-west-2","mode":"rehearse"}"#;

/// The word that a request has in place of a mode when nothing shall be changed.
const REHEARSE: &str = "rehearse";

/// Whether a run does what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// It does.
    Act,
    /// It looks, decides, and says what it would call (S17).
    Rehearse,
}

/// How the workload is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Planned: replication catches up first, nothing is lost.
    Switchover,
    /// The source is not trusted to answer; a person accepted a bounded loss.
    Failover,
}

impl Mode {
    /// The word in requests and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Switchover => "switchover",
            Self::Failover => "failover",
        }
    }
}

impl FromStr for Mode {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        match text {
            "switchover" => Ok(Self::Switchover),
            "failover" => Ok(Self::Failover),
            _ => Err(Expected("switchover (planned, loses nothing) or failover (the source is down, needs consent)")),
        }
    }
}

/// Who or what asks for a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "kebab-case")]
pub enum Trigger {
    /// A person, or a tool that a person used.
    Operator {
        /// Their name, if they gave it.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// An alarm.
    Alarm {
        /// The alarm's name.
        alarm: String,
        /// When it went into ALARM.
        transition_at: Timestamp,
    },
}

impl Request {
    /// Reads a request, the input of an execution.
    ///
    /// # Errors
    /// Every problem of it.
    pub fn read(input: &serde_json::Value) -> Result<Self, Vec<Problem>> {
        let document = Node::from(input);
        let problems = Problems::default();
        let request = read_request(&problems.root("request", &document));
        let mut problems = problems.into_sorted();
        for problem in problems.iter_mut().filter(|p| p.field == "request") {
            problem.expected = format!("a request, such as {SMALLEST}");
        }
        match request {
            Some(request) if problems.is_empty() => Ok(request),
            Some(_) | None => Err(problems),
        }
    }
}

fn read_request(root: &Cursor<'_>) -> Option<Request> {
    let f = root.fields(&["plan", "target", "mode", "of", "consent", "trigger", "comment"])?;
    let plan = f.required("plan").and_then(|c| c.parse());
    let target = f.required("target").and_then(|c| c.parse());
    let asked: Option<Asked> = f.required("mode").and_then(|c| c.parse());
    let (mode, purpose) = match asked {
        Some(Asked::For(mode)) => {
            if let Some(c) = f.optional("of") {
                c.problem("no such field unless mode is rehearse: it says which mode is rehearsed");
            }
            (Some(mode), Some(Purpose::Act))
        }
        // What is rehearsed on a calm day is the worst night.
        Some(Asked::Rehearsal) => (f.or("of", Mode::Failover, |c| c.parse()), Some(Purpose::Rehearse)),
        None => (None, None),
    };
    let consent = match f.optional("consent") {
        Some(c) => crate::plan::read_consent(&c).map(Some),
        None => Some(None),
    };
    let trigger = f.or("trigger", Trigger::Operator { name: None }, |c| read_trigger(&c));
    let comment = f.or("comment", String::new(), |c| crate::plan::bounded_text(&c, 500));
    comment.as_ref()?;
    if mode == Some(Mode::Switchover)
        && let (Some(Some(_)), Some(c)) = (&consent, f.optional("consent"))
    {
        c.problem("no consent in a switchover: it loses nothing, and it never becomes a failover");
    }
    Some(Request { plan: plan?, target: target?, mode: mode?, purpose: purpose?, consent: consent?, trigger: trigger? })
}

/// What stands in the field `mode`.
enum Asked {
    For(Mode),
    Rehearsal,
}

impl FromStr for Asked {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        match text {
            REHEARSE => Ok(Self::Rehearsal),
            mode => mode.parse().map(Self::For).map_err(|_| {
                Expected(
                    "switchover (planned, loses nothing), failover (the source is down, needs consent) or rehearse \
                     (changes nothing)",
                )
            }),
        }
    }
}

fn read_trigger(at: &Cursor<'_>) -> Option<Trigger> {
    let kind = at.entries()?.required("kind")?;
    match kind.text()? {
        "operator" => {
            let f = at.fields(&["kind", "name"])?;
            let name = f.or("name", None, |c| crate::plan::bounded_text(&c, 200).map(Some))?;
            Some(Trigger::Operator { name })
        }
        "alarm" => {
            let f = at.fields(&["kind", "alarm", "transition_at"])?;
            let alarm = f.required("alarm").and_then(|c| crate::plan::bounded_text(&c, 255));
            let transition_at = f.required("transition_at").and_then(|c| c.parse());
            Some(Trigger::Alarm { alarm: alarm?, transition_at: transition_at? })
        }
        _ => {
            kind.problem("operator or alarm");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_smallest_request_is_three_words() {
        let request =
            Request::read(&json!({"plan":"retail-store","target":"us-west-2","mode":"switchover"})).expect("a request");
        assert_eq!(request.trigger, Trigger::Operator { name: None });
        assert_eq!(Request::read(&serde_json::to_value(&request).expect("JSON")), Ok(request));
    }

    #[test]
    fn s17_a_rehearsal_is_of_a_failover_unless_it_says_of_what() {
        let cases = [
            (json!({"mode":"switchover"}), Mode::Switchover, Purpose::Act),
            (json!({"mode":"failover"}), Mode::Failover, Purpose::Act),
            (json!({"mode":"rehearse"}), Mode::Failover, Purpose::Rehearse),
            (json!({"mode":"rehearse","of":"failover"}), Mode::Failover, Purpose::Rehearse),
            (json!({"mode":"rehearse","of":"switchover"}), Mode::Switchover, Purpose::Rehearse),
        ];
        for (mut input, mode, purpose) in cases {
            (input["plan"], input["target"]) = (json!("retail-store"), json!("us-west-2"));
            let request = Request::read(&input).expect("a request");
            assert_eq!((request.mode, request.purpose), (mode, purpose), "{input}");
        }
    }

    #[test]
    fn a_request_is_written_as_it_is_read() {
        let consent =
            json!({"max_data_loss":"30s","accepted_by":"x","reason":"y","expires":"2027-01-01T00:00:00.000Z"});
        let triggers = [
            json!({"kind":"operator"}),
            json!({"kind":"operator","name":"on call"}),
            json!({"kind":"alarm","alarm":"store-other-region","transition_at":"2027-01-01T00:00:00.000Z"}),
        ];
        let mut tried = 0;
        for trigger in triggers {
            for (mode, of) in [
                ("switchover", None),
                ("failover", None),
                ("rehearse", Some("failover")),
                ("rehearse", Some("switchover")),
            ] {
                for with_consent in [false, true] {
                    if with_consent && [mode, of.unwrap_or("")].contains(&"switchover") {
                        continue;
                    }
                    let mut input =
                        json!({"plan":"retail-store","target":"us-west-2","mode":mode,"trigger":trigger.clone()});
                    if let Some(of) = of {
                        input["of"] = json!(of);
                    }
                    if with_consent {
                        input["consent"] = consent.clone();
                    }
                    let request = Request::read(&input).expect("a request");
                    assert_eq!(serde_json::to_value(&request).expect("JSON"), input);
                    tried += 1;
                }
            }
        }
        assert_eq!(tried, 3 * 6);
    }

    #[test]
    fn what_is_rehearsed_is_said_only_of_a_rehearsal() {
        let with = |mode: &str, of: &str| {
            let input = json!({"plan":"retail-store","target":"us-west-2","mode":mode,"of":of});
            let problems = Request::read(&input).expect_err("bad");
            problems.into_iter().map(|p| (p.field, p.expected)).collect::<Vec<_>>()
        };
        for (mode, of) in [("switchover", "switchover"), ("failover", "switchover"), ("failover", "nonsense")] {
            let found = with(mode, of);
            assert_eq!((found.len(), found[0].0.as_str()), (1, "of"), "{mode} {of}");
            assert!(found[0].1.starts_with("no such field unless mode is rehearse"), "{found:?}");
        }
        for of in ["rehearse", "nonsense", ""] {
            let found = with("rehearse", of);
            assert_eq!((found.len(), found[0].0.as_str()), (1, "of"), "{of}");
            assert!(found[0].1.starts_with("switchover (planned, loses nothing) or failover"), "{found:?}");
        }
        let found = with("dry-run", "failover");
        assert!(found[0].1.ends_with("or rehearse (changes nothing)"), "{found:?}");
    }

    #[test]
    fn a_text_of_a_request_has_its_bound() {
        let read = |field: &str, text: String| {
            let mut input = json!({"plan":"retail-store","target":"us-west-2","mode":"failover"});
            match field {
                "comment" => input["comment"] = json!(text),
                "name" => input["trigger"] = json!({"kind":"operator","name":text}),
                _ => {
                    input["trigger"] = json!({"kind":"alarm","alarm":text,"transition_at":"2027-01-01T00:00:00.000Z"});
                }
            }
            Request::read(&input).is_ok()
        };
        for (field, max) in [("comment", 500), ("name", 200), ("alarm", 255)] {
            assert!(read(field, "a".repeat(max)) && !read(field, "a".repeat(max + 1)), "{field}");
        }
    }

    #[test]
    fn a_bad_request_names_every_field_at_once() {
        let cases = [
            (json!("failover"), vec!["request"]),
            (json!({}), vec!["mode", "plan", "target"]),
            (json!({"plan":"Retail","target":"west","mode":"move"}), vec!["mode", "plan", "target"]),
            (json!({"plan":"a","target":"us-west-2","mode":"failover","force":true}), vec!["force"]),
            (
                json!({"plan":"a","target":"us-west-2","mode":"failover","consent":{"max_data_loss":"lots"}}),
                vec!["consent.accepted_by", "consent.expires", "consent.max_data_loss", "consent.reason"],
            ),
            (
                json!({"plan":"a","target":"us-west-2","mode":"failover","trigger":{"kind":"moon"}}),
                vec!["trigger.kind"],
            ),
            (
                json!({"plan":"a","target":"us-west-2","mode":"failover","trigger":{"kind":"alarm"}}),
                vec!["trigger.alarm", "trigger.transition_at"],
            ),
            (
                json!({"plan":"a","target":"us-west-2","mode":"switchover","consent":{"max_data_loss":"5s","accepted_by":"x","reason":"y","expires":"2027-01-01T00:00:00Z"}}),
                vec!["consent"],
            ),
            (
                json!({"plan":"a","target":"us-west-2","mode":"rehearse","of":"switchover","consent":{"max_data_loss":"5s","accepted_by":"x","reason":"y","expires":"2027-01-01T00:00:00Z"}}),
                vec!["consent"],
            ),
        ];
        for (input, fields) in cases {
            let mut found: Vec<String> = Request::read(&input).expect_err("bad").into_iter().map(|p| p.field).collect();
            found.sort();
            assert_eq!(found, fields, "{input}");
        }
    }
}
