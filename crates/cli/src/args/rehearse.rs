//! The arguments of a rehearsal: of a drill, or of a run in AWS.

use std::path::PathBuf;

use lifeboat_model::Region;
use lifeboat_model::plan::Name;
use lifeboat_model::request::Mode;
use lifeboat_simulator::Scenario;

use super::{AwsArgs, ConsentArgs, DrillArgs, StartArgs, WhoArgs, mode_parser, parse};
use crate::exit::Failure;

/// What to rehearse, and where.
#[derive(Debug, clap::Args)]
pub struct RehearseArgs {
    /// The plan's name, in the table
    #[arg(value_name = "PLAN", value_parser = parse::<Name>, required_unless_present = "drill", conflicts_with = "drill")]
    pub name: Option<Name>,
    /// The Region that would serve; the rehearsal executes there
    #[arg(long, value_name = "REGION", value_parser = parse::<Region>, required_unless_present = "drill",
        conflicts_with = "drill")]
    pub target: Option<Region>,
    /// What is rehearsed
    #[arg(long, value_parser = mode_parser(), default_value = Mode::Failover.as_str())]
    pub mode: Mode,
    /// The consent that a failover would have.
    #[command(flatten)]
    pub consent: ConsentArgs,
    /// Who and why.
    #[command(flatten)]
    pub who: WhoArgs,
    /// Follow it at once
    #[arg(long, conflicts_with = "drill")]
    pub watch: bool,
    /// In the simulated world, on this machine, and not against AWS
    #[arg(long)]
    pub drill: bool,
    /// With --drill: every chance is drawn from it
    #[arg(long, value_name = "N", default_value_t = 42, requires = "drill")]
    pub seed: u64,
    /// With --drill: the plan [default: the example, plans/retail-store.yaml, which is built in]
    #[arg(long, value_name = "FILE", requires = "drill")]
    pub plan: Option<PathBuf>,
    /// With --drill: the directory for report.html and report.json
    #[arg(long, value_name = "DIR", default_value = "out/rehearsal", requires = "drill")]
    pub out: PathBuf,
    /// AWS.
    #[command(flatten)]
    pub aws: AwsArgs,
}

/// A rehearsal: where it is played.
#[derive(Debug)]
pub enum Rehearsal {
    /// In the simulated world.
    Drill(Box<DrillArgs>),
    /// By the state machine in AWS.
    Run(Box<StartArgs>),
}

impl RehearseArgs {
    /// The drill or the run that this is.
    ///
    /// # Errors
    /// Neither `--drill` nor a plan's name and a target were given, which the parser does not let through.
    pub fn into_rehearsal(self) -> Result<Rehearsal, Failure> {
        if self.drill {
            return Ok(Rehearsal::Drill(Box::new(DrillArgs {
                scenario: Some(Scenario::Rehearsal),
                mode: Some(self.mode),
                seed: self.seed,
                plan: self.plan,
                out: self.out,
                json: self.aws.json,
                quiet: true,
                ..DrillArgs::default()
            })));
        }
        let (Some(plan), Some(target)) = (self.name, self.target) else {
            return Err(Failure::Arguments("rehearse: give --drill, or a plan's name and --target".to_owned()));
        };
        let Self { mode, consent, who, watch, aws, .. } = self;
        Ok(Rehearsal::Run(Box::new(StartArgs { plan, target, mode, consent, who, yes: true, watch, aws })))
    }
}
