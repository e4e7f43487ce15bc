//! What `conclude` leaves behind, and that nothing about it changes how a run ended.

use std::cell::{Cell, RefCell};

use async_trait::async_trait;
use conclude::{Ports, handle};
use futures_util::FutureExt;
use lifeboat_model::journal::{Entry, Note};
use lifeboat_model::limits::{REPORTED_BY, Step};
use lifeboat_model::lock::{Admission, Approval, Lock, LockState};
use lifeboat_model::plan::Name;
use lifeboat_model::read::Node;
use lifeboat_model::report::Outcome;
use lifeboat_model::request::{Mode, Trigger};
use lifeboat_model::settings::Settings;
use lifeboat_model::{Direction, Period, Plan, Timestamp};
use lifeboat_ports::{
    Append, Archive, AskedApproval, CallError, Clock, Fault, Fenced, Holder, Ledger, Mark, Notices, Receipt,
    StoredPlan, Swap,
};
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::from_ms(1_800_000_000_000);
const RUN: &str = "arn:aws:states:us-west-2:111122223333:execution:failover:store-1";

/// How a service behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Answers,
    Fails,
    /// It never answers.
    Hangs,
}

/// Everything that `conclude` needs, in memory. Time passes only while somebody sleeps.
struct World {
    plan: Option<Plan>,
    lock: RefCell<Option<Lock>>,
    journal: RefCell<Vec<Entry>>,
    archive: Service,
    topic: Service,
    stored: RefCell<Vec<(String, String)>>,
    published: RefCell<Vec<(String, String)>>,
    printed: RefCell<Vec<String>>,
    now: Cell<Timestamp>,
    /// A person stops the run just before the lock is replaced for this time, counted from 0.
    stopped_at_put: Cell<Option<u32>>,
}

impl World {
    /// A run that an alarm started, that holds the lock, and that nothing is written of.
    fn admitted() -> Self {
        let run = Admission {
            run_id: RUN.to_owned(),
            plan_version: 1,
            direction: Direction { source: "us-east-1".parse().expect("it"), target: "us-west-2".parse().expect("it") },
            mode: Mode::Failover,
            consent: None,
            trigger: Trigger::Alarm { alarm: "store".to_owned(), transition_at: NOW },
            approval: Approval::NotNeeded,
            admitted_at: NOW.minus(Period::seconds(60)),
        };
        let lock = Lock {
            epoch: 4,
            state: LockState::Held,
            lease_expires_at: NOW.plus(Period::seconds(60)),
            run,
            past_point_of_no_return: false,
            inherits_change: false,
            cool_down_until: None,
            acknowledged: false,
            stopped: None,
        };
        Self { lock: RefCell::new(Some(lock)), ..Self::refused() }
    }

    /// A run that took no lock.
    fn refused() -> Self {
        Self {
            plan: Some(plan()),
            lock: RefCell::default(),
            journal: RefCell::default(),
            archive: Service::Answers,
            topic: Service::Answers,
            stored: RefCell::default(),
            published: RefCell::default(),
            printed: RefCell::default(),
            now: Cell::new(NOW),
            stopped_at_put: Cell::new(None),
        }
    }

    fn conclude(&self, request: Value, failure: Option<Value>) -> Value {
        let mut event = json!({"request": request, "execution": {"id": RUN}});
        if let Some(failure) = failure {
            event["failure"] = failure;
        }
        let metrics_out = |line: &str| self.printed.borrow_mut().push(line.to_owned());
        let ports = Ports { ledger: self, clock: self, notices: self, archive: self, metrics_out: &metrics_out };
        let mut work = std::pin::pin!(handle(event, &ports));
        // Nothing wakes it but time: whatever is not over after this many sleeps waits without a deadline.
        let answer = (0..100).find_map(|_| work.as_mut().now_or_never()).expect("every call has a deadline");
        answer.expect("an answer")
    }

