//! The proxy that the environment names, as curl reads it: the lower case first, and an empty value as none.

use std::{ffi::OsString, fmt};

use super::no_proxy::NoProxy;

/// A variable, and what it says.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) name: &'static str,
    pub(super) value: String,
}

impl fmt::Debug for Variable {
    /// Leaves the value out: it may have a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What is said of proxies for `https`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Environment {
    pub(super) proxy: Option<Variable>,
    pub(super) no_proxy: NoProxy,
}

/// In the order in which they count.
const PROXIES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const EXCEPTIONS: [&str; 2] = ["no_proxy", "NO_PROXY"];

impl Environment {
    /// # Errors
    /// The name of a variable whose value is no UTF-8.
    pub(super) fn read(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, &'static str> {
        let no_proxy = first(&EXCEPTIONS, &variable)?.map_or_else(String::new, |it| it.value);
        if NoProxy::is_every_host(&no_proxy) {
            return Ok(Self::default());
        }
        Ok(Self { proxy: first(&PROXIES, &variable)?, no_proxy: NoProxy::parse(&no_proxy) })
    }
}

/// The first of these that says something.
fn first(
    names: &[&'static str],
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<Variable>, &'static str> {
    for name in names {
        match variable(name).filter(|value| !value.is_empty()).map(OsString::into_string) {
            None => {}
            Some(Ok(value)) => return Ok(Some(Variable { name, value })),
            Some(Err(_)) => return Err(name),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> Environment {
        Environment::read(|name| set.iter().find(|(set, _)| *set == name).map(|(_, value)| value.into())).unwrap()
    }

    /// Observed with curl 7.88.1; `.ci/full` asks it again.
    #[test]
    fn the_lower_case_counts_before_the_upper_and_empty_is_unset() {
        type Set<'a> = &'a [(&'a str, &'a str)];
        let cases: [(Set<'_>, Option<&str>); 12] = [
            (&[], None),
            (&[("https_proxy", "A"), ("HTTPS_PROXY", "B")], Some("https_proxy")),
            (&[("https_proxy", ""), ("HTTPS_PROXY", "B")], Some("HTTPS_PROXY")),
            (&[("HTTPS_PROXY", ""), ("ALL_PROXY", "B")], Some("ALL_PROXY")),
            (&[("HTTPS_PROXY", "A"), ("all_proxy", "B")], Some("HTTPS_PROXY")),
            (&[("all_proxy", "A"), ("ALL_PROXY", "B")], Some("all_proxy")),
            (&[("http_proxy", "A"), ("HTTP_PROXY", "B")], None),
            (&[("https_proxy", "A"), ("no_proxy", "*")], None),
            (&[("all_proxy", "socks5://A"), ("NO_PROXY", "*")], None),
            (&[("https_proxy", "A"), ("no_proxy", ""), ("NO_PROXY", "*")], None),
            (&[("https_proxy", "A"), ("no_proxy", "x"), ("NO_PROXY", "*")], Some("https_proxy")),
            (&[("https_proxy", "A"), ("no_proxy", " *")], Some("https_proxy")),
        ];
        for (set, expected) in cases {
            assert_eq!(read(set).proxy.map(|it| it.name), expected, "{set:?}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_value_that_is_no_text_is_refused_by_name() {
        use std::os::unix::ffi::OsStringExt as _;

        for name in PROXIES.into_iter().chain(EXCEPTIONS) {
            let set = |asked: &str| (asked == name).then(|| OsString::from_vec(b"http://\xff".to_vec()));
            assert_eq!(Environment::read(set), Err(name));
        }
    }
}
