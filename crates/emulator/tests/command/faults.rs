//! Faults of the calls to come, and those that cannot be.

use crate::running::{GOOD, Running, run, status};

#[test]
fn it_takes_faults_for_the_calls_to_come() {
    let server = Running::start(&[
        "--fault",
        "create:before_commit:status(503).retry_after(2s)",
        "--fault=create:after_commit:html(502)",
        "--fault=revoke:before_commit:status(500)",
    ]);
    let create = || server.post("/v1/actor_tokens", "sk_test_emulator", GOOD);
    let first = create();
    assert!(first.starts_with("HTTP/1.1 503 ") && first.contains("retry-after: 2\r\n"), "{first}");
    assert_eq!([status(&create()), status(&create())], [502, 200]);
    assert_eq!(status(&server.post("/v1/actor_tokens/act_1/revoke", "sk_test_emulator", "")), 500);
}

#[test]
fn a_fault_that_cannot_be_is_refused_with_what_could() {
    let table = [
        ("stall", "CALL:TIME:FAULT"),
        ("accept:after_commit:stall", "the call is one of: create, revoke"),
        ("create:after_send:stall", "the time is one of: before_send, before_commit, after_commit"),
        ("create:after_commit:sttal", "there is no fault sttal; there are:"),
        ("create:after_commit:refused", "it can at: before_send"),
        ("create:after_commit:status(422)", "it can at: before_commit"),
        ("create:after_commit:token_status(pending)", "would change nothing of a create"),
        ("create:after_commit:cut_at", "cut_at takes a number of bytes"),
    ];
    for (fault, part) in table {
        let (code, stdout, stderr) = run(&["--fault", fault]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.starts_with("error: ") && stderr.contains(part), "{stderr}");
    }
    // All names are there: none is cut off.
    let (_, _, stderr) = run(&["--fault", "create:after_commit:sttal"]);
    assert!(stderr.contains("pass, delay,") && stderr.contains("stale\n"), "{stderr}");
}
