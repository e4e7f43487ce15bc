//! What the journal of a run says, and under which key each line is written once.

use std::collections::BTreeSet;

use crate::common::{NOW, at, entry, go, intent, no_go, outcome, west};
use lifeboat_model::Timestamp;
use lifeboat_model::journal::{
    Attempts, Call, Effect, Entry, Note, has_call_under_way, intends, is_ready, may_have_changed_something, newest,
    newest_verdict,
};
use lifeboat_model::limits::Step;
use lifeboat_model::report::Outcome;

const STEP: Step = Step::PromoteDatabase;
const EFFECTS: [Option<Effect>; 4] = [None, Some(Effect::Accepted), Some(Effect::None), Some(Effect::Unknown)];

/// Attempt `n` is intended at `10 n` seconds; what came of it is written nine seconds later.
fn attempt(n: u32, effect: Option<Effect>) -> Vec<Entry> {
    let then = i64::from(n) * 10;
    let mut entries = vec![intent(STEP, "orders", n, at(then))];
    entries.extend(effect.map(|effect| outcome(STEP, "orders", n, at(then + 9), effect)));
    entries
}

fn every_journal(mut check: impl FnMut(&[Option<Effect>], &[Entry])) {
    let mut journals = 0;
    for count in 0..=3_u32 {
        for pattern in 0..EFFECTS.len().pow(count) {
            let effects: Vec<Option<Effect>> =
                (0..count).map(|n| EFFECTS[pattern / EFFECTS.len().pow(n) % EFFECTS.len()]).collect();
            let lines = effects.iter().zip(1..).flat_map(|(effect, n)| attempt(n, *effect));
            let mut entries: Vec<Entry> = lines.collect();
            check(&effects, &entries);
            entries.reverse();
            check(&effects, &entries);
            journals += 1;
        }
    }
    assert_eq!(journals, 1 + 4 + 16 + 64);
}

fn intended(n: Option<usize>) -> Option<Timestamp> {
    n.map(|n| at((n as i64 + 1) * 10))
}

#[test]
fn s15_attempts_are_read_from_intents_and_an_intent_without_an_outcome_is_of_unknown_fate() {
    every_journal(|effects, entries| {
        let last = |wanted: &[Option<Effect>]| intended(effects.iter().rposition(|e| wanted.contains(e)));
        let expected = Attempts {
            count: effects.len() as u32,
            first_at: intended((!effects.is_empty()).then_some(0)),
            accepted_at: last(&[Some(Effect::Accepted)]),
            unknown_at: last(&[Some(Effect::Unknown), None]),
        };
        assert_eq!(Attempts::of(entries, STEP, "orders"), expected, "{effects:?}");
    });
}

#[test]
fn s16_another_resource_and_another_step_have_attempts_of_their_own() {
    every_journal(|_, entries| {
        assert_eq!(Attempts::of(entries, STEP, "catalog"), Attempts::default());
        assert_eq!(Attempts::of(entries, Step::ShiftTraffic, "orders"), Attempts::default());
    });
}

/// Every note that is not of a call.
fn every_other_note() -> Vec<Note> {
    let call = Call { operation: "rds:FailoverGlobalCluster".to_owned(), region: west(), parameters: [].into() };
    vec![
        Note::Assessed { verdict: no_go(NOW) },
        Note::WouldCall { call },
        Note::Approved { by: "a person".to_owned(), reason: "it must sell".to_owned() },
        Note::SourceLeft,
        ready(),
        Note::WritersVerified,
        Note::TrafficVerified,
        Note::Concluded { outcome: Outcome::NeedsOperator, ending: None },
    ]
}

fn ready() -> Note {
    Note::Ready { what: "8 of 8 tasks serve".to_owned() }
}

#[test]
fn s15_attempts_that_are_counted_on_are_those_that_the_journal_of_the_same_calls_would_give() {
    every_journal(|effects, entries| {
        let before = Attempts::of(entries, STEP, "orders");
        for effect in [Effect::Accepted, Effect::None, Effect::Unknown] {
            let next = effects.len() as u32 + 1;
            let mut after = entries.to_vec();
            after.extend(attempt(next, Some(effect)));
            let counted = before.and(at(i64::from(next) * 10), effect);
            assert_eq!(counted, Attempts::of(&after, STEP, "orders"), "{effects:?} and {effect:?}");
        }
    });
}

