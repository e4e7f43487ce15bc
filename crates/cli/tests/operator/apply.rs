//! `lifeboat plan apply`.

use lifeboat_cli::exit::{Exit, Failure};
use lifeboat_cli::operator::Told;
use lifeboat_cli::operator::apply::{Writes, apply};
use lifeboat_model::{Period, Plan};
use lifeboat_ports::Fault;

use crate::pretended::{Pretended, name, now, plan};

fn applied(world: &Pretended, plan: &Plan) -> Result<Told, Failure> {
    now(apply(plan, Writes::All, world)).map(|applied| applied.told())
}

fn changed_plan() -> Plan {
    let mut new = plan();
    new.objectives.rto = Period::seconds(300);
    new.automation.alarm.name = "another-alarm".to_owned();
    new
}

#[test]
fn a_new_plan_is_version_one_and_its_alarm_starts_it() {
    let world = Pretended::default();
    let told = applied(&world, &plan()).expect("applied");
    assert!(told.text.starts_with("plan retail-store is new: version 1 is in force\n"), "{}", told.text);
    let alarm = plan().automation.alarm.name;
    assert_eq!(world.changed(), ["version 1".to_owned(), format!("claim {alarm}"), "current 1".to_owned()]);
    assert_eq!(told.json["now"], 1);
}

#[test]
fn the_same_again_is_unchanged_and_stores_no_version() {
    let world = Pretended::with(&plan());
    let told = applied(&world, &plan()).expect("applied");
    assert_eq!(told.text, "plan retail-store: unchanged, version 1 is in force\n");
    assert!(world.changed().iter().all(|change| change.starts_with("claim")), "{:?}", world.changed());
    assert_eq!(world.versions.borrow().len(), 1);
}

#[test]
fn what_changed_is_told_and_an_alarm_of_another_name_is_released_last() {
    let world = Pretended::with(&plan());
    let told = applied(&world, &changed_plan()).expect("applied");
    let old = plan().automation.alarm.name;
    let order =
        ["version 2".to_owned(), "claim another-alarm".to_owned(), "current 2".to_owned(), format!("release {old}")];
    assert_eq!(world.changed(), order);
    let change = format!("~ automation.alarm.name: {old} -> another-alarm");
    for line in [change.as_str(), "~ objectives.rto: ", "version 2 is in force, after version 1", "starts it no longer"]
    {
        assert!(told.text.contains(line), "{line}: {}", told.text);
    }
}

#[test]
fn a_dry_run_says_the_same_and_changes_nothing() {
    let world = Pretended::with(&plan());
    let told = now(apply(&changed_plan(), Writes::None, &world)).expect("a difference").told();
    assert!(told.text.contains("would change from version 1; nothing was stored"), "{}", told.text);
    assert!(told.text.contains("~ objectives.rto: "), "{}", told.text);
    assert_eq!(world.changed(), Vec::<String>::new());
}

#[test]
fn an_alarm_of_another_plan_is_refused_before_anything_is_written() {
    let world = Pretended::with(&plan());
    world.alarms.borrow_mut().insert("another-alarm".to_owned(), "other-store".parse().expect("a name"));
    let failure = applied(&world, &changed_plan()).expect_err("another plan's");
    assert!(failure.to_string().contains("starts plan other-store already"), "{failure}");
    assert_eq!((failure.exit(), world.changed()), (Exit::NotAsExpected, Vec::new()));
}

#[test]
fn s10_a_crash_after_any_write_leaves_the_old_plan_in_force_or_the_new_one_whole_and_the_same_again_ends_it() {
    for crash in 0..4 {
        for fault in [Fault::TimedOut, Fault::Denied] {
            let world = Pretended::with(&plan());
            world.fails_from.set(Some((crash, fault)));
            let failure = applied(&world, &changed_plan()).expect_err("a crash");
            let expected = if fault == Fault::Denied { Exit::NotDone } else { Exit::Unknown };
            assert_eq!(failure.exit(), expected, "{failure}");
            let in_force = world.current.borrow()[&name()];
            assert_eq!(in_force, if crash < 3 { 1 } else { 2 }, "after write {crash}");
            assert!(world.versions.borrow().contains_key(&(name(), in_force)));
            world.fails_from.set(None);
            applied(&world, &changed_plan()).expect("the same again");
            assert_eq!(world.current.borrow()[&name()], 2);
            let alarms: Vec<String> = world.alarms.borrow().keys().cloned().collect();
            assert_eq!(alarms, ["another-alarm"], "after write {crash}");
        }
    }
}

#[test]
fn a_number_that_another_apply_left_behind_is_passed_over() {
    let world = Pretended::with(&plan());
    world.versions.borrow_mut().insert((name(), 2), "{}".to_owned());
    applied(&world, &changed_plan()).expect("applied");
    assert_eq!(world.current.borrow()[&name()], 3);
}

#[test]
fn two_who_apply_at_once_do_not_overwrite_each_other() {
    let world = Pretended::with(&plan());
    world.conflict_at.set(Some(2));
    let failure = applied(&world, &changed_plan()).expect_err("somebody was first");
    assert!(failure.to_string().contains("somebody else applied another version"), "{failure}");
    assert_eq!(failure.exit(), Exit::NotAsExpected);
}

#[test]
fn a_stored_plan_that_cannot_be_read_can_be_replaced() {
    let world = Pretended::with(&plan());
    world.versions.borrow_mut().insert((name(), 1), "not json".to_owned());
    applied(&world, &plan()).expect("applied");
    assert_eq!(world.current.borrow()[&name()], 2);
}
