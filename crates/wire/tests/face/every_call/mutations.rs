//! The changes.

use std::time::Duration;

use lifeboat_aws::{
    AuroraDatabases, ClusterRouting, EcsCompute, ElastiCacheCaches, MqBrokers, S3Archive, SfnApprovals, SfnExecutions,
    SnsNotices,
};
use lifeboat_model::Direction;
use lifeboat_model::evidence::{ScaleIn, Switch};
use lifeboat_model::journal::{Entry, Note};
use lifeboat_model::limits::{LEASE, Step};
use lifeboat_model::lock::{Admission, Approval, Lock, LockState};
use lifeboat_model::plan::Policy;
use lifeboat_model::request::{Mode, Trigger};
use lifeboat_ports::{
    Approvals, Archive, AskedApproval, Brokers, Caches, Compute, Databases, Executions, Holder, KillSwitch, Ledger,
    Locks, Mark, Notices, PlanStore, Routing, Scope,
};
use lifeboat_simulator::world::Sent;
use lifeboat_simulator::world::compute::Fleet;
use serde_json::json;

use super::reads::{ledger, target};
use super::rows::{Arrange, Call, Row, Way, arrange, call};
use crate::common::{SOURCE, Served, TARGET, region};

const REGISTER: &str = "application-autoscaling:RegisterScalableTarget";
const LIMITS: &str = "application-autoscaling:DescribeScalableTargets";

/// The lock as run-1 holds it.
fn held(s: &Served) -> Lock {
    let run = Admission {
        run_id: "run-1".to_owned(),
        plan_version: 1,
        direction: Direction { source: region(SOURCE), target: target() },
        mode: Mode::Switchover,
        consent: None,
        trigger: Trigger::Operator { name: None },
        approval: Approval::NotNeeded,
        admitted_at: s.world.now(),
    };
    Lock {
        epoch: 1,
        state: LockState::Held,
        lease_expires_at: s.world.now().plus(LEASE),
        run,
        past_point_of_no_return: false,
        inherits_change: false,
        cool_down_until: None,
        acknowledged: false,
        stopped: None,
    }
}

fn put_lock(s: &Served, lock: Lock) {
    s.world.state_mut().table.locks.insert(s.plan.name.clone(), lock);
}

fn lock(s: &Served) -> Option<Lock> {
    s.world.state().table.locks.get(&s.plan.name).cloned()
}

fn fleet(s: &Served) -> Fleet {
    s.world.state().compute.fleets[&(s.plan.services[0].name.clone(), target())].clone()
}

/// run-1 holds the plan.
const HELD: Arrange = arrange!(s => put_lock(s, held(s)));

/// Scale-in of the service is suspended.
const SUSPENDED: Arrange = arrange!(s => {
    let key = (s.plan.services[0].name.clone(), target());
    let mut state = s.world.state_mut();
    let scaling = state.compute.fleets.get_mut(&key).and_then(|fleet| fleet.scaling.as_mut()).expect("it scales");
    scaling.scale_in = ScaleIn::Suspended;
});

/// An alarm has started a run, which asks a person.
const ASKED: Arrange = arrange!(s => {
    {
        let state = &mut *s.world.state_mut();
        state.plan.automation.policy = Policy::Approve;
        state.table.plans.insert(s.plan.name.clone(), [(1, state.plan.clone())].into());
    }
    s.world.darken(&region(SOURCE));
    for _ in 0..20 {
        tokio::time::advance(Duration::from_secs(30)).await;
        // The world sees to it on its next beat.
        tokio::time::sleep(Duration::from_millis(5)).await;
        if !token(s).is_empty() {
            return;
        }
    }
    panic!("nobody was asked")
});

fn token(s: &Served) -> String {
    let state = s.world.state();
    state.table.approvals.get(&s.plan.name).map(|asked| asked.token.clone()).unwrap_or_default()
}

pub fn rows() -> Vec<Row> {
    [workload(), compute(), runs(), table(), operator()].concat()
}

