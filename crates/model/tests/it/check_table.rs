//! Whether a global table is ready, over status x vantage x consistency x replicas x mode x latency x time.

use crate::common::compute::{approved, replica, table, table_seen};
use crate::common::{NOW, admission, at, east, entry, ms, plan, point, third, west};
use lifeboat_model::decide::{TableCheck, check_table, source_left_at, table_readiness};
use lifeboat_model::evidence::{GlobalTable, Point, TableStatus};
use lifeboat_model::journal::Note;
use lifeboat_model::limits::{LAG_FRESH, Step};
use lifeboat_model::lock::Admission;
use lifeboat_model::plan::{Consistency, Limits};
use lifeboat_model::request::Mode;
use lifeboat_model::{Period, ReasonCode, Timestamp};

const CONSISTENCIES: [Consistency; 2] = [Consistency::Eventual, Consistency::Strong];
const MODES: [Mode; 2] = [Mode::Switchover, Mode::Failover];
const FRESH: i64 = LAG_FRESH.as_ms();

fn limits() -> Limits {
    Limits { table: Period::seconds(300), switchover_lag: Period::seconds(5), ..Limits::default() }
}

fn other() -> TableStatus {
    TableStatus::Other("UPDATING".to_owned())
}

struct Case {
    consistency: Consistency,
    run: Admission,
    seen: GlobalTable,
    latency_ms: Vec<Point>,
    left_at: Option<Timestamp>,
}

/// An eventually consistent table, a healthy source, a run admitted five seconds ago, a latency of 900 ms.
fn good(mode: Mode) -> Case {
    Case {
        consistency: Consistency::Eventual,
        run: admission(mode),
        seen: table_seen(Consistency::Eventual),
        latency_ms: vec![point(at(-90), 1100.0), point(at(-30), 900.0)],
        left_at: None,
    }
}

impl Case {
    fn decide_at(&self, now: Timestamp) -> TableCheck {
        let table = table(self.consistency);
        check_table(&table, &self.run, &self.seen, &self.latency_ms, self.left_at, &limits(), now)
    }

    fn decide(&self) -> TableCheck {
        self.decide_at(NOW)
    }

    /// The very last moment before the wait is over, and the one after it.
    fn at_the_limit(&self) -> [TableCheck; 2] {
        let last = self.run.admitted_at.plus(limits().table);
        [self.decide_at(last), self.decide_at(last.plus(Period::ms(1)))]
    }
}

fn refused(got: &TableCheck) -> Option<ReasonCode> {
    match got {
        TableCheck::Refuse(reason) => {
            assert_eq!(reason.resource, "table carts");
            assert!(!reason.detail.is_empty());
            Some(reason.code)
        }
        TableCheck::Done(_) | TableCheck::Watch(_) => None,
    }
}

fn is_done(got: &TableCheck) -> bool {
    matches!(got, TableCheck::Done(_))
}

fn is_watched(got: &TableCheck) -> bool {
    matches!(got, TableCheck::Watch(_))
}

