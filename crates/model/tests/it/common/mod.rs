//! Builders that the tests of every decision share: one plan, one moment, one healthy workload in the east.

pub mod caches;
pub mod compute;
pub mod endings;
pub mod rich;
pub mod world;

use lifeboat_model::evidence::{GlobalDatabase, LocalCluster, Member, Point, Status, Synchronization};
use lifeboat_model::journal::{Call, Effect, Entry, Note};
use lifeboat_model::limits::{LEASE, Step};
use lifeboat_model::lock::{Admission, Approval, Lock, LockState};
use lifeboat_model::plan::{Consent, Database};
use lifeboat_model::read::Node;
use lifeboat_model::request::{Mode, Trigger};
use lifeboat_model::verdict::Verdict;
use lifeboat_model::{Arn, Direction, Period, Plan, Reason, ReasonCode, Region, Timestamp};
use serde_json::{Value, json};

/// The moment of every decision: 2027-01-15T08:00:00Z.
pub const NOW: Timestamp = Timestamp::from_ms(1_800_000_000_000);

/// The run that most tests speak of.
pub const RUN: &str = "arn:aws:states:us-west-2:111122223333:execution:failover:this";

/// A moment so many milliseconds after [`NOW`], or before.
pub fn ms(after_now: i64) -> Timestamp {
    Timestamp::from_ms(NOW.as_ms() + after_now)
}

/// A moment so many seconds after [`NOW`], or before.
pub fn at(after_now_s: i64) -> Timestamp {
    ms(after_now_s * 1000)
}

pub fn region(name: &str) -> Region {
    name.parse().expect("a Region's name")
}

pub fn east() -> Region {
    region("us-east-1")
}

pub fn west() -> Region {
    region("us-west-2")
}

/// A Region that is none of the plan's: canaries run there.
pub fn third() -> Region {
    region("us-east-2")
}

pub fn westward() -> Direction {
    Direction { source: east(), target: west() }
}

pub fn eastward() -> Direction {
    Direction { source: west(), target: east() }
}

pub fn arn(text: &str) -> Arn {
    text.parse().expect("an ARN")
}

pub fn cluster(region: &Region, name: &str) -> Arn {
    arn(&format!("arn:aws:rds:{region}:111122223333:cluster:{name}-{region}"))
}

fn canary(name: &str, runs_in: &str, watches: &str, checks: &str) -> Value {
    json!({"name": name, "runs_in": runs_in, "watches": watches, "checks": checks})
}

/// The plan as JSON: two databases, each Region watched from itself, the other and a third.
pub fn plan_json() -> Value {
    let endpoint =
        |r: &str| json!({"region": r, "url": format!("https://abc.route53-recovery-cluster.{r}.amazonaws.com/v1")});
    let database = |name: &str| json!({"name": name, "global_cluster": format!("store-{name}"), "clusters": {"us-east-1": cluster(&east(), name), "us-west-2": cluster(&west(), name)}});
    json!({
        "version": 1,
        "name": "store",
        "regions": ["us-east-1", "us-west-2"],
        "topology": "active-passive",
        "objectives": {"rto": "10m", "rpo": "30s"},
        "automation": {
            "policy": "autonomous",
            "alarm": {"name": "store-other-region", "period": "1m", "evaluation_periods": 2},
            "cool_down": "1h",
            "consent": consent_json()
        },
        "limits": {"promotion": "10m", "traffic": "10m", "switchover_lag": "5s", "green_window": "1m"},
        "routing": {
            "endpoints": (["us-east-1", "us-west-2", "eu-west-1", "ap-northeast-1", "ap-southeast-2"].map(endpoint)),
            "controls": {
                "us-east-1": "arn:aws:route53-recovery-control::111122223333:controlpanel/p/routingcontrol/east",
                "us-west-2": "arn:aws:route53-recovery-control::111122223333:controlpanel/p/routingcontrol/west"
            }
        },
        "databases": (["catalog", "orders"].map(database)),
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
        "dns": [{"name": "shop.example.com", "ttl": "60s", "answers": {"us-east-1": "east.example.com", "us-west-2": "west.example.com"}}]
    })
}

pub fn consent_json() -> Value {
    json!({"max_data_loss": "30s", "accepted_by": "the owner", "reason": "the store must sell", "expires": "2027-12-31T00:00:00Z"})
}

