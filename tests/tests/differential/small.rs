//! Small machines: each must end as the documentation says.

use serde_json::Value;

use crate::cases::{Case, read};
use crate::known::SMALL;
use crate::trace::Trace;
use crate::{oracle, ours};

fn told(name: &str, case: &Case, trace: &Trace) -> String {
    format!("{name}: {}\n{}\nexpected {:#?}\nbut was {trace:#?}", case.about, case.documented, case.expect)
}

#[test]
fn the_runner_does_with_every_small_machine_what_is_documented() {
    let cases = read::<Case>("cases");
    assert!(cases.len() >= 35, "{} cases", cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .map(|(name, case)| (name, case, ours::run(&case.script())))
        .filter(|(_, case, trace)| !trace.differs_from(&case.expect).is_empty())
        .map(|(name, case, trace)| told(name, case, &trace))
        .collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
}

/// A difference that is not known fails, and a known one that does not show any more.
#[test]
fn the_other_interpreter_differs_from_the_documentation_only_where_that_is_known() {
    let cases = read::<Case>("cases");
    for known in SMALL {
        assert!(cases.contains_key(known.case), "{} is no case", known.case);
    }
    let scripts: Vec<_> = cases.values().map(Case::script).collect();
    let traces = oracle::run(&scripts.iter().collect::<Vec<_>>());
    let mut wrong = Vec::new();
    for ((name, case), trace) in cases.iter().zip(&traces) {
        let differs = trace.differs_from(&case.expect);
        let known = SMALL.iter().find(|k| k.case == name);
        match known {
            None if differs.is_empty() => {}
            Some(known) if known.differs == differs => {}
            None => wrong.push(format!("not known, {differs:?}: {}", told(name, case, trace))),
            Some(known) => wrong.push(format!(
                "known ({}) to differ in {:?}, but differs in {differs:?}: {}",
                known.why,
                known.differs,
                told(name, case, trace)
            )),
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
}

/// What Step Functions is asked, where it can be (`tools/test_state.py`), is what the case expects anyway.
#[test]
fn what_test_state_must_answer_is_what_the_case_expects() {
    let cases = read::<Case>("cases");
    let asked: Vec<_> = cases.iter().filter_map(|(name, case)| Some((name, case, case.test_state.as_ref()?))).collect();
    assert!(asked.len() >= 8, "{} cases for TestState", asked.len());
    for (name, case, answer) in asked {
        let second = case.expect.entered["top"].get(1).and_then(|line| line.split(' ').nth(1));
        assert_eq!(
            answer.get("nextState").and_then(Value::as_str),
            second.filter(|_| answer["status"] != "RETRIABLE"),
            "{name}"
        );
        assert_eq!(answer.get("error").and_then(Value::as_str), case.expect.error.as_deref(), "{name}");
        assert!(answer.get("output").is_none_or(|output| Some(output) == case.expect.output.as_ref()), "{name}");
    }
}
