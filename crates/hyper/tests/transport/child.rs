//! Tests of what is read from the environment: such a test runs itself once more, in a process whose environment it chose.

use std::{fs, path::Path, process::Command};

use crate::certs::Identity;

const CHILD: &str = "CLERK_ACTOR_TOKENS_TEST_CHILD";

/// What the transport or a crate below it may look at.
const READ: [&str; 11] = [
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "REQUEST_METHOD",
];

pub(crate) fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Runs the named test once more, in a process with these variables and no other that matters.
#[track_caller]
pub(crate) fn run_again(test: &str, variables: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test]).env(CHILD, "1");
    for name in READ {
        command.env_remove(name);
    }
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{variables:?}: {text}");
}

/// Runs the named test once more, in a process to which this certificate is the system's only root.
#[track_caller]
pub(crate) fn run_again_with_root(test: &str, root: &Identity) {
    // By this process's number: another run of the tests may be active.
    let name = format!("{}-{}.pem", test.replace("::", "-"), std::process::id());
    let certificate = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let key = certificate.with_extension("key");
    fs::write(&certificate, &root.certificate).unwrap();
    fs::write(&key, &root.key).unwrap();
    run_again(test, &[("SSL_CERT_FILE", certificate.to_str().unwrap())]);
    fs::remove_file(certificate).unwrap();
    fs::remove_file(key).unwrap();
}

/// What [`run_again_with_root`] was given, in the child.
pub(crate) fn root() -> Identity {
    let certificate = std::env::var("SSL_CERT_FILE").unwrap();
    let key = Path::new(&certificate).with_extension("key");
    Identity { certificate: fs::read_to_string(certificate).unwrap(), key: fs::read_to_string(key).unwrap() }
}
