//! `lifeboat simulate`: a simulated world that listens.

use crate::args::SimulateArgs;
use crate::exit::{Exit, Failure};

#[cfg(not(feature = "simulate"))]
pub(crate) fn run(_: &SimulateArgs) -> Result<Exit, Failure> {
    Err(Failure::WithoutServer)
}

#[cfg(feature = "simulate")]
pub(crate) fn run(args: &SimulateArgs) -> Result<Exit, Failure> {
    serving::run(args)
}

#[cfg(feature = "simulate")]
mod serving {
    use std::fmt::Write;
    use std::net::SocketAddr;
    use std::path::{Path, PathBuf};
    use std::rc::Rc;

    use lifeboat_simulator::machine::Machine;
    use lifeboat_wire::platform::{Host, HostOptions, TABLE, with_fixed_names, with_platform};
    use lifeboat_wire::{Options, Simulation};
    use serde_json::{Map, Value, json};
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use tokio::sync::oneshot;

    use crate::args::SimulateArgs;
    use crate::exit::{Exit, Failure, print};
    use crate::{MACHINE, plan_file};

    pub(super) fn run(args: &SimulateArgs) -> Result<Exit, Failure> {
        let options = options(args)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| Failure::NotServed(format!("failed to start a runtime: {e}")))?;
        let ended = signal()?;
        tokio::task::LocalSet::new().block_on(&runtime, async {
            let simulation = Simulation::begin(options).await.map_err(|e| Failure::NotServed(e.to_string()))?;
            let simulation = simulation.with(|face, callers| with_platform(face, callers, MACHINE));
            let (simulation, hosted) = match &args.functions {
                Some(binaries) => hosting(simulation, binaries)?,
                None => (simulation, None),
            };
            print(&ready(&simulation, args))?;
            tokio::select! {
                () = simulation.run() => {}
                // A sender that is gone cannot tell any more: it is the end, too.
                _ = ended => {}
            }
            drop(hosted);
            Ok(Exit::AsExpected)
        })
    }

    /// The functions' processes, and the directory that goes with them.
    struct Hosted {
        host: Rc<Host>,
        scratch: PathBuf,
    }

    impl Drop for Hosted {
        fn drop(&mut self) {
            self.host.end();
            // The system clears its directory of temporary files anyway.
            std::fs::remove_dir_all(&self.scratch).unwrap_or_default();
        }
    }

    /// The same simulation with the steps in processes of their own; what they print goes to standard error.
    fn hosting(simulation: Simulation, binaries: &Path) -> Result<(Simulation, Option<Hosted>), Failure> {
        let failed = |problem: String| Failure::Arguments(format!("--functions: {problem}"));
        let scratch = std::env::temp_dir().join(format!("lifeboat-simulate-{}", std::process::id()));
        std::fs::create_dir_all(&scratch).map_err(|e| failed(format!("failed to make {}: {e}", scratch.display())))?;
        let options = HostOptions {
            binaries: binaries.to_owned(),
            scratch: scratch.clone(),
            face: simulation.address(),
            table: TABLE.to_owned(),
        };
        let log = |environment: &str, line: &str| eprintln!("{environment} {line}");
        let host = Host::new(simulation.callers().clone(), options, log).map_err(|e| failed(e.to_string()))?;
        let (segment, api) = host.runtime_api();
        Ok((simulation.with(|face, _| face.with_path(segment, api)), Some(Hosted { host, scratch })))
    }

    fn options(args: &SimulateArgs) -> Result<Options, Failure> {
        if args.functions.is_some() && args.time_scale > 1 {
            let problem = format!(
                "--time-scale: {} found, expected 1 with --functions: their processes go by this machine's clock",
                args.time_scale
            );
            return Err(Failure::Arguments(problem));
        }
        let plan = plan_file::load(args.plan.as_deref())?;
        let direction = args.direction(&plan)?;
        let plan = if args.fixed_dns { with_fixed_names(plan, &direction.target) } else { plan };
        let machine = Rc::new(Machine::read(MACHINE).map_err(|e| Failure::Arguments(e.to_string()))?);
        let SimulateArgs { seed, time_scale, host, port, .. } = *args;
        Ok(Options { plan, direction, machine, seed, time_scale, host, port })
    }

    /// Comes when a signal asks the process to end.
    fn signal() -> Result<oneshot::Receiver<()>, Failure> {
        let failed = |e| Failure::NotServed(format!("failed to listen for signals: {e}"));
        let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(failed)?;
        let (tell, ended) = oneshot::channel();
        std::thread::spawn(move || {
            if signals.forever().next().is_some() {
                // Nobody listens any more when the server ended by itself.
                tell.send(()).unwrap_or_default();
            }
        });
        Ok(ended)
    }

    /// What a caller needs in its environment. The credentials are nobody's: signatures are not checked.
    fn environment(address: SocketAddr, region: &str) -> [(&'static str, String); 4] {
        [
            ("AWS_ENDPOINT_URL", format!("http://{address}")),
            ("AWS_ACCESS_KEY_ID", "operator".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "none".to_owned()),
            ("AWS_REGION", region.to_owned()),
        ]
    }

    fn ready(simulation: &Simulation, args: &SimulateArgs) -> String {
        let (address, target) = (simulation.address(), simulation.world().state().direction.target.clone());
        let environment = environment(address, target.as_str());
        if args.json {
            let environment: Map<String, Value> =
                environment.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
            return format!("{}\n", json!({"ready": true, "port": address.port(), "environment": environment}));
        }
        let mut text = String::new();
        for (name, value) in environment {
            writeln!(text, "export {name}={value}").expect("a String takes every text");
        }
        writeln!(text, "ready on port {}", address.port()).expect("a String takes every text");
        text
    }
}
