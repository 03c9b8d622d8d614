#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

mod cells;
mod lock;
mod peer;
mod race;
mod report;
mod server;
mod stage;

use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
};

use clerk_actor_tokens_core::{BoxFuture, HttpTransport};

pub use crate::peer::{EXCHANGE, Peer, PeerAct, PeerServer, WARM_UP};
pub use crate::report::{Cell, Report, Verdict};
use crate::{
    cells::{Make, Planned, Redirects, Wrap},
    lock::locked,
    stage::{Checked, Otherwise},
};

/// Runs the cells over one transport, or over one decorator.
///
/// With a runtime, say what drives a future; without, the kit polls on the calling thread:
///
/// ```
/// use clerk_actor_tokens_core::{Response, transport_fn};
/// use clerk_actor_tokens_conformance::Kit;
///
/// let kit = Kit::new(|| transport_fn(|_, _| async { Ok(Response::default()) }))
///     .block_on(pollster::block_on) // or: .block_on(move |future| runtime.block_on(future))
///     .skip("cancel.before_the_head", "it cannot be aborted")
///     .skip("cancel.within_the_body", "it cannot be aborted");
/// let report = kit.only("answer.every_status").run();
/// println!("{report}");
/// // In a test: report.assert();
/// ```
#[must_use]
pub struct Kit {
    subject: Subject,
    block_on: Box<dyn FnMut(BoxFuture<'static, ()>)>,
    skipped: Vec<(String, String)>,
    only: Option<Vec<String>>,
    requires_proofs: bool,
    redirects: Redirects,
    peer: Option<Arc<dyn Peer>>,
    test: Option<String>,
}

enum Subject {
    Transport(Make),
    Decorator(Wrap),
}

impl Kit {
    /// A kit for a transport. `make` is called for each cell, within the future that is given to
    /// [`block_on`](Self::block_on), so that the transport finds its runtime.
    pub fn new<T: HttpTransport>(make: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self::of(Subject::Transport(Arc::new(move || Arc::new(make()))))
    }

    /// A kit for what wraps a transport: it must hand everything through, and send once. `wrap` puts the decorator around
    /// a transport of the kit's; no socket is opened.
    ///
    /// ```
    /// use clerk_actor_tokens_conformance::Kit;
    /// use clerk_actor_tokens_mock::CapturingTransport;
    ///
    /// Kit::of_decorator(|inner| CapturingTransport::new(inner)).run().assert();
    /// ```
    pub fn of_decorator<T: HttpTransport>(wrap: impl Fn(Arc<dyn HttpTransport>) -> T + Send + Sync + 'static) -> Self {
        Self::of(Subject::Decorator(Arc::new(move |inner| Arc::new(wrap(inner)))))
    }

    fn of(subject: Subject) -> Self {
        Self {
            subject,
            block_on: Box::new(pollster::block_on),
            skipped: Vec::new(),
            only: None,
            requires_proofs: false,
            redirects: Redirects::Stay,
            peer: None,
            test: None,
        }
    }

    /// What drives a future to its end, within the runtime that the transport needs. Unless set, the calling thread polls.
    pub fn block_on(mut self, block_on: impl FnMut(BoxFuture<'static, ()>) + 'static) -> Self {
        self.block_on = Box::new(block_on);
        self
    }

    /// Leaves a cell out, and says why: the report has both.
    ///
    /// # Panics
    /// If there is no cell of that name.
    #[track_caller]
    pub fn skip(mut self, cell: &str, reason: &str) -> Self {
        self.known(cell);
        self.skipped.push((cell.to_owned(), reason.to_owned()));
        self
    }

    /// Runs this cell alone, or these where it is called more than once. For looking into a failure.
    ///
    /// # Panics
    /// If there is no cell of that name.
    #[track_caller]
    pub fn only(mut self, cell: &str) -> Self {
        self.known(cell);
        self.only.get_or_insert_default().push(cell.to_owned());
        self
    }

    /// Adds the cells `peer.*`, which hold the transport to the law over this protocol. A decorator has none.
    pub fn peer(mut self, peer: impl Peer) -> Self {
        self.peer = Some(Arc::new(peer));
        self
    }

    /// Names the test that runs the kit, as `cargo test` prints it. The cell `environment.proxy` runs this test again, in a
    /// process with variables that name a proxy. There, [`run`](Self::run) sends one request and ends the process.
    pub fn test_name(mut self, test: &str) -> Self {
        self.test = Some(test.to_owned());
        self
    }

    /// Lets the cells `proof.*` fail where less is proved than could be.
    pub fn require_proofs(mut self) -> Self {
        self.requires_proofs = true;
        self
    }

    /// Allows the cells `law.redirect_*` what a client does that somebody else configured. It may follow a redirect by another
    /// method, without the key where that leads to another server. The exchange then has to end as an error, with its end unknown.
    pub fn may_follow_redirects(mut self) -> Self {
        self.redirects = Redirects::MayBeFollowed;
        self
    }

    /// The names of the cells, in the order in which they are run.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.plan().into_iter().map(|cell| cell.name.into_owned()).collect()
    }

