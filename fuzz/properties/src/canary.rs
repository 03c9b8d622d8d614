//! Secrets that would be seen: three credentials to put into an input, and the check that nothing shows one.
//!
//! A credential is known by its mark (`eyJ`, `sk_test_`, `ticket=`). Where a fuzzer has torn a canary from its mark, no mask
//! can know that it is one, and only the whole is looked for.

use std::{
    fmt::{Debug, Display, Write as _},
    sync::LazyLock,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};

/// The mark of a credential, and what follows it here. Each has a character that no id can have, or a mark that none can
/// have: an id is shown whole.
const CANARIES: [(&str, &str); 3] = [
    ("eyJ", "CANARYofATicket.ThatIsNone0123"),
    ("sk_test_", "CANARYofAKeyThatIsNone0123"),
    ("ticket=", "CANARYofALinkThatIsNone0123"),
];

/// In each canary, and in nothing else: an input without it needs no look at what is shown.
const BAIT: &str = "CANARY";

struct Forms {
    mark: &'static str,
    tail: &'static str,
    raw: String,
    encoded: Vec<String>,
}

static FORMS: LazyLock<Vec<Forms>> = LazyLock::new(|| {
    let forms = CANARIES.iter().map(|(mark, tail)| {
        let raw = format!("{mark}{tail}");
        let percent = raw.bytes().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "%{byte:02x}");
            text
        });
        let mut encoded = vec![percent.to_uppercase(), percent];
        // A text inside a longer one has three forms in base64; its first and last characters mix with the neighbours.
        for before in ["", "x", "xx"] {
            let base64 = BASE64_STANDARD.encode(format!("{before}{raw}"));
            encoded.extend(base64.get(4..base64.len().saturating_sub(4)).map(str::to_owned));
        }
        Forms { mark, tail, raw, encoded }
    });
    forms.collect()
});

/// What is looked for in the texts that are made of one input.
pub(crate) struct Watch(Vec<&'static str>);

impl Watch {
    /// Over the texts that will be made of this input.
    pub(crate) fn over(input: &[u8]) -> Self {
        // As a text: the standard library's search is not slowed down by the instruments of a fuzzer.
        let input = &*String::from_utf8_lossy(input);
        if !input.contains(BAIT) {
            return Self(Vec::new());
        }
        let has_escapes = input.contains('\\');
        let mut looked_for = Vec::new();
        for Forms { mark, tail, raw, encoded } in FORMS.iter() {
            // An escape could hide a place where the tail is alone.
            let is_marked = !has_escapes
                && input
                    .match_indices(tail)
                    .all(|(at, _)| input.get(..at).is_some_and(|before| before.ends_with(mark)));
            looked_for.push(if is_marked { tail } else { raw.as_str() });
            // A fuzzer learns the encoded forms from this very look, and puts them into its inputs.
            let is_made_here = |form: &&String| !has_escapes && !input.contains(form.as_str());
            looked_for.extend(encoded.iter().filter(is_made_here).map(String::as_str));
        }
        Self(looked_for)
    }

    /// No credential is in this text: raw, in base64 or percent-encoded.
    #[track_caller]
    pub(crate) fn text(&self, shown: &str) {
        for form in &self.0 {
            // A tab is shown as `\t`: before `icket=` it reads like the mark, and is none.
            let is_a_tab =
                |at: usize| form.starts_with('t') && shown.get(..at).is_some_and(|before| before.ends_with('\\'));
            assert!(shown.match_indices(form).all(|(at, _)| is_a_tab(at)), "a credential is shown");
        }
    }

    /// No credential is in the value's `Debug`, in either form.
    #[track_caller]
    pub(crate) fn debug(&self, value: &dyn Debug) {
        if !self.0.is_empty() {
            self.text(&format!("{value:?} {value:#?}"));
        }
    }

    /// No credential is in the value's `Display`.
    #[track_caller]
    pub(crate) fn display(&self, value: &dyn Display) {
        if !self.0.is_empty() {
            self.text(&value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_seen(input: &str, shown: &str) -> bool {
        std::panic::catch_unwind(|| Watch::over(input.as_bytes()).text(shown)).is_err()
    }

    #[test]
    fn a_canary_would_be_seen_in_each_form() {
        for (mark, tail) in CANARIES {
            let raw = format!("{mark}{tail}");
            let percent: String = raw.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let shown = [raw.clone(), percent.to_lowercase(), percent, tail.to_owned()];
            for shown in shown.iter().map(|shown| format!("a {shown} b")) {
                assert!(is_seen(&raw, &shown), "{mark}");
            }
            for before in ["", "a", "ab", "abc"] {
                assert!(
                    is_seen(&raw, &BASE64_STANDARD.encode(format!("{before}{raw}, and more"))),
                    "{mark} behind {before:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_torn_from_its_mark_is_no_credential() {
        let (mark, tail) = CANARIES[0];
        assert!(!is_seen(&format!("{mark} {tail}"), tail));
        assert!(!is_seen("nothing", tail));
        let (mark, tail) = CANARIES[2];
        let shown = format!("{mark}{tail}");
        assert!(!is_seen(&format!("\\{shown}"), &format!("\\{shown}")) && is_seen(&format!("\\{shown}"), &shown));
        assert!(!is_seen(&format!("{mark}{tail}"), &format!("{mark}(redacted)")));
    }
}
