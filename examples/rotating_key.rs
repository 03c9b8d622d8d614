//! A secret key that rotates: the client asks for it before each attempt.
//!
//! ```text
//! cargo run --example rotating_key
//! ```
#![expect(clippy::print_stdout, reason = "it shows what happens")]

use std::{error::Error, sync::Arc};

use clerk_actor_tokens::{Actor, Client, SecretKey, settings::credentials_fn, testing::emulator::Emulator};
use tokio::sync::RwLock;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let clerk = Emulator::new();

    // In place of a vault, which returns the current key without a restart.
    let vault = Arc::new(RwLock::new(SecretKey::new("sk_test_of_yesterday")?));
    let credentials = credentials_fn({
        let vault = Arc::clone(&vault);
        move || {
            let vault = Arc::clone(&vault);
            async move { Ok::<_, std::convert::Infallible>(vault.read().await.clone()) }
        }
    });
    let client = Client::new(clerk.clone(), credentials);
    let create = || client.actor_tokens().create("user_customer", Actor::new("user_agent"));

    if let Err(error) = create().send().await {
        println!("yesterday's key: {error}");
        assert!(error.is_unauthorized() && !error.is_ambiguous());
    }

    *vault.write().await = clerk.secret_key();
    let token = create().send().await?;
    println!("today's key: {} was made", token.id());

    // One call can bring a key of its own.
    let refused = create().credentials(SecretKey::new("sk_test_of_tomorrow")?).send().await;
    assert!(refused.is_err_and(|error| error.is_unauthorized()));
    assert_eq!(clerk.creates().len(), 1);
    Ok(())
}
