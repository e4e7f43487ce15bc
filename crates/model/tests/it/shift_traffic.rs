//! Which routing change is sent, over every state of both controls, and what a refused one means.

use std::collections::BTreeMap;

use crate::common::{NOW, arn, east, eastward, plan, west, westward};
use lifeboat_model::decide::{RoutingRefusal, Shift, routing_refusal, shift_traffic};
use lifeboat_model::evidence::{RoutingStates, Switch};
use lifeboat_model::{Arn, Direction, Region};

const SEEN: [Option<Switch>; 3] = [Some(Switch::On), Some(Switch::Off), None];
const RULE: &str = "arn:aws:route53-recovery-control::111122223333:controlpanel/8f2c/safetyrule/ab12";

fn control(region: &Region) -> Arn {
    plan().routing.controls.get(region).expect("a control in each of the plan's Regions").clone()
}

fn every_case(mut check: impl FnMut(&Direction, Option<Switch>, Option<Switch>, Shift)) {
    let controls = plan().routing.controls;
    for direction in [westward(), eastward()] {
        for (source, target) in SEEN.into_iter().flat_map(|s| SEEN.map(|t| (s, t))) {
            for somebody_elses in SEEN {
                let told = [
                    (control(&direction.source), source),
                    (control(&direction.target), target),
                    (
                        arn("arn:aws:route53-recovery-control::111122223333:controlpanel/p/routingcontrol/other"),
                        somebody_elses,
                    ),
                ];
                let states: BTreeMap<Arn, Switch> = told.into_iter().filter_map(|(c, s)| Some((c, s?))).collect();
                let seen = RoutingStates { observed_at: NOW, endpoint: west(), states };
                check(&direction, source, target, shift_traffic(&controls, &direction, &seen));
            }
        }
    }
}

#[test]
fn s2_a_change_always_names_both_controls_and_turns_the_target_on() {
    every_case(|direction, _, _, got| {
        let Shift::Change(change) = got else { return };
        let change: BTreeMap<Arn, Switch> = change.into_iter().collect();
        let both = [(control(&direction.source), Switch::Off), (control(&direction.target), Switch::On)];
        assert_eq!(change, BTreeMap::from(both));
    });
}

#[test]
fn s9_nothing_is_done_unless_both_controls_are_known_to_be_as_they_should() {
    every_case(|_, source, target, got| {
        let in_place = source == Some(Switch::Off) && target == Some(Switch::On);
        assert_eq!(got == Shift::Done, in_place, "{source:?} {target:?}");
    });
}

#[test]
fn s10_a_change_that_was_made_is_done_and_one_that_was_lost_is_the_same_again() {
    let controls = plan().routing.controls;
    every_case(|direction, _, _, got| {
        let Shift::Change(change) = got else { return };
        let after = |states| RoutingStates { observed_at: NOW, endpoint: east(), states };
        let made = after(change.iter().cloned().collect());
        assert_eq!(shift_traffic(&controls, direction, &made), Shift::Done);
        assert_eq!(shift_traffic(&controls, direction, &after(BTreeMap::new())), Shift::Change(change));
    });
}

#[test]
fn a_safety_rule_is_found_wherever_it_stands_in_the_message() {
    let messages = [
        format!("The request violates safety rule {RULE}"),
        format!("The request violates safety rule {RULE}."),
        format!("Safety rule '{RULE}' blocked the change"),
        format!("Safety rule \"{RULE}\" blocked the change"),
        format!("blocked by [{RULE}]"),
        format!("blocked by [{RULE}, {RULE}2]"),
        format!("blocked ({RULE})."),
        format!("{RULE}: at least one control must be On"),
        format!("{RULE}; nothing was changed"),
        format!(
            "control arn:aws:route53-recovery-control::111122223333:controlpanel/8f2c/routingcontrol/x: rule\n{RULE}\n"
        ),
    ];
    for message in messages {
        for code in ["ValidationException", "ConflictException", "AccessDeniedException", ""] {
            let rule = RoutingRefusal::SafetyRule(RULE.to_owned());
            assert_eq!(routing_refusal(code, &message), rule, "{code}: {message}");
        }
    }
}

#[test]
fn s13_a_wait_period_settles_by_itself_whatever_rule_it_belongs_to() {
    let messages = [
        format!("The wait period of safety rule {RULE} has not elapsed."),
        "Wait Period not over".to_owned(),
        "WAIT PERIOD".to_owned(),
    ];
    for message in messages {
        for code in ["ValidationException", "ConflictException", ""] {
            assert_eq!(routing_refusal(code, &message), RoutingRefusal::Settling, "{code}: {message}");
        }
    }
}

#[test]
fn a_conflict_settles_and_anything_else_is_for_a_person() {
    let table = [
        ("ConflictException", "There was a conflict with this request. Try again.", RoutingRefusal::Settling),
        ("ConflictException", "", RoutingRefusal::Settling),
        ("AccessDeniedException", "not authorized", RoutingRefusal::Other),
        ("ValidationException", "1 validation error detected", RoutingRefusal::Other),
        (
            "ResourceNotFoundException",
            "arn:aws:route53-recovery-control::1:controlpanel/a/routingcontrol/b",
            RoutingRefusal::Other,
        ),
        ("ValidationException", "safetyrule/ab12 without its ARN", RoutingRefusal::Other),
        ("", "", RoutingRefusal::Other),
    ];
    for (code, message, expected) in table {
        assert_eq!(routing_refusal(code, message), expected, "{code}: {message}");
    }
}
