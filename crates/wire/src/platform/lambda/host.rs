//! The host: starts the binaries of a directory, one process an environment.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;

use async_trait::async_trait;
use lifeboat_model::limits::Step;
use lifeboat_model::{Period, Region};
use lifeboat_simulator::World;
use lifeboat_simulator::machine::StateError;
use lifeboat_simulator::world::{Caller, FunctionHost};
use serde_json::Value;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use super::environment::{Environment, Outcome, Work};
use super::names::{follow, needs_no_wrapper, wrapper};
use crate::callers::Callers;
use crate::platform::{bucket, function_arn, function_name, machine_arn, topic_arn};

/// How often a process is looked at, whether it still runs.
const BEAT: Period = Period::ms(20);

/// The first segment of the path under which environments are served.
pub(super) const SEGMENT: &str = "rt";

/// The file of host names.
const HOSTS: &str = "hosts";

/// Where functions come from and what they are told.
#[derive(Clone, Debug)]
pub struct HostOptions {
    /// The directory of the binaries, one for each step.
    pub binaries: PathBuf,
    /// A directory of our own, for the file of host names.
    pub scratch: PathBuf,
    /// Where the face listens, as a process on this machine reaches it.
    pub face: SocketAddr,
    /// The name of the table.
    pub table: String,
}

/// Why functions cannot be hosted.
#[derive(Debug, Error)]
pub enum HostError {
    /// A binary is missing.
    #[error("function {step} is not in {directory}; build the binaries: cargo build --workspace --all-features --bins")]
    Missing {
        /// The step.
        step: Step,
        /// The directory.
        directory: PathBuf,
    },
    /// The binaries would ask the Internet for the plan's names.
    #[error(
        "libnss_wrapper.so is not installed, and without it the functions would not see the world's DNS; install libnss-wrapper, or have addresses in place of the plan's names with --fixed-dns"
    )]
    Names,
    /// The file of host names cannot be written.
    #[error("failed to write {file}: {reason}; give another directory")]
    Scratch {
        /// The file.
        file: PathBuf,
        /// Why not.
        reason: std::io::Error,
    },
}

/// The host of a world's functions. Its processes end with it.
pub struct Host {
    callers: Callers,
    options: HostOptions,
    wrapper: Option<PathBuf>,
    environments: RefCell<BTreeMap<String, Environment>>,
    idle: RefCell<BTreeMap<(Region, Step), Vec<String>>>,
    started: Cell<u64>,
    served: Cell<u64>,
    lines: mpsc::UnboundedSender<(String, String)>,
}

impl Host {
    /// A host for the world of `callers`, which from now on runs its functions here; `log` gets what they print, with the
    /// name of their environment.
    ///
    /// # Errors
    /// A binary is missing, or names cannot be served.
    pub fn new(
        callers: Callers,
        options: HostOptions,
        log: impl Fn(&str, &str) + 'static,
    ) -> Result<Rc<Self>, HostError> {
        let world = callers.world().clone();
        for step in Step::ALL {
            if !options.binaries.join(step.as_str()).is_file() {
                return Err(HostError::Missing { step, directory: options.binaries });
            }
        }
        // Addresses resolve by themselves, and the file must not answer for them.
        let wrapper = match needs_no_wrapper(&world.state().plan) {
            true => None,
            false => Some(wrapper().ok_or(HostError::Names)?),
        };
        let file = options.scratch.join(HOSTS);
        follow(&world, &file).map_err(|reason| HostError::Scratch { file, reason })?;
        let (lines, printed) = mpsc::unbounded_channel();
        drain(&world, printed, log);
        let host = Rc::new(Self {
            callers,
            options,
            wrapper,
            environments: RefCell::default(),
            idle: RefCell::default(),
            started: Cell::new(0),
            served: Cell::new(0),
            lines,
        });
        let hosting: Rc<dyn FunctionHost> = host.clone();
        world.host_functions(&hosting);
        Ok(host)
    }

    /// How many processes were started so far: cold starts.
    pub fn cold_starts(&self) -> u64 {
        self.started.get()
    }

    /// The ids of the processes that run.
    pub fn processes(&self) -> Vec<u32> {
        self.environments.borrow().values().map(Environment::id).collect()
    }

    /// Ends all processes.
    pub fn end(&self) {
        self.environments.borrow_mut().clear();
        self.idle.borrow_mut().clear();
    }

    /// Calls `with` on the environment with this key.
    pub(super) fn environment<T>(&self, key: &str, with: impl FnOnce(&mut Environment) -> T) -> Option<T> {
        self.environments.borrow_mut().get_mut(key).map(with)
    }

    fn take(&self, region: &Region, step: Step) -> Result<String, StateError> {
        let mut idle = self.idle.borrow_mut();
        let warm = idle.entry((region.clone(), step)).or_default();
        while let Some(key) = warm.pop() {
            // One that ended while it had nothing to do is not to be blamed on this invocation.
            match self.environment(&key, Environment::ended) {
                Some(None) => return Ok(key),
                Some(Some(_)) | None => drop(self.environments.borrow_mut().remove(&key)),
            }
        }
        drop(idle);
        self.start(region, step)
    }

    fn start(&self, region: &Region, step: Step) -> Result<String, StateError> {
        let number = self.started.get() + 1;
        self.started.set(number);
        let key = format!("SIMENV{number:014}");
        let name = format!("{step}/{region}/{number}");
        let started = Environment::start(self.command(&key, region, step), (step, region), &name, &self.lines);
        let environment = started.map_err(|reason| {
            let binary = self.options.binaries.join(step.as_str());
            StateError::new("Runtime.InvalidEntrypoint", format!("failed to start {}: {reason}", binary.display()))
        })?;
        self.environments.borrow_mut().insert(key.clone(), environment);
        Ok(key)
    }