pub fn read_plan(json: &Value) -> Plan {
    Plan::read(&Node::from(json)).unwrap_or_else(|problems| panic!("the plan is good, but: {problems:?}"))
}

pub fn plan() -> Plan {
    read_plan(&plan_json())
}

/// The plan's first database.
pub fn database() -> Database {
    plan().databases.into_iter().next().expect("the plan has databases")
}

/// Consent to the loss of 30 seconds, until `expires`.
pub fn consent(expires: Timestamp) -> Consent {
    Consent {
        max_data_loss: Period::seconds(30),
        accepted_by: "a person".to_owned(),
        reason: "orders can be reconciled".to_owned(),
        expires,
    }
}

pub fn by_alarm() -> Trigger {
    Trigger::Alarm { alarm: "store-other-region".to_owned(), transition_at: at(-30) }
}

pub fn by_person() -> Trigger {
    Trigger::Operator { name: Some("a person".to_owned()) }
}

/// What a person was admitted with five seconds ago: from east to west, with consent where the mode needs it.
pub fn admission(mode: Mode) -> Admission {
    Admission {
        run_id: RUN.to_owned(),
        plan_version: 7,
        direction: westward(),
        mode,
        consent: match mode {
            Mode::Switchover => None,
            Mode::Failover => Some(consent(at(3600))),
        },
        trigger: by_person(),
        approval: Approval::NotNeeded,
        admitted_at: at(-5),
    }
}

/// The lock as a run holds it that began five seconds ago and has changed nothing.
pub fn held(mode: Mode) -> Lock {
    Lock {
        epoch: 4,
        state: LockState::Held,
        lease_expires_at: at(-5).plus(LEASE),
        run: admission(mode),
        past_point_of_no_return: false,
        inherits_change: false,
        cool_down_until: None,
        acknowledged: false,
        stopped: None,
    }
}

/// A database that is well, as the control plane of `vantage` tells it: replicated, `writer` the writer.
pub fn described(database: &Database, vantage: &Region, writer: &Region) -> GlobalDatabase {
    let member = |(region, cluster): (&Region, &Arn)| Member {
        cluster: cluster.clone(),
        is_writer: region == writer,
        synchronization: if region == writer { Synchronization::Unknown } else { Synchronization::Connected },
    };
    GlobalDatabase {
        observed_at: NOW,
        vantage: vantage.clone(),
        status: Status::Available,
        members: database.clusters.iter().map(member).collect(),
        operation: None,
        local: database.clusters.get(vantage).map(|cluster| LocalCluster {
            cluster: cluster.clone(),
            status: Status::Available,
            instances: 1,
        }),
    }
}

pub fn point(at: Timestamp, value: f64) -> Point {
    Point { at, value }
}

pub fn go(assessed_at: Timestamp) -> Verdict {
    Verdict {
        assessed_at,
        reasons: Vec::new(),
        warnings: Vec::new(),
        predicted_rpo_s: Some(0.0),
        predicted_rto_s: 300.0,
        impaired_since: None,
    }
}

pub fn no_go(assessed_at: Timestamp) -> Verdict {
    Verdict { reasons: vec![Reason::new(ReasonCode::LagUnknown, "database orders", "nothing")], ..go(assessed_at) }
}

pub fn entry(step: Step, resource: &str, at: Timestamp, note: Note) -> Entry {
    Entry { run_id: RUN.to_owned(), epoch: 4, step, resource: resource.to_owned(), at, note }
}

pub fn intent(step: Step, resource: &str, attempt: u32, at: Timestamp) -> Entry {
    let call = Call { operation: "rds:FailoverGlobalCluster".to_owned(), region: west(), parameters: [].into() };
    entry(step, resource, at, Note::Intent { attempt, call })
}

pub fn outcome(step: Step, resource: &str, attempt: u32, at: Timestamp, effect: Effect) -> Entry {
    entry(step, resource, at, Note::Outcome { attempt, effect, detail: "request 1".to_owned() })
}

pub fn codes(reasons: &[Reason]) -> Vec<ReasonCode> {
    reasons.iter().map(|r| r.code).collect()
}

/// Not every subject needs every builder.
const _: () = {
    let _ = (ms, at, east, west, third, westward, eastward, arn, cluster, region);
    let _ = (plan_json, consent_json, read_plan, plan, database, consent, by_alarm, by_person);
    let _ = (admission, held, described, point, go, no_go, entry, intent, outcome, codes, RUN);
};