#[test]
fn s9_only_an_active_replica_of_the_plans_consistency_told_by_the_target_is_ready() {
    let replicas = [
        vec![],
        vec![replica(&east(), TableStatus::Active)],
        vec![replica(&east(), other())],
        vec![replica(&third(), TableStatus::Active)],
        vec![replica(&third(), other()), replica(&east(), TableStatus::Active)],
    ];
    let mut cases = 0;
    for consistency in CONSISTENCIES {
        for mode in MODES {
            for said in [None, Some(Consistency::Eventual), Some(Consistency::Strong)] {
                for vantage in [west(), east(), third()] {
                    for status in [TableStatus::Active, other()] {
                        for replicas in &replicas {
                            let seen = GlobalTable {
                                vantage: vantage.clone(),
                                status: status.clone(),
                                consistency: said,
                                replicas: replicas.clone(),
                                ..table_seen(consistency)
                            };
                            let source = replicas.iter().find(|r| r.region == "us-east-1").map(|r| &r.status);
                            let here = vantage == west() && status == TableStatus::Active && said == Some(consistency);
                            let ready = here && (mode == Mode::Failover || source == Some(&TableStatus::Active));
                            let case = Case { consistency, seen, ..good(mode) };
                            let objection = table_readiness(&table(consistency), &case.run, &case.seen);
                            assert_eq!(is_done(&case.decide()), ready, "{:?}", case.seen);
                            assert_eq!(objection.is_none(), ready, "{:?}", case.seen);
                            assert!(objection.is_none_or(|r| r.code == ReasonCode::TableNotReady));
                            cases += 1;
                        }
                    }
                }
            }
        }
    }
    assert_eq!(cases, 2 * 2 * 3 * 3 * 2 * 5, "the whole space");
}

#[test]
fn s9_another_table_than_the_plans_is_refused_at_once() {
    let good_seen = || table_seen(Consistency::Eventual);
    let wrong = [
        (MODES.to_vec(), GlobalTable { vantage: east(), ..good_seen() }, "us-east-1"),
        (MODES.to_vec(), GlobalTable { consistency: None, ..good_seen() }, "does not say"),
        (
            MODES.to_vec(),
            GlobalTable { consistency: Some(Consistency::Strong), ..good_seen() },
            "is strong, the plan says eventual",
        ),
        (vec![Mode::Switchover], GlobalTable { replicas: vec![], ..good_seen() }, "no replica in us-east-1"),
    ];
    for (modes, seen, words) in wrong {
        for mode in modes {
            let got = Case { seen: seen.clone(), ..good(mode) }.decide();
            assert_eq!(refused(&got), Some(ReasonCode::TableNotReady), "{seen:?}");
            assert!(format!("{got:?}").contains(words), "{got:?}");
        }
    }
    let seen = GlobalTable { consistency: Some(Consistency::Eventual), ..good_seen() };
    let got = Case { consistency: Consistency::Strong, seen, ..good(Mode::Failover) }.decide();
    assert!(format!("{got:?}").contains("is eventual, the plan says strong"), "{got:?}");
}

#[test]
fn s13_a_replica_that_is_not_active_is_waited_for_until_the_limit_and_no_longer() {
    let target_busy = |mode| Case { seen: GlobalTable { status: other(), ..good(mode).seen }, ..good(mode) };
    let replicas = vec![replica(&east(), other())];
    let source_busy = Case { seen: GlobalTable { replicas, ..good(Mode::Switchover).seen }, ..good(Mode::Switchover) };
    let cases = [
        (target_busy(Mode::Switchover), "us-west-2 is UPDATING"),
        (target_busy(Mode::Failover), "us-west-2 is UPDATING"),
        (source_busy, "us-east-1 is UPDATING"),
    ];
    for (case, words) in cases {
        let [last, over] = case.at_the_limit();
        assert!(is_watched(&last), "{last:?}");
        assert_eq!(refused(&over), Some(ReasonCode::TableNotReady), "{over:?}");
        for got in [last, over] {
            assert!(format!("{got:?}").contains(words), "{got:?}");
        }
    }
}

#[test]
fn s9_a_strongly_consistent_table_needs_no_latency_and_loses_nothing() {
    for mode in MODES {
        let seen = table_seen(Consistency::Strong);
        let got = Case { consistency: Consistency::Strong, seen, latency_ms: vec![], ..good(mode) }.decide();
        assert!(
            matches!(&got, TableCheck::Done(what) if what.contains("whatever was acknowledged is here")),
            "{got:?}"
        );
    }
}

