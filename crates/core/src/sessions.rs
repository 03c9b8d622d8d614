//! Sessions: the handle that lists, reads and ends them, the three operations, and what they return.

mod answer;
mod get;
mod list;
mod pages;
mod revoke;
mod session;
mod session_id;
mod session_status;

use std::fmt;

pub use self::{
    get::GetSession,
    list::ListSessions,
    pages::SessionPages,
    revoke::RevokeSession,
    session::{Session, SessionActivity},
    session_id::SessionId,
    session_status::SessionStatus,
};
use crate::{call::Call, client::Client, transport::HttpTransport};

/// The calls about sessions. [`Client::sessions`] returns them. To end what an actor token opened,
/// [`Impersonations::end`](crate::Impersonations::end) is the call: it finds the sessions too.
///
/// ```
/// # use clerk_actor_tokens_core::{transport_fn, Client, Response, SecretKey};
/// # let transport = transport_fn(|_, _| async { Ok(Response::new(r#"{"data":[{"object":"session","id":"sess_1",
/// #     "user_id":"user_customer","client_id":"client_1","status":"active","actor":{"sub":"user_agent"}}]}"#.into())) });
/// # let clerk = Client::new(transport, SecretKey::new("sk_test_abc")?);
/// # pollster::block_on(async {
/// for session in clerk.sessions().pages("user_customer").all().await? {
///     println!("{} is {}, by {:?}", session.id(), session.status(), session.actor());
/// }
/// # Ok::<(), clerk_actor_tokens_core::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Sessions<T: ?Sized = dyn HttpTransport> {
    client: Client<T>,
}

impl<T: HttpTransport + ?Sized> Client<T> {
    /// Returns the calls about sessions.
    #[must_use]
    pub fn sessions(&self) -> Sessions<T> {
        Sessions { client: self.clone() }
    }
}

impl<T: HttpTransport + ?Sized> Sessions<T> {
    /// Returns one page of the sessions in which somebody is signed in as this user, the newest first: 100, unless
    /// [`ListSessions::limit`] says otherwise.
    pub fn list(&self, user_id: impl Into<String>) -> Call<ListSessions, T> {
        self.client.execute(ListSessions::of_user(user_id))
    }

    /// Returns all sessions in which somebody is signed in as this user, page by page.
    pub fn pages(&self, user_id: impl Into<String>) -> SessionPages<T> {
        self.pages_of(ListSessions::of_user(user_id))
    }

    /// Returns all pages of a list, from its offset on. Pages of one are read as pages of two, so that they can be joined.
    pub fn pages_of(&self, list: ListSessions) -> SessionPages<T> {
        SessionPages::new(self.client.clone(), list)
    }

    /// Returns one session.
    pub fn get(&self, id: impl AsRef<str>) -> Call<GetSession, T> {
        self.client.execute(GetSession::new(id))
    }

    /// Ends one session. `Ok` means that it is over, by this call or before it. Clerk may also refuse a session that is over, with
    /// a 400 or a 404: that is an error here.
    ///
    /// Session tokens that Clerk has issued already are valid until they expire: 60 seconds after their issue by default.
    pub fn revoke(&self, id: impl AsRef<str>) -> Call<RevokeSession, T> {
        self.client.execute(RevokeSession::new(id))
    }
}

/// The options of a list.
impl<T: HttpTransport + ?Sized> Call<ListSessions, T> {
    /// See [`ListSessions::status`].
    pub fn status(self, status: SessionStatus) -> Self {
        self.map(|list| list.status(status))
    }

    /// See [`ListSessions::client`].
    pub fn client(self, client_id: impl Into<String>) -> Self {
        self.map(|list| list.client(client_id))
    }

    /// See [`ListSessions::limit`].
    pub fn limit(self, limit: u32) -> Self {
        self.map(|list| list.limit(limit))
    }

    /// See [`ListSessions::offset`].
    pub fn offset(self, offset: u32) -> Self {
        self.map(|list| list.offset(offset))
    }
}

impl<T: ?Sized> Clone for Sessions<T> {
    fn clone(&self) -> Self {
        Self { client: self.client.clone() }
    }
}

impl<T: ?Sized> fmt::Debug for Sessions<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}
