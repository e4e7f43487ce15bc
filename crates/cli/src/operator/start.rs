//! `lifeboat start`, and `lifeboat rehearse` against AWS: what was typed becomes a request, is held against the plan, the
//! kill switch and the lock, shown, and started in the target Region.
//!
//! Guarantees: a request that the run would reject, and a run that would be refused as things stand, are refused here with
//! what to do; the run itself decides anew. One execution, whatever becomes of a reply: its name is its key.
//! Effects: one `StartExecution`. Fails when: see [`Failure`].

use lifeboat_model::execution::{ExecutionArn, StateMachine, execution_name};
use lifeboat_model::lock::{Admission, Approval, Lock};
use lifeboat_model::plan::Name;
use lifeboat_model::request::{Mode, Purpose};
use lifeboat_model::{Arn, Direction, Period, Plan, Reason, ReasonCode, Request, Timestamp};
use lifeboat_ports::{Clock, Executions, KillSwitch, Locks, PlanStore, Scope, Started, StoredPlan};
use lifeboat_report::text::{clean, count};
use serde_json::{Value, json};

use super::{Told, stored};
use crate::args::StartArgs;
use crate::exit::Failure;

/// How often a start whose reply is lost is sent: under one name it starts one execution.
const TRIES: u32 = 3;
/// Between two of them.
const PAUSE: Period = Period::seconds(1);

/// A request as it will be sent, and read as the run will read it.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What the run will read.
    pub request: Request,
    /// What is sent: the request, and why.
    pub input: Value,
}

impl Wanted {
    /// From the arguments; `user` is who, where they name nobody.
    ///
    /// # Errors
    /// Every problem of them, by the names of the options.
    pub fn read(args: &StartArgs, purpose: Purpose, user: Option<String>, now: Timestamp) -> Result<Self, Failure> {
        let by = args.who.by.clone().or(user);
        if let Some(missing) = missing(args, purpose, by.as_deref()) {
            return Err(Failure::Arguments(format!("{missing}; nothing was started")));
        }
        let mut input = json!({"plan": args.plan, "target": args.target, "trigger": {"kind": "operator"}});
        match purpose {
            Purpose::Act => input["mode"] = json!(args.mode),
            Purpose::Rehearse => (input["mode"], input["of"]) = (json!("rehearse"), json!(args.mode)),
        }
        if let Some(by) = &by {
            input["trigger"]["name"] = json!(by);
        }
        match (args.consent.max_data_loss, &args.who.reason) {
            (Some(bound), reason) => {
                input["consent"] = json!({
                    "max_data_loss": bound, "accepted_by": by, "reason": reason, "expires": now.plus(args.consent.expires),
                });
            }
            (None, Some(reason)) => input["comment"] = json!(reason),
            (None, None) => {}
        }
        let request = Request::read(&input).map_err(|problems| {
            let problems: Vec<String> = problems
                .iter()
                .map(|p| format!("{}: {} found, expected {}", option(&p.field), p.value, p.expected))
                .collect();
            Failure::Arguments(format!("{}; nothing was started", problems.join("; ")))
        })?;
        Ok(Self { request, input })
    }
}

/// What a run of this kind has to have, or cannot have.
fn missing(args: &StartArgs, purpose: Purpose, by: Option<&str>) -> Option<String> {
    let needs = |option: &str, expected: &str| Some(format!("{option}: nothing found, expected {expected}"));
    match (args.mode, purpose, args.consent.max_data_loss) {
        (Mode::Switchover, _, Some(bound)) => Some(format!(
            "--max-data-loss: {bound} found, expected nothing with --mode switchover: it loses nothing, and it never becomes a \
             failover; leave it out"
        )),
        (Mode::Failover, Purpose::Act, None) => needs(
            "--max-data-loss",
            "the most data that may be lost, as time, such as 30s: a failover needs your consent to that; where the source is \
             well, --mode switchover loses nothing",
        ),
        (Mode::Failover, _, Some(_)) if args.who.reason.is_none() => {
            needs("--reason", "why this loss is accepted: it stands in the journal and in the report")
        }
        (Mode::Failover, _, Some(_)) if by.is_none() => {
            needs("--by", "the name of who accepts the loss; the environment has neither USER nor LOGNAME")
        }
        (Mode::Switchover | Mode::Failover, _, _) => None,
    }
}

