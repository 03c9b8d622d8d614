//! What a client is set up with: credentials, the API version, the retry budget.

#[doc(inline)]
pub use clerk_actor_tokens_core::{
    ApiVersion, BaseUrlBuilder, CredentialError, CredentialProvider, InvalidKey, RetryBudget, credentials_fn,
};
