//! Ids, trace ids and signatures, all from one seed.
//!
//! Clerk's ids are KSUIDs: 4 bytes of seconds since 2014-05-13T16:53:20Z and 16 random bytes, written as 27 base62
//! digits. Each kind of value has its own stream of random numbers, so that one request more does not change the ids
//! of the tokens that follow. The seconds count the ids of a kind and no time, so that a seed gives the same ids at any time.

use fastrand::Rng;

use crate::clock::START;

/// 2014-05-13T16:53:20Z, in seconds since 1970: where a KSUID's time begins.
const KSUID_EPOCH: i64 = 1_400_000_000;

/// KSUID digits, in order.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// An RS256 signature with a key of 2048 bits (RFC 7518 section 3.3).
pub(crate) const SIGNATURE_BYTES: usize = 256;

#[derive(Clone)]
pub(crate) struct Ids {
    tokens: Series,
    traces: Rng,
    signatures: Rng,
    sessions: Series,
    clients: Series,
    extras: Series,
    instance: String,
}

/// Ids of one kind: each has the second after that of the one before.
#[derive(Clone)]
struct Series {
    random: Rng,
    seconds: i64,
}

impl Series {
    fn new(random: Rng) -> Self {
        Self { random, seconds: i64::try_from(START).unwrap_or(KSUID_EPOCH) }
    }

    fn next(&mut self, prefix: &str) -> String {
        let id = ksuid(prefix, self.seconds, &mut self.random);
        self.seconds = self.seconds.saturating_add(1);
        id
    }
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        let mut root = Rng::with_seed(seed);
        let instance = ksuid("ins", KSUID_EPOCH, &mut root.fork());
        let (tokens, traces, signatures) = (Series::new(root.fork()), root.fork(), root.fork());
        let (sessions, clients, extras) =
            (Series::new(root.fork()), Series::new(root.fork()), Series::new(root.fork()));
        Self { tokens, traces, signatures, sessions, clients, extras, instance }
    }

    /// `act_` and a KSUID.
    pub(crate) fn actor_token(&mut self) -> String {
        self.tokens.next("act")
    }

    /// `sess_` and a KSUID.
    pub(crate) fn session(&mut self) -> String {
        self.sessions.next("sess")
    }

    /// `client_` and a KSUID.
    pub(crate) fn client(&mut self) -> String {
        self.clients.next("client")
    }

    /// This prefix and a KSUID: the id of a thing that is not kept.
    pub(crate) fn extra(&mut self, prefix: &str) -> String {
        self.extras.next(prefix)
    }

    /// The id of the Clerk instance: the same for every token of an emulator.
    pub(crate) fn instance(&self) -> &str {
        &self.instance
    }

    /// 32 hexadecimal digits.
    pub(crate) fn trace(&mut self) -> String {
        format!("{:032x}", self.traces.u128(..))
    }

    pub(crate) fn signature(&mut self) -> [u8; SIGNATURE_BYTES] {
        let mut bytes = [0; SIGNATURE_BYTES];
        self.signatures.fill(&mut bytes);
        bytes
    }
}

fn ksuid(prefix: &str, seconds: i64, random: &mut Rng) -> String {
    // Four bytes end in the year 2150; later times wrap, as a KSUID's do.
    let [_, _, _, _, time @ ..] = seconds.wrapping_sub(KSUID_EPOCH).to_be_bytes();
    let mut number = [0u8; 20];
    let (head, tail) = number.split_at_mut(time.len());
    head.copy_from_slice(&time);
    random.fill(tail);

    // By four bytes at a time: this is the largest part of a creation.
    let mut limbs = [0u32; 5];
    for (limb, bytes) in limbs.iter_mut().zip(number.chunks_exact(4)) {
        *limb = bytes.iter().fold(0, |limb, byte| limb << 8 | u32::from(*byte));
    }
    let mut digits = [b'0'; 27];
    for digit in digits.iter_mut().rev() {
        // Long division of the whole number by 62; what is left is the next digit from the right.
        let mut rest = 0u64;
        for limb in &mut limbs {
            let value = rest << 32 | u64::from(*limb);
            *limb = u32::try_from(value / 62).unwrap_or(u32::MAX);
            rest = value % 62;
        }
        *digit = BASE62.iter().copied().nth(usize::try_from(rest).unwrap_or(0)).unwrap_or(b'0');
    }
    [prefix, "_", std::str::from_utf8(&digits).unwrap_or_default()].concat()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ten_thousand_ids_differ_and_fit_the_grammar() {
        let mut ids = Ids::new(7);
        let all: BTreeSet<_> = (0..10_000).map(|_| ids.actor_token()).collect();
        assert_eq!(all.len(), 10_000);
        for id in all {
            let digits = id.strip_prefix("act_").unwrap();
            assert_eq!(digits.len(), 27);
            assert!(digits.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
        }
    }

    #[test]
    fn the_time_of_an_id_is_its_place_so_that_later_ids_sort_later() {
        // The example of the KSUID specification, so that the reader is right.
        assert_eq!(seconds_of("0ujtsYcgvSTl8PAuAdqWYSMnLOv"), 1_507_608_047);

        let mut ids = Ids::new(1);
        let at = 1_767_225_600;
        let id = ids.actor_token();
        assert_eq!(seconds_of(id.strip_prefix("act_").unwrap()), at);
        assert_eq!(seconds_of(ids.instance().strip_prefix("ins_").unwrap()), 1_400_000_000);
        let next = ids.actor_token();
        assert!(id < next && seconds_of(next.strip_prefix("act_").unwrap()) == at + 1);
    }

    /// The seconds since 1970 in a KSUID, read with constants of its own.
    fn seconds_of(ksuid: &str) -> i64 {
        let mut number = [0u8; 20];
        for digit in ksuid.bytes() {
            let mut carry = usize::from(match digit {
                b'0'..=b'9' => digit - b'0',
                b'A'..=b'Z' => digit - b'A' + 10,
                _ => digit - b'a' + 36,
            });
            for byte in number.iter_mut().rev() {
                let value = usize::from(*byte) * 62 + carry;
                *byte = (value % 256) as u8;
                carry = value / 256;
            }
        }
        i64::from(u32::from_be_bytes([number[0], number[1], number[2], number[3]])) + 1_400_000_000
    }

    #[test]
    fn the_seed_alone_decides() {
        let of = |seed| {
            let mut ids = Ids::new(seed);
            (ids.actor_token(), ids.trace(), ids.signature(), ids.instance().to_owned())
        };
        assert_eq!(of(3), of(3));
        assert_ne!(of(3), of(4));
    }

    #[test]
    fn other_ids_do_not_disturb_token_ids() {
        let (mut quiet, mut busy) = (Ids::new(5), Ids::new(5));
        for _ in 0..9 {
            assert_eq!(busy.trace().len(), 32);
            assert!(busy.session().starts_with("sess_") && busy.client().starts_with("client_"));
        }
        assert_eq!(quiet.actor_token(), busy.actor_token());
    }
}
