//! Who answers a request.

use std::collections::BTreeMap;
use std::rc::Rc;

use async_trait::async_trait;
use http::StatusCode;
use lifeboat_simulator::World;
use serde_json::json;

use crate::line::{Break, Line};
use crate::reply::Reply;
use crate::request::Request;

/// A service behind the face.
#[async_trait(?Send)]
pub trait Service {
    /// Answers `request`.
    async fn serve(&self, request: &Request) -> Reply;
}

/// The face: the services of a world by their signing names, and what is not signed by the first segment of its path.
pub struct Face {
    world: World,
    line: Line,
    signed: BTreeMap<&'static str, Rc<dyn Service>>,
    unsigned: BTreeMap<&'static str, Rc<dyn Service>>,
}

impl Face {
    /// A face of `world` without services.
    pub fn new(world: World) -> Self {
        Self { world, line: Line::default(), signed: BTreeMap::new(), unsigned: BTreeMap::new() }
    }

    /// The world.
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// The line that requests come over.
    pub const fn line(&self) -> &Line {
        &self.line
    }

    /// Answers what is signed for `name` by `service`.
    #[must_use]
    pub fn with(mut self, name: &'static str, service: Rc<dyn Service>) -> Self {
        self.signed.insert(name, service);
        self
    }

    /// Answers what is not signed and whose path begins with `/segment` by `service`.
    #[must_use]
    pub fn with_path(mut self, segment: &'static str, service: Rc<dyn Service>) -> Self {
        self.unsigned.insert(segment, service);
        self
    }

    /// Answers `request`.
    pub async fn serve(&self, request: Request) -> Reply {
        let service = match &request.signature {
            Some(signature) => self.signed.get(signature.service.as_str()),
            None => request.segments().first().and_then(|first| self.unsigned.get(first.as_str())),
        };
        let broken = self.line.carry(&request);
        if broken == Some(Break::Closed) {
            return Reply::Gone;
        }
        let reply = match service {
            Some(service) => service.serve(&request).await,
            None => unknown(&request, self.signed.keys().copied()),
        };
        if broken == Some(Break::Truncated) { reply.truncated() } else { reply }
    }
}

/// Nobody answers for it: said in JSON, which every SDK at least passes on.
fn unknown(request: &Request, known: impl Iterator<Item = &'static str>) -> Reply {
    let asked = request.signature.as_ref().map_or("nothing: it is not signed", |s| s.service.as_str());
    let known: Vec<&str> = known.collect();
    let body = json!({
        "__type": "UnknownService",
        "message": format!("{} {} is signed for {asked}; the simulator serves {}", request.method, request.path, known.join(", ")),
    });
    Reply::new(StatusCode::BAD_REQUEST, "application/x-amz-json-1.0", body.to_string())
}
