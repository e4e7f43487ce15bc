//! Reads a plan and holds it to its rules: every problem at once, each with its place, value and remedy.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

mod resources;

use super::{
    Alarm, Automation, Canary, Checks, Consent, DnsName, Endpoint, FORM_VERSION, Limits, Objectives, Plan, Policy,
    Routing, Topology,
};
use crate::read::{Cursor, Expected, Node, Problem, Problems, report_duplicates};
use crate::{Arn, Period, Region};
use resources::{read_brokers, read_caches, read_databases, read_services, read_tables};

/// The most resources in one plan, of each kind and of all together.
const RESOURCES_MAX: usize = 1000;
/// The most canaries in one plan.
const CANARIES_MAX: usize = 100;
/// The most DNS names in one plan.
const DNS_NAMES_MAX: usize = 20;
/// A routing-control cluster has five endpoints (aws-sdk model of route53-recovery-control-config).
const ENDPOINTS: usize = 5;

/// The longest that one phase of a run may be given.
const LIMIT_MAX: Period = Period::seconds(3600);

impl Plan {
    /// Reads a plan from a document.
    ///
    /// # Errors
    /// Every problem of the document, in the order of its lines.
    pub fn read(document: &Node) -> Result<Self, Vec<Problem>> {
        let problems = Problems::default();
        let plan = read_plan(&problems.root("plan", document));
        match (plan, problems.into_sorted()) {
            (Some(plan), problems) if problems.is_empty() => Ok(plan),
            (_, problems) => Err(problems),
        }
    }
}

fn read_plan(root: &Cursor<'_>) -> Option<Plan> {
    let f = root.fields(&[
        "version",
        "name",
        "regions",
        "topology",
        "objectives",
        "automation",
        "limits",
        "routing",
        "databases",
        "caches",
        "tables",
        "brokers",
        "services",
        "canaries",
        "dns",
    ])?;
    let version = f.required("version").and_then(|c| c.integer(FORM_VERSION..=FORM_VERSION));
    let name = f.required("name").and_then(|c| c.parse());
    let regions = f.required("regions").and_then(|c| read_regions(&c));
    let pair = regions.as_ref();
    let topology = f.required("topology").and_then(|c| c.parse());
    let objectives = f.required("objectives").and_then(|c| read_objectives(&c));
    let automation = f.required("automation").and_then(|c| read_automation(&c));
    let limits = f.or("limits", Limits::default(), |c| read_limits(&c));
    let routing = f.required("routing").and_then(|c| read_routing(&c, pair));
    let databases = f.required("databases").and_then(|c| read_databases(&c, pair));
    let caches = f.or("caches", Vec::new(), |c| read_caches(&c, pair));
    let tables = f.or("tables", Vec::new(), |c| read_tables(&c));
    let brokers = f.or("brokers", Vec::new(), |c| read_brokers(&c, pair));
    let services = f.or("services", Vec::new(), |c| read_services(&c, pair));
    let canaries = f.required("canaries").and_then(|c| read_canaries(&c, pair));
    let dns = f.required("dns").and_then(|c| read_dns(&c, pair));
    let plan = Plan {
        version: version?,
        name: name?,
        regions: regions?,
        topology: topology?,
        objectives: objectives?,
        automation: automation?,
        limits: limits?,
        routing: routing?,
        databases: databases?,
        caches: caches?,
        tables: tables?,
        brokers: brokers?,
        services: services?,
        canaries: canaries?,
        dns: dns?,
    };
    if plan.resources() > RESOURCES_MAX {
        root.problem(format!("at most {RESOURCES_MAX} resources altogether; split the workload into plans"));
        return None;
    }
    Some(plan)
}

fn read_regions(at: &Cursor<'_>) -> Option<[Region; 2]> {
    let items = at.list(RESOURCES_MAX)?;
    let [first, second] = items.as_slice() else {
        at.problem("exactly two Regions");
        return None;
    };
    let (a, b): (Option<Region>, Option<Region>) = (first.parse(), second.parse());
    let (a, b) = (a?, b?);
    if a == b {
        second.problem("two different Regions; a workload cannot fail over to where it is");
        return None;
    }
    Some([a, b])
}