fn workload() -> Vec<Row> {
    let switchover: Call = call!(s => AuroraDatabases::new(&s.environment()).switchover(&s.plan.databases[0], &s.plan.databases[0].clusters[&target()], &region(SOURCE)));
    let failover: Call = call!(s => AuroraDatabases::new(&s.environment()).failover(&s.plan.databases[0], &s.plan.databases[0].clusters[&target()], &target()));
    let cache: Call = call!(s => ElastiCacheCaches::new(&s.environment()).promote(&s.plan.caches[0], &target()));
    let broker: Call =
        call!(s => MqBrokers::new(&s.environment()).promote(&s.plan.brokers[1], &target(), Mode::Switchover));
    let change: Call = call!(s => {
        let control = |name: &str| s.plan.routing.controls[&region(name)].clone();
        let changes = [(control(SOURCE), Switch::Off), (control(TARGET), Switch::On)];
        async move { ClusterRouting::new(&s.environment()).change(&s.plan.routing.endpoints[0], &changes).await }
    });
    let moves = |s: &Served| !s.world.state().aurora.promotions.is_empty();
    vec![
        Row::change("Databases::switchover", "rds:SwitchoverGlobalCluster", switchover, moves),
        Row::change("Databases::failover", "rds:FailoverGlobalCluster", failover, moves),
        Row::change("Caches::promote", "elasticache:FailoverGlobalReplicationGroup", cache, |s| {
            !s.world.state().caches.promotions.is_empty()
        }),
        Row::change("Brokers::promote", "mq:Promote", broker, |s| !s.world.state().brokers.promotions.is_empty()),
        Row::change("Routing::change", "route53-recovery-cluster:UpdateRoutingControlStates", change, |s| {
            s.world.state().traffic.controls[&s.plan.routing.controls[&target()]] == Switch::On
        })
        .sent(Way::Endpoint),
    ]
}

fn compute() -> Vec<Row> {
    let minimum: Call = call!(s => EcsCompute::new(&s.environment()).raise_minimum(&s.plan.services[0], &target(), 6));
    let desired: Call = call!(s => EcsCompute::new(&s.environment()).raise_desired(&s.plan.services[0], &target(), 6));
    let resume: Call = call!(s => EcsCompute::new(&s.environment()).resume_scale_in(&s.plan.services[0], &target()));
    let is_raised = |s: &Served| fleet(s).scaling.is_some_and(|scaling| scaling.minimum == 6);
    let is_allowed = |s: &Served| fleet(s).scaling.is_some_and(|scaling| scaling.scale_in == ScaleIn::Allowed);
    vec![
        Row::change("Compute::raise_minimum", LIMITS, minimum, is_raised).sent(Way::Before),
        Row::change("Compute::raise_minimum", REGISTER, minimum, is_raised).sent(Way::After),
        Row::change("Compute::raise_desired", "ecs:UpdateService", desired, |s| fleet(s).desired == 6),
        Row::change("Compute::resume_scale_in", LIMITS, resume, is_allowed).sent(Way::Before).after(SUSPENDED),
        Row::change("Compute::resume_scale_in", REGISTER, resume, is_allowed).sent(Way::After).after(SUSPENDED),
    ]
}

fn runs() -> Vec<Row> {
    let start: Call = call!(s => {
        let input = json!({"plan": s.plan.name, "target": target(), "mode": "rehearse"});
        async move { SfnExecutions::new(&s.environment()).expect("a state machine").start("one", &input).await }
    });
    let publish: Call = call!(s => SnsNotices::new(&s.environment()).expect("a topic").publish("subject", "body"));
    let store: Call =
        call!(s => S3Archive::new(&s.environment()).expect("a bucket").store("runs/one.txt", "text/plain", "well"));
    vec![
        Row::change("Executions::start", "states:StartExecution", start, |s| !s.world.state().runs.is_empty()),
        Row::change("Notices::publish", "sns:Publish", publish, |s| !s.world.state().messages.published.is_empty()),
        Row::change("Archive::store", "s3:PutObject", store, |s| !s.world.state().messages.stored.is_empty()),
    ]
}

/// The answer to a question that was asked: a row that cannot be tried beside others, since it lets minutes pass at once.
pub fn answer() -> Row {
    let answer: Call = call!(s => {
        let approvals = SfnApprovals::new(&s.environment()).expect("a table");
        async move { approvals.answer(&target(), &token(s), &json!({"approved": false})).await }
    });
    Row::change("Approvals::answer", "states:SendTaskSuccess", answer, |s| s.world.task_waits(&token(s)) != Sent::Taken)
        .after(ASKED)
}

