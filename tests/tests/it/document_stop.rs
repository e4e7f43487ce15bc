//! The SSM document that stops: a run before its point of no return, and the kill switch.

use serde_json::{Value, json};

use crate::document_stage::{Document, assert_patterns, made};

const RUN: &str = "arn:aws:states:us-west-2:111122223333:execution:lifeboat-failover:alarm-1";
const WHY: &str = "the \"owner\": it's {{ wrong }}, \\ and \u{fc}";

fn performed(plan: &str, what: &str, items: &Value, fails: &str) -> Value {
    let values =
        [("Plan", plan), ("What", what), ("By", "the \"owner\""), ("Reason", "it's {{ wrong }},  \\ and\t\u{fc}")];
    Document::named("Stop").performed(&values, items, fails)
}

fn lock(state: &str) -> Value {
    json!({"plan#retail-store lock": {"pk": {"S": "plan#retail-store"}, "sk": {"S": "lock"}, "state": {"S": state},
        "run_id": {"S": RUN}, "past_point_of_no_return": {"BOOL": false}}})
}

fn raised(said: &Value) -> &str {
    said["raised"].as_str().unwrap_or_else(|| panic!("it did not refuse: {said}"))
}

#[test]
fn the_run_that_holds_the_plan_is_stopped_only_if_it_is_still_that_run_and_before_its_point_of_no_return() {
    let said = performed("retail-store", "stop-run", &lock("held"), "");
    let [read, write] = said["calls"].as_array().expect("calls").as_slice() else { panic!("{said}") };
    assert_eq!((&read["call"], &read["ConsistentRead"]), (&json!("GetItem"), &json!(true)));
    assert_eq!(write["Key"], json!({"pk": {"S": "plan#retail-store"}, "sk": {"S": "lock"}}));
    assert_eq!(write["UpdateExpression"], "SET stopped = :why");
    let condition = "#state = :held AND run_id = :run AND past_point_of_no_return = :false";
    assert_eq!(write["ConditionExpression"], condition);
    assert_eq!(write["ExpressionAttributeNames"], json!({"#state": "state"}));
    let values = json!({":why": {"S": WHY}, ":held": {"S": "held"}, ":run": {"S": RUN}, ":false": {"BOOL": false}});
    assert_eq!(write["ExpressionAttributeValues"], values);
    assert!(said["returned"]["did"].as_str().is_some_and(|did| did.contains(RUN)), "{said}");
    assert_eq!(said["returned"]["now"], format!("plan retail-store: its run is stopped: {WHY}"));
    let mut granted = Document::named("Stop").granted();
    granted.sort();
    assert_eq!(granted, made(&said), "its role holds these calls and no others");
}

#[test]
fn a_stop_that_comes_too_late_or_finds_no_run_says_so_and_changes_nothing() {
    let nothing = [json!({}), lock("free"), lock("needs-operator")];
    for items in &nothing {
        let said = performed("retail-store", "stop-run", items, "");
        assert_eq!(raised(&said), "no run holds plan retail-store; nothing was changed");
        assert_eq!(&said["items"], items);
    }
    let late = performed("retail-store", "stop-run", &lock("held"), "ConditionalCheckFailedException");
    let why = raised(&late);
    assert!(why.contains(RUN) && why.contains("point of no return") && why.contains("kill-switch-on"), "{why}");
    assert_eq!(late["items"], lock("held"));
    let all = performed("ALL", "stop-run", &lock("held"), "");
    assert_eq!(raised(&all), "stop-run needs the name of one plan; nothing was changed");
    assert_eq!(all["calls"], json!([]));
}

#[test]
fn the_kill_switch_of_one_plan_or_of_all_is_set_where_steps_read_it_and_taken_away_again() {
    for (plan, item, whose) in
        [("retail-store", "plan#retail-store settings", "plan retail-store"), ("ALL", "settings all", "all plans")]
    {
        let on = performed(plan, "kill-switch-on", &json!({}), "");
        assert_eq!(on["items"][item]["disabled"], json!({"S": WHY}), "{on}");
        assert_eq!(on["returned"]["now"], format!("runs of {whose} are disabled: {WHY}"));
        let off = performed(plan, "kill-switch-off", &on["items"], "");
        assert!(off["items"][item].get("disabled").is_none(), "{off}");
        assert_eq!(off["returned"]["now"], format!("runs of {whose} are allowed"));
    }
}

#[test]
fn who_takes_one_kill_switch_away_is_told_of_the_other_one() {
    let items = json!({"settings all": {"disabled": {"S": "an exercise"}},
        "plan#retail-store settings": {"disabled": {"S": "maintenance"}}});
    let said = performed("retail-store", "kill-switch-off", &items, "");
    assert_eq!(said["returned"]["now"], "runs of all plans are disabled: an exercise");
    assert_eq!(said["items"]["settings all"], items["settings all"]);
}

#[test]
fn a_stop_that_the_table_refuses_or_that_names_nobody_fails_by_name() {
    for what in ["stop-run", "kill-switch-on", "kill-switch-off"] {
        let said = performed("retail-store", what, &lock("held"), "AccessDeniedException");
        assert_eq!(raised(&said), "the table refused: AccessDeniedException: the service's words", "{what}");
        let said = performed("retail-store", what, &lock("held"), "ReadTimeoutError");
        let why = raised(&said);
        assert!(why.starts_with("nobody knows whether the table took it (ReadTimeoutError): run"), "{what}: {why}");
        for (by, reason) in [(" ", "x"), ("x", "\t")] {
            let values = [("Plan", "retail-store"), ("What", what), ("By", by), ("Reason", reason)];
            let said = Document::named("Stop").performed(&values, &lock("held"), "");
            assert_eq!(raised(&said), "By and Reason must say something; nothing was changed");
            assert_eq!(said["calls"], json!([]));
        }
    }
}

#[test]
fn all_is_no_name_of_a_plan_and_a_plan_may_be_called_all() {
    let pattern = Document::named("Stop").pattern("Plan");
    let with = |names: &[&str]| names.iter().map(|n| ((*n).to_owned(), pattern.clone())).collect::<Vec<_>>();
    assert_patterns(&with(&["ALL", "all", "retail-store"]), &with(&["", "All", "ALLx", "xALL", "plan#x", "a b", "1"]));
    assert!("ALL".parse::<lifeboat_model::plan::Name>().is_err());
}
