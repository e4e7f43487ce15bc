//! The message that people get when an alarm called and started nothing: why, what to do, and how to start a run by hand.

use lifeboat_model::{Arn, Period, Plan, Region, Timestamp};

use crate::message::{Message, bounded, one_line};

/// How long the consent in the input for Step Functions holds, from the message on. The documents count from their start.
const CONSENT: Period = Period::seconds(3600);

/// An alarm's call that started nothing.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The alarm.
    pub alarm: &'a str,
    /// The Region that heard it.
    pub home: &'a Region,
    /// When it went into ALARM.
    pub at: Timestamp,
    /// What it says it saw.
    pub saw: &'a str,
    /// The plan that it belongs to, if there is one.
    pub plan: Option<&'a Plan>,
    /// Why nothing was started.
    pub why: &'a str,
    /// What to do about that.
    pub what_next: &'a str,
    /// The state machine of this Region.
    pub state_machine: &'a Arn,
    /// The present.
    pub now: Timestamp,
}

/// The message about `call`. What stands in capitals is for the reader to fill in; as it is, it is refused.
pub fn message(call: &Call<'_>) -> Message {
    let home = call.home;
    let mut lines = vec![
        "An alarm called. Nothing was started, nothing was changed.".to_owned(),
        format!("Why: {}", bounded(call.why)),
        format!("What next: {}", bounded(call.what_next)),
        String::new(),
        format!("Alarm: {} in {home}, in ALARM since {}", bounded(call.alarm), call.at),
        format!("Saw:   {}", bounded(call.saw)),
    ];
    let direction = call.plan.and_then(|plan| Some((plan, plan.direction_to(home)?)));
    let subject = match direction {
        None => format!("Lifeboat: NotStarted: alarm {} in {home}", call.alarm),
        Some((plan, direction)) => {
            lines.push(format!("Plan:  {}, {direction}", plan.name));
            lines.extend(by_hand(call, plan));
            format!("Lifeboat: NotStarted: {} to {home}", plan.name)
        }
    };
    Message { subject: one_line(&subject), body: lines.join("\n") + "\n" }
}

/// How a person starts what the alarm did not.
fn by_hand(call: &Call<'_>, plan: &Plan) -> Vec<String> {
    let (home, name) = (call.home, &plan.name);
    let document = |document: &str, more: &str| {
        format!(
            "  aws ssm start-automation-execution --region {home} --document-name {document} --parameters \
             '{{\"Plan\": [\"{name}\"], \"Target\": [\"{home}\"], \"By\": [\"YOUR NAME\"], \"Reason\": [\"WHY\"]{more}}}'"
        )
    };
    vec![
        String::new(),
        format!("To start by hand, in {home}: first what a run would meet and call now. It changes nothing."),
        format!("  lifeboat rehearse {name} --target {home} --watch"),
        document("Lifeboat-Rehearse", ""),
        format!("Then the failover. HOW MUCH is what you accept to lose; the objective is {}.", plan.objectives.rpo),
        format!(
            "  lifeboat start {name} --target {home} --mode failover --max-data-loss 'HOW MUCH' --reason 'WHY' --watch"
        ),
        document("Lifeboat-Failover", ", \"MaxDataLoss\": [\"HOW MUCH\"]"),
        "In the console: Systems Manager, Automation, the same documents. Or Step Functions, Start execution of"
            .to_owned(),
        format!("  {}", call.state_machine.as_str()),
        format!(
            "  {{\"plan\": \"{name}\", \"target\": \"{home}\", \"mode\": \"failover\", \"consent\": {{\"max_data_loss\": \
             \"HOW MUCH\", \"accepted_by\": \"YOUR NAME\", \"reason\": \"WHY\", \"expires\": \"{}\"}}}}",
            call.now.plus(CONSENT)
        ),
    ]
}
