//! The adapters that ship, on the face.

use lifeboat_aws::{DynamoLedger, S3Archive, SfnApprovals, SfnExecutions, SnsNotices};
use lifeboat_model::journal::{Call, Entry, Note};
use lifeboat_model::limits::{LEASE, Step};
use lifeboat_model::lock::{Lock, LockState};
use lifeboat_ports::{
    Append, Approvals, Archive, AskedApproval, Delivery, Executions, Fault, Fenced, Holder, Ledger, Mark, Notices,
    Started, Swap,
};
use lifeboat_simulator::faults::{FaultKind, FaultRule};
use serde_json::json;

use crate::common::{Served, TARGET, lock, plan, region, serve, within};

fn ledger(served: &Served) -> DynamoLedger {
    DynamoLedger::new(&served.environment()).expect("a ledger")
}

#[test]
fn the_plan_stands_in_the_table_as_the_shipped_ledger_reads_it() {
    within(async {
        let served = serve(plan()).await;
        let (ledger, plan) = (ledger(&served), plan());
        let stored = ledger.plan(&plan.name, None).await.expect("read").expect("a plan");
        assert_eq!((stored.version, &stored.plan), (1, &plan));
        assert!(ledger.plan(&plan.name, Some(2)).await.expect("read").is_none());
        let alarm = &plan.automation.alarm.name;
        assert_eq!(ledger.plan_of_alarm(alarm).await.expect("read"), Some(plan.name.clone()));
        assert_eq!(ledger.plan_of_alarm("another").await.expect("read"), None);
        assert_eq!(ledger.settings(&plan.name).await.expect("read").disabled, None);
        assert!(ledger.lock(&plan.name).await.expect("read").is_none());
    });
}

#[test]
fn s4_s5_locks_are_swapped_fenced_and_seen_by_the_world() {
    within(async {
        let served = serve(plan()).await;
        let (ledger, name, now) = (ledger(&served), plan().name, served.world.now());
        let first = lock("arn:one", 1, now);
        assert_eq!(ledger.replace_lock(&name, None, &first).await.expect("sent"), Swap::Stored);
        assert_eq!(served.world.state().table.locks.get(&name), Some(&first));
        assert_eq!(ledger.replace_lock(&name, None, &lock("arn:two", 1, now)).await.expect("sent"), Swap::Changed);
        let until = now.plus(LEASE).plus(LEASE);
        let holder = Holder { run_id: "arn:one", epoch: 1 };
        let fenced = ledger.fence(&name, holder, until, Mark::PointOfNoReturn).await.expect("sent");
        let Fenced::Held(fenced) = fenced else { panic!("{fenced:?}") };
        let fenced = *fenced;
        assert!(fenced.past_point_of_no_return && fenced.lease_expires_at == until);
        assert_eq!(served.world.state().table.locks.get(&name), Some(&fenced));
        let stale = Holder { run_id: "arn:one", epoch: 7 };
        assert_eq!(ledger.fence(&name, stale, until, Mark::Lease).await.expect("sent"), Fenced::Lost);
        // What the run of before replaced is no longer as it was read.
        assert_eq!(ledger.replace_lock(&name, Some(&first), &first).await.expect("sent"), Swap::Changed);
        let freed = Lock { state: LockState::Free, ..fenced.clone() };
        assert_eq!(ledger.replace_lock(&name, Some(&fenced), &freed).await.expect("sent"), Swap::Stored);
        assert_eq!(ledger.lock(&name).await.expect("read"), Some(freed));
        assert_eq!(served.world.state().invariants.violations(), 0);
    });
}

#[test]
fn a_step_in_this_process_and_a_binary_see_one_table() {
    within(async {
        let served = serve(plan()).await;
        let (ledger, name, now) = (ledger(&served), plan().name, served.world.now());
        let own = lock("arn:in-process", 3, now);
        served.world.state_mut().table.locks.insert(name.clone(), own.clone());
        assert_eq!(ledger.lock(&name).await.expect("read"), Some(own));
        served.world.state_mut().table.settings.disabled = Some("maintenance".to_owned());
        assert_eq!(ledger.settings(&name).await.expect("read").disabled.as_deref(), Some("maintenance"));
        served.world.state_mut().table.settings.disabled = None;
        assert_eq!(ledger.settings(&name).await.expect("read").disabled, None);
    });
}

#[test]
fn a_line_of_the_journal_is_written_once_and_a_long_one_is_read_in_pages() {
    within(async {
        let served = serve(plan()).await;
        let ledger = ledger(&served);
        let entry = |n: u32, detail: &str| Entry {
            run_id: "arn:one".to_owned(),
            epoch: 1,
            step: Step::PromoteDatabase,
            resource: format!("db{n}"),
            at: served.world.now(),
            note: Note::Intent {
                attempt: n,
                call: Call {
                    operation: "rds:SwitchoverGlobalCluster".to_owned(),
                    region: region(TARGET),
                    parameters: [("detail".to_owned(), detail.to_owned())].into(),
                },
            },
        };
        let first = entry(1, "a call");
        assert_eq!(ledger.append(&first).await.expect("sent"), Append::Written);
        assert_eq!(ledger.append(&first).await.expect("sent"), Append::AlreadyThere);
        let long = "x".repeat(300 * 1024);
        for n in 2..=6 {
            assert_eq!(ledger.append(&entry(n, &long)).await.expect("sent"), Append::Written);
        }
        let journal = ledger.journal("arn:one").await.expect("read");
        assert_eq!(journal.len(), 6);
        assert_eq!(served.world.state().table.journal_of("arn:one").len(), 6);
        assert!(ledger.journal("arn:two").await.expect("read").is_empty());
    });
}

