//! `lifeboat drill`: plays a scenario, shows it, and leaves the reports.

use std::cell::RefCell;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use lifeboat_model::report::Report;
use lifeboat_simulator::machine::Machine;
use lifeboat_simulator::world::{BEGINNING, Tempo};
use lifeboat_simulator::{DrillOptions, drill};

use crate::args::DrillArgs;
use crate::exit::{Exit, Failure, print};
use crate::live::{self, Moment};
use crate::summary::{self, Style};
use crate::{MACHINE, html, picture, plan_file, schema};

pub(crate) fn run(args: &DrillArgs) -> Result<Exit, Failure> {
    if args.schema {
        print(&schema::of_report())?;
        return Ok(Exit::AsExpected);
    }
    let options = options(args)?;
    let (report, moments) = play(&options)?;
    let json = as_json(&report)?;
    if !args.json && !args.quiet {
        live::show(&report, &options.plan, &moments);
    }
    let written = write(args, &report, &json);
    if args.json {
        print(&json)?;
    } else {
        let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let style = if coloured { Style::Coloured } else { Style::Plain };
        print(&summary::of(&report, written.as_deref().unwrap_or_default(), style))?;
    }
    written?;
    Ok(if report.passed { Exit::AsExpected } else { Exit::NotAsExpected })
}

fn options(args: &DrillArgs) -> Result<DrillOptions, Failure> {
    let (scenario, mode) = args.what()?;
    let plan = plan_file::load(args.plan.as_deref())?;
    let direction = args.direction(scenario, &plan)?;
    let machine = Machine::read(MACHINE).map_err(|e| Failure::Arguments(e.to_string()))?;
    let drill = DrillOptions::of(scenario, plan, Rc::new(machine), args.seed);
    let tempo = if args.quick_services { Tempo::Quick } else { Tempo::Real };
    let choices = args.choices.clone().unwrap_or_default();
    Ok(DrillOptions { mode, order: args.order, direction, clients: args.clients, tempo, choices, ..drill })
}

/// Plays the drill and keeps what happened: virtual time passes too quickly to be watched.
fn play(options: &DrillOptions) -> Result<(Report, Vec<Moment>), Failure> {
    let moments = Rc::new(RefCell::new(Vec::new()));
    let heard = Rc::clone(&moments);
    let report = drill(options, move |at, happening| {
        heard.borrow_mut().push(Moment { at_s: at.seconds_since(BEGINNING), happening: happening.clone() });
    });
    let impossible = || Failure::Arguments(format!("{} has no such mode", options.scenario.name()));
    Ok((report.ok_or_else(impossible)?, moments.take()))
}

fn as_json(report: &Report) -> Result<String, Failure> {
    let json = serde_json::to_string_pretty(report).map_err(|e| Failure::Output(e.into()))?;
    Ok(json + "\n")
}

/// Writes what was asked for; answers what is where.
fn write(args: &DrillArgs, report: &Report, json: &str) -> Result<Vec<(&'static str, PathBuf)>, Failure> {
    if let Some(file) = &args.svg {
        if let Some(parent) = file.parent() {
            directory(parent, "--svg")?;
        }
        write_file(file, &picture::standalone(report), "--svg")?;
        return Ok(vec![("picture", file.clone())]);
    }
    directory(&args.out, "--out")?;
    let (page, data) = (args.out.join("report.html"), args.out.join("report.json"));
    write_file(&page, &html::page(report), "--out")?;
    write_file(&data, json, "--out")?;
    Ok(vec![("report", page), ("its data", data)])
}

fn directory(path: &Path, option: &'static str) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(|reason| Failure::File { file: path.to_owned(), reason, option })
}

fn write_file(file: &Path, text: &str, option: &'static str) -> Result<(), Failure> {
    std::fs::write(file, text).map_err(|reason| Failure::File { file: file.to_owned(), reason, option })
}

#[cfg(test)]
pub(crate) mod tests {
    use clap::Parser;
    use lifeboat_model::Plan;

    use super::*;
    use crate::args::{Args, Command};

    /// The drill that these arguments ask for.
    pub(crate) fn played(arguments: &[&str]) -> (Report, Plan, Vec<Moment>) {
        let args = Args::parse_from(["lifeboat", "drill"].iter().chain(arguments));
        let Command::Drill(args) = args.command else { panic!("{arguments:?}") };
        let options = options(&args).expect("options");
        let (report, moments) = play(&options).expect("a drill");
        (report, options.plan, moments)
    }

    #[test]
    fn the_same_seed_gives_the_same_report_to_the_byte() {
        let [a, b] = [(); 2].map(|()| played(&["--seed", "3"]).0);
        assert_eq!(as_json(&a).expect("json"), as_json(&b).expect("json"));
        assert_eq!(html::page(&a), html::page(&b));
        assert_ne!(as_json(&a).expect("json"), as_json(&played(&["--seed", "4"]).0).expect("json"));
    }
}