fn read_objectives(at: &Cursor<'_>) -> Option<Objectives> {
    let f = at.fields(&["rto", "rpo"])?;
    let rto = f.required("rto").and_then(|c| c.parse());
    let rpo = f.required("rpo").and_then(|c| c.parse());
    Some(Objectives { rto: rto?, rpo: rpo? })
}

fn read_automation(at: &Cursor<'_>) -> Option<Automation> {
    let f = at.fields(&["policy", "alarm", "cool_down", "consent"])?;
    let policy = f.required("policy").and_then(|c| c.parse());
    let alarm = f.required("alarm").and_then(|c| read_alarm(&c));
    let cool_down = f.required("cool_down").and_then(|c| c.parse());
    let consent = match f.optional("consent") {
        Some(c) => read_consent(&c).map(Some),
        None => Some(None),
    };
    if policy == Some(Policy::Autonomous) && consent == Some(None) {
        at.problem("consent, because policy is autonomous: a failover may lose data, and only a person accepts that beforehand");
        return None;
    }
    Some(Automation { policy: policy?, alarm: alarm?, cool_down: cool_down?, consent: consent? })
}

fn read_alarm(at: &Cursor<'_>) -> Option<Alarm> {
    let f = at.fields(&["name", "period", "evaluation_periods"])?;
    let name = f.required("name").and_then(|c| bounded_text(&c, 255));
    let period = f.required("period").and_then(|c| c.parse());
    let evaluation_periods = f.required("evaluation_periods").and_then(|c| c.integer(1..=60));
    Some(Alarm { name: name?, period: period?, evaluation_periods: evaluation_periods? })
}

/// Reads a consent, in a plan or in a request.
pub(crate) fn read_consent(at: &Cursor<'_>) -> Option<Consent> {
    let f = at.fields(&["max_data_loss", "accepted_by", "reason", "expires"])?;
    let max_data_loss = f.required("max_data_loss").and_then(|c| c.parse());
    let accepted_by = f.required("accepted_by").and_then(|c| bounded_text(&c, 200));
    let reason = f.required("reason").and_then(|c| bounded_text(&c, 500));
    let expires = f.required("expires").and_then(|c| c.parse());
    Some(Consent { max_data_loss: max_data_loss?, accepted_by: accepted_by?, reason: reason?, expires: expires? })
}

fn read_limits(at: &Cursor<'_>) -> Option<Limits> {
    let f = at.fields(&[
        "promotion",
        "traffic",
        "switchover_lag",
        "green_window",
        "cache",
        "table",
        "broker",
        "compute",
        "approval",
    ])?;
    let d = Limits::default();
    let promotion = f.or("promotion", d.promotion, |c| c.parse());
    let traffic = f.or("traffic", d.traffic, |c| c.parse());
    let switchover_lag = f.or("switchover_lag", d.switchover_lag, |c| c.parse());
    let green_window = f.or("green_window", d.green_window, |c| c.parse());
    let cache = f.or("cache", d.cache, |c| c.parse());
    let table = f.or("table", d.table, |c| c.parse());
    let broker = f.or("broker", d.broker, |c| c.parse());
    let compute = f.or("compute", d.compute, |c| c.parse());
    let approval = f.or("approval", d.approval, |c| c.parse());
    let limits = Limits {
        promotion: promotion?,
        traffic: traffic?,
        switchover_lag: switchover_lag?,
        green_window: green_window?,
        cache: cache?,
        table: table?,
        broker: broker?,
        compute: compute?,
        approval: approval?,
    };
    let phases =
        [limits.promotion, limits.traffic, limits.cache, limits.table, limits.broker, limits.compute, limits.approval];
    if phases.into_iter().any(|phase| phase > LIMIT_MAX) {
        at.problem(format!("phases of at most {LIMIT_MAX} each: the state machine ends every run after six hours"));
        return None;
    }
    if limits.green_window >= limits.traffic {
        at.problem(format!(
            "green_window ({}) shorter than traffic ({}); no run could end in time",
            limits.green_window, limits.traffic
        ));
        return None;
    }
    Some(limits)
}

