//! How an application tests its own code: at the level of its domain, at the level of HTTP, and against the emulator.
//!
//! ```text
//! cargo run --example unit_test_with_mock     # what the code under test does
//! cargo test --example unit_test_with_mock    # its tests
//! ```
#![expect(clippy::print_stdout, reason = "it shows what happens")]

use clerk_actor_tokens::{
    Actor, ActorTokenStatus, ActorTokensApi, CreateActorToken, Error, SignInUrl, testing::emulator::Emulator,
};

/// The code under test: a support desk that hands out sign-in links.
struct SupportDesk {
    clerk: Box<dyn ActorTokensApi>,
}

/// What the desk reports to its engineer.
enum Link {
    Ready(Option<SignInUrl>),
    UnknownCustomer,
    /// A link may exist that no caller holds.
    AskSecurity(String),
    Failed(String),
}

impl SupportDesk {
    async fn link(&self, customer: &str, engineer: &str) -> Link {
        match self.clerk.create(CreateActorToken::new(customer, Actor::new(engineer))).await {
            Ok(token) => Link::Ready(token.url().cloned()),
            Err(error) if error.is_ambiguous() => Link::AskSecurity(error.to_string()),
            Err(error) if error.is_not_found() => Link::UnknownCustomer,
            Err(error) => Link::Failed(error.to_string()),
        }
    }

    /// Whether the link can no longer be used.
    async fn take_back(&self, id: &str) -> Result<bool, Error> {
        let Ok(id) = id.parse() else { return Ok(true) };
        match self.clerk.revoke(id).await {
            Ok(_) => Ok(true),
            Err(error) if error.token_status() == Some(ActorTokenStatus::Accepted) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let clerk = Emulator::builder().users(["user_customer"]).build();
    let desk = SupportDesk { clerk: Box::new(clerk.client()) };
    for customer in ["user_customer", "user_nobody"] {
        match desk.link(customer, "user_agent").await {
            Link::Ready(url) => println!("{customer}: {url:?}"),
            Link::UnknownCustomer => println!("{customer}: no such customer"),
            Link::AskSecurity(why) | Link::Failed(why) => println!("{customer}: {why}"),
        }
    }
    for token in clerk.live() {
        println!("{} can no longer be used: {}", token.id(), desk.take_back(token.id().as_str()).await?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clerk_actor_tokens::{
        Client, SecretKey,
        testing::{
            emulator::fault,
            mock::{Answer, MockActorTokensApi, ScriptedTransport, create_request, responses},
        },
        transport::TransportErrorKind,
    };

    // At the level of the domain: no HTTP in sight.
    #[tokio::test]
    async fn an_ambiguous_failure_goes_to_security() {
        let mut clerk = MockActorTokensApi::new();
        clerk
            .expect_create()
            .times(1)
            .returning(|_| Err(Error::from_transport(&CreateActorToken::INFO, TransportErrorKind::Interrupted.into())));
        let desk = SupportDesk { clerk: Box::new(clerk) };
        assert!(matches!(desk.link("user_customer", "user_agent").await, Link::AskSecurity(_)));
    }

    // At the level of HTTP: which request goes out, and what a given answer becomes.
    #[tokio::test]
    async fn the_customer_and_the_engineer_are_sent_and_a_plan_error_is_told() {
        let transport = ScriptedTransport::new()
            .expect(create_request().user_id("user_customer").actor_sub("user_agent"), Answer::echo())
            .expect(create_request(), responses::clerk_error(402, "unsupported_subscription_plan_features"));
        let key = SecretKey::new("sk_test_abc").unwrap();
        let desk = SupportDesk { clerk: Box::new(Client::new(transport.clone(), key)) };
        assert!(matches!(desk.link("user_customer", "user_agent").await, Link::Ready(Some(_))));
        assert!(matches!(desk.link("user_customer", "user_agent").await, Link::Failed(_)));
        transport.assert_done();
    }

    // Against Clerk's behaviour: a used link cannot be revoked.
    #[tokio::test]
    async fn a_used_link_is_not_taken_back() {
        let clerk = Emulator::new();
        let desk = SupportDesk { clerk: Box::new(clerk.client()) };
        let _ = desk.link("user_customer", "user_agent").await;
        let id = clerk.live().first().unwrap().id().clone();
        clerk.accept(&id).unwrap();
        assert!(!desk.take_back(id.as_str()).await.unwrap());
    }

    // And with a fault: Clerk acts, and its answer never comes. No second is waited for.
    #[tokio::test]
    async fn a_lost_link_goes_to_security_and_no_second_one_is_made() {
        let clerk = Emulator::new();
        clerk.next_create().after_commit(fault::stall());
        let desk = SupportDesk { clerk: Box::new(clerk.client()) };
        assert!(matches!(desk.link("user_customer", "user_agent").await, Link::AskSecurity(_)));
        clerk.assert_creates(1);
    }
}
