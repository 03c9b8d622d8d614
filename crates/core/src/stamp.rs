//! The stamp of an attempt: a random text that no other attempt bears.

/// 128 random bits in hexadecimal digits: they need no escaping anywhere. `None` if the operating system gives no random
/// bytes.
pub(crate) fn random() -> Option<String> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(format!("{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_are_the_same() {
        let stamps: BTreeSet<_> = (0..1000).map(|_| random().unwrap()).collect();
        assert_eq!(stamps.len(), 1000);
        assert!(stamps.iter().all(|stamp| stamp.len() == 32));
    }
}
