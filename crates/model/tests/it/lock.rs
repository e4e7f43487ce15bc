//! The lock over its whole input space: state x lease x run x direction x mode x trigger x marks x cool-down x stop.

use std::collections::BTreeSet;

use crate::common::{NOW, admission, at, by_alarm, by_person, eastward, held, ms, plan, westward};
use lifeboat_model::limits::LEASE;
use lifeboat_model::lock::{Acquisition, Admission, Lock, LockState};
use lifeboat_model::plan::Name;
use lifeboat_model::request::{Mode, Trigger};
use lifeboat_model::stop::Claim;
use lifeboat_model::{Direction, ReasonCode, Timestamp};

const STATES: [LockState; 3] = [LockState::Held, LockState::Free, LockState::NeedsOperator];
const JUST: [i64; 3] = [-1, 0, 1];

fn name() -> Name {
    plan().name
}

fn is_alarm(trigger: &Trigger) -> bool {
    matches!(trigger, Trigger::Alarm { .. })
}

/// A later run's admission, now.
fn later(direction: Direction, mode: Mode, trigger: Trigger) -> Admission {
    Admission { run_id: "the-later-run".to_owned(), direction, trigger, admitted_at: NOW, ..admission(mode) }
}

/// Every lock that a run from east to west may have left or hold, seen now. The run was admitted a minute ago, so that a
/// cool-down that ended two minutes ago is an earlier run's.
fn every_lock() -> Vec<Lock> {
    let cool_downs = [None, Some(at(-120)), Some(ms(-1)), Some(NOW), Some(ms(1))];
    let mut locks = Vec::new();
    for state in STATES {
        for lease in JUST {
            for cool_down_until in cool_downs {
                for marks in 0..16_u8 {
                    locks.push(Lock {
                        state,
                        lease_expires_at: ms(lease),
                        run: Admission { admitted_at: at(-60), ..admission(Mode::Failover) },
                        past_point_of_no_return: marks & 1 != 0,
                        inherits_change: marks & 2 != 0,
                        cool_down_until,
                        acknowledged: marks & 4 != 0,
                        stopped: (marks & 8 != 0).then(|| "Ada: not tonight".to_owned()),
                        ..held(Mode::Failover)
                    });
                }
            }
        }
    }
    locks
}

/// Every admission that may meet such a lock; of the same run, too.
fn every_admission() -> Vec<Admission> {
    let mut admissions = Vec::new();
    for direction in [westward(), eastward()] {
        for mode in [Mode::Switchover, Mode::Failover] {
            for trigger in [by_person(), by_alarm()] {
                let other = later(direction.clone(), mode, trigger);
                admissions.push(Admission { run_id: admission(mode).run_id, ..other.clone() });
                admissions.push(other);
            }
        }
    }
    admissions
}

fn every_case(mut check: impl FnMut(&Lock, &Admission, Acquisition)) {
    let (name, mut cases) = (name(), 0);
    for lock in every_lock() {
        for admission in every_admission() {
            check(&lock, &admission, Lock::acquire(&name, Some(&lock), admission.clone(), NOW));
            cases += 1;
        }
    }
    assert_eq!(cases, 720 * 16, "the whole space");
}

fn refusal(acquisition: &Acquisition) -> Option<ReasonCode> {
    match acquisition {
        Acquisition::Refuse(reason) => Some(reason.code),
        Acquisition::Take(_) | Acquisition::Mine => None,
    }
}

fn is_same_run(lock: &Lock, admission: &Admission) -> bool {
    lock.run.run_id == admission.run_id
}

fn left_something(lock: &Lock) -> bool {
    lock.past_point_of_no_return || lock.inherits_change
}

#[test]
fn s4_the_first_run_of_a_plan_takes_the_lock() {
    for admission in every_admission() {
        let taken = Lock::acquire(&name(), None, admission.clone(), NOW);
        let Acquisition::Take(lock) = taken else { panic!("{taken:?}") };
        let fresh = Lock {
            epoch: 1,
            state: LockState::Held,
            lease_expires_at: NOW.plus(LEASE),
            run: admission,
            past_point_of_no_return: false,
            inherits_change: false,
            cool_down_until: None,
            acknowledged: false,
            stopped: None,
        };
        assert_eq!(*lock, fresh);
    }
}

#[test]
fn s4_a_live_run_keeps_every_other_run_out() {
    every_case(|lock, admission, got| {
        let live = lock.state == LockState::Held && lock.lease_expires_at > NOW;
        let kept_out = live && !is_same_run(lock, admission);
        assert_eq!(refusal(&got) == Some(ReasonCode::LockHeld), kept_out, "{lock:?} {admission:?}");
    });
}

