//! The README's promises about itself: its unit test runs, and is as short as it says; so are its middleware.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic; clippy's own exception does not reach helpers of integration tests"
)]

use std::{fs, path::Path};

// The README's code and its unit test, to the letter: `the_code_and_its_test_here_are_the_readmes` compares them.
mod app {
    use clerk_actor_tokens::{Actor, Client, Error, SignInUrl};
    use std::time::Duration;

    /// A link with which `agent` signs in as `customer`, for five minutes.
    async fn sign_in_link(clerk: &Client, customer: &str, agent: &str) -> Result<Option<SignInUrl>, Error> {
        let token = clerk
            .actor_tokens()
            .create(customer, Actor::new(agent))
            .expires_in(Duration::from_secs(300))
            .send()
            .await?;
        Ok(token.url().cloned()) // prints as SignInUrl(redacted); `expose()` gives the text
    }

    #[expect(dead_code, reason = "compiled, and not called: it wants a key from the environment")]
    fn connect() -> Result<Client, Box<dyn std::error::Error>> {
        use clerk_actor_tokens::{SecretKey, hyper};
        Ok(hyper::client(SecretKey::from_env()?)?.erase()) // CLERK_SECRET_KEY
    }

    #[cfg(test)]
    mod tests {
        use super::sign_in_link;
        use clerk_actor_tokens::testing::emulator::{Emulator, fault};

        #[tokio::test]
        async fn a_lost_reply_is_reported_and_not_sent_again() {
            let clerk = Emulator::new();
            clerk.next_create().after_commit(fault::stall());
            let error = sign_in_link(&clerk.client().erase(), "user_customer", "user_agent").await.unwrap_err();
            assert!(error.is_ambiguous());
            clerk.assert_creates(1);
            clerk.assert_orphans(1);
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// The Rust snippet under a heading of the README.
fn snippet(heading: &str) -> String {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let section = readme.split(&format!("\n## {heading}\n")).nth(1).unwrap();
    section.split("```rust\n").nth(1).unwrap().split("```").next().unwrap().to_owned()
}

#[test]
fn the_code_and_its_test_here_are_the_readmes() {
    let here = include_str!("readme.rs").split("mod app {").nth(1).unwrap().split("\n}\n").next().unwrap();
    let is_code = |line: &&str| !line.starts_with("#[expect(");
    let tidy = |text: &str| lines(text).into_iter().filter(is_code).collect::<String>().replace([' ', ','], "");
    assert_eq!(tidy(here), tidy(&[snippet("Use it"), snippet("Test without a network")].concat()));
}

#[test]
fn a_unit_test_is_at_most_10_lines_and_a_middleware_at_most_8() {
    let unit_test = snippet("Test without a network");
    let test = unit_test.split("#[tokio::test]").nth(1).unwrap().split("\n    }\n").next().unwrap();
    let attribute_and_closing_brace = 2;
    assert!(lines(test).len() + attribute_and_closing_brace <= 10, "{unit_test}");

    let function = snippet("Write a middleware");
    assert!(lines(&function)[1..].len() <= 4, "{function}");

    let example = fs::read_to_string(root().join("examples/custom_middleware.rs")).unwrap();
    let implementation = example.split("#[async_trait]").nth(1).unwrap().split("\n}\n").next().unwrap();
    assert!(lines(implementation).len() < 8, "{implementation}");
}

#[test]
fn every_file_that_the_readme_links_is_there() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let links = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let local: Vec<_> = links.filter(|link| !link.starts_with("http")).collect();
    assert!(local.len() > 5);
    for link in local {
        assert!(root().join(link).exists(), "{link}");
    }
}
