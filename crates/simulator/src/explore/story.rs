//! Plays one drill by its choices, and sees how it ended.

use lifeboat_model::Period;
use lifeboat_model::report::Outcome;

use super::recovery::CALM;
use super::{CallMade, Choices, Recovery};
use crate::DrillOptions;
use crate::drill::world_of;
use crate::invariants::OUTCOME_UNKNOWN;
use crate::machine::EndedBy;
use crate::scenario::people::runs_end;
use crate::world::{RunRecord, World};

/// Until processes that stood still have gone on, and late deliveries have arrived.
const LATE: Period = Period::seconds(90);

/// How an execution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// With this outcome.
    With(Outcome),
    /// Without one: the table was silent to the very end.
    OutcomeUnknown,
    /// Somebody stopped the execution.
    Aborted,
    /// Its Region went dark and never came back.
    Dark,
    /// It never ended, or by an error that has no name here.
    Nameless,
}

impl Ending {
    fn of(run: &RunRecord, world: &World) -> Self {
        let Some((_, ended)) = &run.ended else {
            return if world.is_dark(&run.region) { Self::Dark } else { Self::Nameless };
        };
        match (run.outcome(), ended.by, &ended.result) {
            (Some(outcome), _, _) => Self::With(outcome),
            (None, EndedBy::Stop, _) => Self::Aborted,
            (None, _, Err(error)) if error.error == OUTCOME_UNKNOWN => Self::OutcomeUnknown,
            (None, _, _) => Self::Nameless,
        }
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::With(outcome) => outcome.as_str(),
            Self::OutcomeUnknown => "OutcomeUnknown",
            Self::Aborted => "Aborted",
            Self::Dark => "Dark",
            Self::Nameless => "without a name",
        }
    }
}

/// What was seen of a drill.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The calls of the drill, in order, without those of the recovery.
    pub calls: Vec<CallMade>,
    /// How many of its choices have happened.
    pub happened: usize,
    /// How each execution ended, those of the recovery not counted.
    pub endings: Vec<Ending>,
    /// The first violation of each invariant that did not hold.
    pub violations: Vec<String>,
    /// How often each invariant was checked.
    pub checks: Vec<(&'static str, u64)>,
    /// What it took afterwards until one Region had everything.
    pub recovery: Recovery,
}

/// Plays `options` by its choices, and lets people put right what is left. `None` when the scenario has no such mode.
pub fn explore(options: &DrillOptions) -> Option<Seen> {
    options.scenario.expected(options.mode)?;
    let world = world_of(options);
    if options.choices.count() == 0 {
        world.explore(Choices::default());
    }
    let lasting = options.choices.iter().any(|choice| choice.what.lasts());
    let (scenario, mode, inner) = (options.scenario, options.mode, world.clone());
    let seen = world.executor().run(async move {
        scenario.play(inner.clone(), mode).await;
        while inner.late_deliveries() > 0 {
            inner.sleep(Period::seconds(10)).await;
        }
        inner.sleep(if lasting { LATE } else { Period::ms(0) }).await;
        // What went wrong late may have set an alarm off: its run is part of the story.
        if inner.state().runs.iter().any(|run| run.ended.is_none()) {
            runs_end(&inner).await;
        }
        let (calls, happened) = inner.explored_calls();
        let endings: Vec<Ending> = inner.state().runs.iter().map(|run| Ending::of(run, &inner)).collect();
        inner.sleep(if lasting { CALM } else { Period::ms(0) }).await;
        let recovery = inner.recover().await;
        Seen { calls, happened, endings, violations: Vec::new(), checks: Vec::new(), recovery }
    });
    let seen = Seen { violations: violations(&world), checks: world.state().invariants.checks(), ..seen };
    world.executor().shut_down();
    Some(seen)
}

fn violations(world: &World) -> Vec<String> {
    let results = world.state().invariants.results();
    let first =
        |(id, r): (String, lifeboat_model::report::InvariantResult)| Some(format!("{id}: {}", r.first_violation?));
    results.into_iter().filter_map(first).collect()
}
