//! The main job over one transport. Beside this file is the same program over each of the others: one line differs.
//! `cargo run --example` and the name of the file runs it.
#![expect(clippy::print_stdout, reason = "it shows what happens")]

use clerk_actor_tokens::{Actor, Client, testing::emulator::Emulator};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().real_time().build();
    let server = emulator.serve().await?;

    let transport = clerk_actor_tokens::tower::TowerTransport::on_tokio(clerk_actor_tokens_examples::hyper_util());
    let clerk = Client::builder(transport, emulator.secret_key()).base_url(server.base_url()).build()?;
    let token = clerk.actor_tokens().create("user_customer", Actor::new("user_engineer")).send().await?;
    println!("made {}", token.id());
    clerk.actor_tokens().revoke(token.id()).send().await?;
    println!("revoked it");

    emulator.assert_live(0);
    server.shutdown().await;
    Ok(())
}
