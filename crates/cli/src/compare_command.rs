//! `lifeboat compare`: plays every order with the same seeds, prints the table, and draws the picture.

use std::io::Write;
use std::num::NonZero;
use std::path::Path;

use lifeboat_simulator::{CompareOptions, Comparison, Order, compare};

use crate::args::CompareArgs;
use crate::exit::{Exit, Failure, print};
use crate::{MACHINE, compare_picture, compare_table, plan_file};

pub(crate) fn run(args: &CompareArgs) -> Result<Exit, Failure> {
    let comparison = measured(args)?;
    if let Some(file) = &args.svg {
        write(file, &compare_picture::standalone(&comparison), "--svg")?;
    }
    if let Some(file) = &args.markdown {
        write(file, &compare_table::markdown(&comparison), "--markdown")?;
    }
    if args.json {
        let json = serde_json::to_string_pretty(&comparison).map_err(|e| Failure::Output(e.into()))?;
        print(&(json + "\n"))?;
    } else {
        print(&compare_table::plain(&comparison))?;
    }
    // Of the others nothing is expected; ours breaks nothing and leaves nobody without service.
    let ours = comparison.orders.iter().find(|c| c.order == Order::Lifeboat.name());
    match ours.map(|c| (c.drills_with_violations, c.drills_never_served)) {
        Some((0, 0)) => Ok(Exit::AsExpected),
        Some(_) | None => Ok(Exit::NotAsExpected),
    }
}

fn measured(args: &CompareArgs) -> Result<Comparison, Failure> {
    let plan = plan_file::load(args.plan.as_deref())?;
    let [source, target] = plan.regions.clone();
    let options = CompareOptions {
        plan,
        machine: MACHINE.to_owned(),
        scenario: args.scenario,
        direction: lifeboat_model::Direction { source, target },
        seeds: args.seeds,
        threads: std::thread::available_parallelism().map_or(1, NonZero::get),
    };
    let comparison = compare(&options).map_err(Failure::Arguments)?;
    comparison.ok_or_else(|| {
        Failure::Arguments(format!(
            "--scenario {} is not one that every order can be played in; possible: regional-outage, planned-switchover",
            args.scenario.name()
        ))
    })
}

fn write(file: &Path, text: &str, option: &'static str) -> Result<(), Failure> {
    let failed = |reason| Failure::File { file: file.to_owned(), reason, option };
    let parent = file.parent().filter(|p| !p.as_os_str().is_empty());
    parent.map_or(Ok(()), std::fs::create_dir_all).map_err(failed)?;
    let mut out = std::fs::File::create(file).map_err(failed)?;
    out.write_all(text.as_bytes()).map_err(failed)
}
