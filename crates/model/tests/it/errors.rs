//! The names of errors are public API, and the reasons carry what a person needs.

use lifeboat_model::read::Problem;
use lifeboat_model::{Reason, ReasonCode, StepError};

#[test]
fn the_four_names_of_errors_are_public_api() {
    let problem = Problem { line: None, field: "a".to_owned(), value: "1".to_owned(), expected: "2".to_owned() };
    let table = [
        (StepError::Rejected(vec![problem.clone()]), "Lifeboat.Rejected"),
        (StepError::Refused(Vec::new()), "Lifeboat.Refused"),
        (StepError::Transient(String::new()), "Lifeboat.Transient"),
        (StepError::Ambiguous(String::new()), "Lifeboat.Ambiguous"),
    ];
    for ((error, name), listed) in table.iter().zip(StepError::NAMES) {
        assert_eq!((error.name(), listed), (*name, *name));
    }
    assert_eq!(StepError::malformed("a", 1, "2"), StepError::Rejected(vec![problem]));
}

#[test]
fn an_error_says_everything_at_once_and_what_to_do() {
    let first = Reason::new(ReasonCode::LagUnknown, "database orders", "no value");
    let second = Reason::new(ReasonCode::LockHeld, "plan store", "run 1 holds it");
    assert_eq!(
        StepError::Refused(vec![first, second]).to_string(),
        "database orders (lag-unknown): no value; find out why the lag metric is missing; unknown is not zero; \
         plan store (lock-held): run 1 holds it; follow that run; when it ends, start again if there is still need"
    );
    assert_eq!(StepError::malformed("run", 7, "a text").to_string(), "run: 7 found, expected a text");
    assert_eq!(StepError::Transient("x".to_owned()).to_string(), "x; it had no effect and is tried again");
    assert!(StepError::Ambiguous("x".to_owned()).to_string().contains("look before you repeat"));
    let refused = StepError::refused(ReasonCode::SafetyRule, "rule", "blocked");
    assert_eq!(refused, StepError::Refused(vec![Reason::new(ReasonCode::SafetyRule, "rule", "blocked")]));
}

#[test]
fn several_errors_are_one_the_worst_of_them_with_everything_of_its_kind() {
    let problem =
        |field: &str| Problem { line: None, field: field.to_owned(), value: "1".to_owned(), expected: "2".to_owned() };
    let reason = |resource: &str| Reason::new(ReasonCode::LagUnknown, resource, "no value");
    // Each kind twice, from the worst to the best; and what one error of each kind's two says.
    let kinds = [
        [StepError::Rejected(vec![problem("a")]), StepError::Rejected(vec![problem("b"), problem("c")])],
        [StepError::Refused(vec![reason("a"), reason("b")]), StepError::Refused(vec![reason("c")])],
        [StepError::Ambiguous("a".to_owned()), StepError::Ambiguous("b".to_owned())],
        [StepError::Transient("c".to_owned()), StepError::Transient("d".to_owned())],
    ];
    let both = [
        StepError::Rejected(["a", "b", "c"].map(problem).into()),
        StepError::Refused(["a", "b", "c"].map(reason).into()),
        StepError::Ambiguous("a; b".to_owned()),
        StepError::Transient("c; d".to_owned()),
    ];
    for present in 0..16_usize {
        let is_present = |n: &usize| present >> n & 1 == 1;
        let expected = (0..4).find(is_present).map(|n| both[n].clone());
        // The best first, and in turns: the order of the kinds does not count, that within a kind is kept.
        let backwards: Vec<StepError> = (0..4).rev().filter(is_present).flat_map(|n| kinds[n].clone()).collect();
        assert_eq!(StepError::worst_of(backwards), expected, "{present:04b}");
        let firsts = (0..4).filter(is_present).map(|n| kinds[n][0].clone());
        let seconds = (0..4).rev().filter(is_present).map(|n| kinds[n][1].clone());
        assert_eq!(StepError::worst_of(firsts.chain(seconds).collect()), expected, "{present:04b}");
    }
    for (n, [one, _]) in kinds.into_iter().enumerate() {
        assert_eq!(StepError::worst_of(vec![one.clone()]), Some(one), "alone it is itself: {n}");
    }
}
