//! What a person does to the world, and sees of it: `/simulator/...`, JSON, not signed.
//!
//! Purpose: Regions break and come back, calls meet faults, replication falls behind, endpoints go down. AWS has no such
//! operations. Guarantees: a request that is not understood in full changes nothing; breaking what is broken changes
//! nothing. Effects: changes the world. Fails when: a field is missing, unknown or wrong.

mod order;
mod view;

use async_trait::async_trait;
use http::{Method, StatusCode};
use lifeboat_model::{Period, Region};
use lifeboat_simulator::World;
use serde_json::{Value, json};

use crate::face::Service;
use crate::line::Line;
use crate::reply::Reply;
use crate::request::Request;

use order::{Bad, Order};
pub use order::{KINDS, Kind, OPERATIONS};

const PATHS: &str = "GET state, POST break, mend, fault, lag, endpoint";

/// The control API of a world.
pub struct Control {
    world: World,
    line: Line,
}

impl Control {
    /// The control API of `world`, and of the `line` to it.
    pub const fn new(world: World, line: Line) -> Self {
        Self { world, line }
    }

    fn post(&self, what: &str, body: &[u8]) -> Result<Option<Value>, Bad> {
        let Some(order) = Order::read(what, body, &self.world.state().plan)? else { return Ok(None) };
        Ok(Some(match order {
            Order::Break(region) => json!({"changed": self.darken(&region)}),
            Order::Mend(region) => json!({"changed": self.light(&region)}),
            Order::Fault(rule) => {
                self.world.state_mut().faults.add(rule);
                json!({"changed": true})
            }
            Order::Line(rule) => {
                self.line.add(rule);
                json!({"changed": true})
            }
            Order::Lag(period) => json!({"changed": self.lag(period)}),
            Order::Endpoint { region, down } => {
                let endpoints = &mut self.world.state_mut().traffic.endpoints_down;
                json!({"changed": if down { endpoints.insert(region) } else { endpoints.remove(&region) }})
            }
        }))
    }

    fn darken(&self, region: &Region) -> bool {
        let is_lit = !self.world.is_dark(region);
        if is_lit {
            self.world.darken(region);
        }
        is_lit
    }

    fn light(&self, region: &Region) -> bool {
        let is_dark = self.world.is_dark(region);
        if is_dark {
            self.world.light(region);
        }
        is_dark
    }

    fn lag(&self, period: Period) -> bool {
        let databases = &mut self.world.state_mut().aurora.databases;
        let changed = databases.values().any(|db| db.extra_lag != period);
        databases.values_mut().for_each(|db| db.extra_lag = period);
        changed
    }
}

#[async_trait(?Send)]
impl Service for Control {
    async fn serve(&self, request: &Request) -> Reply {
        let segments = request.segments();
        let what = segments.get(1).filter(|_| segments.len() == 2).map_or("", String::as_str);
        let answered = match (&request.method, what) {
            (&Method::GET, "state") => Ok(Some(view::state(&self.world, &self.line))),
            (&Method::POST, what) => self.post(what, &request.body),
            (_, _) => Ok(None),
        };
        let (status, body) = match answered {
            Ok(Some(answer)) => (StatusCode::OK, answer),
            Ok(None) => {
                let found = format!("{} {}", request.method, request.path);
                (
                    StatusCode::NOT_FOUND,
                    Bad::new("path", found, PATHS, "ask for one of these under /simulator/").as_json(),
                )
            }
            Err(bad) => (StatusCode::BAD_REQUEST, bad.as_json()),
        };
        Reply::new(status, "application/json", format!("{body:#}\n"))
    }
}