/// The option that a field of the request comes from.
fn option(field: &str) -> String {
    match field {
        "consent.max_data_loss" | "consent" => "--max-data-loss".to_owned(),
        "consent.accepted_by" | "trigger.name" => "--by".to_owned(),
        "consent.reason" | "comment" => "--reason".to_owned(),
        "consent.expires" => "--expires".to_owned(),
        other => format!("--{other}"),
    }
}

/// What a start asks before it asks Step Functions.
pub struct Ports<'a> {
    /// Stored plans.
    pub plans: &'a dyn PlanStore,
    /// The kill switch.
    pub switch: &'a dyn KillSwitch,
    /// The lock.
    pub locks: &'a dyn Locks,
    /// The clock.
    pub clock: &'a dyn Clock,
}

/// A run that can be started as things stand.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The state machine, in the target Region.
    pub machine: Arn,
    /// The execution that will be.
    pub run: ExecutionArn,
    wanted: Wanted,
    stored: StoredPlan,
    direction: Direction,
}

/// Holds `wanted` against what the table says.
///
/// # Errors
/// There is no such plan or Region, the run would be refused as things stand, or the table did not answer.
pub async fn prepare(wanted: Wanted, machine: &StateMachine, ports: &Ports<'_>) -> Result<Prepared, Failure> {
    let now = ports.clock.now();
    let request = &wanted.request;
    let stored = stored::plan(&request.plan, None, ports.plans).await?;
    let direction = stored.plan.direction_to(&request.target).ok_or_else(|| {
        let [a, b] = &stored.plan.regions;
        Failure::Arguments(format!(
            "--target: {} found, expected {a} or {b}, the Regions of plan {}; nothing was started",
            request.target, request.plan
        ))
    })?;
    let machine = machine_of(&stored.plan, machine, &request.target)?;
    let what = match request.purpose {
        Purpose::Act => request.mode.as_str().to_owned(),
        Purpose::Rehearse => format!("rehearse-{}", request.mode.as_str()),
    };
    let name = execution_name(&what, &request.target, now);
    let run = machine.as_str().replacen(":stateMachine:", ":execution:", 1) + ":" + &name;
    let run: ExecutionArn = run.parse().map_err(|e| Failure::Arguments(format!("--state-machine: {run} {e}")))?;
    let prepared = Prepared { machine, run, stored, direction, wanted };
    if prepared.wanted.request.purpose == Purpose::Act {
        prepared.held_against_the_table(ports, now).await?;
    }
    Ok(prepared)
}

/// The state machine in `region`, in the account of the plan's databases unless its ARN names another.
pub(crate) fn machine_of(plan: &Plan, machine: &StateMachine, region: &lifeboat_model::Region) -> Result<Arn, Failure> {
    let resource = plan.databases.iter().flat_map(|d| d.clusters.values()).next();
    let found = match (machine, resource) {
        (StateMachine::Arn(arn), _) => machine.arn_in(region, arn),
        (StateMachine::Named(_), Some(resource)) => machine.arn_in(region, resource),
        (StateMachine::Named(_), None) => {
            return Err(Failure::Arguments(
                "--state-machine: a name found, expected an ARN: the plan names no account".into(),
            ));
        }
    };
    found.map_err(|expected| Failure::Arguments(format!("--state-machine: {machine:?} found, {expected}")))
}

impl Prepared {
    /// What the first step would refuse: told now, while nothing has been started.
    async fn held_against_the_table(&self, ports: &Ports<'_>, now: Timestamp) -> Result<(), Failure> {
        let plan = &self.wanted.request.plan;
        for scope in [Scope::AllPlans, Scope::Plan(plan)] {
            if let Some(why) = ports.switch.why(scope).await.map_err(Failure::of_read)? {
                let argument = if scope == Scope::AllPlans { "--all" } else { plan.as_str() };
                return Err(Failure::NotPossible(format!(
                    "runs are disabled: {}; when you want runs again: lifeboat resume {argument}",
                    clean(&why)
                )));
            }
        }
        let lock = ports.locks.lock(plan).await.map_err(Failure::of_read)?;
        match Lock::refuses_start(plan, lock.as_ref(), self.admission(now), now) {
            None => Ok(()),
            Some(reason) => {
                Err(Failure::NotPossible(format!("the run would be refused: {reason}: {}", way_out(plan, &reason))))
            }
        }
    }