fn table() -> Vec<Row> {
    let replace: Call = call!(s => ledger(s).replace_lock(&s.plan.name, None, &held(s)));
    let fence: Call = call!(s => {
        let until = s.world.now().plus(LEASE);
        async move { ledger(s).fence(&s.plan.name, Holder { run_id: "run-1", epoch: 1 }, until, Mark::PointOfNoReturn).await }
    });
    let append: Call = call!(s => {
        let (run_id, resource) = ("run-1".to_owned(), s.plan.name.to_string());
        let (at, note) = (s.world.now(), Note::WritersVerified);
        async move { ledger(s).append(&Entry { run_id, epoch: 1, step: Step::VerifyWriters, resource, at, note }).await }
    });
    let ask: Call = call!(s => {
        let (asked_at, expires_at) = (s.world.now(), s.world.now().plus(LEASE));
        let asked = AskedApproval { run_id: "run-1".to_owned(), token: "token".to_owned(), asked_at, expires_at };
        async move { ledger(s).ask_approval(&s.plan.name, &asked).await }
    });
    vec![
        Row::change("Ledger::replace_lock", "dynamodb:PutItem", replace, |s| lock(s).is_some()),
        Row::change("Ledger::fence", "dynamodb:UpdateItem", fence, |s| {
            lock(s).is_some_and(|lock| lock.past_point_of_no_return)
        })
        .after(HELD),
        Row::change("Ledger::append", "dynamodb:PutItem", append, |s| !s.world.state().table.journal.is_empty()),
        Row::change("Ledger::ask_approval", "dynamodb:PutItem", ask, |s| !s.world.state().table.approvals.is_empty()),
    ]
}

fn operator() -> Vec<Row> {
    vec![
        Row::change("PlanStore::add_version", "dynamodb:PutItem", call!(s => ledger(s).add_version(&s.plan, 2)), |s| {
            s.world.state().table.plans[&s.plan.name].contains_key(&2)
        }),
        Row::change(
            "PlanStore::make_current",
            "dynamodb:PutItem",
            call!(s => ledger(s).make_current(&s.plan.name, Some(1), 2)),
            |s| s.world.state().table.current.get(&s.plan.name) == Some(&2),
        ),
        Row::change(
            "PlanStore::claim_alarm",
            "dynamodb:PutItem",
            call!(s => ledger(s).claim_alarm("second", &s.plan.name)),
            |s| s.world.state().table.alarms.contains_key("second"),
        ),
        Row::change(
            "PlanStore::release_alarm",
            "dynamodb:DeleteItem",
            call!(s => ledger(s).release_alarm(&s.plan.automation.alarm.name, &s.plan.name)),
            |s| s.world.state().table.alarms.is_empty(),
        ),
        Row::change("KillSwitch::set", "dynamodb:PutItem", call!(s => ledger(s).set(Scope::AllPlans, "why")), |s| {
            s.world.state().table.settings.disabled.is_some()
        }),
        Row::change(
            "KillSwitch::clear",
            "dynamodb:DeleteItem",
            call!(s => ledger(s).clear(Scope::AllPlans, "why")),
            |s| s.world.state().table.settings.disabled.is_none(),
        )
        .after(arrange!(s => s.world.state_mut().table.settings.disabled = Some("why".to_owned()))),
        Row::change(
            "Locks::acknowledge",
            "dynamodb:UpdateItem",
            call!(s => {
                let (read, now) = (lock(s).expect("a lock"), s.world.now());
                async move { ledger(s).acknowledge(&s.plan.name, &read, "me", now).await }
            }),
            |s| lock(s).is_some_and(|lock| lock.acknowledged),
        )
        .after(arrange!(s => put_lock(s, Lock { state: LockState::NeedsOperator, ..held(s) }))),
        Row::change(
            "Locks::stop_run",
            "dynamodb:UpdateItem",
            call!(s => ledger(s).stop_run(&s.plan.name, "run-1", "me: why")),
            |s| lock(s).is_some_and(|lock| lock.stopped.is_some()),
        )
        .after(HELD),
    ]
}
