//! The real HTTP client: which of its failures prove that no request was sent. Nothing here leaves the machine: names are
//! resolved by the test, and connections go to the loopback address.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::thread::JoinHandle;

use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use lifeboat_aws::{AuroraDatabases, Environment};
use lifeboat_model::journal::Effect;
use lifeboat_ports::{CallError, Databases, Fault, Receipt};

use crate::common::{HOME, orders, region};

fn environment(endpoint: &str) -> Environment {
    let lookup = |variable: &str| match variable {
        "AWS_REGION" => Some(HOME.to_owned()),
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("example".to_owned()),
        "AWS_ENDPOINT_URL_RDS" => Some(endpoint.to_owned()),
        _ => None,
    };
    Environment::read(lookup).expect("an environment")
}

async fn failover(environment: &Environment) -> Result<Receipt, CallError> {
    let target = orders().clusters[&region(HOME)].clone();
    AuroraDatabases::new(environment).failover(&orders(), &target, &region(HOME)).await
}

/// A server of one connection: reads the request in full and answers with `answer`, if anything.
struct Server {
    url: String,
    serving: JoinHandle<(Vec<u8>, TcpListener)>,
}

impl Server {
    fn start(answer: Vec<u8>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let serving = std::thread::spawn(move || {
            let (mut connection, _) = listener.accept().expect("a connection");
            let mut request = Vec::new();
            let mut piece = [0; 4096];
            while !String::from_utf8_lossy(&request).contains("AllowDataLoss=true") {
                let read = connection.read(&mut piece).expect("a piece");
                assert!(read > 0, "the request has to come in full");
                request.extend_from_slice(&piece[..read]);
            }
            connection.write_all(&answer).expect("an answer");
            (request, listener)
        });
        Self { url, serving }
    }

    /// How many requests were sent, those included that still wait for the port to take them.
    fn requests(self) -> usize {
        let (request, listener) = self.serving.join().expect("a server");
        listener.set_nonblocking(true).expect("a listener");
        String::from_utf8_lossy(&request).matches("POST ").count() + usize::from(listener.accept().is_ok())
    }
}

#[tokio::test]
async fn a_plain_http_endpoint_is_served_for_local_runs() {
    let body = "<FailoverGlobalClusterResponse><FailoverGlobalClusterResult/></FailoverGlobalClusterResponse>";
    let head = format!("HTTP/1.1 200 OK\r\nx-amzn-requestid: local-1\r\ncontent-length: {}\r\n\r\n", body.len());
    let server = Server::start(format!("{head}{body}").into_bytes());
    let receipt = failover(&environment(&server.url)).await.expect("a receipt");
    assert_eq!((receipt.request_id.as_str(), server.requests()), ("local-1", 1));
}

#[tokio::test]
async fn s10_a_connection_that_ends_after_the_request_leaves_the_effect_unknown_and_nothing_is_sent_again() {
    for answer in [b"".as_slice(), b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n<Failover"] {
        let server = Server::start(answer.to_vec());
        let error = failover(&environment(&server.url)).await.expect_err("no answer");
        assert_eq!((error.fault, error.effect()), (Fault::Internal, Effect::Unknown), "{error}");
        assert_eq!(server.requests(), 1);
    }
}

#[tokio::test]
async fn a_refused_connection_had_no_effect() {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port").local_addr().expect("an address");
    let error = failover(&environment(&format!("http://{closed}"))).await.expect_err("refused");
    assert_eq!((error.fault, error.effect()), (Fault::Unreachable, Effect::None), "{error}");
}

/// A resolver that knows nothing, at once or never.
#[derive(Clone, Copy, Debug)]
enum Resolver {
    Fails,
    Hangs,
}

impl ResolveDns for Resolver {
    fn resolve_dns<'a>(&'a self, _: &'a str) -> DnsFuture<'a> {
        match self {
            Self::Fails => DnsFuture::ready(Err(ResolveDnsError::new("no such name"))),
            Self::Hangs => DnsFuture::new(std::future::pending()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_does_not_resolve_or_a_connect_that_takes_too_long_had_no_effect() {
    for (resolver, after_ms) in [(Resolver::Fails, 0), (Resolver::Hangs, 3100)] {
        let client = Builder::new().tls_provider(Provider::rustls(CryptoMode::Ring)).build_with_resolver(resolver);
        let environment = environment("https://rds.example").with_http_client(client);
        let started = tokio::time::Instant::now();
        let error = failover(&environment).await.expect_err("unreachable");
        assert_eq!((error.fault, error.effect()), (Fault::Unreachable, Effect::None), "{resolver:?}: {error}");
        assert!((after_ms..after_ms + 10).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_tls_server_whose_certificate_is_not_amazons_had_no_effect() {
    // It does not even speak TLS; the roots that are compiled in are read on the way.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let url = format!("https://localhost:{}", listener.local_addr().expect("an address").port());
    let serving = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a connection");
        connection.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("an answer");
        let _read = connection.read(&mut [0; 4096]);
    });
    let error = failover(&environment(&url)).await.expect_err("no TLS");
    assert_eq!((error.fault, error.effect()), (Fault::Unreachable, Effect::None), "{error}");
    serving.join().expect("a server");
}
