//! Who speaks, and why: from the arguments, or from what the environment says.

use lifeboat_model::decide::Decision;

use crate::answer::Said;
use crate::args::WhoArgs;
use crate::exit::Failure;

/// A variable of the environment. An empty one counts as missing.
pub(crate) fn set(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}

/// Who uses this terminal.
pub(crate) fn user() -> Option<String> {
    ["USER", "LOGNAME"].into_iter().find_map(set)
}

/// Who said something, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl Who {
    /// From the arguments, with `user` where they name nobody.
    ///
    /// # Errors
    /// One of them is missing, empty, too long or of more than one line.
    pub fn read(args: &WhoArgs, user: Option<String>) -> Result<Self, Failure> {
        let Some(reason) = args.reason.clone() else {
            let problem = "--reason: nothing found, expected why, in a few words: it is what others will see";
            return Err(Failure::Arguments(problem.to_owned()));
        };
        // The bounds of an answer to a question for approval: the same of every word of a person.
        let said = Said { decision: Decision::Deny, by: args.by.clone().or(user), reason, max_data_loss: None };
        let answer = said.into_answer()?;
        Ok(Self { by: answer.by, reason: answer.reason })
    }
}
