//! Faults of Clerk's own answer, after the commit: it comes in part, slowly, or changed.
//!
//! Not all of them harm. A byte order mark, a charset, spaces behind the object or a slow body that comes in time leave
//! an answer that a client should read.
//!
//! In a list of sessions a change of one object is one of the newest session. Members of the page itself are `data` and
//! `total_count`.

use std::{borrow::Cow, time::Duration};

use super::{Action, Change, Fault, Replying, answers::header};

/// The id in an answer to somebody else's request.
pub(crate) const ANOTHER_ID: &str = "act_000000000000000000000000000";

/// The id of a session in an answer to somebody else's request.
pub(crate) const ANOTHER_SESSION: &str = "sess_000000000000000000000000000";

/// The user or the actor in an answer to somebody else's request.
pub(crate) const ANOTHER: &str = "user_of_another_request";

/// What [`bad_id`] says.
pub(crate) const BAD_ID: &str = "../users";

fn changed(change: Change) -> Fault<Replying> {
    Fault::new(Action::Change(change))
}

/// Clerk's answer breaks off after the head and `bytes` bytes of the body. At or past its end nothing is cut, and the
/// fault counts as one that did not happen: the whole answer has arrived by then.
pub fn cut_at(bytes: usize) -> Fault<Replying> {
    Fault::new(Action::CutAt(bytes))
}

/// Clerk's answer stops after the head and `bytes` bytes of the body, and the connection stays open. At or past its
/// end nothing is missing, and the fault counts as one that did not happen: the whole answer has arrived by then.
pub fn stall_at(bytes: usize) -> Fault<Replying> {
    Fault::new(Action::Stall(Some(bytes)))
}

/// The body of Clerk's answer takes this long, its bytes spread evenly. If the deadline comes first, a part has arrived.
pub fn slow_body(takes: Duration) -> Fault<Replying> {
    Fault::new(Action::Slow(takes))
}

/// Clerk's answer is no JSON: it has a comma too many, at its end.
pub fn malformed() -> Fault<Replying> {
    changed(Change::Malformed)
}

/// Clerk's answer lacks this member. If it had none, the fault counts as one that did not happen; so it is with the
/// faults below that name one.
pub fn without(field: impl Into<Cow<'static, str>>) -> Fault<Replying> {
    changed(Change::Without(field.into()))
}

/// This member of Clerk's answer is a number where it was a text, and a text otherwise.
pub fn wrong_type(field: impl Into<Cow<'static, str>>) -> Fault<Replying> {
    changed(Change::WrongType(field.into()))
}

/// The text of this member begins with a byte that UTF-8 does not have.
pub fn bad_utf8(field: impl Into<Cow<'static, str>>) -> Fault<Replying> {
    changed(Change::BadUtf8(field.into()))
}

/// This member is in Clerk's answer twice, at the end once more with another value.
pub fn duplicate(field: impl Into<Cow<'static, str>>) -> Fault<Replying> {
    changed(Change::Duplicate(field.into()))
}

/// The status of the token, or of the session, in Clerk's answer is this word: a revocation that is answered with `pending`, for example.
pub fn token_status(status: impl Into<Cow<'static, str>>) -> Fault<Replying> {
    changed(Change::TokenStatus(status.into()))
}

/// The content type of Clerk's answer is this: with a charset, or another type altogether. The body stays as it was.
///
/// # Panics
/// If it cannot stand in a header.
#[track_caller]
pub fn content_type(value: &str) -> Fault<Replying> {
    changed(Change::ContentType(header(value)))
}

/// Clerk's answer is padded with spaces to so many bytes: past the cap of 256 KiB it is too large. One that is as long
/// already is not changed.
pub fn padded_to(bytes: usize) -> Fault<Replying> {
    changed(Change::PaddedTo(bytes))
}

/// Clerk's answer comes compressed (RFC 1952), though the client did not ask for it.
pub fn gzip() -> Fault<Replying> {
    changed(Change::Gzip)
}

/// The actor in Clerk's answer has a member `deep` of so many arrays in one another.
pub fn nested(depth: usize) -> Fault<Replying> {
    changed(Change::Nested(depth))
}

/// Clerk's answer begins with a byte order mark (RFC 8259 section 8.1).
pub fn bom() -> Fault<Replying> {
    changed(Change::Bom)
}

/// The answer is about the token, or the session, of another user: its `id` and `user_id` are others.
pub fn another_user() -> Fault<Replying> {
    changed(Change::AnotherUser)
}

/// The answer is about a token, or a session, of another actor: its `id` and `actor.sub` are others.
pub fn another_actor() -> Fault<Replying> {
    changed(Change::AnotherActor)
}

/// The answer is that of an earlier request, as out of a cache: about the latest other token of a commit of this kind,
/// as it is now. Where there is none, about a token that this emulator never made, for another user.
///
/// Nothing in Clerk's answer names the request. For an earlier creation for the same user by the same actor the client
/// cannot tell, and takes the older token.
///
/// For a call about sessions it is the answer, as it was, to the latest call of this kind that had one.
pub fn stale() -> Fault<Replying> {
    changed(Change::Stale)
}

/// The id in Clerk's answer is outside the grammar of ids: `../users`.
pub fn bad_id() -> Fault<Replying> {
    changed(Change::BadId)
}
