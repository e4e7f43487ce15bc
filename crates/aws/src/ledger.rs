//! Plans, settings, locks and journals, in one DynamoDB table with string keys `pk` and `sk`.
//!
//! Purpose: what both Regions must agree on. The table is a global table with multi-Region strong consistency, used through
//! the replica of one Region; it knows neither transactions nor expiry of items, and none are used.
//! Guarantees: every read is strongly consistent; a lock changes only by a condition on what was read (S4), and a run that
//! lost its lock, or was stopped, learns so from [`Ledger::fence`] (S5, S14); a line of the journal is written once; every write is sent once
//! (S10). A write that meets another one in another Region (`ReplicatedWriteConflictException`) had no effect.
//! Effects: writes locks, questions for approval and journals. Fails when: DynamoDB refuses or does not answer, or an item is not as it was written.

mod items;
#[cfg(feature = "operator")]
mod operator;

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use futures_util::future::try_join;
use lifeboat_model::journal::Entry;
use lifeboat_model::lock::{Lock, LockState};
use lifeboat_model::plan::Name;
use lifeboat_model::settings::Settings;
use lifeboat_model::stop::Claim;
use lifeboat_model::{Region, Timestamp};
use lifeboat_ports::{Append, AskedApproval, CallError, Fault, Fenced, Holder, Ledger, Mark, StoredPlan, Swap};

use self::items::{Item, Key, Unreadable, number, string, time, word};
use crate::Environment;
use crate::environment::{Calls, ConfigError, Service};
use crate::errors::{call_error, incomplete};

const GET: &str = "dynamodb:GetItem";
const PUT: &str = "dynamodb:PutItem";
const UPDATE: &str = "dynamodb:UpdateItem";
const QUERY: &str = "dynamodb:Query";

/// The most pages of one journal. A page holds 1 MB; the journal of a thousand databases, each called thrice, has four.
const JOURNAL_PAGES_MAX: usize = 64;

/// A put that creates, and never replaces.
const IS_NEW: &str = "attribute_not_exists(pk)";

/// A put of a lock that replaces exactly the one that was read. A lock that passed its point of no return meanwhile is
/// another one, even if its lease were the same; so is one that was stopped, and a put would undo the stop.
const IS_AS_READ: &str = "epoch = :epoch AND #state = :state AND run_id = :run_id \
     AND lease_expires_at = :lease_expires_at AND acknowledged = :acknowledged \
     AND past_point_of_no_return = :past_point_of_no_return";

/// The rest of it, by whether the lock that was read had been stopped.
const IS_NOT_STOPPED: &str = "attribute_not_exists(stopped)";
const IS_STOPPED_ALIKE: &str = "stopped = :stopped";

/// The run still holds the lock, under the epoch that it was admitted with, and no person stopped it before its point of
/// no return. A stop is written on condition that this point is not passed, so one past it should not be there; if it is,
/// it counts for nothing: the run only goes forward.
const IS_HELD: &str = "epoch = :epoch AND run_id = :run_id AND #state = :held \
     AND (attribute_not_exists(stopped) OR past_point_of_no_return = :marked)";

/// The table, through its replica in one Region.
#[derive(Debug)]
pub struct DynamoLedger {
    reads: Client,
    writes: Client,
    table: String,
    region: Region,
}

impl DynamoLedger {
    /// The table that the environment names.
    ///
    /// # Errors
    /// `LIFEBOAT_TABLE` is not set.
    pub fn new(environment: &Environment) -> Result<Self, ConfigError> {
        let (table, region) = environment.table()?;
        let client = |calls| Client::new(&environment.config(Service::DynamoDb, region, calls));
        Ok(Self {
            reads: client(Calls::Reads),
            writes: client(Calls::Mutations),
            table: table.to_owned(),
            region: region.clone(),
        })
    }

    /// The newest question for approval of a run of `plan`.
    #[cfg(feature = "sfn")]
    pub(crate) async fn approval(&self, plan: &Name) -> Result<Option<AskedApproval>, CallError> {
        self.read(Key::approval(plan), items::read_approval).await
    }

    async fn get(&self, key: Key) -> Result<Option<Item>, CallError> {
        let call = self.reads.get_item().table_name(&self.table).set_key(Some(key.into_item())).consistent_read(true);
        let output = call.send().await.map_err(|error| call_error(GET, &self.region, &error))?;
        Ok(output.item)
    }

