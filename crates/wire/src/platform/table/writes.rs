//! `PutItem`, `UpdateItem`, `DeleteItem`.

use lifeboat_simulator::World;
use serde_json::Value as Json;

use super::evaluate::changed;
use super::expression::{self, Change, Condition};
use super::request::{check, condition, expression, key, known, new_item, placeholders, returned, text, within_size};
use super::store::{By, Key, Store};
use super::value::{Item, Value};
use crate::refusal::Refusal;

/// A write, read from its request.
pub struct Write<'a> {
    request: &'a Json,
    /// Of which item.
    pub key: Key,
    condition: Option<Condition>,
    kind: Kind,
}

enum Kind {
    Put(Item),
    Update(Vec<Change>),
    Delete,
}

impl<'a> Write<'a> {
    /// Reads `PutItem`.
    pub fn put(request: &'a Json) -> Result<Self, Refusal> {
        only(request, &["NONE", "ALL_OLD"])?;
        let placeholders = placeholders(request)?;
        let (key, item) = new_item(request)?;
        let condition = condition(request, &placeholders)?;
        placeholders.all_used().map_err(Refusal::invalid)?;
        Ok(Self { request, key, condition, kind: Kind::Put(item) })
    }

    /// Reads `UpdateItem`.
    pub fn update(request: &'a Json) -> Result<Self, Refusal> {
        known(request)?;
        let placeholders = placeholders(request)?;
        let key = key(request)?;
        let changes = expression(request, "UpdateExpression", &placeholders, expression::update)?.unwrap_or_default();
        let condition = condition(request, &placeholders)?;
        placeholders.all_used().map_err(Refusal::invalid)?;
        if let Some(part) = changes.iter().map(|c| &c.path().attribute).find(|a| ["pk", "sk"].contains(&a.as_str())) {
            let words = "One or more parameter values were invalid: Cannot update attribute";
            return Err(Refusal::invalid(format!("{words} {part}. This attribute is part of the key")));
        }
        Ok(Self { request, key, condition, kind: Kind::Update(changes) })
    }

    /// Reads `DeleteItem`.
    pub fn delete(request: &'a Json) -> Result<Self, Refusal> {
        only(request, &["NONE", "ALL_OLD"])?;
        let placeholders = placeholders(request)?;
        let key = key(request)?;
        let condition = condition(request, &placeholders)?;
        placeholders.all_used().map_err(Refusal::invalid)?;
        Ok(Self { request, key, condition, kind: Kind::Delete })
    }

    /// Makes the write, if its condition holds, and answers.
    pub fn make(self, store: &mut Store, world: &World) -> Result<Json, Refusal> {
        let before = store.get(&self.key).cloned();
        check(self.request, self.condition.as_ref(), before.as_ref())?;
        let (after, by) = match self.kind {
            Kind::Put(item) => (Some(item), By::Put),
            Kind::Delete => (None, By::Delete),
            Kind::Update(changes) => {
                let new = || {
                    let keys = [("pk", &self.key.pk), ("sk", &self.key.sk)];
                    keys.map(|(name, part)| (name.to_owned(), Value::S(part.clone()))).into()
                };
                let item = changed(&before.clone().unwrap_or_else(new), &changes).map_err(Refusal::invalid)?;
                within_size(&item)?;
                (Some(item), By::Update)
            }
        };
        let answer = returned(self.request, before.as_ref(), after.as_ref())?;
        store.write(world, &self.key, after, by);
        Ok(answer)
    }
}

fn only(request: &Json, values: &[&str]) -> Result<(), Refusal> {
    known(request)?;
    match text(request, "ReturnValues").filter(|asked| !values.contains(asked)) {
        Some(_) => Err(Refusal::invalid("Return values set to invalid value")),
        None => Ok(()),
    }
}