#[test]
fn executions_start_once_under_one_name() {
    within(async {
        let served = serve(plan()).await;
        let executions = SfnExecutions::new(&served.environment()).expect("executions");
        let input = json!({"plan": "retail-store", "target": TARGET, "mode": "rehearse"});
        let Started::Running(arn) = executions.start("one", &input).await.expect("sent") else { panic!("it is new") };
        assert!(arn.ends_with(":execution:lifeboat-failover:one"), "{arn}");
        assert_eq!(executions.start("one", &input).await.expect("sent"), Started::Running(arn));
        let other = json!({"plan": "retail-store", "target": TARGET, "mode": "switchover"});
        assert_eq!(executions.start("one", &other).await.expect("sent"), Started::NameTaken);
        assert_eq!(served.world.state().runs.len(), 1);
    });
}

#[test]
fn s6_a_question_is_answered_once_and_nonsense_is_no_token() {
    within(async {
        let served = serve(plan()).await;
        let environment = served.environment();
        let approvals = SfnApprovals::new(&environment).expect("approvals");
        let (name, now) = (plan().name, served.world.now());
        assert!(approvals.asked(&name).await.expect("read").is_none());
        let asked =
            AskedApproval { run_id: "arn:one".to_owned(), token: "none".to_owned(), asked_at: now, expires_at: now };
        ledger(&served).ask_approval(&name, &asked).await.expect("stored");
        assert!(approvals.asked(&name).await.expect("read") == Some(asked.clone()));
        assert!(served.world.state().table.approvals.get(&name) == Some(&asked));
        let delivery = approvals.answer(&region(TARGET), "none", &json!({})).await.expect("sent");
        assert_eq!(delivery, Delivery::NotOpen);
    });
}

#[test]
fn people_are_told_and_reports_are_kept() {
    within(async {
        let served = serve(plan()).await;
        let environment = served.environment();
        let notices = SnsNotices::new(&environment).expect("notices");
        notices.publish("Completed", "all is <well> & good").await.expect("published");
        let archive = S3Archive::new(&environment).expect("an archive");
        let url = archive.store("runs/retail-store/a b/report.html", "text/html", "<p>well</p>").await.expect("stored");
        assert_eq!(url, "s3://lifeboat-reports-us-west-2/runs/retail-store/a b/report.html");
        let state = served.world.state();
        let published = state.messages.published.first().expect("a message");
        assert_eq!((published.subject.as_str(), published.body.as_str()), ("Completed", "all is <well> & good"));
        let stored = state.messages.stored.first().expect("an object");
        assert_eq!((stored.key.as_str(), stored.body.as_str()), ("runs/retail-store/a b/report.html", "<p>well</p>"));
    });
}

#[test]
fn s10_faults_of_the_drill_meet_calls_from_outside_and_come_back_as_their_class() {
    within(async {
        let served = serve(plan()).await;
        let (ledger, name, now) = (ledger(&served), plan().name, served.world.now());
        let refusals = [Fault::Throttled, Fault::Denied, Fault::Internal, Fault::Unavailable, Fault::Invalid];
        for fault in refusals {
            served.world.state_mut().faults.add(FaultRule::once("dynamodb:PutItem", FaultKind::Refuse(fault)));
            let error = ledger.replace_lock(&name, None, &lock("arn:one", 1, now)).await.expect_err("a fault");
            // That it is not available does not prove that nothing was done.
            let expected = if fault == Fault::Unavailable { Fault::Internal } else { fault };
            assert_eq!(error.fault, expected, "{error}");
            // A rule that has fired counts on: the next one comes after it.
        }
        assert_eq!(served.world.state().faults.fired(), 5);
        assert!(served.world.state().table.locks.is_empty());
        served.world.state_mut().faults.add(FaultRule::once("dynamodb:UpdateItem", FaultKind::LostReply));
        let stored = ledger.replace_lock(&name, None, &lock("arn:one", 1, now)).await.expect("sent");
        assert_eq!(stored, Swap::Stored);
        let until = now.plus(LEASE).plus(LEASE);
        let holder = Holder { run_id: "arn:one", epoch: 1 };
        let lost = ledger.fence(&name, holder, until, Mark::Lease).await.expect_err("the reply is lost");
        assert_eq!(lost.fault, Fault::TimedOut);
        let lease = served.world.state().table.locks.get(&name).map(|lock| lock.lease_expires_at);
        assert_eq!(lease, Some(until), "it took effect all the same");
    });
}

#[test]
fn s12_a_dark_region_answers_nobody() {
    within(async {
        let served = serve(plan()).await;
        served.world.darken(&region(TARGET));
        let executions = SfnExecutions::new(&served.environment()).expect("executions");
        let error = executions.start("one", &json!({})).await.expect_err("it is dark");
        assert!([Fault::Unreachable, Fault::TimedOut, Fault::Internal].contains(&error.fault), "{error}");
        assert!(served.world.state().runs.is_empty());
    });
}
