//! The id of a session, which is safe in a path, in a log and in a database.

use crate::clerk_id::id_type;

id_type! {
    /// The id of a session: 1 to 255 of `A-Z a-z 0-9 _ -`. It is no secret, and is shown whole.
    ///
    /// ```
    /// use clerk_actor_tokens_core::SessionId;
    ///
    /// let id = SessionId::new("sess_2ABC")?;
    /// assert_eq!(id.to_string().parse(), Ok(id));
    /// assert_eq!(SessionId::new("../users").unwrap_err().field(), "session_id");
    /// # Ok::<(), clerk_actor_tokens_core::InvalidRequest>(())
    /// ```
    SessionId, "session_id"
}
