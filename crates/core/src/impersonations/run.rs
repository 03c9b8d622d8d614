//! The steps of an end: revoke the token, list, end each, and again until a list shows none.

use std::time::Duration;

use http::StatusCode;

use crate::{
    actor_tokens::RevokeActorToken,
    client::Client,
    error::Error,
    error_kind::ErrorKind,
    impersonations::{
        description::EndImpersonation,
        end_error::EndError,
        ended::{Ended, SessionEnd},
    },
    operation::Operation,
    operation_info::OperationInfo,
    sessions::{GetSession, ListSessions, RevokeSession, SessionId},
    time::{Deadline, Moment},
    token_status::ActorTokenStatus,
    transport::{HttpTransport, TransportError, TransportErrorKind},
};

/// How often what a list shows is ended. Somebody who signs in again and again is not caught up with.
const ROUNDS: u32 = 5;

/// How long all of it may take, if nothing is set and there are few sessions.
const SHORTEST: Duration = Duration::from_secs(60);

/// How long it may take for each 100 sessions that are listed.
const EACH_100: Duration = Duration::from_secs(12);

/// More sessions than a user has: a server that continues is not listened to. They have 20 minutes.
const MOST_LISTED: u32 = 10_000;

/// The part of the time that the revocation of the token may take. The sessions are what was asked for.
const TOKEN_PART: u32 = 4;

/// How long the first pause is, if a list shows as live what is over. Each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(400);

pub(super) async fn end<T: HttpTransport + ?Sized>(
    client: &Client<T>,
    what: &EndImpersonation,
) -> Result<Ended, EndError> {
    if let Err(refused) = what.check() {
        return Err(EndError::new(Error::from_invalid_request(&EndImpersonation::INFO, refused), Ended::default()));
    }
    let begun = client.transport().timer().now();
    let longest = what.longest().unwrap_or(SHORTEST);
    let mut run = Run { client, begun, longest, ended: Ended::default(), live: Vec::new(), first: None };
    let of_token = run.revoke_token(what).await.err();
    let is_done = run.end_sessions(what).await;
    if is_done && of_token.is_none() {
        return Ok(run.ended);
    }
    Err(EndError::of(run.first, of_token, run.ended, run.live))
}

struct Run<'a, T: HttpTransport + ?Sized> {
    client: &'a Client<T>,
    begun: Moment,
    longest: Duration,
    ended: Ended,
    /// What a list showed, without those whose end is confirmed since.
    live: Vec<SessionId>,
    /// The first call about sessions that failed.
    first: Option<Error>,
}