    /// The process of an environment, with what the template and Lambda give it.
    fn command(&self, key: &str, region: &Region, step: Step) -> Command {
        let (face, function) = (self.options.face, function_name(step));
        let mut command = Command::new(self.options.binaries.join(step.as_str()));
        command.env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
            .env("AWS_REGION", region.as_str())
            .env("AWS_DEFAULT_REGION", region.as_str())
            .env("AWS_ACCESS_KEY_ID", key)
            .env("AWS_SECRET_ACCESS_KEY", "simulated")
            .env("AWS_ENDPOINT_URL", format!("http://{face}"))
            .env("AWS_LAMBDA_RUNTIME_API", format!("http://{face}/{SEGMENT}/{key}"))
            .env("AWS_LAMBDA_FUNCTION_NAME", &function)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{function}"))
            .env("AWS_LAMBDA_LOG_STREAM_NAME", key)
            .env("LIFEBOAT_TABLE", &self.options.table)
            .env("LIFEBOAT_TABLE_REGION", region.as_str());
        for (variable, value) in own_variables(step, region) {
            command.env(variable, value);
        }
        if let Some(wrapper) = &self.wrapper {
            command.env("LD_PRELOAD", wrapper).env("NSS_WRAPPER_HOSTS", self.options.scratch.join(HOSTS));
        }
        command
    }

    /// Returns when the process of an environment has ended, with how.
    async fn process_ends(&self, key: &str) -> String {
        loop {
            match self.environment(key, Environment::ended) {
                Some(None) => self.callers.world().sleep(BEAT).await,
                Some(Some(how)) => return how,
                None => return "it is gone".to_owned(),
            }
        }
    }
}

/// The variables that the template gives the function of `step` alone, with their values in `region`.
pub fn own_variables(step: Step, region: &Region) -> Vec<(&'static str, String)> {
    let topic = || ("LIFEBOAT_TOPIC", topic_arn(region));
    match step {
        Step::StartRun => vec![("LIFEBOAT_STATE_MACHINE", machine_arn(region)), topic()],
        Step::RequestApproval => vec![topic()],
        Step::Conclude => vec![topic(), ("LIFEBOAT_BUCKET", bucket(region))],
        Step::Admit
        | Step::Assess
        | Step::IsolateSource
        | Step::ScaleCompute
        | Step::PromoteDatabase
        | Step::PromoteCache
        | Step::PromoteBroker
        | Step::CheckTable
        | Step::VerifyWriters
        | Step::ShiftTraffic
        | Step::VerifyTraffic => Vec::new(),
    }
}

#[async_trait(?Send)]
impl FunctionHost for Host {
    async fn run(&self, caller: Caller, payload: Value) -> Outcome {
        let (region, step) = (caller.home.clone(), caller.step);
        let key = self.take(&region, step)?;
        let mut lease = Lease { host: self, key: &key, ended: Ended::Badly };
        self.callers.enter_as(&key, caller);
        let number = self.served.get() + 1;
        self.served.set(number);
        let work = Work {
            request_id: format!("00000000-0000-4000-8000-{number:012}"),
            payload: payload.to_string().into(),
            deadline_ms: self.callers.world().now().plus(step.timeout()).as_ms(),
            arn: function_arn(&region, step),
        };
        let (to, answer) = oneshot::channel();
        let sent = self.environment(&key, |environment| {
            environment.waits = Some((work.request_id.clone(), to));
            environment.work.send(work).is_ok()
        });
        if sent != Some(true) {
            return Err(StateError::new("Runtime.ExitError", "the process ended"));
        }
        let ends = std::pin::pin!(self.process_ends(&key));
        match futures_util::future::select(answer, ends).await {
            futures_util::future::Either::Left((Ok(outcome), _)) => {
                lease.ended = Ended::Well;
                outcome
            }
            futures_util::future::Either::Left((Err(_), _)) => {
                Err(StateError::new("Runtime.ExitError", "the environment was ended"))
            }
            futures_util::future::Either::Right((how, _)) => {
                Err(StateError::new("Runtime.ExitError", format!("the process ended: {how}")))
            }
        }
    }
}

/// How an invocation ended, for its environment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// It answered: the environment is used again.
    Well,
    /// It did not: the process is ended.
    Badly,
}

/// An environment while it runs an invocation.
struct Lease<'a> {
    host: &'a Host,
    key: &'a str,
    ended: Ended,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.host.callers.leave(self.key);
        match self.ended {
            Ended::Well => {
                let place = self.host.environment(self.key, |e| (e.region.clone(), e.step));
                if let Some(place) = place {
                    self.host.idle.borrow_mut().entry(place).or_default().push(self.key.to_owned());
                }
            }
            Ended::Badly => drop(self.host.environments.borrow_mut().remove(self.key)),
        }
    }
}

/// Hands what processes print to `log`, and lines of metrics to the world.
fn drain(world: &World, mut printed: mpsc::UnboundedReceiver<(String, String)>, log: impl Fn(&str, &str) + 'static) {
    let own = world.clone();
    world.executor().spawn(async move {
        while let Some((name, line)) = printed.recv().await {
            if line.contains("\"_aws\"") {
                own.state_mut().messages.printed.push(line.clone());
            }
            log(&name, &line);
        }
    });
}
