//! A plan, and journals of runs of it as the steps write them.

use lifeboat_model::ending::Ending;
use lifeboat_model::journal::{Call, Effect, Entry, Note};
use lifeboat_model::limits::Step;
use lifeboat_model::lock::Approval;
use lifeboat_model::plan::Consent;
use lifeboat_model::read::Node;
use lifeboat_model::report::{Outcome, RunReport};
use lifeboat_model::request::{Mode, Purpose, Trigger};
use lifeboat_model::verdict::Verdict;
use lifeboat_model::{Direction, Period, Plan, Reason, ReasonCode, Region, Timestamp};
use serde_json::json;

/// The moment at which every run is admitted: 2027-01-15T08:00:00Z.
pub const ADMITTED: Timestamp = Timestamp::from_ms(1_800_000_000_000);
/// The run.
pub const RUN: &str = "arn:aws:states:us-west-2:111122223333:execution:failover:store-1";

/// So many seconds after the admission.
pub fn at(s: f64) -> Timestamp {
    Timestamp::from_ms(ADMITTED.as_ms() + (s * 1000.0) as i64)
}

pub fn region(name: &str) -> Region {
    name.parse().expect("a Region")
}

/// One database, a required cache, a service of best effort; 10 minutes and 30 seconds are the objectives.
pub fn plan() -> Plan {
    let endpoint =
        |r: &str| json!({"region": r, "url": format!("https://a.route53-recovery-cluster.{r}.amazonaws.com/v1")});
    let control = |n: &str| format!("arn:aws:route53-recovery-control::111122223333:controlpanel/p/routingcontrol/{n}");
    let cluster = |r: &str| format!("arn:aws:rds:{r}:111122223333:cluster:orders-{r}");
    let canary = |name: &str, runs_in: &str, watches: &str, checks: &str| json!({"name": name, "runs_in": runs_in, "watches": watches, "checks": checks});
    let placement = json!({"cluster": "store", "service": "ui"});
    let plan = json!({
        "version": 1,
        "name": "store",
        "regions": ["us-east-1", "us-west-2"],
        "topology": "active-passive",
        "objectives": {"rto": "10m", "rpo": "30s"},
        "automation": {
            "policy": "autonomous",
            "alarm": {"name": "store-other-region", "period": "1m", "evaluation_periods": 2},
            "cool_down": "1h",
            "consent": {"max_data_loss": "30s", "accepted_by": "the owner", "reason": "it must sell",
                "expires": "2027-12-31T00:00:00Z"}
        },
        "routing": {
            "endpoints": (["us-east-1", "us-west-2", "eu-west-1", "ap-northeast-1", "ap-southeast-2"].map(endpoint)),
            "controls": {"us-east-1": control("east"), "us-west-2": control("west")}
        },
        "databases": [{"name": "orders", "global_cluster": "store-orders",
            "clusters": {"us-east-1": cluster("us-east-1"), "us-west-2": cluster("us-west-2")}}],
        "caches": [{"name": "checkout", "global_datastore": "store-checkout",
            "groups": {"us-east-1": "checkout-e", "us-west-2": "checkout-w"}}],
        "services": [{"name": "ui", "placements": {"us-east-1": placement, "us-west-2": placement}, "capacity": 4,
            "match_percent": 100, "minimum_percent": 100, "requirement": "best-effort"}],
        "canaries": [
            canary("east-read", "us-east-1", "us-east-1", "read"),
            canary("east-write", "us-east-1", "us-east-1", "write"),
            canary("east-from-west", "us-west-2", "us-east-1", "read"),
            canary("east-from-third", "us-east-2", "us-east-1", "read"),
            canary("west-read", "us-west-2", "us-west-2", "read"),
            canary("west-write", "us-west-2", "us-west-2", "write"),
            canary("west-from-east", "us-east-1", "us-west-2", "read"),
            canary("west-from-third", "us-east-2", "us-west-2", "read")
        ],
        "dns": [{"name": "shop.example.com", "ttl": "60s",
            "answers": {"us-east-1": "east.example.com", "us-west-2": "west.example.com"}}]
    });
    Plan::read(&Node::from(&plan)).unwrap_or_else(|problems| panic!("the plan is good, but: {problems:?}"))
}

pub fn consent() -> Consent {
    Consent {
        max_data_loss: Period::seconds(30),
        accepted_by: "the owner".to_owned(),
        reason: "it must sell".to_owned(),
        expires: at(3600.0),
    }
}

pub fn by_alarm() -> Trigger {
    Trigger::Alarm { alarm: "store-other-region".to_owned(), transition_at: at(-2.0) }
}

/// A failover to the west that an alarm started and that was admitted.
pub fn ending(cause: Option<&str>) -> Ending {
    Ending {
        purpose: Purpose::Act,
        plan_version: 7,
        direction: Direction { source: region("us-east-1"), target: region("us-west-2") },
        mode: Mode::Failover,
        trigger: by_alarm(),
        consent: Some(consent()),
        approval: Approval::NotNeeded,
        admitted_at: Some(ADMITTED),
        stopped: None,
        cause: cause.map(str::to_owned),
    }
}

