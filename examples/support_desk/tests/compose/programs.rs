//! The two programs, as they are built here.

use std::{
    collections::{BTreeMap, BTreeSet},
    env::consts::EXE_SUFFIX,
    path::PathBuf,
    process::{Command, Stdio},
    sync::OnceLock,
};

pub(crate) const SUPPORT_DESK: &str = env!("CARGO_BIN_EXE_support-desk");

/// The emulator's command. A test of the whole workspace has built it; else cargo does so now.
pub(crate) fn emulator() -> &'static PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let beside = PathBuf::from(SUPPORT_DESK).with_file_name(format!("clerk-actor-tokens-emulator{EXE_SUFFIX}"));
        if !beside.is_file() {
            let profile = beside.parent().unwrap();
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["build", "--quiet", "--locked", "-p", "clerk-actor-tokens-emulator"]);
            cargo.arg("--target-dir").arg(profile.parent().unwrap());
            if profile.ends_with("release") {
                cargo.arg("--release");
            }
            assert!(cargo.current_dir(crate::root()).status().unwrap().success());
        }
        beside
    })
}

/// The program that an image has under this name.
pub(crate) fn by_name(name: &str) -> Option<PathBuf> {
    match name {
        "clerk-actor-tokens-emulator" => Some(emulator().clone()),
        "support-desk" => Some(SUPPORT_DESK.into()),
        _ => None,
    }
}

/// What the emulator's command says of itself: its options, and its variables.
pub(crate) struct Known {
    pub(crate) options: BTreeSet<String>,
    pub(crate) variables: BTreeSet<String>,
}

pub(crate) fn known() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let help = Command::new(emulator()).arg("--help").output().unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        let options = help.split_whitespace().filter(|word| word.starts_with("--"));
        let variables = help.split("[env: ").skip(1).filter_map(|rest| rest.split(['=', ']']).next());
        Known { options: options.map(str::to_owned).collect(), variables: variables.map(str::to_owned).collect() }
    })
}

/// What the command says against this environment, if it is wrong. It reads all of it, and does not listen.
pub(crate) fn refuses(environment: &BTreeMap<String, String>) -> Option<String> {
    let mut command = Command::new(emulator());
    let output = command.arg("--explain").envs(environment).stdin(Stdio::null()).output().unwrap();
    (!output.status.success()).then(|| String::from_utf8(output.stderr).unwrap())
}

/// The variables that the client reads, as its source has them.
pub(crate) fn of_client() -> BTreeSet<String> {
    let source = include_str!("../../../../crates/core/src/environment.rs");
    let constants = source.lines().filter_map(|line| line.strip_prefix("pub(crate) const ")?.split('"').nth(1));
    constants.map(str::to_owned).collect()
}