#[test]
fn s10_the_holder_finds_the_lock_its_own_and_nobody_else_does() {
    every_case(|lock, admission, got| {
        let mine = lock.state == LockState::Held && is_same_run(lock, admission);
        assert_eq!(got == Acquisition::Mine, mine, "{lock:?} {admission:?}");
    });
}

#[test]
fn s10_a_run_that_has_ended_never_starts_again() {
    every_case(|lock, admission, got| {
        let ended = lock.state != LockState::Held && is_same_run(lock, admission);
        assert_eq!(refusal(&got) == Some(ReasonCode::RunEnded), ended, "{lock:?} {admission:?}");
    });
}

#[test]
fn s5_whoever_takes_the_lock_gets_the_next_epoch_and_a_whole_lease() {
    every_case(|lock, admission, got| {
        let Acquisition::Take(new) = got else { return };
        assert_eq!(new.epoch, lock.epoch + 1);
        assert_eq!(new.state, LockState::Held);
        assert_eq!(new.lease_expires_at, NOW.plus(LEASE));
        assert_eq!(&new.run, admission);
        assert!(!new.past_point_of_no_return, "the new run has changed nothing yet");
        assert!(!new.acknowledged, "nobody can have acknowledged what has just begun");
        assert_eq!(new.stopped, None, "a stop is of the run before");
    });
}

#[test]
fn s5_an_expired_lease_is_reclaimed_only_in_the_same_direction_after_the_point_of_no_return() {
    every_case(|lock, admission, got| {
        if lock.state != LockState::Held || lock.lease_expires_at > NOW || is_same_run(lock, admission) {
            return;
        }
        let other_way = admission.direction != lock.run.direction;
        let unfinished = left_something(lock) && other_way;
        assert_eq!(refusal(&got) == Some(ReasonCode::UnfinishedRun), unfinished, "{lock:?} {admission:?}");
        if left_something(lock) && !other_way {
            assert!(
                matches!(got, Acquisition::Take(_)),
                "what was begun can always be finished: {lock:?} {admission:?}"
            );
        }
    });
}

#[test]
fn s11_a_run_knows_that_it_finishes_what_a_dead_one_began() {
    every_case(|lock, _, got| {
        let Acquisition::Take(new) = got else { return };
        assert_eq!(new.inherits_change, lock.state == LockState::Held && left_something(lock), "{lock:?}");
    });
}

#[test]
fn s7_nothing_starts_before_a_person_acknowledged_a_run_that_needs_one() {
    every_case(|lock, admission, got| {
        let waits = lock.state == LockState::NeedsOperator && !is_same_run(lock, admission);
        assert_eq!(refusal(&got) == Some(ReasonCode::NeedsOperator), waits, "{lock:?} {admission:?}");
    });
}

#[test]
fn s7_nobody_starts_anything_in_a_cool_down_that_nobody_ended() {
    every_case(|lock, admission, got| {
        let rests = lock.state == LockState::Free
            && !is_same_run(lock, admission)
            && !lock.acknowledged
            && lock.cool_down_until.is_some_and(|until| until > NOW);
        assert_eq!(refusal(&got) == Some(ReasonCode::CoolDown), rests, "{lock:?} {admission:?}");
    });
}

#[test]
fn s7_no_alarm_undoes_the_last_run() {
    every_case(|lock, admission, got| {
        let undoes = is_alarm(&admission.trigger)
            && admission.direction != lock.run.direction
            && lock.cool_down_until.is_some()
            && !lock.acknowledged;
        assert!(!undoes || !matches!(got, Acquisition::Take(_)), "{lock:?} {admission:?}");
    });
}

#[test]
fn s7_no_alarm_acts_on_an_earlier_runs_unacknowledged_change() {
    every_case(|lock, admission, got| {
        let earlier = lock.cool_down_until.is_some_and(|until| until <= lock.run.admitted_at) && !lock.acknowledged;
        let finishes = lock.state == LockState::Held && left_something(lock);
        if earlier && is_alarm(&admission.trigger) && !finishes {
            assert!(!matches!(got, Acquisition::Take(_)), "{lock:?} {admission:?}");
        }
    });
}

