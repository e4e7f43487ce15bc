//! What a row says of a call.

use std::pin::Pin;

use lifeboat_ports::CallError;

use crate::common::Served;

/// A call of an adapter.
pub type Call = for<'a> fn(&'a Served) -> Pin<Box<dyn Future<Output = Result<(), CallError>> + 'a>>;
/// What has to be so before it.
pub type Arrange = for<'a> fn(&'a Served) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

/// How a call is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A read: twice at most.
    Read,
    /// A read that a change waits for: the same.
    Before,
    /// A change, or a look that nothing waits for: once.
    Once,
    /// A change that goes after a read: once.
    After,
    /// To an endpoint of the routing cluster: once, and there are others.
    Endpoint,
}

/// An operation that a method of a port calls.
#[derive(Clone)]
pub struct Row {
    /// The method, with its port.
    pub method: &'static str,
    /// The operation.
    pub operation: &'static str,
    /// How it is sent.
    pub way: Way,
    /// How many of it the method has under way at the same time.
    pub at_once: u32,
    /// What has to be so before.
    pub arrange: Arrange,
    /// Calls the method.
    pub call: Call,
    /// Whether what the method changes is so, if it changes anything.
    pub done: Option<fn(&Served) -> bool>,
}

impl Row {
    /// A read.
    pub fn read(method: &'static str, operation: &'static str, call: Call) -> Self {
        let arrange: Arrange = |_| Box::pin(async {});
        Self { method, operation, way: Way::Read, at_once: 1, arrange, call, done: None }
    }

    /// A change.
    pub fn change(method: &'static str, operation: &'static str, call: Call, done: fn(&Served) -> bool) -> Self {
        Self { way: Way::Once, done: Some(done), ..Self::read(method, operation, call) }
    }

    /// The same, sent in another way.
    pub fn sent(self, way: Way) -> Self {
        Self { way, ..self }
    }

    /// The same, where something has to be so before.
    pub fn after(self, arrange: Arrange) -> Self {
        Self { arrange, ..self }
    }

    /// Whether the change is made.
    pub fn is_done(&self, served: &Served) -> bool {
        self.done.is_some_and(|done| done(served))
    }
}

/// The call that a row makes.
macro_rules! call {
    ($served:ident => $work:expr) => {
        |$served| Box::pin(async move { $work.await.map(drop) })
    };
}

/// What a row arranges.
macro_rules! arrange {
    ($served:ident => $work:expr) => {
        |$served| {
            Box::pin(async move {
                $work;
            })
        }
    };
}

pub(super) use {arrange, call};