    async fn act<T>(&self, service: Service, operation: &str, done: T) -> Result<T, CallError> {
        match service {
            Service::Answers => Ok(done),
            Service::Fails => Err(CallError::new(operation, "us-west-2", Fault::Denied)),
            Service::Hangs => std::future::pending().await,
        }
    }
}

fn plan() -> Plan {
    let endpoint =
        |r: &str| json!({"region": r, "url": format!("https://a.route53-recovery-cluster.{r}.amazonaws.com/v1")});
    let control = |n: &str| format!("arn:aws:route53-recovery-control::111122223333:controlpanel/p/routingcontrol/{n}");
    let cluster = |r: &str| format!("arn:aws:rds:{r}:111122223333:cluster:orders-{r}");
    let canary = |name: &str, runs_in: &str, watches: &str, checks: &str| json!({"name": name, "runs_in": runs_in, "watches": watches, "checks": checks});
    let plan = json!({
        "version": 1,
        "name": "store",
        "regions": ["us-east-1", "us-west-2"],
        "topology": "active-passive",
        "objectives": {"rto": "10m", "rpo": "30s"},
        "automation": {"policy": "manual-only", "cool_down": "1h",
            "alarm": {"name": "store", "period": "1m", "evaluation_periods": 2}},
        "routing": {
            "endpoints": (["us-east-1", "us-west-2", "eu-west-1", "ap-northeast-1", "ap-southeast-2"].map(endpoint)),
            "controls": {"us-east-1": control("east"), "us-west-2": control("west")}
        },
        "databases": [{"name": "orders", "global_cluster": "store-orders",
            "clusters": {"us-east-1": cluster("us-east-1"), "us-west-2": cluster("us-west-2")}}],
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

#[async_trait(?Send)]
impl Clock for World {
    fn now(&self) -> Timestamp {
        self.now.get()
    }

    async fn sleep(&self, period: Period) {
        let until = self.now.get().plus(period);
        // Everybody else begins to sleep before the first wakes up.
        let mut woken = false;
        std::future::poll_fn(|_| {
            if std::mem::replace(&mut woken, true) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        self.now.set(self.now.get().max(until));
    }
}

#[async_trait(?Send)]
impl Archive for World {
    async fn store(&self, key: &str, _: &str, body: &str) -> Result<String, CallError> {
        self.act(self.archive, "s3:PutObject", ()).await?;
        self.stored.borrow_mut().push((key.to_owned(), body.to_owned()));
        Ok(format!("s3://reports/{key}"))
    }
}

#[async_trait(?Send)]
impl Notices for World {
    async fn publish(&self, subject: &str, body: &str) -> Result<Receipt, CallError> {
        self.act(self.topic, "sns:Publish", ()).await?;
        self.published.borrow_mut().push((subject.to_owned(), body.to_owned()));
        Ok(Receipt { request_id: "1".to_owned() })
    }
}

#[async_trait(?Send)]
impl Ledger for World {
    async fn plan(&self, _: &Name, _: Option<u64>) -> Result<Option<StoredPlan>, CallError> {
        Ok(self.plan.clone().map(|plan| StoredPlan { version: 1, plan }))
    }

    async fn plan_of_alarm(&self, _: &str) -> Result<Option<Name>, CallError> {
        Ok(None)
    }

    async fn settings(&self, _: &Name) -> Result<Settings, CallError> {
        Ok(Settings::default())
    }

    async fn lock(&self, _: &Name) -> Result<Option<Lock>, CallError> {
        Ok(self.lock.borrow().clone())
    }

    async fn replace_lock(&self, _: &Name, read: Option<&Lock>, new: &Lock) -> Result<Swap, CallError> {
        let puts_left = self.stopped_at_put.get();
        self.stopped_at_put.set(puts_left.and_then(|left| left.checked_sub(1)));
        if puts_left == Some(0) {
            let mut lock = self.lock.borrow_mut();
            *lock = lock.take().map(|l| l.stop(RUN, "Ada: not tonight").expect("it can be stopped"));
        }
        if read != self.lock.borrow().as_ref() {
            return Ok(Swap::Changed);
        }
        *self.lock.borrow_mut() = Some(new.clone());
        Ok(Swap::Stored)
    }

    async fn fence(&self, _: &Name, _: Holder<'_>, _: Timestamp, _: Mark) -> Result<Fenced, CallError> {
        Ok(Fenced::Lost)
    }

    async fn append(&self, entry: &Entry) -> Result<Append, CallError> {
        self.journal.borrow_mut().push(entry.clone());
        Ok(Append::Written)
    }

    async fn ask_approval(&self, _: &Name, _: &AskedApproval) -> Result<(), CallError> {
        Ok(())
    }

    async fn journal(&self, _: &str) -> Result<Vec<Entry>, CallError> {
        Ok(self.journal.borrow().clone())
    }
}

fn request(trigger: Value) -> Value {
    json!({"plan": "store", "target": "us-west-2", "mode": "failover", "trigger": trigger})
}

fn by_alarm() -> Value {
    request(json!({"kind": "alarm", "alarm": "store", "transition_at": "2027-01-15T08:00:00Z"}))
}

fn by_person() -> Value {
    request(json!({"kind": "operator", "name": "Ada"}))
}

fn refusal() -> Option<Value> {
    let cause = json!({"errorType": "Lifeboat.Refused", "errorMessage": "plan store (disabled): a drill is on"});
    Some(json!({"error": "Lifeboat.Refused", "cause": cause.to_string()}))
}

#[test]
fn the_report_is_stored_as_page_and_data_and_people_get_its_address() {
    let world = World::admitted();
    let answer = world.conclude(by_alarm(), refusal());
    let page = "s3://reports/runs/store/store-1/report.html";
    assert_eq!(answer["report"], json!({"stored": page, "problem": null}));
    assert_eq!(answer["cause"], "Lifeboat.Refused: plan store (disabled): a drill is on");
    let keys: Vec<String> = world.stored.borrow().iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(keys, ["runs/store/store-1/report.html", "runs/store/store-1/report.json"]);
    let published = world.published.borrow();
    let [(subject, body)] = published.as_slice() else { panic!("{published:?}") };
    assert_eq!(subject, "Lifeboat: Unchanged: store to us-west-2");
    assert!(body.contains(page), "{body}");
    assert!(world.printed.borrow().iter().any(|line| line.contains("\"Unchanged\":1")));
}

#[test]
fn s11_neither_archive_nor_topic_changes_how_a_run_ends() {
    let expected = World::admitted().conclude(by_alarm(), refusal());
    for archive in [Service::Answers, Service::Fails, Service::Hangs] {
        for topic in [Service::Answers, Service::Fails, Service::Hangs] {
            let world = World { archive, topic, ..World::admitted() };
            let answer = world.conclude(by_alarm(), refusal());
            for field in ["outcome", "cause", "what_next"] {
                assert_eq!(answer[field], expected[field], "{archive:?} {topic:?}");
            }
            let lock = world.lock.borrow().clone().expect("the lock");
            assert_eq!(lock.state, LockState::Free, "{archive:?} {topic:?}");
            assert_eq!(answer["report"]["stored"].is_null(), archive != Service::Answers);
            let problem = answer["report"]["problem"].as_str().unwrap_or_default();
            assert_eq!(problem.contains("report.html") && problem.contains("report.json"), archive != Service::Answers);
            assert_eq!(problem.contains("failed to tell people"), topic != Service::Answers, "{problem}");
            assert_eq!(world.published.borrow().len(), usize::from(topic == Service::Answers));
            let told_why =
                world.published.borrow().iter().all(|(_, body)| body.contains("not stored: failed to store"));
            assert!(told_why || archive == Service::Answers);
            assert!(world.now.get() <= NOW.plus(REPORTED_BY), "{archive:?} {topic:?} took until {}", world.now.get());
        }
    }
}

#[test]
fn a_repeated_conclusion_stores_the_same_again() {
    let world = World::admitted();
    let first = world.conclude(by_alarm(), refusal());
    world.now.set(world.now.get().plus(Period::seconds(30)));
    assert_eq!(world.conclude(by_alarm(), refusal()), first);
    let stored = world.stored.borrow();
    let (first, second) = stored.split_at(2);
    assert_eq!(first, second);
    assert_eq!(world.journal.borrow().len(), 1);
}

#[test]
fn a_repeated_conclusion_tells_the_run_though_another_holds_the_plan_now() {
    let world = World::admitted();
    world.conclude(by_alarm(), refusal());
    let first = world.stored.borrow().clone();
    world.lock.borrow_mut().as_mut().expect("the lock").run.run_id = "another".to_owned();
    world.conclude(by_alarm(), refusal());
    assert_eq!(world.stored.borrow().split_at(2).1, first);
}

#[test]
fn a_refusal_before_the_run_began_reaches_people_when_an_alarm_asked() {
    for (request, messages) in [(by_alarm(), 1), (by_person(), 0)] {
        let world = World::refused();
        let answer = world.conclude(request.clone(), refusal());
        assert_eq!(answer["outcome"], "Unchanged");
        assert_eq!(world.published.borrow().len(), messages, "{request}");
        assert_eq!(world.stored.borrow().len(), 2, "the auditor finds both");
    }
}

#[test]
fn an_unreadable_plan_or_request_has_no_report_and_says_so() {
    let no_plan = World { plan: None, ..World::refused() };
    let answer = no_plan.conclude(by_alarm(), refusal());
    assert_eq!(answer["report"]["stored"], Value::Null);
    assert!(answer["report"]["problem"].as_str().is_some_and(|p| p.starts_with("no report")), "{answer}");
    let published = no_plan.published.borrow();
    assert!(published.iter().all(|(_, body)| body.contains("plan store (disabled)")), "{published:?}");
    assert_eq!(published.len(), 1);
    for request in [json!("nonsense"), json!({"plan": "store"})] {
        let world = World::refused();
        let answer = world.conclude(request, refusal());
        assert_eq!((&answer["outcome"], &answer["report"]["stored"]), (&json!("Unchanged"), &Value::Null));
        assert_eq!((world.published.borrow().len(), world.printed.borrow().len()), (0, 1));
    }
}

#[test]
fn the_conclusion_in_the_journal_is_enough_for_the_report() {
    let world = World::admitted();
    world.conclude(by_alarm(), refusal());
    let journal = world.journal.borrow();
    let report = lifeboat_report::of(&plan(), &journal).expect("a report");
    assert_eq!((report.outcome, report.plan_version), (Outcome::Unchanged, 1));
    let json = serde_json::to_string_pretty(&report).expect("JSON") + "\n";
    assert!(world.stored.borrow().iter().any(|(_, body)| *body == json));
    assert!(journal.iter().all(|e| e.step == Step::Conclude && matches!(e.note, Note::Concluded { .. })));
}

#[test]
fn s14_a_stop_that_comes_while_a_run_is_concluded_is_kept_and_does_not_fail_the_conclusion() {
    for failure in [None, refusal()] {
        // A failed run is fenced out first, so its lock is replaced twice.
        let puts = if failure.is_some() { 2 } else { 1 };
        let expected = World::admitted().conclude(by_alarm(), failure.clone());
        for put in 0..=puts {
            let world = World { stopped_at_put: Cell::new(Some(put)), ..World::admitted() };
            assert_eq!(world.conclude(by_alarm(), failure.clone()), expected, "before put {put}");
            let lock = world.lock.borrow().clone().expect("the lock");
            assert_eq!(lock.state, LockState::Free, "before put {put}");
            assert_eq!(lock.stopped.is_some(), put < puts, "a stop that came in time is kept: put {put}");
            assert_eq!(world.journal.borrow().len(), 1);
        }
    }
}
