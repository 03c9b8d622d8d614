//! What the environment says is not asked: a process of its own, with variables that name a proxy.
//!
//! The process is the test itself once more. A variable of a process that has threads cannot be set, so it is set for
//! another.

use std::{
    env,
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::row::{BOOK, Make, Planned, whole};
use crate::{
    race::holds,
    server::{Act, Server},
    stage::{Checked, Otherwise, Stage, demand, fail},
};

/// Where the child sends its request. Set in the child alone.
const SEND_TO: &str = "CLERK_ACTOR_TOKENS_CONFORMANCE_SEND_TO";

/// What clients read proxies from (there is no standard; curl's manual lists these).
const PROXIES: [&str; 6] = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// How long the child may take: it is a whole test program that starts.
const PATIENCE: Duration = Duration::from_secs(60);

/// The cell; `test` is the name of the test that runs the kit.
pub(super) fn cell(test: Option<&str>) -> Planned {
    let test = test.map(str::to_owned);
    Planned {
        name: "environment.proxy".into(),
        demand: "A proxy that only the environment names is not used",
        source: BOOK,
        check: Box::new(move || {
            let test = test.clone();
            Box::pin(async move {
                match test {
                    Some(test) => proxy(&test).await,
                    None => Err(Otherwise::NotApplicable(
                        "the kit does not know its test: name it with `Kit::test_name`".into(),
                    )),
                }
            })
        }),
    }
}

/// What the child does instead of the cells. `None` where this is no child.
pub(crate) fn as_child(make: &Make) -> Option<clerk_actor_tokens_core::BoxFuture<'static, ()>> {
    let origin = env::var(SEND_TO).ok()?;
    let make = make.clone();
    Some(Box::pin(async move {
        let stage = Stage::new(make());
        if let Ok(sent) = stage.post_to(&format!("{origin}/v1/actor_tokens")) {
            // How it ends says where it went: to the server, or to the proxy.
            let _ = stage.attempt(sent).await;
        }
    }))
}

/// Ends the child with the cell.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn proxy(test: &str) -> Checked {
    let answer = || Act::Write(whole("200 OK", b"").into());
    let (server, proxy) = (Server::acting([answer()])?, Server::acting([answer()])?);
    let mut command = Command::new(env::current_exe()?);
    command.args(["--exact", test, "--nocapture"]);
    for name in ["no_proxy", "NO_PROXY", "REQUEST_METHOD"] {
        command.env_remove(name);
    }
    for name in PROXIES {
        command.env(name, format!("http://{}", proxy.address()));
    }
    command.env(SEND_TO, format!("http://{}", server.address()));
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let _child = Ended(child);
    let arrived = holds(PATIENCE, || !server.seen().is_empty() || proxy.connections() > 0).await;
    demand(proxy.connections() == 0, || "it connected to the proxy".into())?;
    if !arrived {
        return fail(format!("the test `{test}` sent nothing in a process of its own: is that its whole name?"));
    }
    Ok(())
}