impl<T: HttpTransport + ?Sized> Run<'_, T> {
    /// First, so that no new session grows from it. Whatever comes of that, the sessions are to end.
    async fn revoke_token(&mut self, what: &EndImpersonation) -> Result<(), Error> {
        let Some(id) = what.token_id() else { return Ok(()) };
        let revoke = RevokeActorToken::from(id.clone());
        let part = self.time_left(revoke.info())?.min(self.longest / TOKEN_PART);
        match self.client.execute(revoke).timeout(part).send().await {
            Ok(_) => self.ended.token_status = Some(ActorTokenStatus::Revoked),
            Err(error) if error.token_status() == Some(ActorTokenStatus::Accepted) => {
                self.ended.token_status = Some(ActorTokenStatus::Accepted);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Whether the last list, read to its end, had none that is to end.
    async fn end_sessions(&mut self, what: &EndImpersonation) -> bool {
        for round in 0..=ROUNDS {
            let unconfirmed = std::mem::take(&mut self.live);
            let listed = self.list(what).await;
            let (still, gone): (Vec<_>, Vec<_>) = unconfirmed.into_iter().partition(|id| self.live.contains(id));
            if let Err(error) = listed {
                self.first.get_or_insert(error);
                self.live.extend(gone);
                break;
            }
            let are_the_same = gone.is_empty() && still.len() == self.live.len();
            // Their end failed, as far as could be seen. What is no longer live has ended.
            for id in gone {
                self.ended.add(id, SessionEnd::AlreadyOver(None), self.now());
            }
            if self.live.is_empty() {
                return true;
            }
            // Those that could not be ended could not be ended again.
            if round == ROUNDS || are_the_same {
                break;
            }
            if self.live.iter().all(|id| self.ended.has(id)) {
                self.pause(round).await;
            }
            if !self.end_each().await {
                break;
            }
        }
        // A list that shows them has the last word.
        let live = std::mem::take(&mut self.live);
        self.ended.sessions.retain(|session| !live.contains(session.id()));
        self.live = live;
        false
    }

    /// All pages are read before the first session is ended, which would move the others.
    async fn list(&mut self, what: &EndImpersonation) -> Result<(), Error> {
        // Without a status: Clerk's filter does not know `pending`.
        let mut pages = self.client.sessions().pages_of(ListSessions::of_user(what.user_id()));
        let mut listed = 0u32;
        loop {
            let left = self.time_left(&ListSessions::INFO)?;
            let Some(page) = pages.step(Some(left)).await? else { return Ok(()) };
            listed = listed.saturating_add(u32::try_from(page.len()).unwrap_or(u32::MAX));
            if listed > MOST_LISTED {
                let reason = "more than 10,000 sessions of one user are listed";
                return Err(Error::from_transport(&ListSessions::INFO, TransportError::blocked(reason)));
            }
            if what.longest().is_none() {
                self.longest = self.longest.max(EACH_100.saturating_mul(listed.div_ceil(100)));
            }
            self.live.extend(page.iter().filter(|session| what.is_to_end(session)).map(|session| session.id().clone()));
        }
    }

    /// Ends what the list showed. `false`, if nothing more can be ended.
    async fn end_each(&mut self) -> bool {
        let mut is_over = false;
        for id in std::mem::take(&mut self.live) {
            if is_over {
                self.live.push(id);
                continue;
            }
            match self.end_session(&id).await {
                Ok(how) => self.ended.add(id, how, self.now()),
                Err(error) => {
                    self.live.push(id);
                    is_over = is_final(&error);
                    self.first.get_or_insert(error);
                }
            }
        }
        !is_over
    }

    async fn end_session(&self, id: &SessionId) -> Result<SessionEnd, Error> {
        let error = match self.send(RevokeSession::new(id)).await {
            Ok(session) if session.status().as_str() == "revoked" => return Ok(SessionEnd::Revoked),
            Ok(session) => return Ok(SessionEnd::AlreadyOver(Some(session.status().clone()))),
            Err(error) => error,
        };
        // What Clerk says to the end of a session that is over is not settled: a 200, any 400, or a 404.
        if !matches!(error.status(), Some(StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND)) {
            return Err(error);
        }
        match self.send(GetSession::new(id)).await {
            Ok(session) if !session.status().is_live() => Ok(SessionEnd::AlreadyOver(Some(session.status().clone()))),
            // The list has named it under the same key.
            Err(gone) if gone.is_not_found() => Ok(SessionEnd::AlreadyOver(None)),
            _ => Err(error),
        }
    }

    async fn send<O: Operation>(&self, operation: O) -> Result<O::Output, Error> {
        let left = self.time_left(operation.info())?;
        self.client.execute(operation).timeout(left).send().await
    }

    /// A list may lag behind the ends.
    async fn pause(&self, round: u32) {
        let timer = self.client.transport().timer();
        let left = Deadline::after(self.begun, self.longest).remaining(timer.now());
        // In the first round nothing is ended yet that a list could still show.
        timer.sleep(PAUSE.saturating_mul(1 << round.saturating_sub(1)).min(left)).await;
    }

    fn now(&self) -> std::time::SystemTime {
        self.client.transport().timer().system_time()
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