#[test]
fn a_call_is_intended_by_its_own_step_about_its_own_resource_until_its_outcome_is_written() {
    every_journal(|effects, entries| {
        assert_eq!(intends(entries, STEP, "orders"), effects.contains(&None), "{effects:?}");
        assert!(!intends(entries, STEP, "catalog") && !intends(entries, Step::ShiftTraffic, "orders"));
    });
}

#[test]
fn s11_a_resource_is_ready_by_the_word_of_its_own_step_and_no_other_note() {
    for (note, is_so) in every_other_note().into_iter().map(|n| (n.clone(), n == ready())) {
        let lines = [entry(Step::CheckTable, "carts", NOW, note.clone())];
        assert_eq!(is_ready(&lines, Step::CheckTable, "carts"), is_so, "{note:?}");
        assert!(!is_ready(&lines, Step::CheckTable, "views") && !is_ready(&lines, Step::PromoteCache, "carts"));
    }
    assert!(!is_ready(&[], Step::CheckTable, "carts"));
    assert!(!is_ready(&attempt(1, Some(Effect::Accepted)), STEP, "orders"), "a call is not its effect");
}

#[test]
fn s11_adding_capacity_is_no_change_of_data_or_traffic_and_every_other_call_is() {
    for (step, effect) in Step::ALL.into_iter().flat_map(|s| EFFECTS.map(|e| (s, e))) {
        let mut lines = vec![intent(step, "web", 1, at(1))];
        lines.extend(effect.map(|effect| outcome(step, "web", 1, at(2), effect)));
        let expected = step != Step::ScaleCompute && effect != Some(Effect::None);
        assert_eq!(may_have_changed_something(&lines), expected, "{step} {effect:?}");
        assert_eq!(has_call_under_way(&lines), effect.is_none(), "{step} {effect:?}");
    }
}

#[test]
fn s11_whatever_was_not_refused_may_have_changed_something() {
    every_journal(|effects, entries| {
        let expected = effects.iter().any(|e| *e != Some(Effect::None));
        assert_eq!(may_have_changed_something(entries), expected, "{effects:?}");
    });
}

#[test]
fn s11_a_call_is_under_way_until_its_own_outcome_is_written() {
    every_journal(|effects, entries| {
        assert_eq!(has_call_under_way(entries), effects.contains(&None), "{effects:?}");
        // Somebody else's outcome of the same number is not it.
        let mut more = entries.to_vec();
        more.push(outcome(STEP, "catalog", 1, NOW, Effect::None));
        more.push(outcome(Step::ShiftTraffic, "orders", 1, NOW, Effect::None));
        assert_eq!(has_call_under_way(&more), effects.contains(&None), "{effects:?}");
    });
}

#[test]
fn s11_an_outcome_whose_intent_is_gone_still_counts() {
    for (effect, expected) in [(Effect::Accepted, true), (Effect::Unknown, true), (Effect::None, false)] {
        assert_eq!(may_have_changed_something(&[outcome(STEP, "orders", 1, NOW, effect)]), expected);
    }
}

#[test]
fn s17_notes_that_are_not_of_calls_change_nothing_and_are_no_attempts() {
    for note in every_other_note() {
        let lines = [entry(STEP, "orders", NOW, note.clone())];
        assert!(!may_have_changed_something(&lines) && !has_call_under_way(&lines), "{note:?}");
        assert_eq!(Attempts::of(&lines, STEP, "orders"), Attempts::default(), "{note:?}");
        let is_verdict = matches!(note, Note::Assessed { .. });
        assert_eq!(newest_verdict(&lines).is_some(), is_verdict, "{note:?}");
    }
}

#[test]
fn s10_a_resource_is_written_to_be_ready_once_for_each_step_and_every_other_note_once_for_each_moment() {
    let key = |step, resource: &str, s, note: &Note| entry(step, resource, at(s), note.clone()).key();
    assert_eq!(key(Step::CheckTable, "carts", 0, &ready()), "check-table#carts#ready");
    let later = Note::Ready { what: "something else".to_owned() };
    assert_eq!(key(Step::CheckTable, "carts", 0, &ready()), key(Step::CheckTable, "carts", 60, &later));
    assert_ne!(key(Step::CheckTable, "carts", 0, &ready()), key(Step::CheckTable, "views", 0, &ready()));
    assert_ne!(key(Step::CheckTable, "carts", 0, &ready()), key(Step::PromoteCache, "carts", 0, &ready()));
    for note in every_other_note().into_iter().filter(|n| *n != ready()) {
        assert_eq!(key(Step::Assess, "store", 0, &note), "assess#store#001800000000000#note", "{note:?}");
        assert_ne!(key(Step::Assess, "store", 0, &note), key(Step::Assess, "store", 60, &note), "{note:?}");
    }
}

