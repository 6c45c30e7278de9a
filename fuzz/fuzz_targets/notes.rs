#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| aha_lab_fuzz::strangers::notes(data));
