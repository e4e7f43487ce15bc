//! What runs side by side: the items of a map, the branches of a parallel state.

use std::rc::Rc;

use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use super::{Runner, Visit};
use crate::machine::definition::{MapState, Parallel};
use crate::machine::execution::{Functions, Observer, StateError};
use crate::machine::history::What;
use crate::machine::scope::{Scope, evaluated, limit_data, not_a};
use crate::machine::states::{Context, Item, States};

/// What people call an item of a map: its text, the resources that it names, or its number.
fn label_of(value: &Value, index: usize) -> String {
    let resources = value.get("resources").and_then(Value::as_array);
    let names: Vec<&str> = resources.into_iter().flatten().filter_map(Value::as_str).collect();
    match (value.as_str(), names.as_slice()) {
        (Some(text), _) => text.to_owned(),
        (None, []) => index.to_string(),
        (None, [name]) => (*name).to_owned(),
        (None, [first, more @ ..]) => format!("{first} and {} more", more.len()),
    }
}

impl<F: Functions, O: Observer> Runner<F, O> {
    /// The outputs of all items, after retries.
    pub(super) async fn try_map<'a>(&'a self, map: &'a MapState, visit: &Visit<'_, 'a>) -> Result<Value, StateError> {
        self.with_retries(&map.retry, visit, async || self.run_map(map, visit).await).await
    }

    /// The outputs of all branches, after retries.
    pub(super) async fn try_parallel<'a>(
        &'a self,
        parallel: &'a Parallel,
        visit: &Visit<'_, 'a>,
    ) -> Result<Value, StateError> {
        self.with_retries(&parallel.retry, visit, async || self.run_parallel(parallel, visit).await).await
    }

    /// Every branch at once; the first error ends them all.
    async fn run_parallel<'a>(&'a self, parallel: &'a Parallel, visit: &Visit<'_, 'a>) -> Result<Value, StateError> {
        let scope = visit.scope;
        let input = visit.states.input.clone();
        scope.counters.count(2)?;
        self.note(scope, || What::ParallelStarted);
        let branches = parallel.branches.iter();
        let (scopes, lasts) = scope.branches(parallel.branches.len());
        let runs = branches.zip(scopes).map(|(b, s)| self.run_states(b.start_at.clone(), &b.states, input.clone(), s));
        let joined = try_join_all(runs).await;
        scope.join(&lasts);
        self.note(scope, || match &joined {
            Ok(_) => What::ParallelSucceeded,
            Err(error) => What::ParallelFailed(error.clone()),
        });
        joined.map(Value::Array)
    }

    /// Every item, in order, at most so many at once; the first error ends them all.
    async fn run_map<'a>(&'a self, map: &'a MapState, visit: &Visit<'_, 'a>) -> Result<Value, StateError> {
        let Visit { name, states, scope } = *visit;
        let items = match evaluated(&map.items, states, scope)? {
            Value::Array(items) => items,
            other => return Err(not_a("Items", "a list", &other)),
        };
        scope.counters.count(2 + 2 * items.len() as u64)?;
        self.note(scope, || What::MapStarted { length: items.len() });
        let (scopes, lasts) = scope.branches(items.len());
        let iterations = items.into_iter().zip(scopes).enumerate().map(|(index, (value, mut inner))| {
            let label = label_of(&value, index);
            let item = Rc::new(Item { index, value, label });
            inner.item = Some(Rc::clone(&item));
            async move {
                let state = || name.to_owned();
                self.note(&inner, || What::IterationStarted { state: state(), index });
                let result = self.run_item(map, &item, visit, inner.clone()).await;
                self.note(&inner, || match &result {
                    Ok(_) => What::IterationSucceeded { state: state(), index },
                    Err(_) => What::IterationFailed { state: state(), index },
                });
                Ok::<(usize, Value), StateError>((index, result?))
            }
        });
        // Unordered, so that the first error ends the map whichever item it is of.
        let ended = stream::iter(iterations).buffer_unordered(map.max_concurrency).try_collect().await;
        scope.join(&lasts);
        self.note(scope, || match &ended {
            Ok(_) => What::MapSucceeded,
            Err(error) => What::MapFailed(StateError::clone(error)),
        });
        let mut results: Vec<(usize, Value)> = ended?;
        results.sort_by_key(|(index, _)| *index);
        let results = Value::Array(results.into_iter().map(|(_, output)| output).collect());
        limit_data(&results)?;
        Ok(results)
    }

    async fn run_item<'a>(
        &'a self,
        map: &'a MapState,
        item: &Rc<Item>,
        visit: &Visit<'_, 'a>,
        inner: Scope<'a>,
    ) -> Result<Value, StateError> {
        let input = match &map.item_selector {
            Some(selector) => {
                let context = Context::new(inner.execution, Some(Rc::clone(item)), visit.name);
                evaluated(selector, States { context: &context, ..visit.states }, &inner)?
            }
            None => item.value.clone(),
        };
        let processor = &map.item_processor;
        self.run_states(processor.start_at.clone(), &processor.states, input, inner).await
    }
}