    fn admission(&self, now: Timestamp) -> Admission {
        let request = &self.wanted.request;
        Admission {
            run_id: self.run.as_str().to_owned(),
            plan_version: self.stored.version,
            direction: self.direction.clone(),
            mode: request.mode,
            consent: request.consent.clone(),
            trigger: request.trigger.clone(),
            approval: Approval::NotNeeded,
            admitted_at: now,
        }
    }

    /// What will be done, for a person.
    pub fn in_lines(&self) -> String {
        let (request, plan) = (&self.wanted.request, &self.stored.plan);
        let what = match request.purpose {
            Purpose::Act => request.mode.as_str().to_owned(),
            Purpose::Rehearse => format!("rehearsal of a {}", request.mode.as_str()),
        };
        let loses = match (request.purpose, request.mode, &request.consent) {
            (Purpose::Rehearse, _, _) => "changes nothing: every step says what it would call".to_owned(),
            (Purpose::Act, Mode::Switchover, _) => {
                "loses nothing of the databases: replication catches up first".to_owned()
            }
            (Purpose::Act, Mode::Failover, Some(consent)) => format!(
                "may lose up to {} of writes, accepted by {} until {}: {}",
                consent.max_data_loss,
                clean(&consent.accepted_by),
                consent.expires,
                clean(&consent.reason)
            ),
            (Purpose::Act, Mode::Failover, None) => "has no consent, and will be refused".to_owned(),
        };
        let moves: Vec<String> = [
            (plan.databases.len(), "database"),
            (plan.caches.len(), "cache"),
            (plan.brokers.len(), "broker"),
            (plan.services.len(), "service"),
            (plan.tables.len(), "table"),
        ]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| count(n, what))
        .collect();
        format!(
            "{what} of plan {} (version {}): {}\n  {loses}\n  sees to {}, then traffic of {}\n  objectives: RTO {}, RPO {}\n  \
             run {}\n",
            plan.name,
            self.stored.version,
            self.direction,
            moves.join(", "),
            count(plan.dns.len(), "name"),
            plan.objectives.rto,
            plan.objectives.rpo,
            self.run
        )
    }

    /// Starts it.
    ///
    /// # Errors
    /// Step Functions refused, the name is taken, or nobody knows.
    pub async fn start(&self, executions: &dyn Executions, clock: &dyn Clock) -> Result<Told, Failure> {
        let mut tries = 1;
        let started = loop {
            match executions.start(self.run.name(), &self.wanted.input).await {
                // The same name and input start one execution, so that a lost reply may be asked for again.
                Err(error) if error.effect() != lifeboat_model::journal::Effect::None && tries < TRIES => {
                    tries += 1;
                    clock.sleep(PAUSE).await;
                }
                other => break other,
            }
        };
        match started {
            Ok(Started::Running(run)) => Ok(self.told(&run)),
            Ok(Started::NameTaken) => Err(Failure::NotPossible(format!(
                "an execution called {} exists already: somebody started one in the same second; look: lifeboat watch --run {}",
                self.run.name(),
                self.run
            ))),
            Err(error) => Err(Failure::of_change(error, || {
                format!("the run was started; look before anything else: lifeboat watch --run {}", self.run)
            })),
        }
    }

    fn told(&self, run: &str) -> Told {
        let url = self.run.console_url();
        let request = &self.wanted.request;
        Told {
            text: format!("started  {run}\nconsole  {url}\nnext     lifeboat watch --run {run}\n"),
            json: json!({
                "run": run, "name": self.run.name(), "console": url, "plan": request.plan,
                "plan_version": self.stored.version, "source": self.direction.source, "target": self.direction.target,
                "mode": request.mode, "purpose": request.purpose, "next": format!("lifeboat watch --run {run}"),
            }),
        }
    }
}

/// What a person can do about a refusal, as a command.
fn way_out(plan: &Name, reason: &Reason) -> String {
    if reason.code == ReasonCode::LockHeld {
        format!("lifeboat watch {plan}")
    } else {
        format!("lifeboat report {plan}, then lifeboat acknowledge {plan}")
    }
}
