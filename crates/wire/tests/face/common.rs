//! A world that listens, and the adapters that call it.

use std::net::Ipv4Addr;
use std::rc::Rc;

use lifeboat_aws::Environment;
use lifeboat_cli::{MACHINE, plan_file};
use lifeboat_model::plan::Engine;
use lifeboat_model::{Direction, Plan, Region};
use lifeboat_simulator::World;
use lifeboat_simulator::machine::Machine;
use lifeboat_wire::platform::{TABLE, bucket, machine_arn, topic_arn, with_platform};
use lifeboat_wire::{Line, Options, Simulation};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// The Region that serves.
pub const SOURCE: &str = "us-east-1";
/// The other one.
pub const TARGET: &str = "us-west-2";

/// A Region by name.
pub fn region(name: &str) -> Region {
    name.parse().expect("a Region's name")
}

/// The example plan with an ActiveMQ broker, which it lacks.
pub fn plan() -> Plan {
    let mut plan = plan_file::load(None).expect("the example plan");
    let mut payments = plan.brokers.first().cloned().expect("the example has a broker");
    (payments.name, payments.engine) = ("payments".parse().expect("a name"), Engine::ActiveMq);
    for (region, broker) in &mut payments.brokers {
        broker.id = format!("b-payments-{region}");
        broker.name = format!("payments-{region}");
    }
    plan.brokers.push(payments);
    plan
}

/// A world that listens.
pub struct Served {
    /// The world.
    pub world: World,
    /// Its plan.
    pub plan: Plan,
    /// The address, as a variable of the environment has it.
    pub url: String,
    /// The line that requests come over.
    pub line: Line,
    /// How the adapters reach it.
    pub environment: Environment,
    task: JoinHandle<()>,
}

impl Drop for Served {
    /// A world that nobody looks at any more shall cost the other tests no time.
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Served {
    /// The adapters' environment.
    pub fn environment(&self) -> Environment {
        self.environment.clone()
    }

    /// How many calls of `operation` took effect.
    pub fn effective(&self, operation: &str) -> usize {
        let state = self.world.state();
        state.lambda.calls.iter().filter(|c| c.operation == operation && c.effective).count()
    }
}

/// Serves a world whose clock goes `time_scale` times as fast as ours. Has to run inside a `LocalSet`.
pub async fn serve(time_scale: u32) -> Served {
    serve_with(time_scale, |simulation| simulation).await
}

/// The same, with more on its face.
pub async fn serve_with(time_scale: u32, add: impl FnOnce(Simulation) -> Simulation) -> Served {
    let plan = plan();
    let options = Options {
        plan: plan.clone(),
        direction: Direction { source: region(SOURCE), target: region(TARGET) },
        machine: Rc::new(Machine::read(MACHINE).expect("the shipped machine")),
        seed: 7,
        time_scale,
        host: Ipv4Addr::LOCALHOST,
        port: 0,
    };
    let simulation = add(Simulation::begin(options).await.expect("a free port"));
    let (world, url) = (simulation.world().clone(), format!("http://{}", simulation.address()));
    let line = simulation.line().clone();
    let environment = environment(&url);
    let task = tokio::task::spawn_local(simulation.run());
    Served { world, plan, url, line, environment, task }
}

/// The same, with everything that Lifeboat stands on.
pub async fn serve_all(time_scale: u32) -> Served {
    serve_with(time_scale, |s| s.with(|face, callers| with_platform(face, callers, MACHINE))).await
}

/// An environment whose AWS is at `url`.
pub fn environment(url: &str) -> Environment {
    let home = region(TARGET);
    let set = |variable: &str| match variable {
        "AWS_REGION" => Some(TARGET.to_owned()),
        "AWS_ENDPOINT_URL" => Some(url.to_owned()),
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
        "LIFEBOAT_TABLE" => Some(TABLE.to_owned()),
        "LIFEBOAT_STATE_MACHINE" => Some(machine_arn(&home)),
        "LIFEBOAT_TOPIC" => Some(topic_arn(&home)),
        "LIFEBOAT_BUCKET" => Some(bucket(&home)),
        _ => None,
    };
    Environment::read(set).expect("an environment")
}

/// Runs `test` where served worlds can live.
pub fn within(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, test);
}

/// The same with tokio's clock paused: it goes on when everybody waits.
pub fn within_paused<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    tokio::task::LocalSet::new().block_on(&runtime.expect("a runtime"), test)
}

/// Sends a request that is signed for `service` in the target, or not signed when that is empty.
pub async fn send(served: &Served, what: &str, service: &str, headers: &[(&str, &str)], body: &str) -> TcpStream {
    let address = served.url.strip_prefix("http://").expect("an address");
    let mut request = format!("{what} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    if !service.is_empty() {
        let scope = format!("test/20261123/{TARGET}/{service}/aws4_request");
        request += &format!("authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0\r\n");
    }
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += &format!("content-length: {}\r\n\r\n{body}", body.len());
    let mut connection = TcpStream::connect(address).await.expect("a connection");
    connection.write_all(request.as_bytes()).await.expect("sent");
    connection
}

/// The head and the body of the answer to such a request.
pub async fn ask(served: &Served, what: &str, service: &str, headers: &[(&str, &str)], body: &str) -> (String, String) {
    let mut answer = Vec::new();
    send(served, what, service, headers, body).await.read_to_end(&mut answer).await.expect("an answer");
    // CBOR is no text, but the texts in it are.
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    (head.to_owned(), body.to_owned())
}
