//! A simulated world behind its HTTP face, in a thread of its own, for as long as a test lasts.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use lifeboat_model::{Direction, Plan};
use lifeboat_simulator::machine::Machine;
use lifeboat_wire::platform::{Host, HostOptions, TABLE, functions_see_the_dns, with_fixed_names, with_platform};
use lifeboat_wire::{Options, Simulation};
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// The Region that serves first.
pub const SOURCE: &str = "us-east-1";
/// The other one.
pub const TARGET: &str = "us-west-2";
/// The account of the simulated world.
pub const ACCOUNT: &str = "111122223333";

/// The root of the repository.
pub fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The example plan.
pub fn plan() -> Plan {
    lifeboat_cli::plan_file::load(None).expect("the example plan is a plan")
}

/// The example plan for the functions' processes: with its DNS names, where this machine lets processes see the world's DNS.
pub fn plan_for_processes() -> Plan {
    if functions_see_the_dns() {
        return plan();
    }
    assert!(std::env::var_os("CI").is_none(), "libnss-wrapper is missing: tools/machine.sh installs it");
    println!("NOT TRIED: the functions' own look at DNS, for want of libnss_wrapper.so (Debian: libnss-wrapper)");
    with_fixed_names(plan(), &TARGET.parse().expect("a Region"))
}

/// Where cargo puts binaries: beside the folder of this test.
pub fn binaries() -> PathBuf {
    let test = std::env::current_exe().expect("this test is a file");
    let folder = test.parent().and_then(Path::parent).expect("a folder above deps").to_owned();
    let built = folder.join("admit").is_file() && folder.join("lifeboat").is_file();
    assert!(built, "no binaries in {}; first: cargo build --workspace --all-features --bins", folder.display());
    folder
}

/// Who performs the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Functions {
    /// The functions' binaries, each in a process of its own.
    Binaries,
    /// Nobody starts a run here.
    Unused,
}

/// A world that listens on loopback.
pub struct Served {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    /// The world of `plan`, whose clock goes `time_scale` times as fast as the machine's.
    pub fn begin(plan: Plan, time_scale: u32, functions: Functions) -> Self {
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let machine = Rc::new(Machine::read(lifeboat_cli::MACHINE).expect("the shipped machine is one"));
            let [source, target] = plan.regions.clone();
            let direction = Direction { source, target };
            let options = Options { plan, direction, machine, seed: 1, time_scale, host: Ipv4Addr::LOCALHOST, port: 0 };
            tokio::task::LocalSet::new().block_on(&runtime, async move {
                let simulation = Simulation::begin(options).await.expect("a port of its own");
                let address = simulation.address();
                let mut simulation =
                    simulation.with(|face, callers| with_platform(face, callers, lifeboat_cli::MACHINE));
                let scratch = std::env::temp_dir().join(format!("lifeboat-door-{}", address.port()));
                let host = match functions {
                    Functions::Binaries => Some(host(&simulation, &scratch)),
                    Functions::Unused => None,
                };
                if let Some(host) = &host {
                    let (segment, api) = host.runtime_api();
                    simulation = simulation.with(|face, _| face.with_path(segment, api));
                }
                tell.send(address).expect("the test waits");
                let served = tokio::task::spawn_local(simulation.run());
                drop(stopped.await);
                served.abort();
                if let Some(host) = host {
                    host.end();
                    std::fs::remove_dir_all(scratch).expect("our own directory");
                }
            });
        });
        let address = told.recv().expect("it listens");
        Self { address, stop: Some(stop), thread: Some(thread) }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What is true in the world now.
    pub fn state(&self) -> Value {
        self.ask("GET", "/simulator/state", "")
    }

    /// Tells the control API to do `what`.
    pub fn control(&self, what: &str, body: &Value) {
        self.ask("POST", &format!("/simulator/{what}"), &body.to_string());
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Value {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .expect("it reads");
        let mut reply = String::new();
        stream.read_to_string(&mut reply).expect("it answers");
        let (head, body) = reply.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with("HTTP/1.1 200"), "{method} {path} {body}: {reply}");
        serde_json::from_str(body).expect("JSON")
    }

    /// The run called `name`, once it has ended.
    pub fn ended_run(&self, name: &str) -> Value {
        for _ in 0..1800 {
            let state = self.state();
            let runs = state["runs"].as_array().cloned().unwrap_or_default();
            let is_it = |run: &Value| run["execution"].as_str().is_some_and(|arn| arn.ends_with(&format!(":{name}")));
            if let Some(run) = runs.into_iter().find(|run| is_it(run) && !run["ended_at"].is_null()) {
                return run;
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        panic!("no run called {name} has ended after a quarter of an hour: {:#}", self.state());
    }

    /// What is true once every client is served. Clients hold what DNS answered them for its lifetime, as in a drill.
    pub fn once_clients_are_served(&self) -> Value {
        for _ in 0..360 {
            let state = self.state();
            if state["clients"]["all_served"] == true {
                return state;
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        panic!("some clients are still not served after three minutes: {:#}", self.state());
    }

    /// Every database is written in the target, traffic goes there, clients are served, and no invariant was violated.
    pub fn assert_moved(&self) {
        let state = self.once_clients_are_served();
        for (name, database) in state["databases"].as_object().expect("databases") {
            assert_eq!(database["writer"], TARGET, "{name}");
        }
        assert_eq!(state["routing"]["controls"], json!({SOURCE: "Off", TARGET: "On"}));
        assert_eq!(state["invariants"]["violations"], 0, "{state:#}");
    }

    /// The AWS CLI with `arguments`, and the JSON that it prints.
    pub fn aws(&self, arguments: &[&str]) -> Value {
        let done = self.program(Path::new("aws")).args(arguments).args(["--output", "json"]).output();
        let done = done.expect("the AWS CLI; `make .venv/installed` installs it");
        let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "aws {arguments:?}: {err}");
        serde_json::from_str(&out).unwrap_or_else(|e| panic!("aws {arguments:?}: {e}: {out}"))
    }

    /// A program that talks to this world as it would to AWS, and to nothing else.
    pub fn program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", path()).envs([
            ("AWS_ENDPOINT_URL", self.url().as_str()),
            ("AWS_ACCESS_KEY_ID", "none"),
            ("AWS_SECRET_ACCESS_KEY", "none"),
            ("AWS_MAX_ATTEMPTS", "1"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
            ("AWS_REGION", TARGET),
            ("AWS_DEFAULT_REGION", TARGET),
        ]);
        command
    }
}

fn host(simulation: &Simulation, scratch: &Path) -> Rc<Host> {
    std::fs::create_dir_all(scratch).expect("a directory");
    let options = HostOptions {
        binaries: binaries(),
        scratch: scratch.to_owned(),
        face: simulation.address(),
        table: TABLE.to_owned(),
    };
    Host::new(simulation.callers().clone(), options, |name, line| println!("{name} {line}")).expect("a host")
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Where programs are looked for: the project's own tools first.
fn path() -> String {
    let inherited = std::env::var("PATH").unwrap_or_default();
    format!("{}:{inherited}", root().join(".venv/bin").display())
}
