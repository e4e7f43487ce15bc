//! What is written down of a run at its end: what the lock says of one that was admitted, and of any other what it asked for.

use crate::common::{
    NOW, RUN, admission, at, by_alarm, by_person, consent, eastward, held, plan, third, west, westward,
};
use lifeboat_model::Request;
use lifeboat_model::ending::Ending;
use lifeboat_model::lock::{Admission, Approval, Lock};
use lifeboat_model::request::{Mode, Purpose};

#[test]
fn of_an_admitted_run_the_lock_tells_what_it_was() {
    let approval = Approval::Given { by: "a person".to_owned(), reason: "it must sell".to_owned(), at: NOW };
    for (mode, cause) in [(Mode::Switchover, None), (Mode::Failover, Some("Lifeboat.Refused: unsafe".to_owned()))] {
        let run = Admission { approval: approval.clone(), trigger: by_alarm(), ..admission(mode) };
        let expected = Ending {
            purpose: Purpose::Act,
            plan_version: 7,
            direction: westward(),
            mode,
            trigger: by_alarm(),
            consent: run.consent.clone(),
            approval: approval.clone(),
            admitted_at: Some(at(-5)),
            stopped: None,
            cause: cause.clone(),
        };
        assert_eq!(Ending::of_admitted(&Lock { run, ..held(mode) }, cause), expected);
        let json = serde_json::to_value(&expected).expect("JSON");
        assert_eq!(serde_json::from_value::<Ending>(json).ok(), Some(expected), "{RUN}");
    }
}

#[test]
fn of_a_run_that_never_took_the_lock_its_request_tells_what_it_asked_for() {
    for (purpose, consent) in [(Purpose::Act, None), (Purpose::Rehearse, Some(consent(at(60))))] {
        let mut request = Request {
            plan: plan().name,
            target: west(),
            mode: Mode::Failover,
            purpose,
            consent: consent.clone(),
            trigger: by_person(),
        };
        let expected = Ending {
            purpose,
            plan_version: 9,
            direction: westward(),
            mode: Mode::Failover,
            trigger: by_person(),
            consent,
            approval: Approval::NotNeeded,
            admitted_at: None,
            stopped: None,
            cause: Some("no".to_owned()),
        };
        let of = |request: &Request| Ending::of_request(request, &plan(), 9, Some("no".to_owned()));
        assert_eq!(of(&request), Some(expected.clone()));
        request.target = eastward().target;
        assert_eq!(of(&request), Some(Ending { direction: eastward(), ..expected }));
        request.target = third();
        assert_eq!(of(&request), None, "a Region that the plan has not");
    }
}
