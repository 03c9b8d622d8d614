//! The steps of an end: revoke the token, list, end each, and again until a list shows none.

use std::time::Duration;

use http::StatusCode;

use crate::{
    actor_tokens::RevokeActorToken,
    call::Call,
    client::Client,
    error::Error,
    error_kind::ErrorKind,
    impersonations::{
        description::EndImpersonation,
        end_error::EndError,
        ended::{Ended, SessionEnd},
    },
    operation::Operation,
    operation_info::{Idempotency, OperationInfo},
    sessions::{GetSession, ListSessions, RevokeSession, SessionId},
    time::{Deadline, Moment},
    token_status::ActorTokenStatus,
    transport::{HttpTransport, TransportErrorKind},
};

/// What the error of an end is called that was refused, before any call.
const INFO: OperationInfo = OperationInfo::new("EndImpersonation", "/sessions", Idempotency::Idempotent);

/// How often what a list shows is ended. Somebody who signs in again and again is not caught up with.
const ROUNDS: u32 = 5;

/// How long all of it may take, if nothing is set and there are few sessions.
const SHORTEST: Duration = Duration::from_secs(60);

/// How long it may take for each 100 sessions that are listed.
const EACH_100: Duration = Duration::from_secs(12);

pub(super) async fn end<T: HttpTransport + ?Sized>(
    client: &Client<T>,
    what: &EndImpersonation,
) -> Result<Ended, EndError> {
    if let Err(refused) = what.check() {
        return Err(EndError::new(Error::from_invalid_request(&INFO, refused), Ended::default()));
    }
    let begun = client.transport().timer().now();
    let longest = what.longest().unwrap_or(SHORTEST);
    let run = Run { client, begun, longest, ended: Ended::default(), live: Vec::new() };
    run.end(what).await
}

struct Run<'a, T: HttpTransport + ?Sized> {
    client: &'a Client<T>,
    begun: Moment,
    longest: Duration,
    ended: Ended,
    /// What the last list showed, without what was ended since.
    live: Vec<SessionId>,
}

impl<T: HttpTransport + ?Sized> Run<'_, T> {
    async fn end(mut self, what: &EndImpersonation) -> Result<Ended, EndError> {
        // First, so that no new session grows from it. Whatever comes of that, the sessions are to end.
        let of_token = match what.token_id() {
            Some(id) => self.revoke_token(RevokeActorToken::from(id.clone())).await.err(),
            None => None,
        };
        for round in 0..=ROUNDS {
            let listed = match self.list(what).await {
                Ok(listed) => listed,
                Err(error) => return Err(self.failed(of_token.unwrap_or(error))),
            };
            self.live = listed;
            if self.live.is_empty() {
                return match of_token {
                    None => Ok(self.ended),
                    Some(error) => Err(self.failed(error)),
                };
            }
            if round == ROUNDS {
                break;
            }
            if let Err(error) = self.end_each().await {
                return Err(self.failed(of_token.unwrap_or(error)));
            }
        }
        Err(EndError::of(of_token, self.ended, self.live))
    }

    fn failed(self, error: Error) -> EndError {
        EndError::of(Some(error), self.ended, self.live)
    }

    async fn revoke_token(&mut self, revoke: RevokeActorToken) -> Result<(), Error> {
        let revoked = match self.call(revoke) {
            Ok(call) => call.send().await,
            Err(error) => Err(error),
        };
        match revoked {
            Ok(_) => self.ended.token_status = Some(ActorTokenStatus::Revoked),
            Err(error) if error.token_status() == Some(ActorTokenStatus::Accepted) => {
                self.ended.token_status = Some(ActorTokenStatus::Accepted);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// All pages are read before the first session is ended, which would move the others.
    async fn list(&mut self, what: &EndImpersonation) -> Result<Vec<SessionId>, Error> {
        // Without a status: Clerk's filter does not know `pending`.
        let mut pages = self.client.sessions().pages_of(ListSessions::of_user(what.user_id()));
        let mut to_end = Vec::new();
        let mut listed = 0u32;
        loop {
            let page = pages.next_within(self.time_left(&ListSessions::INFO)?).await?;
            let Some(page) = page else { return Ok(to_end) };
            listed = listed.saturating_add(u32::try_from(page.len()).unwrap_or(u32::MAX));
            if what.longest().is_none() {
                self.longest = self.longest.max(EACH_100.saturating_mul(listed.div_ceil(100)));
            }
            to_end.extend(page.iter().filter(|session| what.is_to_end(session)).map(|session| session.id().clone()));
        }
    }

    /// Ends what the list showed. An error, if nothing could be ended, or if nothing more can be.
    async fn end_each(&mut self) -> Result<(), Error> {
        let mut first = None;
        let (mut is_over, mut has_ended_any) = (false, false);
        for id in std::mem::take(&mut self.live) {
            let result = if is_over { Err(None) } else { self.end_session(&id).await.map_err(Some) };
            match result {
                Ok(how) => {
                    has_ended_any = true;
                    let now = self.client.transport().timer().system_time();
                    self.ended.add(id, how, now);
                }
                Err(error) => {
                    self.live.push(id);
                    is_over |= error.as_ref().is_some_and(is_final);
                    first = first.or(error);
                }
            }
        }
        match first {
            // The next list shows what is left of it.
            Some(error) if is_over || !has_ended_any => Err(error),
            _ => Ok(()),
        }
    }

    async fn end_session(&self, id: &SessionId) -> Result<SessionEnd, Error> {
        let error = match self.call(RevokeSession::new(id))?.send().await {
            Ok(session) if session.status().as_str() == "revoked" => return Ok(SessionEnd::Revoked),
            Ok(session) => return Ok(SessionEnd::AlreadyOver(Some(session.status().clone()))),
            Err(error) => error,
        };
        // What Clerk says to the end of a session that is over is not settled: a 200, any 400, or a 404.
        if !matches!(error.status(), Some(StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND)) {
            return Err(error);
        }
        match self.call(GetSession::new(id))?.send().await {
            Ok(session) if !session.status().is_live() => Ok(SessionEnd::AlreadyOver(Some(session.status().clone()))),
            // The list has named it under the same key.
            Err(gone) if gone.is_not_found() => Ok(SessionEnd::AlreadyOver(None)),
            _ => Err(error),
        }
    }

    fn call<O: Operation>(&self, operation: O) -> Result<Call<O, T>, Error> {
        let left = self.time_left(operation.info())?;
        Ok(self.client.execute(operation).timeout(left))
    }

    /// As long as a call may take, and no longer than what is left of all.
    fn time_left(&self, info: &'static OperationInfo) -> Result<Duration, Error> {
        let now = self.client.transport().timer().now();
        let left = Deadline::after(self.begun, self.longest).remaining(now);
        if left.is_zero() {
            return Err(Error::from_transport(info, TransportErrorKind::TimeoutBeforeSend.into()));
        }
        Ok(left.min(self.client.longest_call()))
    }
}

/// Whether each further call would fail in the same way.
fn is_final(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Blocked | ErrorKind::Credential) || error.is_unauthorized()
}
