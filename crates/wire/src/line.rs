//! The line between callers and services: what comes over it, and what breaks on it.
//!
//! Purpose: the faults of a connection, which no service sees; the world's own faults are those of its services.
//! Guarantees: a signed request counts under its operation whether it breaks or not. Effects: none. Fails when: never.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use http::Method;
use lifeboat_model::Region;

use crate::request::Request;

/// How a request breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// The connection closes when the request has come, before any service reads it.
    Closed,
    /// It is carried out, and the connection closes in the middle of the answer.
    Truncated,
}

/// What breaks.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The operation, such as `rds:FailoverGlobalCluster`.
    pub operation: &'static str,
    /// Only requests for this Region.
    pub place: Option<Region>,
    /// How many matching requests go by first.
    pub skip: u32,
    /// How many requests break after that.
    pub times: u32,
    /// How.
    pub how: Break,
}

/// The line; clones share it.
#[derive(Clone, Default)]
pub struct Line(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    rules: Vec<(Rule, u32)>,
    broken: u32,
    arrived: BTreeMap<String, u32>,
}

impl Line {
    /// Lets requests to come break.
    pub fn add(&self, rule: Rule) {
        self.0.borrow_mut().rules.push((rule, 0));
    }

    /// Lets no more requests break.
    pub fn clear(&self) {
        self.0.borrow_mut().rules.clear();
    }

    /// How many requests broke.
    pub fn broken(&self) -> u32 {
        self.0.borrow().broken
    }

    /// How many requests of `operation` have come.
    pub fn arrived(&self, operation: &str) -> u32 {
        self.0.borrow().arrived.get(operation).copied().unwrap_or(0)
    }

    /// How many requests have come, by operation.
    pub fn arrivals(&self) -> BTreeMap<String, u32> {
        self.0.borrow().arrived.clone()
    }

    /// `request` has come; how it breaks, if it does.
    pub(crate) fn carry(&self, request: &Request) -> Option<Break> {
        let operation = operation(request)?;
        let place = &request.signature.as_ref()?.region;
        let mut state = self.0.borrow_mut();
        let State { rules, broken, arrived } = &mut *state;
        let meant = |rule: &Rule| rule.operation == operation && rule.place.as_ref().is_none_or(|p| p == place);
        // As the world's faults do: a rule that has met a request lets the later ones not see it.
        let met = rules.iter_mut().filter(|(rule, _)| meant(rule)).find_map(|(rule, seen)| {
            *seen += 1;
            (*seen > rule.skip && *seen <= rule.skip + rule.times).then_some(rule.how)
        });
        *broken += u32::from(met.is_some());
        *arrived.entry(operation).or_default() += 1;
        met
    }
}

/// What `request` asks for, as faults name it; `None` when it is not signed, or names no operation.
fn operation(request: &Request) -> Option<String> {
    let service = match request.signature.as_ref()?.service.as_str() {
        "monitoring" => "cloudwatch",
        own => own,
    };
    let segments = request.segments();
    let asked = match (service, &request.method) {
        ("mq", &Method::GET) => "DescribeBroker".to_owned(),
        ("mq", _) => "Promote".to_owned(),
        ("s3", &Method::PUT) => "PutObject".to_owned(),
        ("s3", _) => "GetObject".to_owned(),
        ("lambda", _) => "Invoke".to_owned(),
        (_, _) => match request.header("x-amz-target") {
            Some(target) => target.rsplit('.').next()?.to_owned(),
            None if request.header("smithy-protocol").is_some() => segments.last()?.clone(),
            None => {
                let form = form_urlencoded::parse(&request.body).into_owned();
                form.chain(request.query.iter().cloned()).find(|(name, _)| name == "Action")?.1
            }
        },
    };
    Some(format!("{service}:{asked}"))
}
