//! What is done with an input of which nothing is known: by the fuzzer, and by the test that replays its corpus.

pub mod inputs;
mod requests;
