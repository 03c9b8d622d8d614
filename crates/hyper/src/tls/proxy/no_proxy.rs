//! The hosts that are reached without a proxy: `NO_PROXY`, as curl reads it.
//!
//! One thing is not as in curl 7.88, which compares IPv6 addresses as texts. Here they are addresses, as in curl 8.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A list of names, addresses and networks, between commas or blanks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct NoProxy(Vec<String>);

impl NoProxy {
    /// Whether this value means that no host is reached by a proxy.
    pub(super) fn is_every_host(value: &str) -> bool {
        value == "*"
    }

    pub(super) fn parse(value: &str) -> Self {
        let entries = value.split([',', ' ', '\t']).filter(|entry| !entry.is_empty());
        Self(entries.map(str::to_owned).collect())
    }

    /// Whether this host is among them: a name, or an address, as it is written in a URL. Ports are in no entry.
    pub(super) fn has(&self, host: &str) -> bool {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let is_in = |entry: &String| match bare.parse() {
            Ok(IpAddr::V4(address)) => is_in_network_4(address, entry),
            Ok(IpAddr::V6(address)) => is_in_network_6(address, entry),
            Err(_) => is_name(host, entry),
        };
        self.0.iter().any(is_in)
    }
}

/// Whether the entry is this name or a domain that it is in. `.example.com` is the same as `example.com`.
fn is_name(name: &str, entry: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let entry = entry.strip_suffix('.').unwrap_or(entry);
    let entry = entry.strip_prefix('.').unwrap_or(entry);
    let Some(before) = name.len().checked_sub(entry.len()).filter(|_| !entry.is_empty()) else { return false };
    let (rest, end) = (name.get(..before), name.get(before..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(entry))
        && rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn is_in_network_4(address: Ipv4Addr, entry: &str) -> bool {
    let (network, bits) = split_bits(entry);
    let Ok(network) = network.parse::<Ipv4Addr>() else { return false };
    // Without a number, or with 0, it is the address alone.
    let bits = if bits == 0 { 32 } else { bits };
    let Some(shift) = 32u32.checked_sub(bits) else { return false };
    (address.to_bits() ^ network.to_bits()).checked_shr(shift).unwrap_or(0) == 0
}

fn is_in_network_6(address: Ipv6Addr, entry: &str) -> bool {
    let (network, bits) = split_bits(entry);
    let Ok(network) = network.parse::<Ipv6Addr>() else { return false };
    let bits = if bits == 0 { 128 } else { bits };
    let Some(shift) = 128u32.checked_sub(bits) else { return false };
    (address.to_bits() ^ network.to_bits()).checked_shr(shift).unwrap_or(0) == 0
}

/// An address, and the number behind its `/`. What is no number counts as 0, as in C.
fn split_bits(entry: &str) -> (&str, u32) {
    let Some((network, bits)) = entry.split_once('/') else { return (entry, 0) };
    let digits = bits.bytes().take_while(u8::is_ascii_digit);
    let number = digits.fold(0u32, |number, digit| number.saturating_mul(10).saturating_add(u32::from(digit - b'0')));
    (network, number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Observed with curl 7.88.1; `.ci/full` asks it again.
    #[test]
    fn hosts_are_compared_as_curl_compares_them() {
        for (host, value, expected) in [
            ("api.clerk.test", "api.clerk.test", true),
            ("api.clerk.test", ".clerk.test", true),
            ("api.clerk.test", "clerk.test", true),
            ("api.clerk.test", "CLERK.test", true),
            ("API.clerk.test", "clerk.test", true),
            ("api.clerk.test", "test", true),
            ("api.clerk.test", "lerk.test", false),
            ("api.clerk.test", "clerk.test.", true),
            ("api.clerk.test.", "clerk.test", true),
            ("api.clerk.test", "..clerk.test", false),
            ("api.clerk.test", "*.clerk.test", false),
            ("api.clerk.test", ".", false),
            ("api.clerk.test", "", false),
            ("api.clerk.test", " *", false),
            ("api.clerk.test", "*,x", false),
            ("api.clerk.test", "x clerk.test", true),
            ("api.clerk.test", "x , clerk.test", true),
            ("api.clerk.test", "x\tclerk.test", true),
            ("api.clerk.test", ",,clerk.test", true),
            ("api.clerk.test", " clerk.test ", true),
            ("api.clerk.test", "x;clerk.test", false),
            ("api.clerk.test", "api.clerk.test:443", false),
            ("clerk.test", "api.clerk.test", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.0/8", true),
            ("127.0.0.1", "127.0.0.0/24", true),
            ("127.0.0.1", "127.0.0.1/32", true),
            ("127.0.0.1", "127.0.0.1/0", true),
            ("127.0.0.1", "10.0.0.0/0", false),
            ("127.0.0.1", "127.0.0.1/33", false),
            ("127.0.0.1", "127.0.0.1/x", true),
            ("127.0.0.1", "127.0.1.0/24", false),
            ("127.0.0.1", "127.0.0.1/99999999999", false),
            ("127.0.0.1", "127.1", false),
            ("127.0.0.1", "127", false),
            ("127.0.0.1", ".0.0.1", false),
            ("127.0.0.1", "127.0.0.1.", false),
            ("127.0.0.1", "127.0.0.1:443", false),
            ("127.0.0.1", "10.0.0.0/8,127.0.0.1", true),
            ("127.0.0.1", "::1", false),
            ("[::1]", "::1", true),
            ("[::1]", "[::1]", false),
            ("[::1]", "127.0.0.1", false),
        ] {
            assert_eq!(NoProxy::parse(value).has(host), expected, "{host} in `{value}`");
        }
    }

    #[test]
    fn addresses_of_ipv6_are_addresses() {
        for (value, expected) in [
            ("0:0:0:0:0:0:0:1", true),
            ("::1/128", true),
            ("::/64", true),
            ("::/0", false),
            ("::2/126", true),
            ("::2/127", false),
            ("fe80::/10", false),
            ("::1/129", false),
        ] {
            assert_eq!(NoProxy::parse(value).has("[::1]"), expected, "{value}");
        }
    }
}
