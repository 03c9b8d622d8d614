//! The environment variables that this crate reads, and how it reads them.
//!
//! Nothing else in this crate reads the environment, and nothing reads it unless your code calls a `from_env` function.
//! Each reader takes a [`Lookup`], so that a test needs no change to the environment of its process.

use std::{env, ffi::OsString};

/// The secret key: [`SecretKey::from_env`](crate::SecretKey::from_env).
pub(crate) const SECRET_KEY: &str = "CLERK_SECRET_KEY";

/// The base URL: [`BaseUrl::from_env`](crate::BaseUrl::from_env).
pub(crate) const API_URL: &str = "CLERK_API_URL";

/// The hosts to which plain `http` is allowed: [`BaseUrl::from_env`](crate::BaseUrl::from_env).
pub(crate) const DANGER_ALLOW_HTTP: &str = "CLERK_DANGER_ALLOW_HTTP";

/// Returns the value of a variable by its name. `None` if the variable is unset.
pub(crate) type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The value of a variable is not Unicode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotUnicode;

/// Reads the environment of this process.
pub(crate) fn of_process(name: &str) -> Option<OsString> {
    env::var_os(name)
}

/// Returns the text of a variable. `None` if the variable is unset.
///
/// # Errors
/// [`NotUnicode`], without the value.
pub(crate) fn text(lookup: Lookup<'_>, name: &str) -> Result<Option<String>, NotUnicode> {
    lookup(name).map(OsString::into_string).transpose().map_err(|_| NotUnicode)
}

/// Returns the text of a variable. `None` if the variable is unset or empty: a compose file that passes an unset variable
/// on passes an empty one.
///
/// # Errors
/// [`NotUnicode`], without the value.
pub(crate) fn text_unless_empty(lookup: Lookup<'_>, name: &str) -> Result<Option<String>, NotUnicode> {
    Ok(text(lookup, name)?.filter(|text| !text.is_empty()))
}

#[cfg(test)]
pub(crate) mod fake {
    use super::*;

    /// Returns a lookup in this list of variables.
    pub(crate) fn variables<'a>(list: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
        |wanted| list.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_counts_as_unset_only_where_the_reader_says_so() {
        let lookup = fake::variables(&[("EMPTY", ""), ("SET", "a")]);
        for (name, as_it_is, unless_empty) in
            [("UNSET", None, None), ("EMPTY", Some(""), None), ("SET", Some("a"), Some("a"))]
        {
            assert_eq!(text(&lookup, name), Ok(as_it_is.map(str::to_owned)), "{name}");
            assert_eq!(text_unless_empty(&lookup, name), Ok(unless_empty.map(str::to_owned)), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_unicode_is_refused() {
        use std::os::unix::ffi::OsStringExt as _;

        let lookup = |_: &str| Some(OsString::from_vec(vec![0xff]));
        assert_eq!(text(&lookup, "ANY"), Err(NotUnicode));
        assert_eq!(text_unless_empty(&lookup, "ANY"), Err(NotUnicode));
    }
}