    /// Runs the cells one after the other.
    #[must_use]
    pub fn run(mut self) -> Report {
        if let Subject::Transport(make) = &self.subject {
            if let Some(child) = cells::environment::as_child(make) {
                (self.block_on)(child);
                std::process::exit(0);
            }
        }
        let cells = self.plan();
        Report::new(cells.into_iter().filter_map(|cell| self.run_one(cell)).collect())
    }

    fn run_one(&mut self, cell: Planned) -> Option<Cell> {
        let is = |name: &String| *name == cell.name;
        if !self.only.as_ref().is_none_or(|only| only.iter().any(is)) {
            return None;
        }
        let verdict = match self.skipped.iter().find(|(name, _)| is(name)) {
            Some((_, reason)) => Verdict::Skipped(reason.clone()),
            None => {
                let checked = drive(&mut self.block_on, &cell);
                self.verdict(checked)
            }
        };
        Some(Cell { name: cell.name.into_owned(), demand: cell.demand, source: cell.source, verdict })
    }

    fn verdict(&self, checked: Checked) -> Verdict {
        match checked {
            Ok(()) => Verdict::Passed,
            Err(Otherwise::Failed(why) | Otherwise::Overdue(why)) => Verdict::Failed(why),
            Err(Otherwise::NotProved(why)) if self.requires_proofs => Verdict::Failed(why),
            Err(Otherwise::NotProved(why)) => Verdict::NotProved(why),
            Err(Otherwise::NotApplicable(why)) => Verdict::NotApplicable(why),
        }
    }

    fn plan(&self) -> Vec<Planned> {
        match &self.subject {
            Subject::Transport(make) => {
                cells::of_transport(make, self.redirects, self.peer.as_ref(), self.test.as_deref())
            }
            Subject::Decorator(wrap) => cells::of_decorator(wrap),
        }
    }

    #[track_caller]
    #[allow(clippy::panic, reason = "an unknown name fails the test")]
    fn known(&self, cell: &str) {
        let names = self.names();
        if !names.iter().any(|name| name == cell) {
            panic!("the conformance kit has no cell `{cell}`; it has: {}", names.join(", "));
        }
    }
}

/// Runs one check. A panic of the transport is a failure of the cell.
fn drive(block_on: &mut dyn FnMut(BoxFuture<'static, ()>), cell: &Planned) -> Checked {
    let slot = Arc::new(Mutex::new(None));
    let result = Arc::clone(&slot);
    let check = (cell.check)();
    let future = Box::pin(async move {
        let checked = check.await;
        *locked(&result) = Some(checked);
    });
    let ran = catch_unwind(AssertUnwindSafe(|| block_on(future)));
    let checked = locked(&slot).take();
    match (ran, checked) {
        (Err(panic), _) => stage::fail(format!("it panicked: {}", words(&*panic))),
        (Ok(()), None) => stage::fail("what was given to `block_on` came back before the future was done"),
        (Ok(()), Some(checked)) => checked,
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    clerk_actor_tokens_core::Sanitized::new(words.unwrap_or("without words")).to_string()
}

impl fmt::Debug for Kit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kit").field("skipped", &self.skipped).field("only", &self.only).finish_non_exhaustive()
    }
}
