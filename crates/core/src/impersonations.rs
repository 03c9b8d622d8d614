//! Ending what actor tokens opened.

mod description;
mod end_error;
mod ended;
mod run;

use std::{fmt, time::Duration};

pub use self::{
    description::EndImpersonation,
    end_error::EndError,
    ended::{Ended, EndedSession, SessionEnd},
};
use crate::{
    actor_tokens::ActorTokenRecord, client::Client, error::Error, token_status::ActorTokenStatus,
    transport::HttpTransport,
};

/// The end of impersonations. [`Client::impersonations`] returns it.
///
/// ```
/// # use clerk_actor_tokens_core::{transport_fn, Client, Request, Response, SecretKey};
/// # let transport = transport_fn(|request: Request, _| async move {
/// #     Ok(Response::new(if request.uri().path() == "/v1/sessions" { r#"{"data":[]}"#.into() } else { "{}".into() })) });
/// # let clerk = Client::new(transport, SecretKey::new("sk_test_abc")?);
/// use std::time::Duration;
///
/// # pollster::block_on(async {
/// let ended = clerk.impersonations().end("user_customer").by("user_engineer").send().await?;
/// for session in ended.sessions() {
///     println!("{}: {:?}", session.id(), session.end());
/// }
/// println!("session tokens verify until {:?}", ended.tokens_verify_until(Duration::from_secs(5)));
/// # Ok::<(), clerk_actor_tokens_core::EndError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Impersonations<T: ?Sized = dyn HttpTransport> {
    client: Client<T>,
}

impl<T: HttpTransport + ?Sized> Client<T> {
    /// Returns the call that ends impersonations.
    #[must_use]
    pub fn impersonations(&self) -> Impersonations<T> {
        Impersonations { client: self.clone() }
    }
}

impl<T: HttpTransport + ?Sized> Impersonations<T> {
    /// Ends the sessions in which somebody is signed in as this user. Say whose with [`by`](Ending::by),
    /// [`stamp`](Ending::stamp) or [`any_actor`](Ending::any_actor).
    ///
    /// It revokes the [token](Ending::token) first, lists all sessions of the user, ends those that fit, and lists again, until
    /// a list shows none. A session of the user's own, which has no actor, is not touched.
    pub fn end(&self, user_id: impl Into<String>) -> Ending<T> {
        self.run(EndImpersonation::of(user_id))
    }

    /// Ends what a description says.
    pub fn run(&self, what: EndImpersonation) -> Ending<T> {
        Ending { client: self.client.clone(), what }
    }
}

impl<T: ?Sized> fmt::Debug for Impersonations<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Impersonations").finish_non_exhaustive()
    }
}

/// An end with its options. Nothing is sent before [`send`](Self::send).
#[must_use = "nothing is sent before `send`"]
pub struct Ending<T: ?Sized = dyn HttpTransport> {
    client: Client<T>,
    what: EndImpersonation,
}

impl<T: HttpTransport + ?Sized> Ending<T> {
    /// See [`EndImpersonation::by`].
    pub fn by(mut self, actor_sub: impl Into<String>) -> Self {
        self.what = self.what.by(actor_sub);
        self
    }

    /// See [`EndImpersonation::stamp`].
    pub fn stamp(mut self, key: impl Into<String>, stamp: impl Into<String>) -> Self {
        self.what = self.what.stamp(key, stamp);
        self
    }

    /// See [`EndImpersonation::any_actor`].
    pub fn any_actor(mut self) -> Self {
        self.what = self.what.any_actor();
        self
    }

    /// See [`EndImpersonation::token`].
    pub fn token(mut self, id: impl AsRef<str>) -> Self {
        self.what = self.what.token(id);
        self
    }

    /// See [`EndImpersonation::timeout`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.what = self.what.timeout(timeout);
        self
    }

    /// Ends them. `Ok` means that the last list, read to its end, had no live session that fits.
    ///
    /// Dropping the future ends it where it is: what was ended by then stays so, and a call in flight may yet take effect. It can be
    /// called again.
    ///
    /// # Errors
    /// [`EndError`] has what was ended, and what is known to be live.
    pub async fn send(self) -> Result<Ended, EndError> {
        run::end(&self.client, &self.what).await
    }
}

impl<T: ?Sized> fmt::Debug for Ending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ending").field("what", &self.what).finish_non_exhaustive()
    }
}

impl Error {
    /// Returns the call that ends the session of a link that was used: of the error of a revocation whose
    /// [`token_status`](Self::token_status) is `Accepted`. `None` of any other error.
    ///
    /// The record is that of the token: Clerk's answer names neither the user nor the actor.
    ///
    /// ```
    /// use clerk_actor_tokens_core::{ActorTokenRecord, Client, EndError, Error};
    ///
    /// async fn take_back(clerk: &Client, record: &ActorTokenRecord) -> Result<(), Box<dyn std::error::Error>> {
    ///     let Err(error) = clerk.actor_tokens().revoke(record.id()).send().await else { return Ok(()) };
    ///     match error.end_session(record) {
    ///         Some(end) => drop(clerk.impersonations().run(end).send().await?),
    ///         None => return Err(error.into()),
    ///     }
    ///     Ok(())
    /// }
    /// # let _ = take_back;
    /// ```
    #[must_use]
    pub fn end_session(&self, record: &ActorTokenRecord) -> Option<EndImpersonation> {
        (self.token_status() == Some(ActorTokenStatus::Accepted)).then(|| EndImpersonation::of_token(record))
    }
}
