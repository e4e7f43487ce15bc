//! `lifeboat stop` and `lifeboat resume`.

use lifeboat_cli::exit::Exit;
use lifeboat_cli::operator::stop::{resume, stop, stop_run};
use lifeboat_cli::who::Who;
use lifeboat_model::Period;
use lifeboat_model::lock::{Lock, LockState};
use lifeboat_ports::{Fault, Scope};

use crate::pretended::{NOW, Pretended, RUN, lock, name, no, now, yes};

fn who() -> Who {
    Who { by: "me".to_owned(), reason: "it is wrong".to_owned() }
}

#[test]
fn s14_the_kill_switch_says_who_and_why_and_how_it_is_cleared() {
    let (world, plan) = (Pretended::default(), name());
    let told = now(stop(Scope::Plan(&plan), &who(), &world)).expect("stopped");
    assert!(told.text.contains("lifeboat resume retail-store"), "{}", told.text);
    assert_eq!(world.disabled.borrow()["retail-store"], "stopped by me: it is wrong");
    let told = now(stop(Scope::AllPlans, &who(), &world)).expect("stopped");
    assert!(told.text.contains("lifeboat resume --all"), "{}", told.text);
    let told = now(resume(Scope::Plan(&plan), &world, &yes)).expect("resumed");
    assert!(told.text.contains("the kill switch of all plans is still set"), "{}", told.text);
    assert_eq!(world.disabled.borrow().keys().collect::<Vec<_>>(), ["all"]);
}

#[test]
fn a_switch_that_is_not_set_that_nobody_confirms_or_that_was_set_anew_stays() {
    let (world, plan) = (Pretended::default(), name());
    let told = now(resume(Scope::Plan(&plan), &world, &no)).expect("nothing to do");
    assert!(told.text.contains("is not set"), "{}", told.text);
    world.disabled.borrow_mut().insert("all".to_owned(), "WHY".to_owned());
    assert_eq!(now(resume(Scope::AllPlans, &world, &no)).expect_err("no").exit(), Exit::NotAsExpected);
    assert_eq!(world.changed(), Vec::<String>::new());
    world.conflict_at.set(Some(0));
    let failure = now(resume(Scope::AllPlans, &world, &yes)).expect_err("set anew");
    assert!(failure.to_string().contains("no longer as it was shown"), "{failure}");
    assert!(world.disabled.borrow().contains_key("all"));
}

#[test]
fn a_lost_reply_says_that_to_do_it_again_does_no_harm() {
    let world = Pretended::default();
    world.fails_from.set(Some((0, Fault::TimedOut)));
    let failure = now(stop(Scope::AllPlans, &who(), &world)).expect_err("lost");
    assert!(failure.to_string().contains("twice does no harm"), "{failure}");
    assert_eq!(failure.exit(), Exit::Unknown);
}

#[test]
fn s11_a_run_is_asked_to_end_while_it_can_do_so_without_a_trace() {
    let world = Pretended::default();
    world.lock.replace(Some(lock(LockState::Held)));
    let told = now(stop_run(&name(), &who(), &world, NOW)).expect("asked");
    assert_eq!(world.changed(), [format!("stop {RUN}: stopped by me: it is wrong")]);
    assert!(told.text.contains("ends before its next change"), "{}", told.text);
}

#[test]
fn s11_a_run_that_cannot_be_stopped_any_more_is_left_alone_and_what_to_do_instead_is_told() {
    let held = || lock(LockState::Held);
    let dead = NOW.minus(Period::seconds(1));
    let cases: [(Option<Lock>, &str, &str); 5] = [
        (None, "no run holds plan", "lifeboat stop retail-store --reason"),
        (Some(lock(LockState::Free)), "no run holds plan", "lifeboat stop retail-store"),
        (Some(lock(LockState::NeedsOperator)), "no run holds plan", "lifeboat stop retail-store"),
        (Some(Lock { past_point_of_no_return: true, ..held() }), "has passed its point of no return", "lifeboat watch"),
        (Some(Lock { lease_expires_at: dead, ..held() }), "it is dead", "lifeboat acknowledge retail-store"),
    ];
    for (lock, problem, instead) in cases {
        let world = Pretended::default();
        world.lock.replace(lock);
        let failure = now(stop_run(&name(), &who(), &world, NOW)).expect_err(problem);
        assert!(failure.to_string().contains(problem) && failure.to_string().contains(instead), "{failure}");
        assert_eq!((failure.exit(), world.changed()), (Exit::NotAsExpected, Vec::new()));
    }
}

#[test]
fn s11_a_run_that_passes_its_point_of_no_return_while_the_person_types_is_told_as_such() {
    let world = Pretended::default();
    world.lock.replace(Some(lock(LockState::Held)));
    world.conflict_at.set(Some(0));
    let failure = now(stop_run(&name(), &who(), &world, NOW)).expect_err("too late");
    assert!(failure.to_string().contains("has passed its point of no return"), "{failure}");
}
