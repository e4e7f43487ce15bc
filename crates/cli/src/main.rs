//! x
use lifeboat_model::Direction;
use lifeboat_simulator::{DrillOptions, Scenario, drill, machine::Machine};
fn main() {
    let plan = match lifeboat_cli::plan_file::load(None) {
        Ok(p) => p,
        Err(e) => {
            eprintln!("{e}");
            return;
        }
    };
    let machine =
        std::rc::Rc::new(Machine::read(include_str!("../../../statemachine/failover.asl.json")).expect("machine"));
    let want = std::env::args().nth(1);
    let seed: u64 = std::env::args().nth(2).and_then(|s| s.parse().ok()).unwrap_or(1);
    for scenario in Scenario::ALL {
        if want.as_deref().is_some_and(|w| w != "all" && w != scenario.name()) {
            continue;
        }
        let [a, b] = plan.regions.clone();
        let direction = if scenario == Scenario::Failback {
            Direction { source: b, target: a }
        } else {
            Direction { source: a, target: b }
        };
        let t = std::time::Instant::now();
        let r = drill(
            &DrillOptions {
                plan: plan.clone(),
                machine: machine.clone(),
                scenario,
                mode: scenario.mode(),
                direction,
                seed,
            },
            |_, _| {},
        )
        .expect("mode");
        println!(
            "{} {:?} passed={} {:?} det={:?} dec={:?} prom={:?} prop={:?} rto={:?} rpo={} run={} crit={} over={} failed={}/{} lost={} wall={:?}",
            r.scenario,
            r.outcome,
            r.passed,
            r.complaints,
            r.detection_s,
            r.decision_s,
            r.promotion_s,
            r.propagation_s,
            r.rto_s,
            r.rpo_s,
            r.run_s,
            r.critical_path_s,
            r.overhead_s,
            r.requests_failed,
            r.requests_total,
            r.writes_lost,
            t.elapsed()
        );
        for x in &r.runs {
            println!(
                "   run {} {} {:?} {:?} {:?} tr={} ev={}",
                x.name, x.region, x.outcome, x.error, x.cause, x.transitions, x.history_events
            );
        }
        for (k, v) in &r.invariants {
            if v.violations > 0 || want.as_deref() == Some(scenario.name()) {
                println!("   {k} {} {} {:?}", v.checks, v.violations, v.first_violation);
            }
        }
        if want.as_deref() == Some(scenario.name()) {
            for e in &r.timeline {
                println!(
                    "   {:8.2} {:>8} {:?} {}",
                    e.at_s,
                    e.until_s.map_or(String::new(), |u| format!("{:.2}", u)),
                    e.lane,
                    e.text
                );
            }
        }
    }
}
