//! The state of one call: the one allocation of a call beside its future. It lives as long as the call does, and as long as
//! an exchange that has outlived its caller.

use std::sync::{Arc, OnceLock};

use crate::{
    auth::{CredentialProvider, SecretKey},
    call::{options::Options, orphan::UndoCall, send_log::SendLog, settings::Settings},
    classify::{self, Exchanged},
    executor::Executor,
    observe::watch::Watch,
    operation::{Operation, Undo},
    operation_info::Idempotency,
    retry::{RetryPolicy, limits::Place, rule::Failure},
    time::Deadline,
    transport::{HttpTransport, send_state::SendState},
    url::BaseUrl,
};

/// What describes a call, and what it has done so far.
pub(crate) struct CallState<O, T: ?Sized> {
    pub(crate) settings: Arc<Settings>,
    pub(crate) transport: Arc<T>,
    pub(crate) operation: O,
    /// In a box, and only where there are any.
    pub(crate) options: Option<Box<Options>>,
    pub(crate) deadline: Deadline,
    pub(crate) log: SendLog,
    /// In a box, and only where someone watches.
    pub(crate) watch: OnceLock<Box<Watch>>,
    /// What runs an exchange on that its caller drops: of the runtime in which the call was first polled.
    executor: OnceLock<Option<Arc<dyn Executor>>>,
    undo: MakeUndo<T>,
}

/// Makes the call that takes an orphan back. The attempt loop lies below this file, so that it is given from there.
pub(crate) type MakeUndo<T> = fn(Arc<Settings>, Arc<T>, Undo, Options, Option<SecretKey>) -> UndoCall;

impl<O: Operation, T: HttpTransport + ?Sized> CallState<O, T> {
    pub(crate) fn new(
        settings: Arc<Settings>,
        transport: Arc<T>,
        operation: O,
        options: Option<Box<Options>>,
        undo: MakeUndo<T>,
    ) -> Self {
        let timeout = options.as_ref().and_then(|options| options.timeout).unwrap_or(settings.timeout);
        Self {
            deadline: Deadline::after(transport.timer().now(), timeout),
            log: SendLog::new(operation.info().idempotency()),
            watch: OnceLock::new(),
            executor: OnceLock::new(),
            settings,
            transport,
            operation,
            options,
            undo,
        }
    }

    pub(crate) fn idempotency(&self) -> Idempotency {
        self.operation.info().idempotency()
    }

    pub(crate) fn retry(&self) -> &RetryPolicy {
        self.options.as_ref().and_then(|options| options.retry.as_ref()).unwrap_or(&self.settings.retry)
    }

    pub(crate) fn base_url(&self) -> &BaseUrl {
        self.options.as_ref().and_then(|options| options.base_url.as_ref()).unwrap_or(&self.settings.base_url)
    }

    pub(crate) fn credentials(&self) -> &dyn CredentialProvider {
        let own = self.options.as_ref().and_then(|options| options.credentials.as_ref());
        own.unwrap_or(&self.settings.credentials).as_ref()
    }

    /// Where a call with this key goes: what gate and budget belong to.
    pub(crate) fn place<'a>(&'a self, key: &'a SecretKey) -> Place<'a> {
        Place { base_url: self.base_url(), key }
    }

    pub(crate) fn is_budgeted(&self) -> bool {
        self.options.as_ref().is_none_or(|options| !options.unbudgeted)
    }

    /// Returns what runs an exchange on whose caller leaves. Asked first where the exchange is first polled.
    pub(crate) fn executor(&self) -> Option<&Arc<dyn Executor>> {
        let find = || match &self.settings.executor {
            _ if !self.settings.detaches => None,
            Some(executor) => Some(executor.bound().unwrap_or_else(|| Arc::clone(executor))),
            None => self.transport.executor(),
        };
        self.executor.get_or_init(find).as_ref()
    }

    /// Ends a send with what the transport gave: within the response cap, with no more claimed than is proved. A 429 holds the
    /// other calls to the same place back.
    pub(crate) fn finish_send(
        &self,
        number: usize,
        key: &SecretKey,
        send_state: &SendState,
        mut exchanged: Exchanged,
    ) -> Exchanged {
        let cap = self.settings.response_cap;
        classify::bound(&mut exchanged, cap);
        let exchanged = exchanged.map_err(|error| classify::proved(error, send_state));
        if classify::failure_of(&exchanged) == Some(Failure::RateLimited) {
            let timer = self.transport.timer();
            if let Some(asked) = classify::asked_to_wait(&exchanged, timer) {
                self.settings.live.limits.shut(self.place(key), timer.now(), asked);
            }
        }
        let is_whole = exchanged.as_ref().is_ok_and(|response| response.body().len() <= cap);
        self.log.finish_send(number, &exchanged, is_whole, key, self.retry());
        exchanged
    }

    /// Makes the call that revokes what has this id: to the same place, first with the key that made it.
    pub(crate) fn undo(&self, id: &str, key: Option<SecretKey>) -> Option<UndoCall> {
        let undo = self.operation.creation()?.undo(id)?;
        let mut options = Options::default();
        if let Some(own) = &self.options {
            options.base_url.clone_from(&own.base_url);
            options.credentials.clone_from(&own.credentials);
        }
        Some((self.undo)(Arc::clone(&self.settings), Arc::clone(&self.transport), undo, options, key))
    }
}
