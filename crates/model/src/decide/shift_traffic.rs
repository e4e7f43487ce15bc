//! Which routing change to send, and what a refused one means.

use std::collections::BTreeMap;

use crate::evidence::{RoutingStates, Switch};
use crate::{Arn, Direction, Region};

/// What to do about routing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shift {
    /// The target is On and the source Off.
    Done,
    /// Send this in one batch: at no time is no Region On (S2).
    Change(Vec<(Arn, Switch)>),
}

/// Decides from the states that an endpoint told. The batch always names both controls, whatever they are now: it says
/// what shall be true, so that it may be sent again.
pub fn shift_traffic(controls: &BTreeMap<Region, Arn>, direction: &Direction, seen: &RoutingStates) -> Shift {
    let wanted: Vec<(Arn, Switch)> = controls
        .iter()
        .map(|(region, control)| (control.clone(), if *region == direction.target { Switch::On } else { Switch::Off }))
        .collect();
    if wanted.iter().all(|(control, switch)| seen.states.get(control) == Some(switch)) {
        Shift::Done
    } else {
        Shift::Change(wanted)
    }
}

/// What a routing-control cluster means by refusing a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoutingRefusal {
    /// A safety rule would be broken; its ARN.
    SafetyRule(String),
    /// A change is still settling (a rule's wait period, or somebody else's change): look again shortly.
    Settling,
    /// Anything else.
    Other,
}

/// Reads a refusal. AWS names the blocking rule's ARN in the message and does not document the exception class, so the
/// message of any refusal is searched.
pub fn routing_refusal(code: &str, message: &str) -> RoutingRefusal {
    let rule = message
        .split(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | ',' | '(' | ')' | '[' | ']'))
        .find(|word| word.starts_with("arn:") && word.contains("safetyrule/"));
    let waits = message.to_ascii_lowercase().contains("wait period");
    match rule {
        Some(rule) if !waits => RoutingRefusal::SafetyRule(rule.trim_end_matches(['.', ';', ':']).to_owned()),
        Some(_) | None if waits || code == "ConflictException" => RoutingRefusal::Settling,
        Some(_) | None => RoutingRefusal::Other,
    }
}
