//! The shell of the operator's commands: adapters are made, the person is asked, the result is printed.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

use lifeboat_aws::{DynamoLedger, Environment, S3Archive, SfnExecutions, SfnRuns, SystemClock};
use lifeboat_model::execution::ExecutionArn;
use lifeboat_model::plan::Name;
use lifeboat_model::request::Purpose;
use lifeboat_model::{Plan, Region, Timestamp};
use lifeboat_ports::{Clock, Reports, Scope};
use lifeboat_report::text::clean;

use super::watch::{Ended, Follow, Line, Screen};
use super::{Told, acknowledge as ack, apply as plan_apply, history as runs_of, report as reports, start as starts};
use super::{stop as stops, stored, watch as watches};
use crate::args::{
    AcknowledgeArgs, ApplyArgs, AwsArgs, HistoryArgs, ReportArgs, ResumeArgs, StartArgs, StopArgs, WatchArgs,
};
use crate::aws::{block_on, environment, state_machine, wrong};
use crate::exit::{Exit, Failure, print};
use crate::plan_file;
use crate::who::{Who, user};

fn ledger(args: &AwsArgs, region: Option<&Region>) -> Result<(Environment, DynamoLedger), Failure> {
    let environment = environment(args, region, None)?;
    let ledger = DynamoLedger::new(&environment).map_err(wrong)?;
    Ok((environment, ledger))
}

fn tell(told: &Told, args: &AwsArgs) -> Result<Exit, Failure> {
    print(&if args.json { format!("{:#}\n", told.json) } else { told.text.clone() })?;
    Ok(Exit::AsExpected)
}

/// Whether a person said beforehand that they need not be asked.
#[derive(Clone, Copy)]
enum Asking {
    Needed,
    Waived,
}

impl Asking {
    const fn unless(yes: bool) -> Self {
        if yes { Self::Waived } else { Self::Needed }
    }
}

/// Shows what will be done, and asks for it unless that was waived.
fn confirm(asking: Asking, shown: &str) -> Result<(), Failure> {
    let mut err = io::stderr().lock();
    // What cannot be shown is not done: the person would not know what they agree to.
    writeln!(err, "{}", shown.trim_end()).map_err(Failure::Output)?;
    match asking {
        Asking::Waived => return Ok(()),
        Asking::Needed if !io::stdin().is_terminal() => {
            return Err(Failure::Arguments(
                "--yes: nothing found, expected it where nobody can be asked; nothing was done".to_owned(),
            ));
        }
        Asking::Needed => {}
    }
    write!(err, "Type yes to go on: ").and_then(|()| err.flush()).map_err(Failure::Output)?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(Failure::Output)?;
    if answer.trim() == "yes" { Ok(()) } else { Err(Failure::NotPossible("not confirmed".to_owned())) }
}

pub(crate) fn apply(args: &ApplyArgs) -> Result<Exit, Failure> {
    let plan = plan_file::load(Some(&args.file))?;
    let writes = if args.dry_run { plan_apply::Writes::None } else { plan_apply::Writes::All };
    let (_, ledger) = ledger(&args.aws, None)?;
    block_on(async { tell(&plan_apply::apply(&plan, writes, &ledger).await?.told(), &args.aws) })
}

pub(crate) fn start(args: &StartArgs) -> Result<Exit, Failure> {
    start_as(args, Purpose::Act)
}

pub(crate) fn rehearse(args: &StartArgs) -> Result<Exit, Failure> {
    start_as(args, Purpose::Rehearse)
}

fn start_as(args: &StartArgs, purpose: Purpose) -> Result<Exit, Failure> {
    let wanted = starts::Wanted::read(args, purpose, user(), SystemClock.now())?;
    if let Some(region) = args.aws.region.as_ref().filter(|region| **region != args.target) {
        return Err(Failure::Arguments(format!(
            "--region: {region} found, expected {} or nothing: a run is started in its target Region, as it must live without \
             the source; nothing was started",
            args.target
        )));
    }
    let machine = state_machine(&args.aws)?;
    let (_, ledger) = ledger(&args.aws, Some(&args.target))?;
    block_on(async {
        let ports = starts::Ports { plans: &ledger, switch: &ledger, locks: &ledger, clock: &SystemClock };
        let prepared = starts::prepare(wanted, &machine, &ports).await?;
        confirm(Asking::unless(args.yes), &prepared.in_lines())?;
        let home = environment(&args.aws, Some(&args.target), Some(&prepared.machine))?;
        let executions = SfnExecutions::new(&home).map_err(wrong)?;
        let told = prepared.start(&executions, &SystemClock).await?;
        // With --watch a script reads a line for each thing: this is the first.
        if args.watch && args.aws.json {
            print(&format!("{}\n", told.json))?;
        } else {
            tell(&told, &args.aws)?;
        }
        if args.watch { follow(prepared.run, &args.aws, &home, &ledger).await } else { Ok(Exit::AsExpected) }
    })
}

