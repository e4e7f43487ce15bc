//! `lifeboat report`.

use std::cell::RefCell;

use async_trait::async_trait;
use lifeboat_cli::exit::Exit;
use lifeboat_cli::operator::report::{Form, Ports, of};
use lifeboat_model::ending::Ending;
use lifeboat_model::journal::{Entry, Note};
use lifeboat_model::limits::Step;
use lifeboat_model::lock::LockState;
use lifeboat_model::report::Outcome;
use lifeboat_ports::{CallError, Fault, Reports};

use crate::pretended::{NOW, Pretended, RUN, failing, lock, name, now, plan, run};

/// A bucket that holds the same under every key, and what it was asked for.
struct Bucket(Result<Option<String>, CallError>, RefCell<Vec<String>>);

#[async_trait(?Send)]
impl Reports for Bucket {
    async fn fetch(&self, key: &str) -> Result<Option<String>, CallError> {
        self.1.borrow_mut().push(key.to_owned());
        self.0.clone()
    }
}

fn concluded() -> Pretended {
    let world = Pretended::with(&plan());
    let ending = Ending::of_admitted(&lock(LockState::Free), None);
    world.journal.borrow_mut().push(Entry {
        run_id: RUN.to_owned(),
        epoch: 1,
        step: Step::Conclude,
        resource: "retail-store".to_owned(),
        at: NOW,
        note: Note::Concluded { outcome: Outcome::Completed, ending: Some(Box::new(ending)) },
    });
    world
}

fn told(world: &Pretended, bucket: Option<&Bucket>, form: Form) -> Result<(String, String), (String, Exit)> {
    let bucket = bucket.map(|bucket| bucket as &dyn Reports);
    let ports = Ports { bucket, journals: world, plans: world };
    match now(of(&run(), None, &[form], &ports)) {
        Ok((texts, from)) => Ok((texts.concat(), from)),
        Err(failure) => Err((failure.to_string(), failure.exit())),
    }
}

#[test]
fn a_report_that_is_stored_is_fetched_from_its_place() {
    let bucket = Bucket(Ok(Some("stored".to_owned())), RefCell::default());
    let (text, from) = told(&concluded(), Some(&bucket), Form::Html).expect("a report");
    assert_eq!((text.as_str(), from.as_str()), ("stored", "the bucket, runs/retail-store/run-1"));
    assert_eq!(*bucket.1.borrow(), ["runs/retail-store/run-1/report.html"]);
}

#[test]
fn without_a_bucket_or_with_one_that_has_none_or_is_silent_the_journal_makes_it() {
    let silent = || Err(failing("s3:GetObject", Fault::TimedOut));
    for bucket in [None, Some(Ok(None)), Some(silent())] {
        let bucket = bucket.map(|answer| Bucket(answer, RefCell::default()));
        let (json, from) = told(&concluded(), bucket.as_ref(), Form::Json).expect("a report");
        let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!((json["outcome"].as_str(), json["run_id"].as_str()), (Some("Completed"), Some(RUN)));
        assert!(from.starts_with("the journal of"), "{from}");
        let (page, _) = told(&concluded(), bucket.as_ref(), Form::Html).expect("a report");
        assert!(page.contains("<html"), "{page}");
    }
}

#[test]
fn the_text_says_the_outcome_first_and_where_the_whole_is() {
    let (text, _) = told(&concluded(), None, Form::Text).expect("a report");
    assert!(text.starts_with("Lifeboat: Completed: retail-store to us-west-2\n"), "{text}");
    assert!(text.contains("lifeboat report --run arn:"), "{text}");
}

#[test]
fn a_run_that_has_not_concluded_has_no_report_yet() {
    let (problem, exit) = told(&Pretended::with(&plan()), None, Form::Text).expect_err("no report");
    assert!(problem.contains("its journal is empty") && problem.contains("lifeboat watch --run"), "{problem}");
    assert_eq!(exit, Exit::NotAsExpected);
    assert_eq!(concluded().current.borrow()[&name()], 1);
}
