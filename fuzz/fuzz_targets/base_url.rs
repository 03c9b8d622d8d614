//! The property of the same name over arbitrary bytes: `fuzz/properties/src/base_url.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| clerk_actor_tokens_properties::base_url(data));
