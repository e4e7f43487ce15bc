//! A world behind its face: everything that `lifeboat simulate` and the tests of the wire start.

use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use lifeboat_model::{Direction, Period, Plan, Timestamp};
use lifeboat_simulator::World;
use lifeboat_simulator::machine::Machine;
use tokio::net::TcpListener;

use crate::callers::Callers;
use crate::control::Control;
use crate::face::Face;
use crate::line::Line;
use crate::pace::Pace;
use crate::server::{ServeError, listen, serve};
use crate::services::with_workload;

/// How long the world has been going when it begins to listen: metrics and alarms look back this far.
const PAST: Period = Period::seconds(300);

/// What to simulate, and where it listens.
#[derive(Clone, Debug)]
pub struct Options {
    /// The plan.
    pub plan: Plan,
    /// Which Region serves when it begins, and which is the other one.
    pub direction: Direction,
    /// The shipped state machine.
    pub machine: Rc<Machine>,
    /// Every chance is drawn from it; not every outcome, since callers come when they come.
    pub seed: u64,
    /// How fast the world's clock goes, in the machine's. The functions' clocks go at 1.
    pub time_scale: u32,
    /// The address: loopback, unless a container has to reach it.
    pub host: Ipv4Addr,
    /// The port, or 0 for any.
    pub port: u16,
}

/// A world that listens, and answers when it is run.
pub struct Simulation {
    callers: Callers,
    face: Face,
    listener: TcpListener,
    address: SocketAddr,
    pace: Pace,
}

impl Simulation {
    /// Begins a world with a past, and listens. The face has the services of the workload and the control API.
    ///
    /// # Errors
    /// The address is taken.
    pub async fn begin(options: Options) -> Result<Self, ServeError> {
        let listener = listen(options.host, options.port).await?;
        let address = SocketAddr::new(options.host.into(), options.port);
        let address = listener.local_addr().map_err(|reason| ServeError::Listen { address, reason })?;
        let now = machine_time();
        let Options { plan, direction, machine, seed, time_scale, .. } = options;
        let world = World::beginning_at(now.minus(PAST), plan, direction, machine, seed);
        world.start();
        world.executor().run_until(now);
        let callers = Callers::new(world.clone());
        let face = with_workload(Face::new(world.clone()), &callers);
        let control = Control::new(world, face.line().clone());
        let face = face.with_path("simulator", Rc::new(control));
        Ok(Self { callers, face, listener, address, pace: Pace::new(now, time_scale) })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The world.
    pub const fn world(&self) -> &World {
        self.face.world()
    }

    /// The line that requests come over.
    pub const fn line(&self) -> &Line {
        self.face.line()
    }

    /// Who calls.
    pub const fn callers(&self) -> &Callers {
        &self.callers
    }

    /// The same with more on its face: what `add` makes of it.
    #[must_use]
    pub fn with(mut self, add: impl FnOnce(Face, &Callers) -> Face) -> Self {
        self.face = add(self.face, &self.callers);
        self
    }

    /// Answers, and keeps the world's clock in step with the machine's, for ever. Has to run inside a
    /// `tokio::task::LocalSet`; where it is dropped, the world stands still.
    pub async fn run(self) {
        let drive = self.pace.drive(self.world().clone());
        tokio::join!(drive, serve(self.listener, Rc::new(self.face)));
    }
}

/// What the machine's clock shows.
fn machine_time() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX / 2))
}
