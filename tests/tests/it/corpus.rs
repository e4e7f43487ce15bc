//! The fuzzer's corpus, replayed: what it began with, and whatever it found since.

use std::collections::BTreeSet;
use std::path::PathBuf;

use lifeboat_tests::inputs;

use crate::common::{root, text};

/// More than any input needs to have; the corpus stands in the repository.
const BYTES_MAX: usize = 64 * 1024;

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap_or_else(|e| panic!("{folder} cannot be read: {e}"));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

#[test]
fn no_input_of_the_corpus_breaks_a_parser_or_goes_without_an_answer() {
    for (name, take) in inputs::ALL {
        let seeds = files(&format!("fuzz/corpus/{name}"));
        assert!(seeds.len() >= 5, "{name} begins with {} inputs", seeds.len());
        for seed in seeds {
            let input = std::fs::read(&seed).expect("an input");
            assert!(input.len() <= BYTES_MAX, "{} is large", seed.display());
            println!("{}", seed.display());
            take(&input);
        }
    }
}

#[test]
fn every_kind_of_input_has_its_fuzz_target_and_corpus_and_there_are_no_others() {
    let names: BTreeSet<String> = inputs::ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    let stems = |folder: &str| -> BTreeSet<String> {
        files(folder).iter().filter_map(|f| f.file_stem()).map(|s| s.to_string_lossy().into_owned()).collect()
    };
    assert_eq!(stems("fuzz/fuzz_targets"), names);
    assert_eq!(stems("fuzz/corpus"), names);
    let manifest = text("fuzz/Cargo.toml");
    for name in names {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "fuzz/Cargo.toml has no target {name}");
        let target = text(&format!("fuzz/fuzz_targets/{name}.rs"));
        assert!(target.contains(&format!("lifeboat_tests::inputs::{name}(")), "target {name} does something else");
    }
}
