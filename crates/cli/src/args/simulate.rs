//! The arguments of `lifeboat simulate`.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use lifeboat_model::{Direction, Plan, Region};

use super::{direction_from, parse};
use crate::exit::Failure;

/// What to simulate, and where it listens.
#[derive(Debug, clap::Args)]
pub struct SimulateArgs {
    /// The port; 0 for any that is free
    #[arg(long, value_name = "N", default_value_t = 4600)]
    pub port: u16,
    /// The address to listen on; another than loopback only where a container has to reach it: nobody is asked who they are
    #[arg(long, value_name = "IPV4", default_value_t = Ipv4Addr::LOCALHOST)]
    pub host: Ipv4Addr,
    /// The plan [default: the example, plans/retail-store.yaml, which is built in]
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// The Region that serves at first [default: the plan's first]
    #[arg(long, value_name = "REGION", value_parser = parse::<Region>)]
    pub source: Option<Region>,
    /// Every chance in the world is drawn from it; what happens depends also on when it is called
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub seed: u64,
    /// How many times as fast as this machine's the world's clock goes; who reads this machine's clock is left behind
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub time_scale: u32,
    /// The directory of the functions' binaries, which then run the steps [default: the steps run within the simulator]
    #[arg(long, value_name = "DIR")]
    pub functions: Option<PathBuf>,
    /// Addresses in place of the plan's DNS names, always those of the target: for --functions where libnss_wrapper.so is not
    /// installed, or containers
    #[arg(long)]
    pub fixed_dns: bool,
    /// Print the address and the environment as one line of JSON, and nothing else there
    #[arg(long)]
    pub json: bool,
}

impl SimulateArgs {
    /// Which Region serves at first, and which is the other one.
    ///
    /// # Errors
    /// `--source` is not a Region of the plan.
    pub fn direction(&self, plan: &Plan) -> Result<Direction, Failure> {
        let [first, _] = &plan.regions;
        direction_from(self.source.as_ref().unwrap_or(first), plan)
    }
}
