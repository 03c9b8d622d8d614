//! A server on a thread of its own: it depends on no runtime, and nothing of it is left when it has stopped.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{LazyLock, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use crate::support::until;
use clerk_actor_tokens_core::{SystemTimer, Timer as _};
use clerk_actor_tokens_emulator::{Emulator, Served, fault};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    runtime::{Builder, Runtime},
};

/// A bound, so that a test that would hang fails. Nothing is measured with it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs something on a thread of its own, and fails if it does not come to an end. One at a time, because the servers'
/// threads are counted: those that it started have ended when it returns, but for so many that stay.
fn in_time_but(staying: usize, act: impl FnOnce() + Send + 'static) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (end, ended) = mpsc::channel();
    let after = if cfg!(target_os = "linux") { threads() + staying } else { 0 };
    thread::spawn(move || {
        act();
        // A thread ends a moment after its server has.
        until(|| threads() == after);
        end.send(())
    });
    ended.recv_timeout(3 * PATIENCE).expect("it panicked, or it did not end");
}

fn in_time(act: impl FnOnce() + Send + 'static) {
    in_time_but(0, act);
}

/// How many threads serve. Only Linux shows their names.
fn threads() -> usize {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return 0 };
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim_end() == "clerk-emulator").count()
}

fn real() -> Emulator {
    Emulator::builder().real_time().build()
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn address(served: &Served) -> SocketAddr {
    served.url().strip_prefix("http://").unwrap().parse().unwrap()
}

/// The port is closed.
fn is_closed(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_err()
}

fn create(user: &str) -> String {
    let body = format!(r#"{{"user_id":"{user}","actor":{{"sub":"user_agent"}}}}"#);
    format!(
        "POST /v1/actor_tokens HTTP/1.1\r\nhost: emulator\r\nauthorization: Bearer sk_test_emulator\r\n\
         content-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn assert_created(answer: &str) {
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// Creates a token in the runtime that polls this. The bound is in real time, whatever that runtime's clock does.
async fn creates(address: SocketAddr, user: &str) {
    let exchange = async {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(create(user).as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert_created(&answer);
    };
    tokio::select! {
        () = exchange => {}
        () = SystemTimer.sleep(PATIENCE) => panic!("no answer for {user}"),
    }
}

/// Creates a token without a runtime.
fn creates_blocking(address: SocketAddr, user: &str) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(create(user).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_created(&answer);
}

#[test]
fn one_in_a_static_outlives_every_runtime_and_serves_every_thread() {
    in_time_but(1, || {
        static CLERK: LazyLock<Served> = LazyLock::new(|| real().serve_detached().unwrap());

        // The first use is inside a runtime that ends.
        one_thread().block_on(async { creates(address(&CLERK), "user_first").await });
        let several = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        several.block_on(async { tokio::spawn(creates(address(&CLERK), "user_several")).await.unwrap() });
        drop(several);
        let paused = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        paused.block_on(creates(address(&CLERK), "user_paused"));
        drop(paused);
        thread::scope(|scope| {
            for user in ["user_a", "user_b", "user_c"] {
                scope.spawn(move || one_thread().block_on(creates(address(&CLERK), user)));
            }
            scope.spawn(|| creates_blocking(address(&CLERK), "user_blocking"));
        });

        let clerk = CLERK.emulator();
        let mut users: Vec<_> = clerk.creates().iter().map(|token| token.user_id().to_owned()).collect();
        users.sort();
        let all = ["user_a", "user_b", "user_blocking", "user_c", "user_first", "user_paused", "user_several"];
        assert_eq!(users, all);
        assert_eq!(CLERK.connections(), all.len());
        clerk.assert_orphans(0);
        clerk.assert_faults_used();
    });
}

#[test]
fn it_starts_without_a_runtime_and_within_one_that_has_one_thread() {
    in_time(|| {
        let served = real().serve_detached().unwrap();
        creates_blocking(address(&served), "user_1");
        drop(served);

        one_thread().block_on(async {
            let served = real().serve_detached().unwrap();
            creates(address(&served), "user_1").await;
            served.emulator().assert_creates(1);
            served.shutdown().await;
        });
    });
}

#[test]
fn it_stops_with_its_thread_however_it_is_let_go() {
    in_time(|| {
        type LetGo = fn(Served);
        let ways: [(&str, bool, LetGo); 4] = [
            ("dropped", false, drop),
            ("dropped in a task", false, |served| {
                one_thread().block_on(async { tokio::spawn(async move { drop(served) }).await.unwrap() });
            }),
            ("shut down without a runtime", true, |served| pollster::block_on(served.shutdown())),
            ("shut down in a runtime", true, |served| one_thread().block_on(served.shutdown())),
        ];
        for (way, waits, let_go) in ways {
            let before = threads();
            let clerk = real();
            clerk.next_create().after_commit(fault::stall());
            let served = clerk.serve_detached().unwrap();
            if cfg!(target_os = "linux") {
                assert_eq!(threads(), before + 1, "{way}");
            }
            let address = address(&served);
            let mut stalled = TcpStream::connect(address).unwrap();
            stalled.set_read_timeout(Some(PATIENCE)).unwrap();
            stalled.write_all(create("user_1").as_bytes()).unwrap();
            until(|| clerk.creates().len() == 1);

            let_go(served);
            if waits {
                assert!(is_closed(address), "{way}");
            }
            until(|| is_closed(address));
            let mut rest = Vec::new();
            // With an end or with a reset, but not because nothing happens.
            if let Err(error) = stalled.read_to_end(&mut rest) {
                assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{way}");
            }
            assert_eq!(rest, b"", "{way}");
            until(|| threads() == before);
        }
    });
}

#[test]
fn what_start_refuses_is_refused_in_the_same_words_and_leaves_no_thread() {
    in_time(|| {
        let before = threads();
        let runtime = one_thread();
        let other = runtime.block_on(real().serve()).unwrap();
        let port = address(&other).port();
        for (clerk, kind) in [(real(), io::ErrorKind::AddrInUse), (Emulator::new(), io::ErrorKind::InvalidInput)] {
            let server = clerk.server().port(port);
            let expected = runtime.block_on(server.clone().start()).unwrap_err();
            assert_eq!(expected.kind(), kind);
            let detached = server.clone().start_detached().unwrap_err();
            assert_eq!((detached.kind(), detached.to_string()), (kind, expected.to_string()));
            // It is the same in an async task.
            let detached = runtime.block_on(async { server.start_detached() }).unwrap_err();
            assert_eq!((detached.kind(), detached.to_string()), (kind, expected.to_string()));
        }
        until(|| threads() == before);
    });
}

#[test]
fn an_unused_fault_is_told_where_the_server_was_to_start() {
    in_time(|| {
        let (server, taken) = {
            let clerk = real();
            clerk.next_create().before_send(fault::refused());
            let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            // The server has the emulator's last handle.
            (clerk.server().port(taken.local_addr().unwrap().port()), taken)
        };
        let panic = catch_unwind(AssertUnwindSafe(|| server.start_detached())).unwrap_err();
        let report = panic.downcast_ref::<String>().unwrap();
        assert!(report.contains("queued and never happened"), "{report}");
        drop(taken);
    });
}
