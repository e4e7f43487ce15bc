//! What people do in a drill.

use lifeboat_model::lock::{Admission, Approval, Lock, LockState};
use lifeboat_model::plan::Consent;
use lifeboat_model::report::Lane;
use lifeboat_model::request::{Mode, Purpose, Trigger};
use lifeboat_model::{Direction, Period, Region, Request};
use serde_json::{Value, json};

use super::play::{AFTERMATH, WARM_UP};
use crate::world::{BEGINNING, RunRecord, StartedBy, World};

/// How long a Region is away before nobody waits for it.
const GONE: Period = Period::seconds(600);
/// How long a drill goes on at the most.
const PATIENCE: Period = Period::seconds(4 * 3600);

/// Out by the alarm; then a person acknowledges, tries to go home too early, and goes when the old primary has rejoined.
pub(super) async fn go_and_come_home(world: &World, home: &Region) {
    world.darken(home);
    runs_end(world).await;
    world.sleep(AFTERMATH).await;
    world.light(home);
    world.log(Lane::Operator, "a person acknowledges the failover");
    acknowledge(world);
    operator_starts(world, home, "home-too-early", Mode::Switchover, Purpose::Act);
    let patience = world.now().plus(PATIENCE);
    while world.now() < patience && world.state().aurora.databases.values().any(|db| !db.resyncing.is_empty()) {
        world.sleep(Period::seconds(10)).await;
    }
    // The canaries' and the metrics' minutes of a source that is well again.
    world.sleep(WARM_UP).await;
    operator_starts(world, home, "home", Mode::Switchover, Purpose::Act);
}

/// What a person's acknowledgement does to the lock.
pub(crate) fn acknowledge(world: &World) {
    let now = world.now();
    let mut state = world.state_mut();
    let name = state.plan.name.clone();
    if let Some(lock) = state.table.locks.remove(&name) {
        state.table.locks.insert(name, lock.acknowledged(now));
    }
}

/// The lock as the failover to `now_serving` left it, acknowledged by a person.
pub(super) fn after_failover(now_serving: &Region, home: &Region) -> Lock {
    let run = Admission {
        run_id: "arn:aws:states:the-earlier-failover".to_owned(),
        plan_version: 1,
        direction: Direction { source: home.clone(), target: now_serving.clone() },
        mode: Mode::Failover,
        consent: None,
        trigger: Trigger::Operator { name: None },
        approval: Approval::NotNeeded,
        admitted_at: BEGINNING,
    };
    Lock {
        epoch: 1,
        state: LockState::Free,
        lease_expires_at: BEGINNING,
        run,
        past_point_of_no_return: true,
        inherits_change: false,
        cool_down_until: Some(BEGINNING.plus(Period::seconds(24 * 3600))),
        acknowledged: true,
        stopped: None,
    }
}

/// What a person asks for.
pub(crate) fn request_of(world: &World, target: &Region, mode: Mode, purpose: Purpose) -> Value {
    let consent = match (mode, purpose) {
        (Mode::Failover, Purpose::Act) => Some(consent(world)),
        (Mode::Failover, Purpose::Rehearse) | (Mode::Switchover, _) => None,
    };
    let request = Request {
        plan: world.state().plan.name.clone(),
        target: target.clone(),
        mode,
        purpose,
        consent,
        trigger: Trigger::Operator { name: Some("on call".to_owned()) },
    };
    serde_json::to_value(request).unwrap_or(Value::Null)
}

/// How a person moves the workload to the target as things are: a dark source is failed over.
pub(crate) fn mode_of(world: &World) -> Mode {
    let source = world.state().direction.source.clone();
    if world.is_dark(&source) { Mode::Failover } else { Mode::Switchover }
}

/// A person starts a run in `target`. The name is fixed: a drill's executions are told apart by it.
pub(crate) fn operator_starts(world: &World, target: &Region, name: &str, mode: Mode, purpose: Purpose) {
    let what = match purpose {
        Purpose::Act => "starts",
        Purpose::Rehearse => "rehearses",
    };
    world.log(Lane::Operator, format!("a person {what} a {} to {target}", mode.as_str()));
    let input = request_of(world, target, mode, purpose);
    world.start_execution(target, name, input, StartedBy::Operator);
}

fn consent(world: &World) -> Consent {
    Consent {
        max_data_loss: world.state().plan.objectives.rpo,
        accepted_by: "on call".to_owned(),
        reason: "a drill".to_owned(),
        expires: world.now().plus(Period::seconds(3600)),
    }
}

/// Waits until a person is asked for approval, or until there is nobody left to ask.
pub(super) async fn asked(world: &World) {
    let until = world.now().plus(PATIENCE);
    while world.state().table.approvals.is_empty() && world.now() < until {
        world.sleep(Period::ms(500)).await;
    }
}

/// A person who is asked, thinks and approves, accepting the loss that the plan's objective allows.
pub(super) async fn be_approver(world: &World, thinks: Period) {
    asked(world).await;
    world.sleep(thinks).await;
    let (token, bound) = {
        let state = world.state();
        let asked = state.table.approvals.get(&state.plan.name).map(|a| a.token.clone());
        (asked, state.plan.objectives.rpo)
    };
    let Some(token) = token else { return };
    let answer = json!({
        "decision": "approve",
        "by": "Head of Store Operations",
        "reason": "the store must sell",
        "max_data_loss": bound,
    });
    world.log(Lane::Operator, format!("a person approves, accepting the loss of at most {bound}"));
    world.send_task_success(&token, answer);
}

/// Waits for the first execution, and then for the last to end.
pub(crate) async fn runs_end(world: &World) {
    let until = world.now().plus(PATIENCE);
    let started_by = world.now().plus(Period::seconds(1200));
    loop {
        let (any, all_ended) = {
            let state = world.state();
            // What executes in a Region that is gone does not end before it is back.
            let gone = |r: &RunRecord| state.dark.get(&r.region).is_some_and(|since| world.now() > since.plus(GONE));
            (!state.runs.is_empty(), state.runs.iter().all(|r| r.ended.is_some() || gone(r)))
        };
        if any && all_ended || !any && world.now() > started_by || world.now() > until {
            return;
        }
        world.sleep(Period::ms(500)).await;
    }
}