#[test]
fn s12_a_failover_asks_nothing_of_the_source_and_says_what_is_not_known() {
    for replicas in [vec![], vec![replica(&east(), other())]] {
        for left_at in [None, Some(at(-1))] {
            let seen = GlobalTable { replicas: replicas.clone(), ..table_seen(Consistency::Eventual) };
            let got = Case { seen, latency_ms: vec![], left_at, ..good(Mode::Failover) }.decide();
            let TableCheck::Done(what) = got else { panic!("{got:?}") };
            assert!(what.contains("have not arrived are not known here"), "{what}");
            assert!(what.contains("arrive when the source is back") && what.contains("the last writer wins"), "{what}");
        }
    }
}

#[test]
fn s9_an_unknown_latency_is_never_taken_for_none() {
    let silent = [
        vec![],
        vec![point(ms(-FRESH - 1), 10.0)],
        vec![point(ms(1), 10.0)],
        vec![point(NOW, f64::NAN)],
        vec![point(NOW, f64::INFINITY)],
        vec![point(NOW, -1.0)],
        vec![point(NOW, 0.0)],
    ];
    for latency_ms in silent {
        for left_at in [None, Some(NOW)] {
            let case = Case { latency_ms: latency_ms.clone(), left_at, ..good(Mode::Switchover) };
            let got = case.decide();
            assert!(
                matches!(&got, TableCheck::Watch(what) if what.contains("is not known")),
                "{case_:?} {got:?}",
                case_ = case.latency_ms
            );
        }
        let latency_ms =
            latency_ms.iter().map(|p| Point { at: p.at.minus(LAG_FRESH).minus(LAG_FRESH), ..*p }).collect();
        let [last, over] = Case { latency_ms, ..good(Mode::Switchover) }.at_the_limit();
        assert!(is_watched(&last), "{last:?}");
        assert_eq!(refused(&over), Some(ReasonCode::TableBehind), "{over:?}");
    }
}

#[test]
fn s9_while_writes_go_on_the_newest_fresh_latency_decides() {
    let cases = [
        (vec![point(ms(-FRESH), 1.0)], true),
        (vec![point(NOW, 1.0)], true),
        (vec![point(NOW, 5000.0)], true),
        (vec![point(NOW, 5001.0)], false),
        (vec![point(at(-60), 9000.0), point(NOW, 400.0)], true),
        (vec![point(at(-60), 400.0), point(NOW, 9000.0)], false),
        (vec![point(at(-60), 9000.0), point(NOW, 0.0)], false),
        (vec![point(at(-60), 9000.0), point(ms(1), 400.0)], false),
    ];
    for (latency_ms, done) in cases {
        let got = Case { latency_ms: latency_ms.clone(), ..good(Mode::Switchover) }.decide();
        assert_eq!((is_done(&got), is_watched(&got)), (done, !done), "{latency_ms:?} {got:?}");
        assert!(format!("{got:?}").contains("the limit is 5s"), "{got:?}");
    }
}

#[test]
fn s9_a_source_that_was_left_is_drained_after_ten_times_the_worst_recent_latency() {
    let left_at = at(-60);
    let cases = [
        (vec![point(left_at, 6000.0)], true),
        (vec![point(left_at, 6000.1)], false),
        (vec![point(at(-90), 6000.1), point(at(-30), 10.0)], false),
        (vec![point(at(-90), 10.0), point(at(-30), 6000.1)], false),
        (vec![point(at(-90), 10.0), point(NOW, 6000.0)], true),
        // Of the last writes, or later; not of those before, nor of a time to come.
        (vec![point(left_at.minus(LAG_FRESH), 6000.1), point(left_at, 10.0)], false),
        (vec![point(left_at.minus(LAG_FRESH).minus(Period::ms(1)), 6000.1), point(left_at, 10.0)], true),
        (vec![point(left_at, 10.0), point(ms(1), 6000.1)], true),
    ];
    for (latency_ms, done) in cases {
        let case = Case { latency_ms: latency_ms.clone(), left_at: Some(left_at), ..good(Mode::Switchover) };
        let got = case.decide();
        assert_eq!((is_done(&got), is_watched(&got)), (done, !done), "{latency_ms:?} {got:?}");
    }
    let case = Case { latency_ms: vec![point(left_at, 6000.0)], left_at: Some(left_at), ..good(Mode::Switchover) };
    assert!(is_watched(&case.decide_at(ms(-1))), "a millisecond before");
    let what = "drained: 60.0 s of 60.0 s since traffic left the source";
    assert_eq!(case.decide(), TableCheck::Done(what.to_owned()));
}