#[test]
fn s10_two_copies_of_one_attempt_write_one_key_and_everything_else_has_its_own() {
    let early = intent(STEP, "orders", 1, at(0)).key();
    assert_eq!(early, intent(STEP, "orders", 1, at(60)).key(), "whoever comes second does not go on");
    assert_eq!(early, "promote-database#orders#001#intent");
    let others = [
        early,
        intent(STEP, "orders", 2, at(0)).key(),
        intent(STEP, "catalog", 1, at(0)).key(),
        intent(Step::ShiftTraffic, "orders", 1, at(0)).key(),
        outcome(STEP, "orders", 1, at(0), Effect::None).key(),
        outcome(STEP, "orders", 2, at(0), Effect::None).key(),
        entry(Step::VerifyWriters, "store", at(0), Note::WritersVerified).key(),
        entry(Step::VerifyWriters, "store", at(60), Note::WritersVerified).key(),
        entry(Step::VerifyTraffic, "store", at(0), Note::TrafficVerified).key(),
    ];
    assert_eq!(others.iter().collect::<BTreeSet<_>>().len(), others.len());
}

#[test]
fn keys_sort_in_the_order_of_attempts_and_of_time() {
    let keys: Vec<String> = (1..=12).flat_map(|n| attempt(n, Some(Effect::None))).map(|e| e.key()).collect();
    assert!(keys.is_sorted(), "{keys:?}");
    let notes = [0, 1, 59, 600, 86_400].map(|s| entry(STEP, "orders", at(s), Note::WritersVerified).key());
    assert!(notes.is_sorted(), "{notes:?}");
}

#[test]
fn s8_the_newest_verdict_counts_whatever_order_the_lines_come_in() {
    let assessed = |s: i64, verdict| entry(Step::Assess, "store", at(s), Note::Assessed { verdict });
    let lines = [assessed(-60, go(at(-60))), assessed(-30, no_go(at(-30))), assessed(-90, go(at(-90)))];
    for rotation in 0..3 {
        let mut lines = lines.clone();
        lines.rotate_left(rotation);
        assert_eq!(newest_verdict(&lines), Some(&no_go(at(-30))));
    }
    assert_eq!(newest_verdict(&attempt(1, None)), None);
    assert_eq!(newest_verdict(&[]), None);
}

#[test]
fn the_newest_note_of_a_kind_is_found_and_no_other() {
    let note = |s: i64, note| entry(Step::VerifyWriters, "store", at(s), note);
    let lines = [note(-30, Note::WritersVerified), note(-60, Note::WritersVerified), note(-10, Note::TrafficVerified)];
    assert_eq!(newest(&lines, |n| *n == Note::WritersVerified), Some(at(-30)));
    assert_eq!(newest(&lines, |n| *n == Note::TrafficVerified), Some(at(-10)));
    assert_eq!(newest(&lines[..2], |n| *n == Note::TrafficVerified), None);
}

#[test]
fn a_line_is_stored_and_read_without_loss() {
    let lines = every_other_note().into_iter().map(|note| entry(Step::Assess, "store", NOW, note));
    let calls = EFFECTS.into_iter().zip(1..).flat_map(|(effect, n)| attempt(n, effect));
    for line in lines.chain(calls) {
        let json = serde_json::to_value(&line).expect("a line is JSON");
        assert_eq!(serde_json::from_value::<Entry>(json).ok(), Some(line));
    }
}

#[test]
fn a_line_tells_what_it_is_about_and_nothing_else() {
    let notes = || every_other_note().into_iter().chain([intent(STEP, "orders", 1, NOW).note]);
    for note in notes() {
        let planned = if let Note::Intent { call, .. } | Note::WouldCall { call } = &note { Some(call) } else { None };
        assert_eq!(note.planned_call(), planned, "{note:?}");
        let approved = matches!(note, Note::Approved { .. }).then_some(("a person", "it must sell"));
        assert_eq!(note.approval(), approved, "{note:?}");
    }
    assert_eq!(notes().filter(|n| n.planned_call().is_some()).count(), 2);
}
