//! `lifeboat simulate` as a script sees it.

use std::process::{Command, Output};

fn lifeboat(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lifeboat")).args(arguments).output().expect("lifeboat runs")
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[cfg(not(feature = "simulate"))]
#[test]
fn without_the_server_it_says_how_to_get_one() {
    let run = lifeboat(&["simulate"]);
    assert_eq!(run.status.code(), Some(2));
    assert!(err(&run).contains("--features simulate"), "{}", err(&run));
}

#[cfg(feature = "simulate")]
mod served {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpStream;
    use std::process::Stdio;

    use serde_json::Value;

    use super::*;

    #[test]
    fn it_says_where_it_listens_answers_there_and_ends_cleanly_when_it_is_asked_to() {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lifeboat"));
        let command = command.args(["simulate", "--port", "0", "--json", "--source", "us-west-2"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("lifeboat runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let ready: Value = serde_json::from_str(&line).expect("JSON");
        let port = ready["port"].as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port");
        assert_eq!(ready["ready"], true);
        assert_eq!(ready["environment"]["AWS_ENDPOINT_URL"], format!("http://127.0.0.1:{port}"));
        assert_eq!(ready["environment"]["AWS_REGION"], "us-east-1", "the Region that a run would go to");

        let mut connection = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        let request = "GET /simulator/state HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        connection.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"source\": \"us-west-2\""), "{answer}");

        let taken = lifeboat(&["simulate", "--port", &port.to_string()]);
        assert_eq!(taken.status.code(), Some(2));
        assert!(err(&taken).contains("give another port"), "{}", err(&taken));

        let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
        assert!(asked.success());
        let ended = child.wait_with_output().expect("it ends");
        assert_eq!((ended.status.code(), err(&ended)), (Some(0), String::new()));
    }

    #[test]
    fn what_it_cannot_simulate_is_bad_input() {
        for (arguments, says) in [
            (["--source", "mars-1"], "mars-1"),
            (["--source", "eu-west-1"], "expected us-east-1 or us-west-2"),
            (["--plan", "/no/such/plan.yaml"], "/no/such/plan.yaml"),
            (["--time-scale", "0"], "--time-scale"),
            (["--functions", "/no/such"], "--functions"),
        ] {
            let run = lifeboat(&["simulate", arguments[0], arguments[1]]);
            assert_eq!(run.status.code(), Some(2), "{arguments:?}");
            assert!(err(&run).contains(says), "{arguments:?}: {}", err(&run));
        }
    }
}
