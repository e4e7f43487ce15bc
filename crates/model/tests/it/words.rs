//! The words and forms that people and other programs meet: what a value is called, how it is written, what a schema asks for.

use std::time::Duration;

use lifeboat_model::execution::{ExecutionArn, StateMachine};
use lifeboat_model::plan::Name;
use lifeboat_model::read::{Expected, Node, Value};
use lifeboat_model::report::{Outcome, Standing};
use lifeboat_model::request::Mode;
use lifeboat_model::{Arn, Direction, Period, Region, Timestamp};
use serde_json::json;

#[test]
fn an_arn_is_one_in_all_its_parts_and_of_at_most_2048_printable_characters() {
    let role = |name_length: usize| format!("arn:aws:iam::111122223333:role/{}", "x".repeat(name_length));
    assert!(role(2048 - role(0).len()).parse::<Arn>().is_ok());
    for bad in [
        "arn:azure:rds:us-east-1:111122223333:cluster:orders".to_owned(),
        "arn:aws:rds:us-east-1:111122223333:cluster:two words".to_owned(),
        "arn:aws:rds:us-east-1:111122223333:cluster:\u{fc}ber".to_owned(),
        role(2049 - role(0).len()),
    ] {
        assert!(bad.parse::<Arn>().is_err(), "{bad}");
    }
}

#[test]
fn the_arn_of_a_state_machine_is_of_the_service_and_of_a_machine() {
    let good = "arn:aws:states:us-east-1:111122223333:stateMachine:lifeboat";
    assert!(good.parse::<StateMachine>().is_ok());
    for bad in [good.replace("stateMachine", "execution"), good.replace(":states:", ":lambda:")] {
        assert!(bad.parse::<StateMachine>().is_err(), "{bad}");
    }
}

#[test]
fn an_execution_is_written_as_its_arn() {
    let text = "arn:aws:states:us-east-1:111122223333:execution:lifeboat:night";
    assert_eq!(text.parse::<ExecutionArn>().map(|arn| arn.to_string()), Ok(text.to_owned()));
}

#[test]
fn a_direction_is_written_from_where_to_where() {
    let region = |name: &str| name.parse::<Region>().expect("a Region");
    let direction = Direction { source: region("us-east-1"), target: region("us-west-2") };
    assert_eq!(direction.to_string(), "us-east-1 -> us-west-2");
}

#[test]
fn each_mode_and_outcome_has_its_word_and_an_outcome_says_what_a_person_does_next() {
    for mode in [Mode::Switchover, Mode::Failover] {
        assert_eq!(mode.as_str().parse::<Mode>().map_err(|e| e.to_string()), Ok(mode));
    }
    for (outcome, word, says) in [
        (Outcome::Completed, "Completed", "the target serves"),
        (Outcome::Unchanged, "Unchanged", "the workload is as it was"),
        (Outcome::NeedsOperator, "NeedsOperator", "nothing starts before that"),
        (Outcome::Rehearsed, "Rehearsed", "nothing was changed"),
    ] {
        assert_eq!((outcome.as_str(), serde_json::to_value(outcome).ok()), (word, Some(json!(word))));
        assert!(outcome.what_next().contains(says), "{word}: {}", outcome.what_next());
    }
}

#[test]
fn an_objective_is_met_up_to_its_last_moment_and_each_standing_has_its_word() {
    for (seconds, standing, word) in
        [(0.0, Standing::Met, "met"), (30.0, Standing::Met, "met"), (30.001, Standing::Missed, "missed")]
    {
        assert_eq!(Standing::of(seconds, 30.0), standing, "{seconds} s");
        assert_eq!((standing.as_str(), serde_json::to_value(standing).ok()), (word, Some(json!(word))));
    }
}

#[test]
fn what_stood_in_a_document_is_shown_in_short_and_what_was_expected_in_a_sentence() {
    let shown = |json: serde_json::Value| Node::from(&json).value.to_string();
    let (just, over) = ("x".repeat(80), "x".repeat(81));
    for (json, expected) in [
        (json!(null), "nothing".to_owned()),
        (json!(true), "true".to_owned()),
        (json!(7), "7".to_owned()),
        (json!("a\nb"), r#""a\nb""#.to_owned()),
        (json!(just), format!("\"{just}\"")),
        (json!(over), format!("\"{just}\"...")),
        (json!([]), "an empty list".to_owned()),
        (json!([1, 2]), "a list of 2".to_owned()),
        (json!({"a": 1}), "a mapping".to_owned()),
    ] {
        assert_eq!(shown(json), expected);
    }
    assert_eq!(Value::Null.to_string(), "nothing");
    assert_eq!(Expected("yes or no").to_string(), "expected yes or no");
}

#[test]
fn a_period_is_written_in_the_largest_unit_that_it_is_whole_in_and_none_at_all_in_seconds() {
    let written = [(0, "0s"), (1, "1ms"), (1_500, "1500ms"), (1_000, "1s"), (90_000, "90s"), (120_000, "2m")];
    for (ms, text) in written.into_iter().chain([(3_600_000, "1h"), (604_800_000, "168h")]) {
        assert_eq!(Period::ms(ms).to_string(), text);
    }
}

#[test]
fn a_period_is_the_same_length_in_whatever_it_is_counted() {
    assert_eq!(Period::seconds(90), Period::ms(90_000));
    assert_eq!(Period::ms(90_000).as_duration(), Duration::from_secs(90));
    assert_eq!((Period::ms(1_500).as_ms(), Period::ms(1_500).as_seconds()), (1_500, 1.5));
}

#[test]
fn the_longest_period_of_a_plan_is_a_week() {
    assert_eq!(Period::MAX, Period::seconds(7 * 24 * 3600));
}

#[test]
fn a_schema_says_of_each_kind_of_text_what_it_has_to_look_like() {
    let schemas = [
        ("Arn", schemars::schema_for!(Arn), "pattern"),
        ("Name", schemars::schema_for!(Name), "pattern"),
        ("Region", schemars::schema_for!(Region), "pattern"),
        ("Period", schemars::schema_for!(Period), "pattern"),
        ("Timestamp", schemars::schema_for!(Timestamp), "format"),
    ];
    for (title, schema, form) in schemas {
        let told = |key: &str| schema.get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        assert_eq!((told("title"), told("type")), (title.to_owned(), "string".to_owned()));
        assert!(!told(form).is_empty(), "{title} has no {form}");
    }
}
