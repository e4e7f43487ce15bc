//! A world that listens, with everything on its face.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use lifeboat_aws::Environment;
use lifeboat_cli::{MACHINE, plan_file};
use lifeboat_model::limits::LEASE;
use lifeboat_model::lock::{Admission, Approval, Lock, LockState};
use lifeboat_model::request::{Mode, Trigger};
use lifeboat_model::{Direction, Plan, Region, Timestamp};
use lifeboat_simulator::World;
use lifeboat_simulator::machine::Machine;
use lifeboat_wire::platform::{bucket, functions_see_the_dns, machine_arn, topic_arn, with_fixed_names, with_platform};
use lifeboat_wire::{Callers, Face, Options, Simulation};
use serde_json::Value;

/// The Region that serves.
pub const SOURCE: &str = "us-east-1";
/// The other one.
pub const TARGET: &str = "us-west-2";

/// A Region by name.
pub fn region(name: &str) -> Region {
    name.parse().expect("a Region's name")
}

/// The example plan.
pub fn plan() -> Plan {
    plan_file::load(None).expect("the example plan")
}

/// The example plan for the functions' processes: with its DNS names, where this machine lets processes see the world's DNS.
pub fn plan_for_processes() -> Plan {
    if functions_see_the_dns() {
        return plan();
    }
    assert!(std::env::var_os("CI").is_none(), "libnss-wrapper is missing: tools/machine.sh installs it");
    println!("NOT TRIED: the functions' own look at DNS, for want of libnss_wrapper.so (Debian: libnss-wrapper)");
    with_fixed_names(plan(), &region(TARGET))
}

/// A world that listens.
pub struct Served {
    /// The world.
    pub world: World,
    /// Where.
    pub address: SocketAddr,
}

impl Served {
    /// The adapters' environment in the target.
    pub fn environment(&self) -> Environment {
        let target = region(TARGET);
        let set = |variable: &str| match variable {
            "AWS_REGION" => Some(TARGET.to_owned()),
            "AWS_ENDPOINT_URL" => Some(format!("http://{}", self.address)),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
            "LIFEBOAT_TABLE" => Some("lifeboat".to_owned()),
            "LIFEBOAT_STATE_MACHINE" => Some(machine_arn(&target)),
            "LIFEBOAT_TOPIC" => Some(topic_arn(&target)),
            "LIFEBOAT_BUCKET" => Some(bucket(&target)),
            _ => None,
        };
        Environment::read(set).expect("an environment")
    }

    /// Runs the AWS CLI in the target, and reads what it prints.
    pub async fn aws(&self, arguments: &[&str]) -> Result<Value, String> {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.venv/bin/aws");
        let program = if own.exists() { own } else { PathBuf::from("aws") };
        let mut command = Command::new(&program);
        command
            .args(arguments)
            .args(["--region", TARGET])
            .env_clear()
            .envs(["PATH", "HOME", "PYENV_ROOT"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .envs([("AWS_ENDPOINT_URL", format!("http://{}", self.address))])
            .envs([("AWS_ACCESS_KEY_ID", "operator"), ("AWS_SECRET_ACCESS_KEY", "none")])
            .envs([("AWS_PAGER", ""), ("AWS_MAX_ATTEMPTS", "1"), ("AWS_DEFAULT_OUTPUT", "json")])
            .envs([("AWS_CONFIG_FILE", "/dev/null"), ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")]);
        let output = tokio::task::spawn_blocking(move || command.output()).await.expect("it does not panic");
        let output = output.unwrap_or_else(|error| {
            panic!("{} cannot be run: {error}; install the AWS CLI: pip install awscli", program.display())
        });
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            return Err(err.into_owned());
        }
        Ok(serde_json::from_str(&out).unwrap_or_else(|_| Value::String(out.trim().to_owned())))
    }
}

/// Serves a world of `plan`. Has to run inside a `LocalSet`.
pub async fn serve(plan: Plan) -> Served {
    serve_with(plan, |face, _, _| face).await
}

/// The same, with what `add` adds to the face.
pub async fn serve_with(plan: Plan, add: impl FnOnce(Face, &Callers, SocketAddr) -> Face) -> Served {
    let options = Options {
        plan,
        direction: Direction { source: region(SOURCE), target: region(TARGET) },
        machine: Rc::new(Machine::read(MACHINE).expect("the shipped machine")),
        seed: 7,
        time_scale: 1,
        host: Ipv4Addr::LOCALHOST,
        port: 0,
    };
    let simulation = Simulation::begin(options).await.expect("a free port");
    let address = simulation.address();
    let simulation = simulation.with(|face, callers| add(with_platform(face, callers, MACHINE), callers, address));
    let world = simulation.world().clone();
    tokio::task::spawn_local(simulation.run());
    Served { world, address }
}

/// Runs `test` where served worlds can live.
pub fn within(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, test);
}

/// A lock that a switchover holds.
pub fn lock(run_id: &str, epoch: u64, now: Timestamp) -> Lock {
    Lock {
        epoch,
        state: LockState::Held,
        lease_expires_at: now.plus(LEASE),
        run: Admission {
            run_id: run_id.to_owned(),
            plan_version: 1,
            direction: Direction { source: region(SOURCE), target: region(TARGET) },
            mode: Mode::Switchover,
            consent: None,
            trigger: Trigger::Operator { name: None },
            approval: Approval::NotNeeded,
            admitted_at: now,
        },
        past_point_of_no_return: false,
        inherits_change: false,
        cool_down_until: None,
        acknowledged: false,
        stopped: None,
    }
}
