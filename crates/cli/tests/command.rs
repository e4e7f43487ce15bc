//! The command as a script sees it: exit codes, what goes to which stream, and which files are written.

use std::path::PathBuf;
use std::process::{Command, Output};

use lifeboat_simulator::Scenario;

fn lifeboat(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lifeboat")).args(arguments).output().expect("lifeboat runs")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A directory of this test's own.
fn directory(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a directory");
    path
}

fn text(path: &std::path::Path) -> String {
    path.display().to_string()
}

#[test]
fn every_scenario_is_known_by_name_and_ends_with_the_code_of_its_report() {
    let dir = directory("scenarios");
    for scenario in Scenario::ALL {
        let run = lifeboat(&["drill", "--scenario", scenario.name(), "--json", "--out", &text(&dir)]);
        let report: serde_json::Value = serde_json::from_slice(&run.stdout).expect("a report");
        assert_eq!(report["scenario"], scenario.name());
        assert_eq!(run.status.code(), Some(if report["passed"] == true { 0 } else { 1 }), "{}", scenario.name());
        assert_eq!(err(&run), "", "--json leaves standard error empty");
    }
}

#[test]
fn a_drill_tells_its_outcome_first_and_leaves_both_reports() {
    let dir = directory("drill");
    let run = lifeboat(&["drill", "--out", &text(&dir.join("deep/er"))]);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    let summary = out(&run);
    assert!(summary.starts_with("Completed: us-west-2 serves"), "{summary}");
    assert!(!summary.contains('\u{1b}') && !err(&run).contains('\u{1b}'), "no escape codes outside a terminal");
    let widest = summary.lines().filter(|l| !l.contains("report.")).map(|l| l.chars().count()).max();
    assert!(widest <= Some(80), "{widest:?}\n{summary}");
    for file in ["report.html", "report.json"] {
        assert!(summary.contains(file), "{summary}");
        assert!(dir.join("deep/er").join(file).is_file());
    }
    assert!(err(&run).contains("us-east-1 goes dark"), "progress, line by line: {}", err(&run));
}

#[test]
fn quiet_leaves_standard_error_empty() {
    let run = lifeboat(&["drill", "--quiet", "--out", &text(&directory("quiet"))]);
    assert_eq!((run.status.code(), err(&run)), (Some(0), String::new()));
}

#[test]
fn json_on_standard_output_is_the_written_report() {
    let dir = directory("json");
    let run = lifeboat(&["drill", "--json", "--out", &text(&dir)]);
    assert_eq!(out(&run), std::fs::read_to_string(dir.join("report.json")).expect("report.json"));
    assert!(!out(&run).contains(&text(&dir)), "no path in the report");
}

#[test]
fn the_same_seed_gives_the_same_files_to_the_byte() {
    let [a, b] = ["once", "twice"].map(|name| {
        let dir = directory(name);
        let run = lifeboat(&["drill", "--seed", "11", "--quiet", "--out", &text(&dir)]);
        assert_eq!(run.status.code(), Some(0), "{}", err(&run));
        ["report.json", "report.html"].map(|file| std::fs::read(dir.join(file)).expect(file))
    });
    assert!(a == b);
}

#[test]
fn a_mode_alone_chooses_a_scenario_that_has_it() {
    let dir = text(&directory("mode"));
    for (mode, scenario) in [("switchover", "planned-switchover"), ("failover", "regional-outage")] {
        let run = lifeboat(&["drill", "--mode", mode, "--json", "--out", &dir]);
        let report: serde_json::Value = serde_json::from_slice(&run.stdout).expect(mode);
        assert_eq!(report["scenario"], scenario);
    }
}

#[test]
fn the_source_can_be_chosen_and_a_failback_starts_from_the_second_region() {
    let dir = text(&directory("source"));
    for (arguments, source) in [
        (vec!["--source", "us-west-2"], "us-west-2"),
        (vec!["--scenario", "failback"], "us-west-2"),
        (vec!["--scenario", "failback", "--source", "us-east-1"], "us-east-1"),
    ] {
        let run = lifeboat(&[&["drill", "--json", "--out", &dir], arguments.as_slice()].concat());
        let report: serde_json::Value = serde_json::from_slice(&run.stdout).expect("a report");
        assert_eq!(report["source"], source, "{arguments:?}");
    }
}

#[test]
fn what_goes_wrong_can_be_chosen_and_goes_wrong_in_the_same_way_each_time() {
    let dir = text(&directory("choices"));
    let plan = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/plans/database.yaml");
    let quick = ["drill", "--plan", plan, "--scenario", "planned-switchover", "--seed", "1", "--clients", "2"];
    let played = |choices: &[&str]| {
        let run = lifeboat(&[&quick[..], &["--quick-services", "--json", "--out", &dir], choices].concat());
        serde_json::from_slice::<serde_json::Value>(&run.stdout).expect("a report")
    };
    assert_eq!(played(&[])["outcome"], "Completed");
    let chosen = ["--choices", "3:slow,5:kill-switch"];
    let [a, b] = [(); 2].map(|()| played(&chosen));
    assert_eq!((&a["outcome"], &a["passed"]), (&"Unchanged".into(), &false.into()));
    assert!(a["runs"][0]["cause"].as_str().is_some_and(|cause| cause.contains("disabled")), "{}", a["runs"]);
    assert_eq!(a, b);
}

#[test]
fn bad_input_ends_with_2_and_says_what_was_expected() {
    let plan = directory("bad").join("plan.yaml");
    std::fs::write(&plan, "version: 1\n").expect("a bad plan");
    let plan = text(&plan);
    for (arguments, told) in [
        (
            vec!["drill", "--scenario", "failback", "--mode", "failover"],
            "--scenario failback cannot be drilled with --mode failover",
        ),
        (vec!["drill", "--scenario", "failback", "--mode", "failover"], "possible: switchover"),
        (vec!["drill", "--scenario", "flood"], "regional-outage"),
        (vec!["drill", "--source", "eu-west-1"], "eu-west-1 found, expected us-east-1 or us-west-2"),
        (vec!["drill", "--source", "Virginia"], "an AWS Region such as us-east-1"),
        (vec!["drill", "--seed", "x"], "--seed"),
        (vec!["drill", "--clients", "0"], "--clients"),
        (vec!["drill", "--choices", "17:stopp"], "expected one of throttled, internal"),
        (vec!["drill", "--plan", &plan], "plan.yaml:1: name: nothing found, expected this field"),
        (vec!["drill", "--plan", "no/such/plan.yaml"], "failed to read no/such/plan.yaml"),
        (vec!["plan", "check", &plan], "plan.yaml:1: regions: nothing found, expected this field"),
        (vec!["plan", "show", &plan], "plan.yaml:1: dns: nothing found, expected this field"),
        (vec!["fly"], "unrecognized subcommand"),
    ] {
        let run = lifeboat(&arguments);
        assert_eq!(run.status.code(), Some(2), "{arguments:?}: {}", err(&run));
        assert!(err(&run).contains(told), "{arguments:?}: {}", err(&run));
        assert_eq!(out(&run), "", "{arguments:?}");
    }
}

#[test]
fn a_report_that_cannot_be_written_ends_with_3_after_the_summary() {
    let file = directory("unwritable").join("a-file");
    std::fs::write(&file, "in the way").expect("a file");
    let run = lifeboat(&["drill", "--quiet", "--out", &text(&file)]);
    assert_eq!(run.status.code(), Some(3), "{}", err(&run));
    assert!(err(&run).contains("failed to write") && err(&run).contains("--out"), "{}", err(&run));
    assert!(out(&run).starts_with("Completed"), "{}", out(&run));
}

#[test]
fn the_exit_codes_are_in_the_help() {
    for arguments in [vec!["--help"], vec!["drill", "--help"], vec!["plan", "--help"]] {
        let run = lifeboat(&arguments);
        assert_eq!(run.status.code(), Some(0));
        for code in ["0  as it should be", "1  the drill did not end", "2  bad input", "3  the report could not"] {
            assert!(out(&run).contains(code), "{arguments:?}: {}", out(&run));
        }
    }
}

#[test]
fn a_good_plan_is_told_in_one_line() {
    let run = lifeboat(&["plan", "check"]);
    assert_eq!((run.status.code(), out(&run).lines().count(), err(&run)), (Some(0), 1, String::new()));
    assert!(out(&run).contains("retail-store") && out(&run).contains("2 databases"), "{}", out(&run));
}

#[test]
fn the_picture_is_written_alone() {
    let file = directory("picture").join("drill.svg");
    let run = lifeboat(&["drill", "--quiet", "--svg", &text(&file)]);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    let svg = std::fs::read_to_string(&file).expect("a picture");
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
    assert!(!out(&run).contains("report.json"), "{}", out(&run));
}

/// `lifeboat` with these variables in its environment and no others.
fn lifeboat_in(variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lifeboat"));
    command.env_clear().envs(variables.iter().copied()).args(arguments).output().expect("lifeboat runs")
}

#[test]
fn an_answer_that_is_malformed_is_refused_by_the_name_of_its_option() {
    let cases: [(&[&str], &str); 5] = [
        (&["approve", "retail-store"], "--reason"),
        (&["approve", "Retail Store", "--reason", "x"], "<PLAN>"),
        (&["approve", "retail-store", "--reason", "x", "--max-data-loss", "much"], "--max-data-loss"),
        (&["deny", "retail-store", "--reason", "x"], "--by"),
        (&["deny", "retail-store", "--reason", "x", "--by", "me", "--max-data-loss", "30s"], "--max-data-loss"),
    ];
    for (arguments, option) in cases {
        let run = lifeboat_in(&[], arguments);
        assert_eq!(run.status.code(), Some(2), "{arguments:?}");
        assert!(err(&run).contains(option), "{arguments:?}: {}", err(&run));
    }
}

#[cfg(not(feature = "aws"))]
#[test]
fn without_aws_every_command_that_needs_it_says_how_to_get_a_binary_that_has_it() {
    let cases: [&[&str]; 12] = [
        &["approve", "retail-store", "--reason", "x"],
        &["deny", "retail-store", "--reason", "x"],
        &["start", "retail-store", "--target", "us-west-2", "--mode", "switchover"],
        &["rehearse", "retail-store", "--target", "us-west-2"],
        &["watch", "retail-store"],
        &["stop", "retail-store", "--reason", "x"],
        &["stop", "--all", "--reason", "x"],
        &["resume", "retail-store"],
        &["acknowledge", "retail-store"],
        &["history", "retail-store"],
        &["report", "retail-store"],
        &["plan", "apply", "plan.yaml"],
    ];
    for arguments in cases {
        let run = lifeboat_in(&[("USER", "me")], arguments);
        assert_eq!(run.status.code(), Some(2), "{arguments:?}");
        assert!(err(&run).contains("--features aws") && err(&run).lines().count() == 1, "{}", err(&run));
    }
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let help = out(&lifeboat(&["--help"]));
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let commands: Vec<&str> =
        listed.filter(|l| !l.starts_with("   ")).filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.len() > 14, "{commands:?}");
    let dir = directory("man");
    assert_eq!(lifeboat(&["man", "--out", &text(&dir)]).status.code(), Some(0));
    for command in commands.iter().filter(|command| **command != "help") {
        for shell in ["bash", "zsh", "fish"] {
            assert!(out(&lifeboat(&["completions", shell])).contains(command), "{shell}: {command}");
        }
        assert!(dir.join(format!("lifeboat-{command}.1")).is_file(), "{command}");
    }
    assert!(out(&lifeboat(&["man"])).starts_with(".ie"), "{}", out(&lifeboat(&["man"])));
}

