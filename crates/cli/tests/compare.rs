//! `lifeboat compare`: the same bytes for the same seeds, honest exit codes, and a README that says what was measured.

use std::path::PathBuf;
use std::process::{Command, Output};

fn lifeboat(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lifeboat")).args(arguments).output().expect("lifeboat runs")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn committed(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}; run: make compare", path.display()))
}

#[test]
fn the_same_seeds_give_the_same_table_and_picture_to_the_byte() {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("compare");
    let [a, b] = ["once", "twice"].map(|name| {
        let files = ["svg", "md"].map(|kind| dir.join(format!("{name}.{kind}")));
        let [svg, table] = files.each_ref().map(|f| f.display().to_string());
        let run = lifeboat(&["compare", "--seeds", "6", "--svg", &svg, "--markdown", &table]);
        assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
        (out(&run), files.map(|f| std::fs::read_to_string(f).expect("written")))
    });
    assert!(a == b, "{}\n{}", a.0, b.0);
    let (table, [picture, markdown]) = a;
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    for order in ["lifeboat", "guidance-sample", "sequential"] {
        assert!([&table, &picture, &markdown].iter().all(|text| text.contains(order)), "{order}");
    }
}

#[test]
fn json_has_every_order_with_its_figures() {
    let run = lifeboat(&["compare", "--seeds", "3", "--scenario", "planned-switchover", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&run.stdout).expect("JSON and nothing else");
    assert_eq!((json["seeds"].as_u64(), json["scenario"].as_str()), (Some(3), Some("planned-switchover")));
    let ours = &json["orders"][0];
    assert_eq!((ours["order"].as_str(), ours["drills_with_violations"].as_u64()), (Some("lifeboat"), Some(0)));
    assert_eq!(ours["writes_lost"]["p95"].as_f64(), Some(0.0));
    assert!(json["orders"][1]["rto_s"]["median"].as_f64().is_some());
}

#[test]
fn what_cannot_be_compared_or_ordered_ends_with_2() {
    for (arguments, told) in [
        (vec!["compare", "--scenario", "failback"], "possible: regional-outage, planned-switchover"),
        (vec!["compare", "--seeds", "0"], "0 is not in 1.."),
        (vec!["compare", "--plan", "no/such/plan.yaml"], "failed to read no/such/plan.yaml"),
        (
            vec!["drill", "--order", "sequential", "--scenario", "round-trip"],
            "--order sequential cannot be drilled with",
        ),
        (vec!["drill", "--order", "sequential", "--scenario", "round-trip"], "regional-outage, planned-switchover"),
        (vec!["drill", "--order", "backwards"], "guidance-sample"),
    ] {
        let run = lifeboat(&arguments);
        let told_instead = String::from_utf8_lossy(&run.stderr).into_owned();
        assert_eq!(run.status.code(), Some(2), "{arguments:?}: {told_instead}");
        assert!(told_instead.contains(told), "{arguments:?}: {told_instead}");
        assert_eq!(out(&run), "", "{arguments:?}");
    }
}

#[test]
fn the_readme_has_the_table_that_was_measured() {
    let table = committed("docs/compare.md");
    assert!(table.contains("1,000 seeds"), "{table}");
    let marked = format!("<!-- compare -->\n{table}<!-- /compare -->");
    assert!(committed("README.md").contains(&marked), "README.md has not the table of docs/compare.md:\n{table}");
    assert!(committed("docs/compare.svg").contains("1,000 seeds"));
}
