//! Where a request may go over plain `http`: to a literal loopback address, or to a host that your code or the environment
//! allows by name.

use std::net::IpAddr;

/// Returns whether this host of a URL is a literal loopback address (`127.0.0.0/8`, `[::1]`). The name `localhost` is not:
/// it can be made to resolve elsewhere.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Returns whether plain `http` to this host is allowed by one of these names. Hosts compare without case (RFC 9110 section
/// 4.2.3).
pub(crate) fn is_allowed(host: &str, names: &[String]) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(host))
}

/// Reads host names that are separated by commas.
///
/// # Errors
/// What is wrong with the first that is not a host name, by its position.
pub(crate) fn host_names(list: &str) -> Result<Vec<String>, String> {
    const SWITCHES: [&str; 8] = ["0", "1", "true", "false", "yes", "no", "on", "off"];
    if SWITCHES.iter().any(|switch| list.eq_ignore_ascii_case(switch)) {
        return Err("is a list of host names, and no switch: give the hosts, separated by commas".to_owned());
    }
    let names = list.split(',').enumerate();
    let checked = names.map(|(index, name)| match check_host_name(name) {
        Ok(()) => Ok(name.to_owned()),
        Err(problem) => {
            Err(format!("must be host names separated by commas: name {} {problem}", index.saturating_add(1)))
        }
    });
    checked.collect()
}

/// Checks that this is a host name (or an IPv4 address) and nothing else.
///
/// # Errors
/// What is wrong with it, as the rest of a sentence.
pub(crate) fn check_host_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("is empty: give a host name");
    }
    if name.chars().any(char::is_whitespace) {
        return Err("contains white space: remove it");
    }
    if name.contains("://") {
        return Err("contains a scheme: give the host alone");
    }
    if name.contains(':') {
        return Err("contains a port: give the host alone");
    }
    if name.contains('/') {
        return Err("contains a path: give the host alone");
    }
    if name.contains('*') {
        return Err("contains a wildcard: give each host by its name");
    }
    if !is_host_name(name) {
        return Err("is not a host name: use letters, digits, -, _ and .");
    }
    Ok(())
}

/// Returns whether these are letters, digits and `.`, `-` or `_`, with a letter or a digit among them.
pub(crate) fn is_host_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        && name.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_host_names_and_commas_alone() {
        let table: [(&str, Result<&[&str], &str>); 15] = [
            ("emulator", Ok(&["emulator"])),
            (
                "emulator,clerk-2.internal,my_host,10.0.0.7",
                Ok(&["emulator", "clerk-2.internal", "my_host", "10.0.0.7"]),
            ),
            ("", Err("name 1 is empty: give a host name")),
            (",", Err("name 1 is empty: give a host name")),
            ("a,", Err("name 2 is empty: give a host name")),
            ("a,,b", Err("name 2 is empty: give a host name")),
            ("a, b", Err("name 2 contains white space: remove it")),
            ("emulator:4010", Err("name 1 contains a port: give the host alone")),
            ("[::1]", Err("name 1 contains a port: give the host alone")),
            ("a,http://emulator", Err("name 2 contains a scheme: give the host alone")),
            ("emulator/v1", Err("name 1 contains a path: give the host alone")),
            ("*", Err("name 1 contains a wildcard: give each host by its name")),
            ("*.internal", Err("name 1 contains a wildcard: give each host by its name")),
            ("a@b", Err("name 1 is not a host name: use letters, digits, -, _ and .")),
            ("h\u{f6}st", Err("name 1 is not a host name: use letters, digits, -, _ and .")),
        ];
        for (list, expected) in table {
            let expected = match expected {
                Ok(names) => Ok(names.iter().map(|name| (*name).to_owned()).collect()),
                Err(problem) => Err(format!("must be host names separated by commas: {problem}")),
            };
            assert_eq!(host_names(list), expected, "{list}");
        }
    }

    #[test]
    fn a_switch_is_no_list() {
        for switch in ["1", "true", "TRUE", "off"] {
            assert!(host_names(switch).unwrap_err().contains("no switch"), "{switch}");
        }
        assert!(host_names("1,true").is_ok());
    }

    #[test]
    fn a_name_allows_its_host_in_any_case_and_no_other() {
        let names = ["emulator".to_owned(), "B.internal".to_owned()];
        for (host, expected) in [
            ("emulator", true),
            ("EMULATOR", true),
            ("b.internal", true),
            ("emulator.evil.test", false),
            ("a.emulator", false),
            ("internal", false),
            ("", false),
        ] {
            assert_eq!(is_allowed(host, &names), expected, "{host}");
        }
    }
}
