//! The runbooks of the published guidance "Multi-Region Resilient Microservice on AWS".
//!
//! Source: `deployment/failover.yaml` of
//! <https://github.com/aws-solutions-library-samples/guidance-for-multi-region-resilient-microservice-on-aws>, as it was while
//! it consisted of Systems Manager runbooks ("ARC Failover Automation - SSM Runbooks"); a public copy is
//! <https://github.com/pvaidyan/guidance-for-multi-region-resilient-microservice-on-aws> at commit 3636bb5. What it does:
//!
//! 1. One runbook a database, `mr-app-FailoverOrders_PrimaryRegion` and `mr-app-FailoverCatalog_PrimaryRegion`, each
//!    started by a person. Its steps: `failOutApplication`, which runs the runbook that disables the application in the
//!    Region; then `failoverAuroraGlobalDB`, which calls `FailoverGlobalCluster` with `AllowDataLoss: true` and ends there.
//!    Nothing waits for the failover; nothing reads what came of it. There is no other call for databases, so a planned
//!    move is a failover with loss of data too.
//! 2. Disabling is one Lambda function. It tries the five endpoints in the order of its configuration; on each it
//!    reads the state of one control, sets that one control, and reads it again. Every exception is logged and the next
//!    endpoint is tried. When all failed it returns `NotUpdated`, which nobody looks at.
//! 3. The function's time-out is not set, so it is Lambda's default of 3 s: an endpoint that hangs ends it. The step
//!    says `maxAttempts: 1` and `onFailure: Abort`, so the runbook ends there, before the database.
//! 4. No safety rule, no lock, no look at replication, no capacity step, none for cache or broker.
//!
//! Assumptions, all in its favour:
//! - The person starts at the alarm, and the next runbook the moment that the one before has ended, also after an abort.
//! - The guidance runs both Regions On, where the runbooks above suffice. With a plan whose target is Off, the person
//!   first starts its runbook `EnableApplication`, the same function with `enable`. The other way round no Region would
//!   be On for a while.
//! - Databases are moved in the order of the plan; the guidance does not say which runbook comes first.
//! - boto3's own retries, which make a dead endpoint cost more, are left out; so is its 60 s time-out for connections, since
//!   Lambda's 3 s come first.
//! - A step of an automation takes 0.5 to 2 s. AWS publishes no figure.

use lifeboat_model::evidence::Switch;
use lifeboat_model::limits::Step;
use lifeboat_model::plan::Database;
use lifeboat_model::{Arn, Period};
use lifeboat_ports::{CallError, Databases, Routing, timely};

use super::Actor;
use crate::service_times::{LAMBDA_COLD, LAMBDA_WARM, Span};

/// Lambda's time-out where a template sets none.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html>
const FUNCTION_TIMEOUT: Period = Period::seconds(3);
/// One step of an automation. Assumption.
const AUTOMATION_STEP: Span = Span { min_ms: 500, typical_ms: 1_000, max_ms: 2_000 };
/// How often the person starts one runbook that aborts.
const STARTS_MAX: u32 = 20;

impl Actor {
    pub(super) async fn run_guidance_sample(&self) -> Result<(), String> {
        let (controls, databases) = {
            let state = self.world.state();
            (state.plan.routing.controls.clone(), state.plan.databases.clone())
        };
        let mut cold = true;
        if let Some(target) = controls.get(&self.target).filter(|c| !self.is_on(c)) {
            self.start_until_it_ends("EnableApplication", target, Switch::On, &mut cold).await?;
        }
        for database in &databases {
            if let Some(source) = controls.get(&self.source) {
                self.start_until_it_ends("DisableApplication", source, Switch::Off, &mut cold).await?;
            }
            self.world.pause(AUTOMATION_STEP).await;
            self.fail_database_over(database).await;
        }
        Ok(())
    }

    fn is_on(&self, control: &Arn) -> bool {
        self.world.state().traffic.controls.get(control) == Some(&Switch::On)
    }

    /// Starts the runbook that sets one control, again when it was aborted. That the control was not set aborts nothing.
    async fn start_until_it_ends(
        &self,
        runbook: &str,
        control: &Arn,
        switch: Switch,
        cold: &mut bool,
    ) -> Result<(), String> {
        for _ in 0..STARTS_MAX {
            let began = self.world.now();
            self.world.pause(AUTOMATION_STEP).await;
            self.world.pause(if *cold { LAMBDA_COLD } else { LAMBDA_WARM }).await;
            let clock = self.ports(Step::ShiftTraffic);
            let loop_over_endpoints = async { Ok(self.set_one_control(control, switch).await) };
            let ended = timely(&clock, FUNCTION_TIMEOUT, "lambda:Invoke", &self.target, loop_over_endpoints).await;
            // A function that was ended takes its environment with it.
            *cold = ended.is_err();
            match ended {
                Ok(state) => {
                    self.log_since(began, format!("{runbook}: {state}"));
                    return Ok(());
                }
                Err(_) => self.log_since(began, format!("{runbook}: the function timed out, the runbook is aborted")),
            }
        }
        Err(format!("{runbook} was aborted {STARTS_MAX} times"))
    }

    /// The function: the first endpoint that takes the change, in the order of its configuration.
    async fn set_one_control(&self, control: &Arn, switch: Switch) -> &'static str {
        let endpoints = self.world.state().plan.routing.endpoints.clone();
        let step = match switch {
            Switch::On => Step::ShiftTraffic,
            Switch::Off => Step::IsolateSource,
        };
        let routing = self.ports(step);
        for endpoint in &endpoints {
            let toggled = async {
                let one = std::slice::from_ref(control);
                routing.states(endpoint, one).await?;
                routing.change(endpoint, &[(control.clone(), switch)]).await?;
                routing.states(endpoint, one).await
            };
            let toggled: Result<_, CallError> = toggled.await;
            if toggled.is_ok() {
                return "set";
            }
        }
        "NotUpdated, which nobody looks at"
    }

    /// `FailoverGlobalCluster` with `AllowDataLoss`, whatever the source is doing. The call's failure fails the runbook's
    /// last step; there is nothing behind it.
    async fn fail_database_over(&self, database: &Database) {
        let began = self.world.now();
        let Some(cluster) = database.clusters.get(&self.target) else { return };
        let accepted = self.ports(Step::PromoteDatabase).failover(database, cluster, &self.target).await;
        let text = match accepted {
            Ok(_) => "accepted, not awaited".to_owned(),
            Err(error) => error.to_string(),
        };
        self.log_since(began, format!("failoverAuroraGlobalDB {}: {text}", database.name));
    }
}
