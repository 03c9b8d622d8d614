//! Where options come from: the command line, else the environment, else the settings file.
//!
//! The environment has each option as `CLERK_EMULATOR_` and its name, as `CLERK_EMULATOR_SECRET_KEY`. The file has it under
//! its name. What the file says becomes arguments, so that one parser says what is wrong.

use std::{collections::BTreeSet, ffi::OsString, fmt, fs, path::PathBuf};

use clap::{ArgMatches, Command, CommandFactory as _, FromArgMatches as _, parser::ValueSource};
use serde_json::{Map, Value};

use crate::{files, options::Options};

const PREFIX: &str = "CLERK_EMULATOR_";

/// Why there are no options.
pub(crate) enum Refused {
    Arguments(clap::Error),
    /// The settings file cannot be read, or is no such file.
    File(String),
    /// An argument that the settings file gives.
    InFile(PathBuf, clap::Error),
    /// An option whose value is that of a variable.
    InEnvironment(String, clap::Error),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arguments(error) => write!(f, "{}", error.render()),
            Self::File(why) => write!(f, "error: {why}"),
            Self::InFile(file, error) => {
                f.write_str(&placed(error, &format!("in the settings file {}", file.display())))
            }
            Self::InEnvironment(name, error) => {
                f.write_str(&placed(error, &format!("in the environment variable {name}")))
            }
        }
    }
}

/// What is wrong, with its place at the end of its first line.
fn placed(error: &clap::Error, place: &str) -> String {
    let text = error.render().to_string();
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    format!("{first} {place}\n{rest}")
}

/// The command, which reads each option from the environment as well.
fn command() -> Command {
    Options::command().mut_args(|arg| {
        let Some(long) = arg.get_long().filter(|long| !["explain", "health", "help", "version"].contains(long)) else {
            return arg;
        };
        // Once in a process, for each option.
        let name: &'static str = Box::leak(variable(long).into_boxed_str());
        // A value may be a key.
        arg.env(name).hide_env_values(true)
    })
}

fn variable(long: &str) -> String {
    format!("{PREFIX}{}", long.to_ascii_uppercase().replace('-', "_"))
}

/// Reads the options of these arguments, of the environment, and of the file that either of them names.
pub(crate) fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Options, Refused> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // What is missing or wrong is said below, with what the file has.
    let given = command().ignore_errors(true).try_get_matches_from(&arguments);
    let file = given.as_ref().ok().and_then(|given| given.get_one::<PathBuf>("settings").cloned());
    let of_file = match (&file, &given) {
        (Some(file), Ok(given)) => of_file(file, given)?,
        _ => Vec::new(),
    };
    let (name, rest) = arguments.split_first().map_or((OsString::new(), &[][..]), |(name, rest)| (name.clone(), rest));
    let all = std::iter::once(name).chain(of_file.iter().cloned()).chain(rest.iter().cloned());
    let parsed = command().try_get_matches_from(all).and_then(|matches| Options::from_arg_matches(&matches));
    parsed.map_err(|error| match (file, given) {
        // The arguments of the file alone have what is wrong.
        (Some(file), Ok(_)) if !of_file.is_empty() && is_wrong(&of_file) => Refused::InFile(file, error),
        _ => match variable_of(&error) {
            Some(name) => Refused::InEnvironment(name, error),
            None => Refused::Arguments(error),
        },
    })
}

fn is_wrong(of_file: &[OsString]) -> bool {
    let alone = std::iter::once(OsString::new()).chain(of_file.iter().cloned());
    Options::command().try_get_matches_from(alone).is_err()
}

/// The variable that gave the option which is wrong, if one did.
fn variable_of(error: &clap::Error) -> Option<String> {
    let option = error.get(clap::error::ContextKind::InvalidArg)?.to_string();
    let name = variable(option.strip_prefix("--")?.split([' ', '=']).next()?);
    let value = std::env::var_os(&name)?;
    let wrong = error.get(clap::error::ContextKind::InvalidValue).map(ToString::to_string);
    wrong.is_none_or(|wrong| value.to_string_lossy().contains(&wrong)).then_some(name)
}

/// What the file says, as arguments, without what is given before it.
fn of_file(file: &PathBuf, given: &ArgMatches) -> Result<Vec<OsString>, Refused> {
    let wrong = |why: String| Refused::File(files::wrong("settings", file, &why));
    let text = fs::read_to_string(file).map_err(|error| Refused::File(files::unusable("settings", file, &error)))?;
    let settings: Map<String, Value> = serde_json::from_str(&text).map_err(|error| {
        // serde_json may quote a text of the file, which may be a key.
        wrong(format!("it is no JSON object of options: line {}, column {}", error.line(), error.column()))
    })?;
    let known: BTreeSet<_> = Options::command().get_arguments().map(|arg| arg.get_id().to_string()).collect();
    let is_given = |name: &str| {
        let id = name.replace('-', "_");
        known.contains(&id)
            && matches!(given.value_source(&id), Some(ValueSource::CommandLine | ValueSource::EnvVariable))
    };
    let mut arguments = Vec::new();
    for (name, value) in settings.iter().filter(|(name, _)| !is_given(name)) {
        let values = match value {
            Value::Array(values) => values.as_slice(),
            one => std::slice::from_ref(one),
        };
        for value in values {
            arguments.push(match value {
                Value::Bool(true) => format!("--{name}").into(),
                Value::Bool(false) => continue,
                Value::String(text) => format!("--{name}={text}").into(),
                Value::Number(number) => format!("--{name}={number}").into(),
                Value::Null | Value::Array(_) | Value::Object(_) => {
                    return Err(wrong(format!("{name:?} is no text, number, boolean, or list of texts")));
                }
            });
        }
    }
    Ok(arguments)
}
