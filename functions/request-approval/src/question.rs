//! The words of the question.
//!
//! Guarantees: what a plan, a service or a person wrote is one line of it, and steers no terminal.

use std::fmt::Write;

use lifeboat_model::Timestamp;
use lifeboat_model::verdict::Verdict;
use lifeboat_report::text::clean;
use lifeboat_step::Run;

/// Subject and body of the message. The body says how to answer, and holds no token: who answers needs their own
/// permission.
pub fn of(run: &Run, verdict: &Verdict, expires_at: Timestamp) -> (String, String) {
    let (plan, target, source) = (&run.plan.name, run.target(), run.source());
    let mode = run.lock.run.mode.as_str();
    let subject = format!("Lifeboat asks: {mode} of {plan} to {target}?");
    let mut body = format!("A run waits for your yes or no until {expires_at}; then it ends and changes nothing.\n\n");
    let mut line = |text: String| {
        // Writing to a text cannot fail.
        let _ = writeln!(body, "{}", clean(&text));
    };
    line(format!("plan             {plan}"));
    line(format!("from             {source}"));
    line(format!("to               {target}"));
    line(format!("mode             {mode}"));
    line(format!("source down since {}", verdict.impaired_since.map_or("not seen".to_owned(), |at| at.to_string())));
    let loss = verdict.predicted_rpo_s.map_or("not known".to_owned(), |s| format!("{s:.1} s"));
    line(format!("would be lost    {loss} (objective {})", run.plan.objectives.rpo));
    line(format!("would take       {:.0} s (objective {})", verdict.predicted_rto_s, run.plan.objectives.rto));
    for warning in &verdict.warnings {
        line(format!("warning          {warning}"));
    }
    match &run.lock.run.consent {
        Some(consent) => line(format!(
            "consent          {} accepted the loss of at most {} until {}",
            consent.accepted_by, consent.max_data_loss, consent.expires
        )),
        None => line("consent          none stands in the plan: an approval has to say max_data_loss".to_owned()),
    }
    line(String::new());
    line(format!("Approve: lifeboat approve {plan} --region {target} --reason '...' --max-data-loss 30s"));
    line(format!("Deny:    lifeboat deny {plan} --region {target} --reason '...'"));
    line(
        "Or run the SSM document Lifeboat-Approve, or answer the task token that the table holds (RUNBOOK):".to_owned(),
    );
    line(
        "  {\"decision\": \"approve\", \"by\": \"your name\", \"reason\": \"...\", \"max_data_loss\": \"30s\"}"
            .to_owned(),
    );
    line(format!("Run:     {}", run.reference.run_id));
    (subject, body)
}