#[test]
fn the_problems_of_a_plan_are_data_too() {
    let plan = directory("json-check").join("plan.yaml");
    std::fs::write(&plan, "version: 1\n").expect("a bad plan");
    let run = lifeboat(&["plan", "check", "--json", &text(&plan)]);
    let told: serde_json::Value = serde_json::from_slice(&run.stdout).expect("JSON");
    assert_eq!((run.status.code(), told["good"].as_bool()), (Some(2), Some(false)));
    assert!(
        told["problems"]
            .as_array()
            .is_some_and(|all| all.iter().all(|p| p["field"].is_string() && p["expected"].is_string()))
    );
    let run = lifeboat(&["plan", "check", "--json"]);
    assert_eq!(run.status.code(), Some(0));
}

#[cfg(feature = "aws")]
#[test]
fn an_answer_without_region_or_credentials_says_where_they_come_from_and_sends_nothing() {
    let key = ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    let cases: [(&[(&str, &str)], &str); 4] = [
        (&[("USER", "me"), key, ("AWS_SECRET_ACCESS_KEY", "secret")], "--region"),
        (&[("USER", "me"), ("AWS_REGION", "us-west-2")], "export-credentials"),
        (&[("LOGNAME", "me"), ("AWS_DEFAULT_REGION", "us-west-2"), key], "AWS_SECRET_ACCESS_KEY"),
        (&[("USER", "me"), ("AWS_REGION", "here"), key, ("AWS_SECRET_ACCESS_KEY", "secret")], "AWS_REGION"),
    ];
    for (variables, problem) in cases {
        let run = lifeboat_in(variables, &["approve", "retail-store", "--reason", "x"]);
        assert_eq!(run.status.code(), Some(2), "{}", err(&run));
        assert!(err(&run).contains(problem) && err(&run).contains("nothing was sent"), "{}", err(&run));
    }
}