pub(crate) fn watch(args: &WatchArgs) -> Result<Exit, Failure> {
    let of_run = args.run.as_ref().map(ExecutionArn::region).filter(|_| args.aws.region.is_none());
    let (environment, ledger) = ledger(&args.aws, of_run)?;
    block_on(async {
        let run = match (&args.run, &args.plan) {
            (Some(run), _) => run.clone(),
            (None, plan) => {
                let plan = stored_plan(plan.as_ref(), &ledger).await?;
                watches::find(&plan, &state_machine(&args.aws)?, &ledger, &SfnRuns::new(&environment)).await?
            }
        };
        follow(run, &args.aws, &environment, &ledger).await
    })
}

/// The plan that was named, as it is stored.
async fn stored_plan(plan: Option<&Name>, ledger: &DynamoLedger) -> Result<Plan, Failure> {
    let Some(plan) = plan else {
        return Err(Failure::Arguments("give a plan's name, or a run with --run ARN".to_owned()));
    };
    Ok(stored::plan(plan, None, ledger).await?.plan)
}

async fn follow(
    run: ExecutionArn,
    args: &AwsArgs,
    environment: &Environment,
    ledger: &DynamoLedger,
) -> Result<Exit, Failure> {
    let runs = SfnRuns::new(environment);
    let ports = watches::Ports { runs: &runs, journals: ledger, plans: ledger, clock: &SystemClock };
    let mut followed = Follow::new(run);
    let moves = io::stdout().is_terminal() && io::stderr().is_terminal() && !args.json;
    let mut unwritten = None;
    let ended = if moves {
        let mut screen = Screen::new();
        let ended = watches::follow(&mut followed, &ports, &mut |follow, _, now| screen.draw(follow, now)).await;
        screen.leave();
        ended?
    } else {
        let mut show = |follow: &Follow, lines: &[Line], _: Timestamp| {
            let written = lines.iter().try_for_each(|line| {
                let origin = follow.started_at().unwrap_or(line.at);
                let text = if args.json { line.as_json().to_string() } else { line.in_words(origin) };
                print(&(text + "\n"))
            });
            if let Err(failure) = written {
                unwritten.get_or_insert(failure);
            }
        };
        watches::follow(&mut followed, &ports, &mut show).await?
    };
    if let Some(failure) = unwritten {
        return Err(failure);
    }
    if !args.json {
        print(&in_the_end(&followed, &ended))?;
    }
    Ok(ended.exit())
}

/// How it ended, and what to do.
fn in_the_end(follow: &Follow, ended: &Ended) -> String {
    let plan = follow.plan_name().map(|name| name.to_string());
    let (what, commands) = ended.next(plan.as_deref(), follow.run());
    let mut text = format!("{}: {}\n", ended.word(), follow.run());
    if let Some(cause) = &ended.cause {
        let cause = crate::cause::read(cause);
        text.push_str(&format!("cause  {}\n", clean(&cause.what)));
        if let Some(next) = cause.next {
            text.push_str(&format!("       {}\n", clean(&next)));
        }
    }
    if let Some(report) = &ended.report {
        text.push_str(&format!("report {}\n", clean(report)));
    }
    text.push_str(&format!("next   {what}\n"));
    commands.iter().for_each(|command| text.push_str(&format!("       {command}\n")));
    text
}

pub(crate) fn stop(args: &StopArgs) -> Result<Exit, Failure> {
    let who = Who::read(&args.who, user())?;
    let (_, ledger) = ledger(&args.aws, None)?;
    block_on(async {
        let told = match (&args.plan, args.run) {
            (Some(plan), true) => stops::stop_run(plan, &who, &ledger, SystemClock.now()).await?,
            (Some(plan), false) => stops::stop(Scope::Plan(plan), &who, &ledger).await?,
            (None, _) => stops::stop(Scope::AllPlans, &who, &ledger).await?,
        };
        tell(&told, &args.aws)
    })
}