    /// The item under `key` as `read` reads it.
    async fn read<T>(&self, key: Key, read: impl Fn(&Item) -> Result<T, Unreadable>) -> Result<Option<T>, CallError> {
        let place = key.clone();
        let item = self.get(key).await?;
        item.map(|item| read(&item)).transpose().map_err(|why| self.unreadable(GET, &place.pk, &place.sk, &why))
    }

    /// Stores `item` if `condition` holds; otherwise `false`.
    async fn put(
        &self,
        item: Item,
        condition: &str,
        values: Option<HashMap<String, AttributeValue>>,
    ) -> Result<bool, CallError> {
        let call = self
            .writes
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(condition)
            .set_expression_attribute_names(names_in(condition))
            .set_expression_attribute_values(values);
        match call.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(false)
            }
            Err(error) => Err(call_error(PUT, &self.region, &error)),
        }
    }

    fn unreadable(&self, operation: &str, pk: &str, sk: &str, why: &Unreadable) -> CallError {
        CallError::new(operation, &self.region, Fault::Internal)
            .saying("UnreadableItem", format!("item {pk} {sk} of table {}: {why}; mend the item", self.table))
    }

    fn unwritable(&self, why: &Unreadable) -> CallError {
        CallError::new(PUT, &self.region, Fault::Invalid).saying("UnwritableItem", why.to_string())
    }
}

#[async_trait(?Send)]
impl Ledger for DynamoLedger {
    async fn plan(&self, name: &Name, version: Option<u64>) -> Result<Option<StoredPlan>, CallError> {
        let (version, is_current) = match version {
            Some(version) => (version, false),
            None => match self.read(Key::current(name), items::read_current).await? {
                Some(version) => (version, true),
                None => return Ok(None),
            },
        };
        let plan = self.read(Key::version(name, version), |item| items::read_plan(item, name)).await?;
        match plan {
            Some(plan) => Ok(Some(StoredPlan { version, plan })),
            None if is_current => Err(incomplete(GET, &self.region, format!("version {version} of plan {name}"))),
            None => Ok(None),
        }
    }

    async fn plan_of_alarm(&self, alarm: &str) -> Result<Option<Name>, CallError> {
        self.read(Key::alarm(alarm), items::read_plan_name).await
    }

    async fn settings(&self, plan: &Name) -> Result<Settings, CallError> {
        let of_all = self.read(Key::settings_of_all(), items::read_disabled);
        let of_plan = self.read(Key::settings_of(plan), items::read_disabled);
        let (of_all, of_plan) = try_join(of_all, of_plan).await?;
        Ok(Settings { disabled: of_all.flatten().or(of_plan.flatten()) })
    }

    async fn lock(&self, plan: &Name) -> Result<Option<Lock>, CallError> {
        self.read(Key::lock(plan), items::read_lock).await
    }

    async fn replace_lock(&self, plan: &Name, read: Option<&Lock>, new: &Lock) -> Result<Swap, CallError> {
        let item = items::lock_item(plan, new).map_err(|why| self.unwritable(&why))?;
        let stored = match read {
            None => self.put(item, IS_NEW, None).await?,
            Some(read) => {
                let stop = read.stopped.as_ref().map_or(IS_NOT_STOPPED, |_| IS_STOPPED_ALIKE);
                self.put(item, &format!("{IS_AS_READ} AND {stop}"), Some(as_read(read))).await?
            }
        };
        Ok(if stored { Swap::Stored } else { Swap::Changed })
    }