#[test]
fn s7_a_change_is_remembered_through_later_runs_until_a_person_acknowledges_it() {
    every_case(|lock, _, got| {
        let Acquisition::Take(new) = got else { return };
        assert_eq!(new.cool_down_until, if lock.acknowledged { None } else { lock.cool_down_until });
        assert_eq!(new.clone().unchanged().cool_down_until, new.cool_down_until);
    });
}

#[test]
fn s7_only_an_alarm_is_ever_refused_as_an_automatic_failback() {
    every_case(|lock, admission, got| {
        if refusal(&got) == Some(ReasonCode::AutomaticFailback) {
            assert!(is_alarm(&admission.trigger), "a person may always go back: {lock:?} {admission:?}");
            assert!(!lock.acknowledged && lock.cool_down_until.is_some(), "{lock:?} {admission:?}");
        }
    });
}

#[test]
fn what_an_alarm_hears_before_it_starts_a_run_is_what_the_lock_says() {
    every_case(|lock, admission, got| {
        let heard = Lock::refuses_start(&name(), Some(lock), admission.clone(), NOW).map(|r| r.code);
        assert_eq!(heard, refusal(&got));
    });
    assert_eq!(Lock::refuses_start(&name(), None, later(westward(), Mode::Failover, by_alarm()), NOW), None);
}

#[test]
fn liveness_from_every_state_time_and_an_acknowledgement_let_any_run_start() {
    let much_later = NOW.plus(LEASE).plus(LEASE);
    for lock in every_lock() {
        let acknowledged = lock.clone().acknowledged(much_later);
        for admission in every_admission().into_iter().filter(|a| !is_same_run(&lock, a)) {
            let got = Lock::acquire(&name(), Some(&acknowledged), admission, much_later);
            assert!(matches!(got, Acquisition::Take(_)), "{lock:?} {got:?}");
        }
    }
}

#[test]
fn liveness_time_alone_lets_a_person_go_on_the_same_way_unless_a_person_is_needed() {
    let much_later = NOW.plus(LEASE).plus(LEASE);
    for lock in every_lock() {
        let same_way = later(westward(), Mode::Failover, by_person());
        let got = Lock::acquire(&name(), Some(&lock), same_way, much_later);
        assert_eq!(matches!(got, Acquisition::Take(_)), lock.state != LockState::NeedsOperator, "{lock:?} {got:?}");
    }
}

#[test]
fn s4_a_live_run_cannot_be_acknowledged_away_nor_its_cool_down_beforehand() {
    for lock in every_lock().into_iter().filter(|l| l.state == LockState::Held) {
        let got = lock.clone().acknowledged(NOW);
        if lock.lease_expires_at > NOW {
            assert_eq!(got, lock);
        } else {
            let over = Lock { state: LockState::Free, acknowledged: true, ..lock };
            assert_eq!(got, over, "a dead run is over, and a late step of it is fenced out");
        }
    }
}

#[test]
fn s5_a_run_that_concludes_fences_out_its_own_steps_and_keeps_the_plan() {
    for lock in every_lock().into_iter().filter(|l| l.state == LockState::Held) {
        let fenced = lock.clone().fencing_out_its_steps(NOW);
        assert_eq!(fenced, Lock { epoch: lock.epoch + 1, lease_expires_at: NOW.plus(LEASE), ..lock.clone() });
        let other = later(westward(), Mode::Failover, by_person());
        let kept_out = Lock::acquire(&name(), Some(&fenced), other, NOW);
        assert_eq!(refusal(&kept_out), Some(ReasonCode::LockHeld));
    }
}

#[test]
fn s5_whoever_comes_with_an_epoch_that_is_over_holds_nothing() {
    for lock in every_lock().into_iter().filter(|l| l.state == LockState::Held && l.stopped.is_none()) {
        let (run_id, old) = (lock.run.run_id.clone(), lock.epoch);
        assert_eq!(lock.claim_of(&run_id, old), Claim::Holds);
        let fenced = lock.fencing_out_its_steps(NOW);
        assert_eq!(fenced.claim_of(&run_id, old), Claim::Lost, "the steps of a run that is being concluded");
        assert_eq!(fenced.claim_of(&run_id, fenced.epoch), Claim::Holds);
    }
}

#[test]
fn each_ending_leaves_its_record() {
    let lock = Lock { past_point_of_no_return: true, ..held(Mode::Failover) };
    let completed = lock.clone().completed(at(3600));
    assert_eq!(completed, Lock { state: LockState::Free, cool_down_until: Some(at(3600)), ..lock.clone() });
    assert_eq!(lock.clone().unchanged(), Lock { state: LockState::Free, ..lock.clone() });
    assert_eq!(lock.clone().needs_operator(), Lock { state: LockState::NeedsOperator, ..lock.clone() });
    for ended in [completed, lock.clone().unchanged(), lock.clone().needs_operator()] {
        let over = Lock { state: LockState::Free, acknowledged: true, ..ended.clone() };
        assert_eq!(ended.acknowledged(NOW), over);
    }
}

