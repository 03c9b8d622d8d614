//! The property of the same name over arbitrary bytes: `fuzz/properties/src/retry_after.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| clerk_actor_tokens_properties::retry_after(data));
