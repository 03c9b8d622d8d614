//! The main job over loopback HTTP, against the embedded emulator: no account, no key, no network.
//!
//! ```text
//! cargo run --example quickstart
//! ```
#![expect(clippy::print_stdout, reason = "it shows what happens")]

use std::{error::Error, time::Duration};

use clerk_actor_tokens::{
    Actor, Client,
    emulator::{Emulator, fault},
    hyper::HyperTransport,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Clerk, in this process, behind a loopback socket.
    let clerk = Emulator::builder().real_time().build();
    let server = clerk.serve().await?;
    println!("Clerk's emulator listens on {}", server.url());

    // With a real account the next statement is `hyper::client(SecretKey::from_env()?)?`.
    let client = Client::builder(HyperTransport::new()?, clerk.secret_key()).base_url(server.base_url()).build()?;
    let tokens = client.actor_tokens();

    println!("\n1. Create a token, for a support engineer to sign in as a customer");
    let actor = Actor::new("user_agent").with("reason", "cannot see the invoice");
    let token = tokens.create("user_customer", actor).expires_in(Duration::from_secs(300)).send().await?;
    println!("   id      {}", token.id());
    println!("   status  {}", token.status());
    if let (Some(created_at), Some(expires_at)) = (token.created_at(), token.expires_at()) {
        let seconds = (expires_at.as_millis() - created_at.as_millis()) / 1000;
        println!("   expires {seconds} s after it was made");
    }
    if let Some(url) = token.url() {
        println!("   link    {url:?} when printed, {} characters when exposed", url.expose().len());
    }

    println!("\n2. Revoke it, while nobody has used the link");
    let revocation = tokens.revoke(token.id()).send().await?;
    println!("   status  {}", revocation.token().map_or("unknown", |token| token.status().as_str()));

    println!("\n3. Revoke it again: it is revoked, so that is a success");
    println!("   {:?}", tokens.revoke(token.id()).send().await?);

    println!("\n4. Revoke a token whose link somebody has used");
    let used = tokens.create("user_customer", Actor::new("user_agent")).send().await?;
    clerk.accept(used.id())?;
    match tokens.revoke(used.id()).send().await {
        Ok(revocation) => println!("   {revocation:?}"),
        Err(error) => {
            println!("   {error}");
            if let Some(status) = error.token_status() {
                println!("   the token is {status}. {}", error.advice());
            }
        }
    }

    println!("\n5. Create a token, and lose the reply: Clerk acts, and the connection breaks");
    clerk.next_create().after_commit(fault::reset());
    if let Err(error) = tokens.create("user_customer", Actor::new("user_agent")).send().await {
        println!("   {error}");
        println!("   ambiguous: {}. {}", error.is_ambiguous(), error.advice());
    }

    println!("\n6. Create a token, and lose the end of the reply: the id had arrived");
    clerk.next_create().after_commit(fault::cut_at(200));
    if let Err(error) = tokens.create("user_customer", Actor::new("user_agent")).send().await {
        println!("   {error}");
        if let Some(id) = error.salvaged_id() {
            let revocation = tokens.revoke(id).send().await?;
            println!(
                "   so it can be revoked: {}",
                revocation.token().map_or("unknown", |token| token.status().as_str())
            );
        }
    }

    println!("\nClerk made {} tokens for 4 calls.", clerk.creates().len());
    Ok(())
}
