//! One SDK client per Region, made when first asked for and kept.
//!
//! Purpose: a step calls two Regions at most, and its function lives for many invocations.
//! Guarantees: a client of one Region never calls another. Effects: none. Fails when: never.

use std::cell::RefCell;
use std::collections::BTreeMap;

use aws_types::SdkConfig;
use lifeboat_model::Region;

use crate::Environment;
use crate::environment::{Calls, Service};

/// The clients of one service for one kind of calls.
#[derive(Debug)]
pub struct RegionalClients<C> {
    environment: Environment,
    service: Service,
    calls: Calls,
    make: fn(&SdkConfig) -> C,
    made: RefCell<BTreeMap<Region, C>>,
}

impl<C: Clone> RegionalClients<C> {
    /// No client yet; `make` makes one from a configuration.
    pub fn new(environment: &Environment, service: Service, calls: Calls, make: fn(&SdkConfig) -> C) -> Self {
        Self { environment: environment.clone(), service, calls, make, made: RefCell::default() }
    }

    /// The client of `region`.
    pub fn of(&self, region: &Region) -> C {
        let make = || (self.make)(&self.environment.config(self.service, region, self.calls));
        self.made.borrow_mut().entry(region.clone()).or_insert_with(make).clone()
    }
}
