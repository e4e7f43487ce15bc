//! A person's side of the table: plans are stored, the kill switch is set and cleared, a lock is acknowledged or stopped.
//!
//! Purpose: what the operator's commands change, each by one conditional write. Guarantees: a version of a plan is never
//! replaced; what is in force changes only from what was read; an alarm that starts another plan is never taken from it.
//! Effects: writes plans, alarms, settings and two attributes of locks. Fails when: as the ledger.

use async_trait::async_trait;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use lifeboat_model::journal::Entry;
use lifeboat_model::lock::{Lock, LockState};
use lifeboat_model::plan::Name;
use lifeboat_model::{Plan, Timestamp};
use lifeboat_ports::{Append, CallError, Journals, KillSwitch, Ledger, Locks, PlanStore, Scope, Swap};

use super::items::{self, Key, number, string, time, word};
use super::{DynamoLedger, IS_NEW, PUT, UPDATE, names_in};
use crate::errors::call_error;

const DELETE: &str = "dynamodb:DeleteItem";

/// The version in force is the one that was read.
const IS_VERSION_READ: &str = "#version = :read";

/// No other plan has it.
const IS_FREE_OR_OURS: &str = "attribute_not_exists(pk) OR #plan = :plan";

/// What was shown, and no run is alive.
const IS_OVER: &str = "epoch = :epoch AND (#state <> :held OR lease_expires_at < :now)";

/// The run holds the plan and can still end without a trace.
const IS_BEFORE_THE_POINT: &str = "#state = :held AND run_id = :run_id AND past_point_of_no_return = :false";

#[async_trait(?Send)]
impl PlanStore for DynamoLedger {
    async fn current_version(&self, plan: &Name) -> Result<Option<u64>, CallError> {
        self.read(Key::current(plan), items::read_current).await
    }

    async fn body(&self, plan: &Name, version: u64) -> Result<Option<String>, CallError> {
        self.read(Key::version(plan, version), items::read_body).await
    }

    async fn add_version(&self, plan: &Plan, version: u64) -> Result<Append, CallError> {
        let item = items::plan_item(plan, version).map_err(|why| self.unwritable(&why))?;
        let written = self.put(item, IS_NEW, None).await?;
        Ok(if written { Append::Written } else { Append::AlreadyThere })
    }

    async fn make_current(&self, plan: &Name, read: Option<u64>, version: u64) -> Result<Swap, CallError> {
        let mut item = Key::current(plan).into_item();
        item.insert("version".to_owned(), number(version));
        let stored = match read {
            None => self.put(item, IS_NEW, None).await?,
            Some(read) => self.put(item, IS_VERSION_READ, Some([(":read".to_owned(), number(read))].into())).await?,
        };
        Ok(swap(stored))
    }

    async fn plan_of_alarm(&self, alarm: &str) -> Result<Option<Name>, CallError> {
        Ledger::plan_of_alarm(self, alarm).await
    }

    async fn claim_alarm(&self, alarm: &str, plan: &Name) -> Result<Swap, CallError> {
        let mut item = Key::alarm(alarm).into_item();
        item.insert("plan".to_owned(), string(plan.as_str()));
        let values = [(":plan".to_owned(), string(plan.as_str()))].into();
        self.put(item, IS_FREE_OR_OURS, Some(values)).await.map(swap)
    }

    async fn release_alarm(&self, alarm: &str, plan: &Name) -> Result<Swap, CallError> {
        self.delete(Key::alarm(alarm), ("plan", plan.as_str())).await
    }
}

#[async_trait(?Send)]
impl KillSwitch for DynamoLedger {
    async fn why(&self, scope: Scope<'_>) -> Result<Option<String>, CallError> {
        self.read(settings(scope), items::read_disabled).await.map(Option::flatten)
    }

    async fn set(&self, scope: Scope<'_>, why: &str) -> Result<(), CallError> {
        let mut item = settings(scope).into_item();
        item.insert("disabled".to_owned(), string(why));
        let call = self.writes.put_item().table_name(&self.table).set_item(Some(item));
        call.send().await.map(drop).map_err(|error| call_error(PUT, &self.region, &error))
    }

    async fn clear(&self, scope: Scope<'_>, why: &str) -> Result<Swap, CallError> {
        self.delete(settings(scope), ("disabled", why)).await
    }
}

#[async_trait(?Send)]
impl Locks for DynamoLedger {
    async fn lock(&self, plan: &Name) -> Result<Option<Lock>, CallError> {
        Ledger::lock(self, plan).await
    }

    async fn acknowledge(&self, plan: &Name, read: &Lock, who: &str, now: Timestamp) -> Result<Swap, CallError> {
        let values = [
            (":epoch", number(read.epoch)),
            (":held", string(word(LockState::Held))),
            (":now", time(now)),
            (":yes", AttributeValue::Bool(true)),
            (":free", string(word(LockState::Free))),
            (":who", string(who)),
        ];
        // Nothing reads `acknowledged_by` but a person; the next run's lock replaces it.
        let change = "SET acknowledged = :yes, #state = :free, acknowledged_by = :who";
        self.update_lock(plan, change, IS_OVER, values.into()).await
    }

    async fn stop_run(&self, plan: &Name, run_id: &str, why: &str) -> Result<Swap, CallError> {
        let values = [
            (":held", string(word(LockState::Held))),
            (":run_id", string(run_id)),
            (":false", AttributeValue::Bool(false)),
            (":why", string(why)),
        ];
        self.update_lock(plan, "SET #stopped = :why", IS_BEFORE_THE_POINT, values.into()).await
    }
}

#[async_trait(?Send)]
impl Journals for DynamoLedger {
    async fn journal(&self, run_id: &str) -> Result<Vec<Entry>, CallError> {
        Ledger::journal(self, run_id).await
    }
}

impl DynamoLedger {
    async fn update_lock(
        &self,
        plan: &Name,
        change: &str,
        condition: &str,
        values: Vec<(&str, AttributeValue)>,
    ) -> Result<Swap, CallError> {
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let call = self
            .writes
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::lock(plan).into_item()))
            .update_expression(change)
            .condition_expression(condition)
            .set_expression_attribute_names(names_in(&format!("{change} {condition}")))
            .set_expression_attribute_values(Some(values));
        match call.send().await {
            Ok(_) => Ok(Swap::Stored),
            Err(error)
                if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(Swap::Changed)
            }
            Err(error) => Err(call_error(UPDATE, &self.region, &error)),
        }
    }

    /// Deletes the item if `attribute` still has this text.
    async fn delete(&self, key: Key, (attribute, text): (&str, &str)) -> Result<Swap, CallError> {
        let call = self
            .writes
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key.into_item()))
            .condition_expression("#attribute = :read")
            .expression_attribute_names("#attribute", attribute)
            .expression_attribute_values(":read", string(text));
        match call.send().await {
            Ok(_) => Ok(Swap::Stored),
            Err(error)
                if error.as_service_error().is_some_and(DeleteItemError::is_conditional_check_failed_exception) =>
            {
                Ok(Swap::Changed)
            }
            Err(error) => Err(call_error(DELETE, &self.region, &error)),
        }
    }
}

fn settings(scope: Scope<'_>) -> Key {
    match scope {
        Scope::Plan(plan) => Key::settings_of(plan),
        Scope::AllPlans => Key::settings_of_all(),
    }
}

const fn swap(stored: bool) -> Swap {
    if stored { Swap::Stored } else { Swap::Changed }
}
