//! What is left of a call whose caller has left, and the care for it: the report, the orphan handler, the revocation, and what is
//! said where that fails.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use crate::{
    auth::SecretKey,
    call::{
        call_state::CallState,
        guarded::Guarded,
        in_flight::InFlightGuard,
        orphan::{Orphan, OrphanReport},
        sends::{InDoubt, Success},
    },
    classify::{self, Dropped},
    error::Error,
    execution::Execution,
    observe::{OrphanEnd, records, spans::Later},
    operation::{Operation, Salvage},
    transport::{HttpTransport, send_state::SendState},
};

/// What is left of a call. Dropped before it is settled, it reports what is lost.
pub(super) struct Detached<O: Operation, T: HttpTransport + ?Sized> {
    pub(super) call: Arc<CallState<O, T>>,
    /// The send that runs on, until it has ended.
    pub(super) send: Option<(usize, SendState)>,
    /// What has to be taken care of, once that is known.
    pub(super) in_doubt: Option<InDoubt>,
    /// The id of what was made, as far as a response named it.
    pub(super) found: Salvage,
    stage: Stage,
    /// Whether its caller held what was made, and did not keep it.
    pub(super) was_held: bool,
    pub(super) span: Later,
    /// Last, so that `close` waits for all of it.
    in_flight: InFlightGuard,
}

/// How far the care for what was made has come.
#[derive(Debug, Clone, Copy)]
enum Stage {
    /// Nothing was begun.
    Waiting,
    /// It is being revoked.
    Revoking,
    /// The application's handler has it.
    InHandler,
}

impl Stage {
    /// Why it is lost where the task goes away in this stage.
    fn interrupted(self) -> &'static str {
        match self {
            Self::Waiting => "no executor ran the task that revokes it",
            Self::Revoking => "its revocation was broken off: it may be revoked, or not",
            Self::InHandler => "the orphan handler did not complete",
        }
    }
}

/// Why it was not revoked.
enum NotRevoked {
    Failed(Error),
    /// Something of the user's: a middleware, or the transport.
    Panicked,
}

impl fmt::Display for NotRevoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => write!(f, "{error}"),
            Self::Panicked => f.write_str("a middleware or the transport panicked in its revocation"),
        }
    }
}

impl<O: Operation, T: HttpTransport + ?Sized> Detached<O, T> {
    pub(super) fn new(
        call: Arc<CallState<O, T>>,
        send: Option<(usize, SendState)>,
        in_doubt: Option<InDoubt>,
        span: Later,
    ) -> Self {
        let in_flight = call.settings.in_flight.begin_detached();
        Self { call, send, in_doubt, found: Salvage::None, stage: Stage::Waiting, was_held: false, span, in_flight }
    }

    pub(super) fn report(&self, in_doubt: &InDoubt) -> OrphanReport {
        let operation = &self.call.operation;
        let options = self.call.options.as_ref();
        let salvaged = || {
            let Success { body, is_whole, stamp, .. } = in_doubt.success.as_ref()?;
            let salvage = || classify::salvage_success(operation, stamp.as_deref(), body, *is_whole);
            catch_unwind(AssertUnwindSafe(salvage)).ok()
        };
        let (found, execution) = match (&self.found, salvaged()) {
            // The response of another request: what this one did is unknown.
            (Salvage::None, Some(Err(_))) => (Salvage::None, Execution::Unknown),
            (found, Some(Ok(salvaged))) => (found.clone().or(salvaged), in_doubt.execution),
            (found, _) => (found.clone(), in_doubt.execution),
        };
        let exposed = || {
            let now = self.call.transport.timer().system_time();
            operation.creation()?.exposure().map(|exposure| exposure.until(now))
        };
        OrphanReport {
            operation: operation.info(),
            execution,
            id: found.confirmed().map(str::to_owned),
            unconfirmed_id: found.unconfirmed().map(str::to_owned),
            exposed: unless_it_panics(exposed),
            attempts: self.call.log.summary().attempts.as_slice().to_vec(),
            others_in_doubt: in_doubt.others_in_doubt,
            was_held: self.was_held,
            user_id: unless_it_panics(|| operation.creation()?.user_id().map(str::to_owned)),
            actor: unless_it_panics(|| operation.creation()?.actor().cloned()),
            extensions: unless_it_panics(|| options.map(|options| options.extensions.clone())).unwrap_or_default(),
        }
    }