#[test]
fn a_lock_is_stored_and_read_without_loss() {
    for lock in every_lock() {
        let json = serde_json::to_value(&lock).expect("a lock is JSON");
        assert_eq!(serde_json::from_value::<Lock>(json).ok(), Some(lock));
    }
}

/// How a run ends, for the histories below.
#[derive(Clone, Copy, Debug)]
enum Ending {
    Completed,
    Unchanged,
    NeedsOperator,
    DiesBefore,
    DiesAfter,
}

/// What happens between two runs.
#[derive(Clone, Copy, Debug)]
enum Between {
    Nothing,
    Hours,
    Acknowledged,
}

/// What the histories remember beside the lock: which way the last change went that nobody acknowledged.
#[derive(Clone)]
struct Memory {
    lock: Option<Lock>,
    changed: Option<Direction>,
    now: Timestamp,
}

fn play(past: &Memory, run: Admission, ending: Ending, between: Between) -> Option<Memory> {
    let automatic = is_alarm(&run.trigger);
    let direction = run.direction.clone();
    let taken = Lock::acquire(&name(), past.lock.as_ref(), run, past.now);
    let Acquisition::Take(lock) = taken else { return None };
    if automatic {
        let undone = past.changed.as_ref().filter(|changed| **changed != direction);
        assert_eq!(undone, None, "an alarm undid a change that nobody had acknowledged; the lock was {:?}", past.lock);
    }
    let finishes = lock.inherits_change;
    let now = past.now.plus(LEASE);
    let (lock, changes) = match ending {
        Ending::Completed => (lock.completed(now.plus(LEASE).plus(LEASE)), true),
        Ending::Unchanged if finishes => (lock.needs_operator(), true),
        Ending::Unchanged => (lock.unchanged(), false),
        Ending::NeedsOperator => (lock.needs_operator(), true),
        Ending::DiesBefore => (*lock, finishes),
        Ending::DiesAfter => (Lock { past_point_of_no_return: true, ..*lock }, true),
    };
    let changed = if changes { Some(direction) } else { past.changed.clone() };
    let much_later = now.plus(LEASE).plus(LEASE);
    Some(match between {
        Between::Nothing => Memory { lock: Some(lock), changed, now: now.plus(LEASE) },
        Between::Hours => Memory { lock: Some(lock), changed, now: much_later },
        Between::Acknowledged => Memory { lock: Some(lock.acknowledged(much_later)), changed: None, now: much_later },
    })
}

/// What of a history decides what may come next; times count from now.
fn key(memory: &Memory) -> String {
    let lock = memory.lock.as_ref().map(|l| {
        let rests = l.cool_down_until.map(|until| (until.ms_since(memory.now).max(0), until <= l.run.admitted_at));
        let marks = (l.past_point_of_no_return, l.inherits_change, l.acknowledged);
        (l.state, l.run.direction.clone(), l.lease_expires_at > memory.now, rests, marks)
    });
    format!("{lock:?} {:?}", memory.changed)
}

#[test]
fn s7_no_history_of_any_length_ends_in_an_automatic_failback() {
    let endings = [Ending::Completed, Ending::Unchanged, Ending::NeedsOperator, Ending::DiesBefore, Ending::DiesAfter];
    let mut fresh = vec![Memory { lock: None, changed: None, now: NOW }];
    let mut known: BTreeSet<String> = fresh.iter().map(key).collect();
    let mut tried = 0_u64;
    while let Some(past) = fresh.pop() {
        assert!(known.len() < 1000, "what decides should repeat itself");
        for direction in [westward(), eastward()] {
            for trigger in [by_person(), by_alarm()] {
                tried += 1;
                let run_id = format!("run-{tried}");
                let run = later(direction.clone(), Mode::Failover, trigger);
                let run = Admission { run_id, admitted_at: past.now, ..run };
                for ending in endings {
                    for between in [Between::Nothing, Between::Hours, Between::Acknowledged] {
                        fresh.extend(play(&past, run.clone(), ending, between).filter(|m| known.insert(key(m))));
                    }
                }
            }
        }
    }
    assert!(known.len() > 20, "only {} different pasts were met", known.len());
}
