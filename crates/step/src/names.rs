//! What the plan's names answer with.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt};
use lifeboat_model::Region;
use lifeboat_model::decide::NameSeen;
use lifeboat_model::limits::{READ_TIMEOUT, READS_AT_ONCE};
use lifeboat_model::plan::DnsName;
use lifeboat_ports::{Clock, Names, within};

use crate::Run;

/// What each of the plan's names and the target's entry behind it resolve to.
pub async fn look_up_all(run: &Run, names: &dyn Names, clock: &dyn Clock) -> Vec<NameSeen> {
    let looks = run.plan.dns.iter().map(|name| look_up(name, run.target(), names, clock));
    stream::iter(looks).buffered(READS_AT_ONCE).collect().await
}

/// A name that does not resolve points nowhere, which the decision waits out; the resolver's own failure is the same.
async fn look_up(name: &DnsName, target: &Region, names: &dyn Names, clock: &dyn Clock) -> NameSeen {
    let now = resolve(&name.name, names, clock).await;
    let target = match name.answers.get(target) {
        Some(entry) => resolve(entry, names, clock).await,
        None => BTreeSet::new(),
    };
    NameSeen { name: name.name.clone(), now, target }
}

async fn resolve(name: &str, names: &dyn Names, clock: &dyn Clock) -> BTreeSet<String> {
    within(clock, READ_TIMEOUT, names.resolve(name)).await.and_then(Result::ok).unwrap_or_default()
}