#[test]
fn s9_the_latency_of_a_source_that_falls_silent_counts_for_as_long_as_it_drains() {
    let left_at = at(-1000);
    let latency_ms = vec![point(left_at, 900.0)];
    let run = Admission { admitted_at: at(-1200), ..admission(Mode::Switchover) };
    let got = Case { run, latency_ms, left_at: Some(left_at), ..good(Mode::Switchover) }.decide();
    assert!(is_done(&got), "{got:?}");
}

#[test]
fn s13_a_table_that_stays_behind_is_refused_after_the_limit() {
    let behind = |now| vec![point(now, 5001.0)];
    let case = good(Mode::Switchover);
    let last = case.run.admitted_at.plus(limits().table);
    assert!(is_watched(&Case { latency_ms: behind(last), ..good(Mode::Switchover) }.decide_at(last)));
    let over = last.plus(Period::ms(1));
    let got = Case { latency_ms: behind(over), ..good(Mode::Switchover) }.decide_at(over);
    assert_eq!(refused(&got), Some(ReasonCode::TableBehind));
    let got = Case { latency_ms: vec![point(over, 10.0)], ..good(Mode::Switchover) }.decide_at(over);
    assert!(is_done(&got), "what is true counts, however late: {got:?}");

    let left_at = Some(case.run.admitted_at);
    let slow = Case { latency_ms: vec![point(at(-5), 60_000.0)], left_at, ..good(Mode::Switchover) };
    let [last, over] = slow.at_the_limit();
    assert!(is_watched(&last), "{last:?}");
    assert_eq!(refused(&over), Some(ReasonCode::TableBehind), "{over:?}");
}

#[test]
fn s13_a_persons_thinking_and_the_leaving_of_the_source_do_not_use_up_the_time() {
    let early = Admission { admitted_at: at(-3000), ..admission(Mode::Switchover) };
    let thought = |at| approved(early.clone(), at);
    let limit = limits().table.as_ms();
    let cases = [
        (early.clone(), None, false),
        (thought(ms(-limit)), None, true),
        (thought(ms(-limit - 1)), None, false),
        (early.clone(), Some(ms(-limit)), true),
        (early.clone(), Some(ms(-limit - 1)), false),
        (thought(ms(-limit - 1)), Some(ms(-limit)), true),
        (thought(ms(-limit)), Some(ms(-limit - 1)), true),
    ];
    for (run, left_at, waits) in cases {
        let got = Case { run, left_at, latency_ms: vec![], ..good(Mode::Switchover) }.decide();
        assert_eq!((is_watched(&got), refused(&got).is_some()), (waits, !waits), "{left_at:?} {got:?}");
    }
}

#[test]
fn s9_the_source_is_quiet_when_the_last_name_has_run_out_of_every_cache() {
    let mut plan = plan();
    let note = |at, note| entry(Step::IsolateSource, "store", at, note);
    let (early, late) = (note(at(-500), Note::SourceLeft), note(at(-400), Note::SourceLeft));
    assert_eq!(source_left_at(&plan, &[note(at(-1), Note::WritersVerified)]), None);
    let longer = lifeboat_model::plan::DnsName { ttl: Period::seconds(90), ..plan.dns[0].clone() };
    plan.dns.insert(0, longer);
    assert_eq!(source_left_at(&plan, &[late, early]), Some(at(-310)));
}
