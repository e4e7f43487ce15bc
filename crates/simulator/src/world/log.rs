//! What happened, for the timeline and for whoever watches.

use lifeboat_model::report::{Event, Lane};
use lifeboat_model::{Region, Timestamp};

use super::World;

/// Something that a watcher hears of as it happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// An entry of the timeline.
    Noted(Event),
    /// A run's state was entered.
    Entered {
        /// The execution's name.
        run: String,
        /// The Region.
        region: Region,
        /// The state.
        state: String,
        /// The item, within a map.
        item: Option<String>,
    },
    /// A run's state was left.
    Left {
        /// The execution's name.
        run: String,
        /// The state.
        state: String,
        /// The item, within a map.
        item: Option<String>,
        /// Its error.
        problem: Option<String>,
    },
}

type Listener = Box<dyn FnMut(Timestamp, &Happening)>;

/// The log.
pub struct Log {
    began: Timestamp,
    /// The timeline so far.
    pub events: Vec<Event>,
    /// States that are open: run, state, item, and when they were entered.
    open: Vec<(String, String, Option<String>, Timestamp)>,
    listener: Option<Listener>,
}

impl Log {
    pub(super) fn new(began: Timestamp) -> Self {
        Self { began, events: Vec::new(), open: Vec::new(), listener: None }
    }

    /// When the world began.
    pub const fn began(&self) -> Timestamp {
        self.began
    }

    fn tell(&mut self, now: Timestamp, happening: &Happening) {
        if let Some(listener) = &mut self.listener {
            listener(now, happening);
        }
    }
}

impl World {
    /// Tells `listener` of everything that happens from now on.
    pub fn listen(&self, listener: impl FnMut(Timestamp, &Happening) + 'static) {
        self.state_mut().log.listener = Some(Box::new(listener));
    }

    /// Seconds since the drill began.
    pub fn seconds(&self, at: Timestamp) -> f64 {
        at.seconds_since(self.state().log.began)
    }

    /// Notes a moment.
    pub fn log(&self, lane: Lane, text: impl Into<String>) {
        self.note(lane, self.now(), None, text.into());
    }

    /// Notes something that took from `from` until now.
    pub fn log_since(&self, lane: Lane, from: Timestamp, text: impl Into<String>) {
        self.note(lane, from, Some(self.now()), text.into());
    }

    fn note(&self, lane: Lane, from: Timestamp, until: Option<Timestamp>, text: String) {
        let event = Event { at_s: self.seconds(from), until_s: until.map(|until| self.seconds(until)), lane, text };
        let now = self.now();
        let log = &mut self.state_mut().log;
        log.tell(now, &Happening::Noted(event.clone()));
        log.events.push(event);
    }

    pub(super) fn state_entered(&self, run: &str, region: &Region, state: &str, item: Option<&str>) {
        let now = self.now();
        let item = item.map(str::to_owned);
        let log = &mut self.state_mut().log;
        log.open.push((run.to_owned(), state.to_owned(), item.clone(), now));
        let happening =
            Happening::Entered { run: run.to_owned(), region: region.clone(), state: state.to_owned(), item };
        log.tell(now, &happening);
    }

    pub(super) fn state_left(&self, run: &str, state: &str, item: Option<&str>, problem: Option<&str>) {
        let now = self.now();
        let entered = {
            let log = &mut self.state_mut().log;
            let same = |(r, s, i, _): &(String, String, Option<String>, Timestamp)| {
                r == run && s == state && i.as_deref() == item
            };
            let found = log.open.iter().rposition(same).map(|n| log.open.remove(n).3);
            log.tell(
                now,
                &Happening::Left {
                    run: run.to_owned(),
                    state: state.to_owned(),
                    item: item.map(str::to_owned),
                    problem: problem.map(str::to_owned),
                },
            );
            found
        };
        let Some(entered) = entered else { return };
        // Moments of plumbing are not worth a line of the timeline.
        if now.ms_since(entered) >= 100 || problem.is_some() {
            let item = item.map_or(String::new(), |i| format!(" {i}"));
            let problem = problem.map_or(String::new(), |p| format!(": {p}"));
            self.note(Lane::Run, entered, Some(now), format!("{state}{item}{problem}"));
        }
    }
}
