//! `lifeboat acknowledge`.

use std::cell::RefCell;

use lifeboat_cli::exit::{Exit, Failure};
use lifeboat_cli::operator::Told;
use lifeboat_cli::operator::acknowledge::acknowledge;
use lifeboat_model::Period;
use lifeboat_model::lock::{Lock, LockState};

use crate::pretended::{NOW, Pretended, RUN, lock, name, no, now, yes};

fn acknowledged(world: &Pretended) -> Result<Told, Failure> {
    now(acknowledge(&name(), "me: looked at it", world, NOW, &yes))
}

#[test]
fn s7_what_is_acknowledged_is_shown_first_and_acknowledged_once() {
    let rests = Lock { cool_down_until: Some(NOW.plus(Period::seconds(60))), ..lock(LockState::Free) };
    let died = Lock { lease_expires_at: NOW.minus(Period::seconds(1)), ..lock(LockState::Held) };
    let died_late = Lock { past_point_of_no_return: true, ..died.clone() };
    let cases = [
        (lock(LockState::NeedsOperator), "it needs a person"),
        (rests, "it ended well; nothing starts before 2027-01-15T08:01:00.000Z"),
        (died, "it died; nothing shows"),
        (died_late, "after its point of no return"),
    ];
    for (lock, stands) in cases {
        let world = Pretended::default();
        world.lock.replace(Some(lock));
        let shown = RefCell::new(String::new());
        let confirm = |text: &str| {
            shown.replace(text.to_owned());
            Ok(())
        };
        let told = now(acknowledge(&name(), "me: looked at it", &world, NOW, &confirm)).expect("acknowledged");
        let shown = shown.into_inner();
        assert!(shown.contains(stands) && shown.contains(RUN), "{shown}");
        assert_eq!(world.changed(), ["acknowledge 3 me: looked at it, at 2027-01-15T08:00:00.000Z"]);
        assert!(told.text.starts_with("acknowledged: runs of plan retail-store may start"), "{}", told.text);
        let again = acknowledged(&world).expect("the same again");
        assert!(again.text.starts_with("acknowledged already"), "{}", again.text);
        assert_eq!(world.changed().len(), 1);
    }
}

#[test]
fn s7_a_run_that_is_alive_is_not_acknowledged_nor_is_one_that_never_was() {
    let cases = [(None, "never had a run"), (Some(lock(LockState::Held)), "has not ended")];
    for (lock, problem) in cases {
        let world = Pretended::default();
        world.lock.replace(lock);
        let failure = acknowledged(&world).expect_err(problem);
        assert!(failure.to_string().contains(problem), "{failure}");
        assert_eq!((failure.exit(), world.changed()), (Exit::NotAsExpected, Vec::new()));
    }
}

#[test]
fn a_no_changes_nothing_and_a_lock_that_changed_meanwhile_is_not_acknowledged() {
    let world = Pretended::default();
    world.lock.replace(Some(lock(LockState::NeedsOperator)));
    let failure = now(acknowledge(&name(), "me: x", &world, NOW, &no)).expect_err("a no");
    assert_eq!((failure.exit(), world.changed()), (Exit::NotAsExpected, Vec::new()));
    world.conflict_at.set(Some(0));
    let failure = acknowledged(&world).expect_err("changed");
    assert!(failure.to_string().contains("no longer as it was shown"), "{failure}");
}

#[test]
fn a_run_that_left_nothing_to_acknowledge_says_so() {
    let world = Pretended::default();
    world.lock.replace(Some(lock(LockState::Free)));
    assert!(acknowledged(&world).expect("nothing").text.starts_with("nothing waits"));
    assert_eq!(world.changed(), Vec::<String>::new());
}