fn read_routing(at: &Cursor<'_>, regions: Option<&[Region; 2]>) -> Option<Routing> {
    let f = at.fields(&["endpoints", "controls"])?;
    let endpoints = f.required("endpoints").and_then(|c| read_endpoints(&c));
    let controls = f.required("controls").and_then(|c| {
        let controls =
            read_per_region(&c, regions, |c, _| read_arn(c, "route53-recovery-control", "", "controlpanel/"))?;
        report_duplicates(
            "an ARN",
            c.entries()?.entries.iter().filter_map(|(_, c)| Some((c.text()?.to_owned(), c.clone()))),
        );
        Some(controls)
    });
    Some(Routing { endpoints: endpoints?, controls: controls? })
}

fn read_endpoints(at: &Cursor<'_>) -> Option<Vec<Endpoint>> {
    let mut places = Vec::new();
    let endpoints = at.list_of(ENDPOINTS, |c| {
        let f = c.fields(&["region", "url"])?;
        let region: Option<Region> = f.required("region").and_then(|c| c.parse());
        let url = f.required("url").and_then(|c| {
            let url = c.text()?;
            let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://127.0.0.1:"));
            if host.is_none_or(|h| h.is_empty() || h.starts_with('/')) {
                c.problem("an https:// address, as the cluster's description gives it");
                return None;
            }
            Some(url.to_owned())
        });
        places.push((region.clone(), c.clone()));
        Some(Endpoint { region: region?, url: url? })
    });
    if places.len() != ENDPOINTS && !places.is_empty() {
        at.problem("all five endpoints of the cluster: two may be down when you need them");
        return None;
    }
    report_duplicates("an endpoint's Region", places.into_iter().filter_map(|(r, c)| Some((r?, c))));
    endpoints
}

fn read_canaries(at: &Cursor<'_>, regions: Option<&[Region; 2]>) -> Option<Vec<Canary>> {
    let mut keys = Vec::new();
    let canaries = at.list_of(CANARIES_MAX, |c| {
        let f = c.fields(&["name", "runs_in", "watches", "checks"])?;
        let name = f.required("name").and_then(|c| bounded_text(&c, 255));
        let runs_in: Option<Region> = f.required("runs_in").and_then(|c| c.parse());
        let watches = f.required("watches").and_then(|c| read_member(&c, regions));
        let checks = f.required("checks").and_then(|c| c.parse());
        keys.extend(name.clone().zip(runs_in.clone()).zip(f.optional("name")));
        Some(Canary { name: name?, runs_in: runs_in?, watches: watches?, checks: checks? })
    });
    report_duplicates("a canary's name in its Region", keys);
    let canaries = canaries?;
    if let Some([a, b]) = regions {
        report_blind_spots(at, &canaries, a, b);
        report_blind_spots(at, &canaries, b, a);
    }
    Some(canaries)
}

/// S9 and verify-traffic need these eyes on each Region: one of two outside vantage points may be gone, and the
/// target must be seen to read before, and to write after, the move. What runs in the `other` Region is not asked then:
/// it may be gone, and a Region that only it watches could never become the target.
fn report_blind_spots(at: &Cursor<'_>, canaries: &[Canary], region: &Region, other: &Region) {
    let on_region = || canaries.iter().filter(|c| &c.watches == region);
    let mut outside: Vec<&Region> = on_region().map(|c| &c.runs_in).filter(|r| r != &region).collect();
    outside.sort();
    outside.dedup();
    let is_seen = |checks| on_region().any(|c| c.checks == checks && &c.runs_in != other);
    let (seen_reading, seen_writing) = (is_seen(Checks::Read), is_seen(Checks::Write));
    if outside.len() < 2 {
        at.problem(format!("canaries that watch {region} from at least two other Regions; one vantage point cannot tell a dead Region from a dead link"));
    }
    if !seen_reading {
        at.problem(format!(
            "a canary that watches {region} with checks: read and does not run in {other}; it shows that a stand-by Region can serve"
        ));
    }
    if !seen_writing {
        at.problem(format!(
            "a canary that watches {region} with checks: write and does not run in {other}; it shows that the Region serves after a run"
        ));
    }
}

