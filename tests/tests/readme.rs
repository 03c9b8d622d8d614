//! The README's promises about itself: its length, and that each of its snippets is compiled and run as it is printed.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic; clippy's own exception does not reach helpers of integration tests"
)]

use std::{fs, path::Path};

/// The README's functions, to the letter: `each_snippet_is_here_or_an_example` compares them.
mod printed {
    pub(crate) mod errors {
        use clerk_actor_tokens::{Error, Execution};

        /// What a failed creation left behind.
        pub(crate) fn explain(error: &Error) -> String {
            match error.execution() {
                Execution::NotExecuted => format!("no token was made: {error}. {}", error.advice()),
                Execution::Executed | Execution::Unknown => match error.salvaged_id() {
                    Some(id) => format!("a token was made and its link is lost: revoke {id}"),
                    None => format!("a token may exist that cannot be looked up: {error}. {}", error.advice()),
                },
            }
        }
    }

    mod tests {
        use clerk_actor_tokens::{
            Actor,
            testing::emulator::{Emulator, fault},
        };

        #[tokio::test]
        async fn a_lost_response_is_reported_and_not_sent_again() {
            let emulator = Emulator::new();
            emulator.next_create().after_commit(fault::stall());
            let call = emulator.client().actor_tokens().create("user_customer", Actor::new("user_engineer")).send();
            assert!(call.await.unwrap_err().is_ambiguous()); // it times out: 30 s of virtual time, no real time
            emulator.assert_creates(1);
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// The Rust snippets, in order.
fn snippets(readme: &str) -> Vec<&str> {
    let begun = readme.split("```rust").skip(1).map(|rest| rest.split_once('\n').unwrap().1);
    begun.map(|rest| rest.split("```").next().unwrap()).collect()
}

/// Without what rustfmt or a module around it changes.
fn tidy(code: &str) -> String {
    code.replace("pub(crate) ", "").split_whitespace().collect::<String>().replace([',', '{', '}'], "")
}

#[test]
fn each_snippet_is_here_or_an_example() {
    let readme = readme();
    let [main, explain, unit_test] = snippets(&readme)[..] else { panic!("a snippet that is compared with nothing") };
    let example = fs::read_to_string(root().join("examples/first_token.rs")).unwrap();
    assert!(example.ends_with(&format!("\n{main}")), "the README's program is examples/first_token.rs");
    let here = tidy(include_str!("readme.rs").split("mod printed {").nth(1).unwrap().split("\n}\n").next().unwrap());
    for snippet in [explain, unit_test] {
        assert!(here.contains(&tidy(snippet)), "{snippet}");
    }
}

#[tokio::test]
async fn what_explains_an_error_says_what_it_left_behind() {
    use clerk_actor_tokens::{
        Actor,
        testing::emulator::{Emulator, fault},
    };
    let clerk = Emulator::new();
    let client = clerk.client();
    let create = |user: &str| client.actor_tokens().create(user, Actor::new("user_agent")).send();
    let explain = printed::errors::explain;
    assert!(explain(&create("").await.unwrap_err()).starts_with("no token was made: "));
    clerk.next_create().after_commit(fault::cut_at(400));
    let id = create("user_customer").await.unwrap_err();
    assert!(explain(&id).ends_with(&format!("revoke {}", clerk.creates()[0].id())), "{}", explain(&id));
    clerk.next_create().after_commit(fault::stall());
    assert!(explain(&create("user_customer").await.unwrap_err()).starts_with("a token may exist"));
}

/// As the README's `main` does: the job in a function of its own, and `close` behind it.
#[test]
fn a_program_of_this_shape_leaves_nothing_behind_where_its_job_fails() {
    use clerk_actor_tokens::{Actor, Client, hyper::HyperTransport, testing::emulator::Emulator};
    use tokio::runtime::Builder;

    async fn sign_in(clerk: &Client) -> Result<(), Box<dyn std::error::Error>> {
        let _held = clerk.actor_tokens().create("user_customer", Actor::new("user_engineer")).hold().await?;
        Err("the database is down".into())
    }

    // The server's runtime outlives the program's.
    let serving = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let emulator = Emulator::builder().real_time().build();
    let server = serving.block_on(emulator.serve()).unwrap();
    for mut program in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let transport = HyperTransport::builder().http_only().build().unwrap();
        let builder = Client::builder(transport, emulator.secret_key()).base_url(server.base_url());
        let clerk = builder.build().unwrap().erase();
        let program = program.enable_all().build().unwrap();
        let closed = program.block_on(async {
            assert!(sign_in(&clerk).await.is_err());
            clerk.close(std::time::Duration::from_secs(30)).await
        });
        drop(program);
        assert!(closed.is_clean() && closed.held().is_empty(), "{closed:?}");
        emulator.assert_live(0);
    }
    emulator.assert_creates(2);
}

#[test]
fn it_is_read_in_a_minute() {
    let readme = readme();
    let lines: Vec<&str> = readme.lines().collect();
    assert!(lines.len() <= 110, "{} lines", lines.len());
    let begun = lines.iter().position(|line| line.starts_with("async fn main()")).unwrap();
    let ended = begun + lines[begun..].iter().position(|line| *line == "}").unwrap();
    assert!(ended < 30, "the whole `main` is above line 30: {ended}");
}

#[test]
fn a_middleware_is_at_most_8_lines() {
    let example = fs::read_to_string(root().join("examples/custom_middleware.rs")).unwrap();
    let implementation = example.split("#[async_trait]").nth(1).unwrap().split("\n}\n").next().unwrap();
    assert!(implementation.lines().filter(|line| !line.trim().is_empty()).count() < 8, "{implementation}");
}
