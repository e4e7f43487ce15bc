//! Where the other interpreter, moto's, is known to be wrong.

use crate::trace::Aspect;

/// A known difference.
pub struct Known {
    /// The case that shows it.
    pub case: &'static str,
    /// In what it differs.
    pub differs: &'static [Aspect],
    /// What AWS does, and what moto does instead.
    pub why: &'static str,
}

/// Among the small machines: from what the documentation says.
pub const SMALL: &[Known] = &[
    Known {
        case: "assign-sees-the-old-values",
        differs: &[Aspect::Outcome],
        why: "AWS evaluates Output and Assign from the values at entry; moto's Output sees what Assign has just set",
    },
    Known {
        case: "condition-must-be-boolean",
        differs: &[Aspect::Outcome],
        why: "AWS says States.QueryEvaluationError of an incorrectly typed result; moto States.Runtime",
    },
    Known {
        case: "data-limit-caught-by-name",
        differs: &[Aspect::Outcome, Aspect::Entered],
        why: "AWS hands an error of Step Functions' own out of a branch under its name; moto refuses the prefix and says \
              States.Runtime",
    },
    Known { case: "data-limit-meets-no-wildcard", differs: &[Aspect::Outcome], why: "as data-limit-caught-by-name" },
    Known {
        case: "time-out-of-a-branch-is-no-failed-task",
        differs: &[Aspect::Outcome, Aspect::Entered],
        why: "as data-limit-caught-by-name",
    },
    Known {
        case: "token-is-new-for-each-attempt",
        differs: &[Aspect::Payloads],
        why: "AWS makes a token for each attempt; moto one for all attempts of a visit to the state",
    },
    Known {
        case: "undefined-in-output",
        differs: &[Aspect::Outcome, Aspect::Entered],
        why: "AWS lets a state's catchers meet whatever error the state reports; moto evaluates Output after it has asked them",
    },
    Known {
        case: "wait-takes-no-text",
        differs: &[Aspect::Outcome],
        why: "AWS says States.QueryEvaluationError of an incorrectly typed result; moto States.Runtime",
    },
    Known {
        case: "wait-takes-whole-seconds",
        differs: &[Aspect::Outcome, Aspect::End, Aspect::Entered],
        why: "AWS says States.QueryEvaluationError of an incorrectly typed result; moto cuts the fraction off",
    },
];

/// With the shipped machine: from what the runner does.
pub const SHIPPED: &[Known] = &[
    Known {
        case: "admit-answers-nonsense",
        differs: &[Aspect::Payloads],
        why: "the words about an expression without a value are each interpreter's own, and AWS's are others again; the \
              error's name, which decides, is the same",
    },
    Known {
        case: "verify-writers-is-stuck",
        differs: &[Aspect::Outcome, Aspect::Cause, Aspect::Entered, Aspect::Calls, Aspect::Payloads],
        why: "AWS hands States.Timeout out of a branch under its name; moto refuses the prefix and ends the execution with \
              States.Runtime, past every catcher",
    },
];