    /// Revokes what was held. Gives an orphan to the application's handler, or revokes it.
    pub(super) async fn handle(&mut self, report: OrphanReport, key: Option<SecretKey>) {
        let undo = report.id.as_deref().and_then(|id| self.call.undo(id, key));
        let orphan = Orphan { report, undo };
        // What a caller let go of is no orphan: it becomes one where it cannot be revoked.
        if self.was_held && !orphan.report.is_incomplete() {
            match self.undo(&orphan).await {
                Ok(()) => {
                    // From here on nothing is in doubt, whatever a logger does.
                    self.in_doubt = None;
                    self.show(&orphan.report, OrphanEnd::Revoked);
                    return records::revoked(format_args!("{}; it was revoked", orphan.report));
                }
                Err(why) => return self.handle_orphan(orphan, Some(why)).await,
            }
        }
        self.handle_orphan(orphan, None).await;
    }

    /// Gives the orphan to the application's handler, or revokes it unless that has failed.
    async fn handle_orphan(&mut self, orphan: Orphan, failed: Option<NotRevoked>) {
        match (&self.call.settings.on_orphan, failed) {
            (Some(handler), _) => {
                self.stage = Stage::InHandler;
                // The report goes to the handler, and may be large.
                let report = self.call.has_observers().then(|| orphan.report.clone());
                handler(orphan).await;
                self.span.orphan(OrphanEnd::Handled.as_str());
                report.iter().for_each(|report| self.call.orphan_ended(report, OrphanEnd::Handled));
            }
            (None, Some(why)) => self.was_not_revoked(orphan.report(), &why),
            (None, None) => self.revoke(orphan).await,
        }
    }

    /// Revokes it. What panics on the way, a middleware of the user's say, ends here: the orphan is then what any
    /// other is that could not be revoked.
    async fn undo(&mut self, orphan: &Orphan) -> Result<(), NotRevoked> {
        self.stage = Stage::Revoking;
        let Some(undo) = &orphan.undo else { return orphan.undo().await.map_err(NotRevoked::Failed) };
        match Guarded::new(undo()).await {
            Some(undone) => undone.map_err(NotRevoked::Failed),
            None => Err(NotRevoked::Panicked),
        }
    }

    fn was_not_revoked(&self, report: &OrphanReport, why: &NotRevoked) {
        self.lost(report.clone(), format_args!("{report}; it was not revoked: {why}"));
    }

    async fn revoke(&mut self, orphan: Orphan) {
        let report = orphan.report();
        if orphan.undo.is_none() {
            let why =
                if report.id.is_none() { "its id is not known for certain" } else { "nothing undoes this operation" };
            return self.lost(report.clone(), format_args!("{report}; the client cannot revoke it: {why}"));
        }
        match self.undo(&orphan).await {
            Ok(()) if report.is_incomplete() => {
                let unnamed = OrphanReport { id: None, execution: Execution::Unknown, ..report.clone() };
                self.lost(
                    unnamed,
                    format_args!("{report}; it was revoked, but an earlier attempt may have made another"),
                );
            }
            Ok(()) => {
                self.in_doubt = None;
                self.show(report, OrphanEnd::Revoked);
                records::orphan_revoked(format_args!("{report}; it was revoked"));
            }
            Err(why) => self.was_not_revoked(report, &why),
        }
    }

    /// Says that something is lost, and keeps what is left for `close`.
    fn lost(&self, left: OrphanReport, what: fmt::Arguments<'_>) {
        records::lost(what);
        self.show(&left, OrphanEnd::Lost);
        self.in_flight.in_flight().keep(left);
    }

    fn show(&self, report: &OrphanReport, end: OrphanEnd) {
        self.span.orphan(end.as_str());
        self.call.orphan_ended(report, end);
    }
}

/// Asks the operation, or an extension, which are the user's: a report is also made in destructors.
fn unless_it_panics<R>(ask: impl FnOnce() -> Option<R>) -> Option<R> {
    catch_unwind(AssertUnwindSafe(ask)).ok().flatten()
}

impl<O: Operation, T: HttpTransport + ?Sized> Drop for Detached<O, T> {
    fn drop(&mut self) {
        if let Some((number, send_state)) = self.send.take() {
            // It never ended: what it did is unknown, unless it was never sent.
            let dropped = if send_state.cancel() { Dropped::BeforeSend } else { Dropped::AfterSend };
            self.call.log.drop_send(number, dropped);
            self.in_doubt = self.call.log.take_in_doubt(Some(number));
        }
        let Some(in_doubt) = self.in_doubt.take() else { return };
        let report = self.report(&in_doubt);
        let stage = self.stage.interrupted();
        self.lost(report.clone(), format_args!("{report}; {stage}"));
    }
}
