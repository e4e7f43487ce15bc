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
