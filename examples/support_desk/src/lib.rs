//! A support desk: an engineer signs in as a customer by a link that is handed out once, and each token is written down
//! before that.
//!
//! | request | what it does | response |
//! | --- | --- | --- |
//! | `POST /impersonations` `{"customer": "user_...", "reason": "..."}` | makes a token | 201 `{"id": "act_...", "url": "https://..."}` |
//! | `GET /impersonations` | lists what was written down | 200 `{"tokens": [{"id": ..., "actor": ...}], "doubts": [...]}` |
//! | `DELETE /impersonations/{id}` | revokes one, or ends its session | 200 `{"outcome": "revoked"}` |
//!
//! Copy it, and put your sign-in into `engineer.rs` and your database into `records.rs`.

mod engineer;
mod failure;
mod records;
mod routes;

pub use crate::{
    records::{Doubt, Record, Records},
    routes::routes,
};

use clerk_actor_tokens::Client;

/// What all requests share.
#[derive(Clone, Debug)]
pub struct Desk {
    /// The client, made once.
    pub clerk: Client,
    /// What was written down.
    pub records: Records,
}