pub fn verdict(s: f64, reasons: Vec<Reason>) -> Verdict {
    Verdict {
        assessed_at: at(s),
        reasons,
        warnings: vec![Reason::new(ReasonCode::ComputeNotReady, "service ui", "2 of 4 tasks")],
        predicted_rpo_s: Some(1.5),
        predicted_rto_s: 300.0,
        impaired_since: Some(at(-120.0)),
    }
}

pub fn entry(step: Step, resource: &str, s: f64, note: Note) -> Entry {
    Entry { run_id: RUN.to_owned(), epoch: 4, step, resource: resource.to_owned(), at: at(s), note }
}

pub fn call(operation: &str, parameters: &[(&str, &str)]) -> Call {
    let parameters = parameters.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Call { operation: operation.to_owned(), region: region("us-west-2"), parameters }
}

/// A call, and a second later what came of it.
pub fn made(step: Step, resource: &str, attempt: u32, s: f64, call: Call, effect: Effect) -> [Entry; 2] {
    let detail = match effect {
        Effect::Accepted => format!("request-{attempt}-of-{resource}"),
        Effect::None | Effect::Unknown => "the service's words".to_owned(),
    };
    [
        entry(step, resource, s, Note::Intent { attempt, call }),
        entry(step, resource, s + 1.0, Note::Outcome { attempt, effect, detail }),
    ]
}

pub fn concluded(s: f64, outcome: Outcome, ending: Ending) -> Entry {
    entry(Step::Conclude, "store", s, Note::Concluded { outcome, ending: Some(Box::new(ending)) })
}

pub fn promotion() -> Call {
    call("rds:FailoverGlobalCluster", &[("GlobalClusterIdentifier", "store-orders")])
}

/// A failover that went through, without the service of best effort.
pub fn completed() -> Vec<Entry> {
    let cache = call("elasticache:FailoverGlobalReplicationGroup", &[]);
    let routing = call("route53-recovery-cluster:UpdateRoutingControlStates", &[("west", "On"), ("east", "Off")]);
    [
        vec![entry(Step::Assess, "store", 1.0, Note::Assessed { verdict: verdict(1.0, Vec::new()) })],
        made(Step::PromoteDatabase, "orders", 1, 2.0, promotion(), Effect::None).to_vec(),
        made(Step::PromoteDatabase, "orders", 2, 5.0, promotion(), Effect::Accepted).to_vec(),
        made(Step::PromoteCache, "checkout", 1, 2.5, cache, Effect::Accepted).to_vec(),
        vec![
            entry(Step::PromoteCache, "checkout", 60.0, Note::Ready { what: "us-west-2 is the primary".to_owned() }),
            entry(Step::VerifyWriters, "store", 120.0, Note::WritersVerified),
        ],
        made(Step::ShiftTraffic, "store", 1, 121.0, routing, Effect::Accepted).to_vec(),
        vec![
            entry(Step::VerifyTraffic, "store", 190.0, Note::TrafficVerified),
            concluded(191.0, Outcome::Completed, ending(None)),
        ],
    ]
    .concat()
}

/// A promotion that was accepted and never ended.
pub fn stalled() -> Vec<Entry> {
    let cause = "Lifeboat.Refused: database orders (promotion-stalled): accepted 10m ago";
    [
        vec![entry(Step::Assess, "store", 1.0, Note::Assessed { verdict: verdict(1.0, Vec::new()) })],
        made(Step::PromoteDatabase, "orders", 1, 2.0, promotion(), Effect::Accepted).to_vec(),
        vec![concluded(610.0, Outcome::NeedsOperator, ending(Some(cause)))],
    ]
    .concat()
}

/// A run that its own assessment refused.
pub fn refused() -> Vec<Entry> {
    let reasons = vec![Reason::new(ReasonCode::LagUnknown, "database orders", "no datapoint")];
    vec![
        entry(Step::Assess, "store", 1.0, Note::Assessed { verdict: verdict(1.0, reasons) }),
        concluded(2.0, Outcome::Unchanged, ending(Some("Lifeboat.Refused: database orders (lag-unknown)"))),
    ]
}

/// A rehearsal of a failover.
pub fn rehearsed() -> Vec<Entry> {
    let would = |s| entry(Step::PromoteDatabase, "orders", s, Note::WouldCall { call: promotion() });
    let ending = Ending {
        purpose: Purpose::Rehearse,
        trigger: Trigger::Operator { name: None },
        consent: None,
        admitted_at: None,
        ..ending(None)
    };
    let assessed = entry(Step::Assess, "store", 1.0, Note::Assessed { verdict: verdict(1.0, Vec::new()) });
    vec![assessed, would(2.0), would(3.0), concluded(4.0, Outcome::Rehearsed, ending)]
}

/// The report of a journal that has a conclusion.
pub fn report(entries: &[Entry]) -> RunReport {
    lifeboat_report::of(&plan(), entries).expect("the journal has a conclusion")
}
