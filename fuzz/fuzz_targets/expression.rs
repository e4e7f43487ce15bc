#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| lifeboat_tests::inputs::expression(input));