fn read_dns(at: &Cursor<'_>, regions: Option<&[Region; 2]>) -> Option<Vec<DnsName>> {
    let mut names = Vec::new();
    let dns = at.list_of(DNS_NAMES_MAX, |c| {
        let f = c.fields(&["name", "ttl", "answers"])?;
        let name = f.required("name").and_then(|c| read_host(&c));
        let ttl: Option<Period> = f.required("ttl").and_then(|c| c.parse());
        let answers = f.required("answers").and_then(|c| read_per_region(&c, regions, |c, _| read_host(c)));
        names.extend(name.clone().zip(f.optional("name")));
        if let Some(answers) = &answers
            && let hosts = answers.values().chain(&name).map(|host| host.to_ascii_lowercase())
            && hosts.collect::<BTreeSet<_>>().len() != answers.values().chain(&name).count()
        {
            f.optional("answers")?.problem(
                "a different answer for each Region, and not the name itself; else no one can tell where it points",
            );
            return None;
        }
        Some(DnsName { name: name?, ttl: ttl?, answers: answers? })
    });
    report_duplicates("a DNS name", names);
    dns
}

fn read_host(at: &Cursor<'_>) -> Option<String> {
    let text = at.text()?;
    let label = |l: &str| {
        !l.is_empty() && l.len() <= 63 && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if text.len() <= 253 && text.contains('.') && text.split('.').all(label) {
        Some(text.to_owned())
    } else {
        at.problem("a host name such as shop.example.com");
        None
    }
}

/// A mapping that has exactly the plan's two Regions as keys.
fn read_per_region<'a, T>(
    at: &Cursor<'a>,
    regions: Option<&[Region; 2]>,
    mut read: impl FnMut(&Cursor<'a>, &Region) -> Option<T>,
) -> Option<BTreeMap<Region, T>> {
    let mut values = BTreeMap::new();
    let mut named = Vec::new();
    for (key, cursor) in at.entries()?.entries {
        match Region::from_str(&key) {
            Ok(region) if regions.is_none_or(|pair| pair.contains(&region)) => {
                values.extend(read(&cursor, &region).map(|value| (region.clone(), value)));
                named.push(region);
            }
            Ok(_) => cursor.problem("a key that is one of the plan's two regions"),
            Err(expected) => cursor.problem(format!("a key that is {}", expected.0)),
        }
    }
    for region in regions.into_iter().flatten() {
        if !named.contains(region) {
            at.problem(format!("an entry for {region}: each of the plan's regions needs one"));
        }
    }
    (values.len() == 2).then_some(values)
}

fn read_arn(at: &Cursor<'_>, service: &str, region: &str, resource: &str) -> Option<Arn> {
    let arn: Arn = at.parse()?;
    if arn.service() == service && arn.region() == region && arn.resource().starts_with(resource) {
        return Some(arn);
    }
    let place = if region.is_empty() { "no Region".to_owned() } else { format!("Region {region}") };
    at.problem(format!("an ARN of service {service} in {place} with a resource that starts with {resource}"));
    None
}

fn read_member(at: &Cursor<'_>, regions: Option<&[Region; 2]>) -> Option<Region> {
    let region: Region = at.parse()?;
    if regions.is_none_or(|pair| pair.contains(&region)) {
        Some(region)
    } else {
        at.problem("one of the plan's two regions");
        None
    }
}

pub(crate) fn bounded_text(at: &Cursor<'_>, max: usize) -> Option<String> {
    let text = at.text()?;
    if text.chars().count() <= max && !text.chars().any(char::is_control) {
        Some(text.to_owned())
    } else {
        at.problem(format!("at most {max} characters, none of them a control character"));
        None
    }
}

impl FromStr for Topology {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        match text {
            "active-active" => Ok(Self::ActiveActive),
            "active-passive" => Ok(Self::ActivePassive),
            _ => Err(Expected("active-active or active-passive")),
        }
    }
}

impl FromStr for Policy {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        match text {
            "autonomous" => Ok(Self::Autonomous),
            "approve" => Ok(Self::Approve),
            "manual-only" => Ok(Self::ManualOnly),
            _ => Err(Expected("autonomous, approve or manual-only")),
        }
    }
}

impl FromStr for Checks {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        match text {
            "read" => Ok(Self::Read),
            "write" => Ok(Self::Write),
            _ => Err(Expected("read or write")),
        }
    }
}
