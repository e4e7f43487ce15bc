//! The binaries that ship, as functions of the simulated world.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use lifeboat_model::limits::Step;
use lifeboat_model::report::Outcome;
use lifeboat_simulator::world::StartedBy;
use lifeboat_wire::platform::{Host, HostOptions};
use serde_json::json;

use crate::common::{Served, TARGET, plan, plan_for_processes, region, serve_with, within};

/// Where cargo puts binaries: beside the folder of this test.
fn binaries() -> PathBuf {
    let test = std::env::current_exe().expect("this test is a file");
    let folder = test.parent().and_then(Path::parent).expect("a folder above deps").to_owned();
    assert!(
        folder.join("admit").is_file(),
        "no function in {}; build them: cargo build --workspace --all-features --bins first",
        folder.display()
    );
    folder
}

struct Hosted {
    served: Served,
    host: Rc<Host>,
    log: Rc<RefCell<Vec<String>>>,
    _scratch: Scratch,
}

/// A directory that goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lifeboat-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

async fn hosted(name: &str) -> Hosted {
    let (log, scratch) = (Rc::<RefCell<Vec<String>>>::default(), Scratch::new(name));
    let (kept, told) = (Rc::new(RefCell::new(None)), Rc::clone(&log));
    let (keep, folder) = (Rc::clone(&kept), scratch.0.clone());
    let served = serve_with(plan_for_processes(), move |face, callers, address| {
        let options =
            HostOptions { binaries: binaries(), scratch: folder, face: address, table: "lifeboat".to_owned() };
        let log = move |name: &str, line: &str| told.borrow_mut().push(format!("{name} {line}"));
        let host = Host::new(callers.clone(), options, log).expect("a host");
        let (segment, api) = host.runtime_api();
        *keep.borrow_mut() = Some(host);
        face.with_path(segment, api)
    })
    .await;
    let host = kept.borrow_mut().take().expect("a host");
    Hosted { served, host, log, _scratch: scratch }
}

#[test]
fn a_binary_starts_cold_once_answers_warm_and_ends_with_its_host() {
    within(async {
        let hosted = hosted("warm").await;
        let world = &hosted.served.world;
        let mut took = Vec::new();
        for _ in 0..6 {
            let began = Instant::now();
            let answer = world.invoke(Step::Admit, &region(TARGET), "", json!({"warm_up": true})).await;
            assert_eq!(answer, Ok(json!({"warm": true})));
            took.push(began.elapsed());
        }
        println!("cold {:?}, then {:?}", took.first(), took.get(1..));
        assert_eq!(hosted.host.cold_starts(), 1);
        let [process] = hosted.host.processes()[..] else { panic!("one process") };
        assert!(Path::new(&format!("/proc/{process}")).exists());
        let memory = std::fs::read_to_string(format!("/proc/{process}/status")).expect("its status");
        println!("{}", memory.lines().find(|l| l.starts_with("VmRSS")).unwrap_or_default());
        let Hosted { host, log, .. } = hosted;
        assert!(log.borrow().iter().any(|line| line.contains("\"event\":\"end\"")), "{:?}", log.borrow());
        drop(host);
        assert!(!Path::new(&format!("/proc/{process}")).exists(), "it ended with its host");
    });
}

#[test]
fn a_binarys_error_is_the_one_that_the_state_machine_branches_on() {
    within(async {
        let hosted = hosted("error").await;
        let event = json!({"request": {"plan": "retail-store"}, "execution": {"id": "arn:one"}});
        let error =
            hosted.served.world.invoke(Step::Admit, &region(TARGET), "arn:one", event).await.expect_err("wrong");
        assert_eq!(error.error, "Lifeboat.Rejected");
        assert!(error.cause.starts_with("{\"errorMessage\"") || error.cause.contains("errorType"), "{}", error.cause);
        assert_eq!(hosted.host.cold_starts(), 1);
        let alarm = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/start-run-alarm.json"));
        let alarm = serde_json::from_str(&alarm.expect("the event")).expect("JSON");
        let answer = hosted.served.world.invoke(Step::StartRun, &region(TARGET), "", alarm).await.expect("an answer");
        assert_eq!(answer["status"], "told", "it is long past, and people hear so: {answer}");
    });
}

#[test]
fn the_shipped_binaries_carry_a_switchover_to_its_end() {
    within(async {
        let hosted = hosted("switchover").await;
        let world = hosted.served.world.clone();
        let began = Instant::now();
        let input = json!({"plan": "retail-store", "target": TARGET, "mode": "switchover"});
        world.start_execution(&region(TARGET), "switchover", input, StartedBy::Operator);
        let run = loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let run = world.state().runs.first().cloned().expect("a run");
            if run.ended.is_some() {
                break run;
            }
            assert!(began.elapsed() < Duration::from_secs(900), "it does not end");
        };
        println!("switchover by binaries: {:?}, {} cold starts", began.elapsed(), hosted.host.cold_starts());
        let memory: u64 = hosted.host.processes().iter().filter_map(|p| rss_kib(*p)).sum();
        println!("{} processes, {memory} KiB resident", hosted.host.processes().len());
        assert_eq!(run.outcome(), Some(Outcome::Completed), "{:?}\n{}", run.ended, hosted.log.borrow().join("\n"));
        let state = world.state();
        let violated: Vec<_> = state.invariants.results().into_iter().filter(|(_, r)| r.violations > 0).collect();
        assert!(violated.is_empty(), "{violated:?}");
        assert!(!state.messages.stored.is_empty() && !state.messages.published.is_empty());
        assert!(!state.messages.printed.is_empty(), "the metrics of the run");
    });
}

fn rss_kib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()
}

#[test]
fn a_hosts_directory_without_a_function_is_refused_with_what_to_do() {
    within(async {
        let served = serve_with(plan(), |face, callers, address| {
            let scratch = Scratch::new("empty");
            let options = HostOptions {
                binaries: scratch.0.clone(),
                scratch: scratch.0.clone(),
                face: address,
                table: "lifeboat".to_owned(),
            };
            let Err(error) = Host::new(callers.clone(), options, |_, _| {}) else { panic!("there is none") };
            assert!(error.to_string().contains("cargo build --workspace --all-features --bins"), "{error}");
            face
        })
        .await;
        drop(served);
    });
}
