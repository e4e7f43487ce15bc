//! What a case is: a machine, what the world answers, and what must come of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// A small machine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it shows.
    pub about: String,
    /// Where AWS says so.
    pub documented: String,
    /// The states; the first is `A`.
    pub states: Value,
    #[serde(default = "long_enough")]
    pub timeout_s: u32,
    #[serde(default)]
    pub input: Value,
    #[serde(default = "all_of_it")]
    pub chance: f64,
    #[serde(default)]
    pub functions: BTreeMap<String, Vec<Answer>>,
    #[serde(default)]
    pub tokens: Vec<TokenAnswer>,
    pub expect: Expected,
    /// What `TestState` must answer for state `A`, mocked with the first answer of its function.
    pub test_state: Option<Value>,
}

const fn long_enough() -> u32 {
    100_000
}

const fn all_of_it() -> f64 {
    1.0
}

/// What a function answers to one call.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returns: Option<Value>,
    /// It fails: the name of its error, beside `message`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Lambda itself fails, with this code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<String>,
    #[serde(default)]
    pub after_s: f64,
}

/// What somebody sends with a task's token; the nth to the nth task that waits.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TokenAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    pub after_s: f64,
}

/// What must come of it. Times are seconds after the start.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    pub output: Option<Value>,
    pub error: Option<String>,
    /// Only where AWS says which.
    pub cause: Option<String>,
    pub ends_at_s: f64,
    /// The states entered, each with its time, by branch: `top`, `A[0]` (an item of map A), `A/1` (a branch of parallel A).
    pub entered: BTreeMap<String, Vec<String>>,
    /// The functions called, each with its time.
    pub calls: Vec<String>,
    /// With what, in the same order.
    pub payloads: Option<Vec<Value>>,
}

/// What an interpreter is given.
#[derive(Clone, Debug, Serialize)]
pub struct Script {
    pub definition: Value,
    pub input: Value,
    /// What is drawn for jitter, from 0 to 1.
    pub chance: f64,
    /// By the function's name; or by its name and the first of the resources in its payload. The last answer stays.
    pub functions: BTreeMap<String, Vec<Answer>>,
    pub tokens: Vec<TokenAnswer>,
}

impl Case {
    pub fn script(&self) -> Script {
        Script {
            definition: json!({
                "QueryLanguage": "JSONata", "StartAt": "A", "TimeoutSeconds": self.timeout_s, "States": self.states,
            }),
            input: self.input.clone(),
            chance: self.chance,
            functions: self.functions.clone(),
            tokens: self.tokens.clone(),
        }
    }
}

/// The root of the repository.
pub fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The cases of a folder, by name.
pub fn read<T: DeserializeOwned>(folder: &str) -> BTreeMap<String, T> {
    read_all(&root().join("tests/tests/differential").join(folder))
}

/// What is in the files of a folder, by name.
pub fn read_all<T: DeserializeOwned>(folder: &Path) -> BTreeMap<String, T> {
    let files = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    files
        .map(|file| {
            let path = file.expect("an entry").path();
            let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let case = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            (path.file_stem().expect("a name").to_string_lossy().into_owned(), case)
        })
        .collect()
}
