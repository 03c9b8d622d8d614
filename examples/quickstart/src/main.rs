//! The main job over loopback HTTP, against the embedded emulator: no account, no key, no network.
//!
//! ```text
//! cargo run -p quickstart
//! ```
#![expect(clippy::print_stdout, reason = "it shows what happens")]

use std::{error::Error, time::Duration};

use clerk_actor_tokens::{
    Actor, Client,
    hyper::HyperTransport,
    testing::emulator::{Emulator, fault},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Clerk, in this process, behind a loopback socket.
    let clerk = Emulator::builder().real_time().build();
    let server = clerk.serve().await?;
    println!("Clerk's emulator listens on {}", server.url());

    // With a real account, `clerk_actor_tokens::client_from_env()?` makes the client.
    let transport = HyperTransport::builder().http_only().build()?;
    let client = Client::builder(transport, clerk.secret_key()).base_url(server.base_url()).build()?;
    let tokens = client.actor_tokens();

    println!("\n1. Create a token, and hold it until it is written down");
    let actor = Actor::new("user_agent").with("reason", "cannot see the invoice");
    let held = tokens.create("user_customer", actor).expires_in(Duration::from_secs(300)).hold().await?;
    println!("   id      {}", held.id());
    println!("   status  {}", held.status());
    // Here a backend writes `held.record()` into its database. If that fails, the drop of `held` revokes the token.
    let token = held.keep().await?;
    if let Some(expires_at) = token.expires_at() {
        println!("   expires at {} ms", expires_at.as_millis());
    }
    if let Some(url) = token.url() {
        println!("   link    {url:?} when printed, {} characters when exposed", url.expose().len());
    }

    println!("\n2. Revoke it, while the link is unused");
    let revocation = tokens.revoke(token.id()).send().await?;
    println!("   status  {}", revocation.token().map_or("unknown", |token| token.status().as_str()));

    println!("\n3. Revoke it again: it is revoked, so that is a success");
    println!("   {:?}", tokens.revoke(token.id()).send().await?);

    println!("\n4. Revoke a token whose link was used");
    let used = tokens.create("user_customer", Actor::new("user_agent")).send().await?;
    clerk.accept(used.id())?;
    match tokens.revoke(used.id()).send().await {
        Ok(revocation) => println!("   {revocation:?}"),
        Err(error) => {
            println!("   {error}");
            println!("   {}", error.advice());
            if let Some(end) = error.end_session(used.record()) {
                let ended = client.impersonations().run(end).send().await?;
                println!("   sessions ended: {}", ended.sessions().len());
            }
        }
    }

    println!("\n5. Create a token, and lose the response: Clerk acts, and the connection breaks");
    clerk.next_create().after_commit(fault::reset());
    if let Err(error) = tokens.create("user_customer", Actor::new("user_agent")).send().await {
        println!("   {error}");
        println!("   ambiguous: {}. {}", error.is_ambiguous(), error.advice());
    }

    println!("\n6. Create a token, and lose the end of the response: the id had arrived");
    clerk.next_create().after_commit(fault::cut_at(200));
    if let Err(error) = tokens.create("user_customer", Actor::new("user_agent")).send().await {
        println!("   {error}");
        if let Some(id) = error.salvaged_id() {
            let revocation = tokens.revoke(id).send().await?;
            let status = revocation.token().map_or("unknown", |token| token.status().as_str());
            println!("   so it can be revoked: {status}");
        }
    }

    println!("\nClerk made {} tokens for 4 calls of `create`.", clerk.creates().len());
    // A program that holds tokens waits here for the revocations of those that it dropped.
    println!("Left behind: {}.", client.close(Duration::from_secs(30)).await.orphan_count());
    Ok(())
}
