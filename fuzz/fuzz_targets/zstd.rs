#![no_main]
// A panic of a dependency is caught where it is fenced, and only there: one that gets out still ends the fuzzer.
libfuzzer_sys::fuzz_target!(init: std::panic::set_hook(Box::new(|_| {})), |data: &[u8]| aha_lab_fuzz::strangers::zstd(data));