pub(crate) fn resume(args: &ResumeArgs) -> Result<Exit, Failure> {
    let (_, ledger) = ledger(&args.aws, None)?;
    let asking = Asking::unless(args.yes);
    block_on(async {
        let scope = args.plan.as_ref().map_or(Scope::AllPlans, Scope::Plan);
        tell(&stops::resume(scope, &ledger, &|shown| confirm(asking, shown)).await?, &args.aws)
    })
}

pub(crate) fn acknowledge(args: &AcknowledgeArgs) -> Result<Exit, Failure> {
    let who = match &args.who.reason {
        Some(_) => Who::read(&args.who, user())?,
        None => {
            let reason = Some("it was looked at".to_owned());
            Who::read(&crate::args::WhoArgs { reason, by: args.who.by.clone() }, user())?
        }
    };
    let (_, ledger) = ledger(&args.aws, None)?;
    let asking = Asking::unless(args.yes);
    block_on(async {
        let who = format!("{}: {}", who.by, who.reason);
        let told =
            ack::acknowledge(&args.plan, &who, &ledger, SystemClock.now(), &|shown| confirm(asking, shown)).await?;
        tell(&told, &args.aws)
    })
}

pub(crate) fn history(args: &HistoryArgs) -> Result<Exit, Failure> {
    let (environment, ledger) = ledger(&args.aws, None)?;
    let machine = state_machine(&args.aws)?;
    block_on(async {
        let stored = stored::plan(&args.plan, None, &ledger).await?;
        let runs = SfnRuns::new(&environment);
        let found = runs_of::of(&stored.plan, &machine, usize::from(args.limit), &runs).await?;
        tell(&found.told(&stored.plan), &args.aws)
    })
}

pub(crate) fn report(args: &ReportArgs) -> Result<Exit, Failure> {
    use reports::Form;
    if args.aws.json && (args.html || args.text) {
        return Err(Failure::Arguments("--json: found with --html or --text, expected one form".to_owned()));
    }
    let of_run = args.run.as_ref().map(ExecutionArn::region).filter(|_| args.aws.region.is_none());
    let (environment, ledger) = ledger(&args.aws, of_run)?;
    let bucket = if environment.bucket().is_ok() { Some(S3Archive::new(&environment).map_err(wrong)?) } else { None };
    let forms = match (&args.out, args.html, args.aws.json) {
        (_, true, _) => vec![Form::Html],
        (_, false, true) => vec![Form::Json],
        (Some(_), false, false) if !args.text => vec![Form::Html, Form::Json],
        (Some(_) | None, false, false) => vec![Form::Text],
    };
    block_on(async {
        let run = match &args.run {
            Some(run) => run.clone(),
            None => {
                let plan = stored_plan(args.plan.as_ref(), &ledger).await?;
                watches::last_ended(&plan, &state_machine(&args.aws)?, &ledger, &SfnRuns::new(&environment)).await?
            }
        };
        let bucket = bucket.as_ref().map(|bucket| bucket as &dyn Reports);
        let ports = reports::Ports { bucket, journals: &ledger, plans: &ledger };
        let (texts, from) = reports::of(&run, args.plan.as_ref(), &forms, &ports).await?;
        match &args.out {
            Some(dir) => {
                write(dir, &forms, &texts)?;
                eprintln!("from   {from}");
            }
            None => print(&texts.concat())?,
        }
        Ok(Exit::AsExpected)
    })
}

fn write(dir: &Path, forms: &[reports::Form], texts: &[String]) -> Result<(), Failure> {
    let failed = |file: &Path| {
        let file = file.to_owned();
        move |reason| Failure::File { file, reason, option: "--out" }
    };
    std::fs::create_dir_all(dir).map_err(failed(dir))?;
    for (form, text) in forms.iter().zip(texts) {
        let file = dir.join(match form {
            reports::Form::Html => "report.html",
            reports::Form::Json => "report.json",
            reports::Form::Text => "report.txt",
        });
        std::fs::write(&file, text).map_err(failed(&file))?;
        print(&format!("report {}\n", file.display()))?;
    }
    Ok(())
}
