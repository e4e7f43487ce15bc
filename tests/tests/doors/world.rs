//! A simulated world behind its HTTP face, in a thread of its own, for as long as a test lasts.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread::JoinHandle;

use lifeboat_model::{Direction, Plan};
use lifeboat_simulator::machine::Machine;
use lifeboat_wire::{Options, Simulation};
use serde_json::Value;
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

/// A world that listens on loopback.
pub struct Served {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    /// The world of `plan`, whose clock goes `time_scale` times as fast as the machine's.
    pub fn begin(plan: Plan, time_scale: u32) -> Self {
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
                tell.send(simulation.address()).expect("the test waits");
                let served = tokio::task::spawn_local(simulation.run());
                drop(stopped.await);
                served.abort();
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
