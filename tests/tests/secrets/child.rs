//! A test that needs a process of its own, for what it changes or says there: it runs itself again.

use std::process::Command;

pub(crate) const CHILD: &str = "CLERK_ACTOR_TOKENS_TEST_CHILD";

/// Whether this is that process. If not, the test of this name is run in one with these variables set, or not set, and
/// has to pass there.
pub(crate) fn is_own(test: &str, environment: &[(&str, Option<&str>)]) -> bool {
    if std::env::var_os(CHILD).is_some() {
        return true;
    }
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", test, "--nocapture"]).env(CHILD, "1");
    for (name, value) in environment {
        match value {
            Some(value) => again.env(name, value),
            None => again.env_remove(name),
        };
    }
    let output = again.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    // The place of a hit is printed on the other stream, without the credential.
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text.lines().filter(|line| line.starts_with("figure: ")).for_each(|line| println!("{line}"));
    false
}