    async fn fence(&self, plan: &Name, holder: Holder<'_>, until: Timestamp, mark: Mark) -> Result<Fenced, CallError> {
        let key = Key::lock(plan);
        let call = self
            .writes
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key.clone().into_item()))
            .condition_expression(IS_HELD)
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":epoch", number(holder.epoch))
            .expression_attribute_values(":run_id", string(holder.run_id))
            .expression_attribute_values(":held", string(word(LockState::Held)))
            .expression_attribute_values(":until", time(until))
            .expression_attribute_values(":marked", AttributeValue::Bool(true))
            .return_values(ReturnValue::AllNew)
            // Whether the run was stopped or has lost the lock is told with the refusal, without another read.
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let call = match mark {
            Mark::Lease => call.update_expression("SET lease_expires_at = :until"),
            Mark::PointOfNoReturn => {
                call.update_expression("SET lease_expires_at = :until, past_point_of_no_return = :marked")
            }
        };
        let read = |item: &Item| items::read_lock(item).map_err(|why| self.unreadable(UPDATE, &key.pk, &key.sk, &why));
        match call.send().await {
            Ok(output) => {
                let item = output.attributes.ok_or_else(|| incomplete(UPDATE, &self.region, "the lock"))?;
                Ok(Fenced::Held(Box::new(read(&item)?)))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(refused(failed.item().map(read).transpose()?.as_ref(), holder))
                }
                Some(_) | None => Err(call_error(UPDATE, &self.region, &error)),
            },
        }
    }

    async fn append(&self, entry: &Entry) -> Result<Append, CallError> {
        let item = items::entry_item(entry).map_err(|why| self.unwritable(&why))?;
        let written = self.put(item, IS_NEW, None).await?;
        Ok(if written { Append::Written } else { Append::AlreadyThere })
    }

    async fn ask_approval(&self, plan: &Name, asked: &AskedApproval) -> Result<(), CallError> {
        let call = self.writes.put_item().table_name(&self.table).set_item(Some(items::approval_item(plan, asked)));
        // The error has the service's words, never the item's: the token stays out of every log.
        call.send().await.map(drop).map_err(|error| call_error(PUT, &self.region, &error))
    }

    async fn journal(&self, run_id: &str) -> Result<Vec<Entry>, CallError> {
        let pk = items::journal_pk(run_id);
        let call = self
            .reads
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", string(&pk));
        let mut entries = Vec::new();
        let mut start = None;
        for _page in 0..JOURNAL_PAGES_MAX {
            let page = call.clone().set_exclusive_start_key(start).send().await;
            let page = page.map_err(|error| call_error(QUERY, &self.region, &error))?;
            for item in page.items.ok_or_else(|| incomplete(QUERY, &self.region, "the list of items"))? {
                let entry = items::read_entry(&item);
                entries.push(entry.map_err(|why| self.unreadable(QUERY, &pk, "of a line", &why))?);
            }
            start = page.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() {
                return Ok(entries);
            }
        }
        Err(incomplete(QUERY, &self.region, format!("an end after {JOURNAL_PAGES_MAX} pages")))
    }
}

/// Why the fence of `holder` was refused by `lock`, which is `None` where there is none or the answer lacks it. A claim
/// that looks good all the same is not believed.
fn refused(lock: Option<&Lock>, holder: Holder<'_>) -> Fenced {
    match lock.map_or(Claim::Lost, |lock| lock.claim_of(holder.run_id, holder.epoch)) {
        Claim::Stopped(why) => Fenced::Stopped(why),
        Claim::Lost | Claim::Holds => Fenced::Lost,
    }
}

/// The names that `expression` writes with a `#`, as DynamoDB reserves many words; it refuses names that are not used.
fn names_in(expression: &str) -> Option<HashMap<String, String>> {
    let words = expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '#'));
    let aliases = words.filter_map(|word| Some((word.to_owned(), word.strip_prefix('#')?.to_owned())));
    let names: HashMap<String, String> = aliases.collect();
    if names.is_empty() { None } else { Some(names) }
}

/// What [`IS_AS_READ`] and [`IS_STOPPED_ALIKE`] compare with. DynamoDB refuses values that the condition does not use.
fn as_read(lock: &Lock) -> HashMap<String, AttributeValue> {
    let stopped = lock.stopped.as_ref().map(|why| (":stopped".to_owned(), string(why)));
    let values = [
        (":epoch".to_owned(), number(lock.epoch)),
        (":state".to_owned(), string(word(lock.state))),
        (":run_id".to_owned(), string(&lock.run.run_id)),
        (":lease_expires_at".to_owned(), time(lock.lease_expires_at)),
        (":acknowledged".to_owned(), AttributeValue::Bool(lock.acknowledged)),
        (":past_point_of_no_return".to_owned(), AttributeValue::Bool(lock.past_point_of_no_return)),
    ];
    values.into_iter().chain(stopped).collect()
}
