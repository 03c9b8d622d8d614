//! As the first process of a namespace.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Command, Stdio},
};

use crate::running::PROGRAM;

/// As in a container. It needs the right to make a namespace, so it is run apart: by `.ci/run`.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs the right to make a namespace"]
fn the_first_process_of_a_namespace_ends_at_a_signal_too() {
    for signal in ["-TERM", "-INT"] {
        let mut child = Command::new("unshare")
            .args(["--user", "--map-root-user", "--pid", "--fork", "--kill-child"])
            .args([PROGRAM, "--fault", "create:after_commit:stall"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("listening on "), "{line}");
        let id = child.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        let status = std::fs::read_to_string(format!("/proc/{}/status", children.trim())).unwrap();
        assert!(status.lines().any(|line| line.starts_with("NSpid:") && line.ends_with("\t1")), "{status}");
        assert!(Command::new("kill").args([signal, children.trim()]).status().unwrap().success());
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(1), "{stderr}");
        assert!(stderr.contains("this fault did not happen"), "{stderr}");
    }
}
