//! Every way to write a bad plan that we know of: each is told with its line, field, value and what was expected.

mod cases;

use cases::CASES;
use lifeboat_cli::plan_file::{EXAMPLE, PlanFileError, load, parse};
use lifeboat_model::read::Problem;

fn problems(text: &str) -> Vec<Problem> {
    match parse("plan.yaml", text) {
        Err(PlanFileError::NotAPlan { problems, .. }) => problems,
        other => panic!("expected problems, got {other:?}\n{text}"),
    }
}

fn line_of(text: &str, part: &str) -> Option<u32> {
    let line = text.lines().position(|line| line.contains(part));
    line.and_then(|n| u32::try_from(n + 1).ok())
}

#[test]
fn every_bad_plan_is_told_with_line_field_value_and_what_was_expected() {
    for case in CASES {
        let text = EXAMPLE.1.replacen(case.replaced, case.by, 1);
        assert_ne!(text, EXAMPLE.1, "{}: the example has changed", case.name);
        let line = line_of(&text, case.on);
        assert!(line.is_some(), "{}: no line has {:?}", case.name, case.on);
        let found = problems(&text);
        let as_told = |p: &&Problem| p.line == line && p.field == case.field && p.value == case.value;
        let told = found.iter().find(as_told).unwrap_or_else(|| {
            panic!("{}: line {line:?}, {}, {} is not in {found:#?}", case.name, case.field, case.value)
        });
        assert!(told.expected.contains(case.expected), "{}: {told}", case.name);
    }
}

#[test]
fn one_file_with_many_errors_is_told_all_of_them_at_once() {
    let edits = [
        ("version: 1", "version: 3"),
        ("rto: 10m", "rto: soon"),
        ("evaluation_periods: 2", "evaluation_periods: many"),
        ("https://2b3c4d5e", "ftp://2b3c4d5e"),
        ("arn:aws:rds:us-east-1:111122223333:cluster:retail-store-catalog-use1", "catalog"),
        ("  - name: orders\n", "  - name: Orders!\n"),
        ("ttl: 60s", "ttl: 60"),
        ("name: shop.example.com", "name: shop"),
        ("topology: active-passive\n", "topology: active-passive\nfavourite: blue\n"),
    ];
    let text = edits.iter().fold(EXAMPLE.1.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from:?}: the example has changed");
        text.replacen(from, to, 1)
    });
    let found = problems(&text);
    let fields: Vec<&str> = found.iter().map(|p| p.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "version",
            "favourite",
            "objectives.rto",
            "automation.alarm.evaluation_periods",
            "routing.endpoints[1].url",
            "databases[0].clusters.us-east-1",
            "databases[1].name",
            "dns[0].name",
            "dns[0].ttl",
        ],
        "in the order of the file"
    );
    let told = parse("plan.yaml", &text).expect_err("bad").to_string();
    assert_eq!(told.lines().count(), fields.len() + 1, "a line each, and a last one that counts:\n{told}");
    assert!(told.starts_with("plan.yaml:3: version: 3 found, expected a whole number from 1 to 1\n"), "{told}");
    assert!(told.ends_with("9 problem(s) in plan.yaml; nothing was changed"), "{told}");
}

#[test]
fn an_alias_is_told_with_its_line() {
    let text = EXAMPLE.1.replacen("  rto: 10m\n  rpo: 30s\n", "  rto: &time 10m\n  rpo: *time\n", 1);
    let told = parse("plan.yaml", &text).expect_err("an alias").to_string();
    let line = line_of(&text, "*time").expect("there");
    assert_eq!(told, format!("plan.yaml:{line}: cannot be read as YAML: an alias stands here; write the value itself"));
}

#[test]
fn two_documents_in_one_file_are_told_with_the_line_of_the_second() {
    let text = format!("{}---\n{}", EXAMPLE.1, EXAMPLE.1);
    let told = parse("plan.yaml", &text).expect_err("two").to_string();
    assert!(told.contains("one document expected, a second one begins here"), "{told}");
    let line = EXAMPLE.1.lines().count();
    let named: usize = told.split(':').nth(1).and_then(|n| n.parse().ok()).expect("a line");
    assert!((line + 1..=line + 5).contains(&named), "{told}");
}

#[test]
fn what_is_not_yaml_is_told_with_its_line() {
    let text = "version: 1\nname: retail-store\nregions: [us-east-1, us-west-2\nrouting: }\n";
    match parse("plan.yaml", text) {
        Err(PlanFileError::NotYaml { file, line, reason }) => {
            assert_eq!(file, "plan.yaml");
            assert!((3..=4).contains(&line), "{line}: {reason}");
            assert!(!reason.is_empty());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_empty_file_is_no_plan() {
    for text in ["", "# nothing yet\n", "just words\n", "[]\n"] {
        let told = parse("plan.yaml", text).expect_err(text).to_string();
        assert!(told.contains("expected a mapping"), "{text:?}: {told}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let missing = std::env::temp_dir().join("lifeboat-no-such-plan.yaml");
    let told = load(Some(&missing)).expect_err("missing").to_string();
    assert!(told.contains("lifeboat-no-such-plan.yaml") && told.contains("give the path of a plan file"), "{told}");
}

#[test]
fn the_example_is_accepted() {
    let plan = load(None).expect("the example");
    assert_eq!(plan.name.as_str(), "retail-store");
}
