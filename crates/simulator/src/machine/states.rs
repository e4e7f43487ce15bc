//! `$states`: what an expression sees beside the variables, put together only as far as one asks for it.

use std::cell::OnceCell;
use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::execution::Execution;

/// An item of a map.
pub(super) struct Item {
    pub(super) index: usize,
    pub(super) value: Value,
    /// What people call it.
    pub(super) label: String,
}

/// The context object of a state.
pub struct Context<'v> {
    execution: &'v Execution,
    item: Option<Rc<Item>>,
    state: &'v str,
    token: Option<&'v str>,
    made: OnceCell<Value>,
}

impl<'v> Context<'v> {
    pub(super) fn new(execution: &'v Execution, item: Option<Rc<Item>>, state: &'v str) -> Self {
        Self { execution, item, state, token: None, made: OnceCell::new() }
    }

    /// The same for a task whose answer comes with `token`.
    pub(super) fn with_token<'t>(&self, token: &'t str) -> Context<'t>
    where
        'v: 't,
    {
        let item = self.item.as_ref().map(Rc::clone);
        Context { token: Some(token), ..Context::new(self.execution, item, self.state) }
    }

    fn value(&self) -> &Value {
        self.made.get_or_init(|| {
            let execution = self.execution;
            let mut context = json!({
                "Execution": {
                    "Id": execution.id, "Name": execution.name, "Input": execution.input,
                    "StartTime": execution.started_at.to_string(),
                },
                "State": {"Name": self.state},
            });
            if let Some(fields) = context.as_object_mut() {
                if let Some(item) = &self.item {
                    fields.insert("Map".to_owned(), json!({"Item": {"Index": item.index, "Value": item.value}}));
                }
                if let Some(token) = self.token {
                    fields.insert("Task".to_owned(), json!({"Token": token}));
                }
            }
            context
        })
    }
}

/// The reserved variable `$states`.
#[derive(Clone, Copy)]
pub struct States<'v> {
    /// The state's input.
    pub input: &'v Value,
    /// The context object.
    pub context: &'v Context<'v>,
    /// What the state came to, by its field: `result` or `errorOutput`.
    pub came_to: Option<(&'static str, &'v Value)>,
}

impl<'v> States<'v> {
    /// The same after the state has come to `value`.
    pub(super) fn with(self, field: &'static str, value: &'v Value) -> Self {
        Self { came_to: Some((field, value)), ..self }
    }

    fn field(&self, name: &str) -> Option<&'v Value> {
        match name {
            "input" => Some(self.input),
            "context" => Some(self.context.value()),
            other => self.came_to.filter(|(field, _)| *field == other).map(|(_, value)| value),
        }
    }

    /// The fields that the expression `source` names; all of them when it names the whole.
    pub(super) fn named_in(&self, source: &str) -> Vec<(&'static str, &'v Value)> {
        let all = ["input", "context", "result", "errorOutput"];
        let named = |field: &str| {
            source.match_indices("$states").any(|(at, states)| {
                let rest = source[at + states.len()..].strip_prefix('.');
                rest.is_none_or(|rest| {
                    let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
                    end == 0 || rest[..end] == *field
                })
            })
        };
        all.into_iter().filter(|f| named(f)).filter_map(|f| self.field(f).map(|value| (f, value))).collect()
    }
}

/// The object that `fields` make.
pub(super) fn object(fields: &[(&'static str, &Value)]) -> Value {
    Value::Object(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).clone())).collect::<Map<_, _>>())
}
