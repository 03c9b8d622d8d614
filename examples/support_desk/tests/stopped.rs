//! The desk as a process that is asked to stop at a random moment, with requests in flight: each token is written down, revoked, or in
//! what it prints.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by a panic, and shows its figure"
)]

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::Duration,
};

use clerk_actor_tokens::{
    Actor,
    testing::emulator::{Emulator, fault},
};
use rustix::process::{Pid, Signal, kill_process};

/// How many requests are in flight.
const REQUESTS: usize = 6;

struct Desk {
    process: Child,
    stdout: BufReader<ChildStdout>,
    address: String,
}

fn start(emulator: &Emulator, base_url: &str, records: &Path) -> Desk {
    let mut process = Command::new(env!("CARGO_BIN_EXE_support-desk"))
        .args([OsStr::new("127.0.0.1:0"), records.as_os_str()])
        .env("CLERK_API_URL", base_url)
        .env("CLERK_SECRET_KEY", emulator.secret_key().expose())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let address = line.trim().trim_start_matches("http://").to_owned();
    Desk { process, stdout, address }
}

/// A browser that may go away before it has its response.
fn impersonate(address: &str, leaves_after: Option<Duration>) {
    let body = r#"{"customer":"user_customer","reason":"an invoice"}"#;
    let Ok(mut stream) = TcpStream::connect(address) else { return };
    let head = [
        "POST /impersonations HTTP/1.1",
        "host: desk",
        "connection: close",
        "x-desk-engineer: user_engineer",
        "content-type: application/json",
        &format!("content-length: {}", body.len()),
    ];
    let _ = stream.write_all(format!("{}\r\n\r\n{body}", head.join("\r\n")).as_bytes());
    match leaves_after {
        Some(time) => thread::sleep(time),
        None => drop(stream.read_to_end(&mut Vec::new())),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_that_is_stopped_at_any_moment_leaves_no_token_that_no_one_knows_of() {
    let number = |name, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (trials, mut random) = (number("STOPS", 12), fastrand::Rng::with_seed(number("SEED", 7)));
    let (mut made, mut kept, mut printed) = (0, 0, 0);
    for trial in 0..trials {
        let emulator = Emulator::builder().real_time().build();
        let server = emulator.serve().await.unwrap();
        for _ in 0..REQUESTS {
            emulator.next_create().after_commit(fault::delay(Duration::from_millis(random.u64(0..30))));
        }
        let records = std::env::temp_dir().join(format!("support-desk-{}-{trial}.jsonl", std::process::id()));
        let mut desk = start(&emulator, &server.base_url().to_string(), &records);
        let browser = |leaves_after| {
            let address = desk.address.clone();
            thread::spawn(move || impersonate(&address, leaves_after))
        };
        let leaves = |random: &mut fastrand::Rng| random.bool().then(|| Duration::from_micros(random.u64(0..40_000)));
        let browsers: Vec<_> = (0..REQUESTS).map(|_| browser(leaves(&mut random))).collect();
        tokio::time::sleep(Duration::from_micros(random.u64(0..40_000))).await;
        kill_process(Pid::from_child(&desk.process), Signal::TERM).unwrap();

        let stopped = tokio::task::spawn_blocking(move || {
            let mut said = String::new();
            desk.process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            desk.stdout.read_to_string(&mut said).unwrap();
            (desk.process.wait().unwrap(), said)
        });
        let (ended, said) = stopped.await.unwrap();
        browsers.into_iter().for_each(|browser| browser.join().unwrap());

        let written = fs::read_to_string(&records).unwrap_or_default();
        let _ = fs::remove_file(&records);
        for token in emulator.live() {
            let id = token.id().as_str();
            let (is_kept, is_printed) = (written.contains(id), said.contains(id));
            assert!(is_kept || is_printed, "trial {trial}: {id} lives, and no one knows of it: {ended}, {said}");
            kept += usize::from(is_kept);
            printed += usize::from(!is_kept);
        }
        made += emulator.creates().len();
        // Faults that no request has met: these do.
        let met = emulator.requests().iter().filter(|request| request.path().ends_with("/actor_tokens")).count();
        for _ in met..REQUESTS {
            let _ = emulator.client().actor_tokens().create("user_1", Actor::new("user_2")).send().await;
        }
        server.shutdown().await;
    }
    let revoked = made - kept - printed;
    println!(
        "figure: stopped desks: {trials} stops, {made} tokens: {kept} kept, {revoked} revoked, {printed} printed, 0 lost"
    );
    assert!(made > 0);
}
