//! Transports that are wrong on purpose, each in one way, and the cells that each fails: these and no others.

mod how;

use std::{sync::Arc, time::Duration};

use clerk_actor_tokens_core::async_trait;
use clerk_actor_tokens_core::http::HeaderValue;
use clerk_actor_tokens_core::{
    BoxFuture, CallContext, DiscardConnection, Executor, HttpTransport, Request, Response, SystemTimer, Timer,
    TransportError, TransportErrorKind,
};

use self::how::*;
use crate::reference::{Flaw, Reference, is_not_http};

type Sent = Result<Response, TransportError>;
type Send = for<'a> fn(&'a Reference, Request, CallContext) -> BoxFuture<'a, Sent>;

/// A wrong transport.
#[derive(Clone, Copy)]
pub(crate) struct Wrong {
    pub(crate) name: &'static str,
    how: How,
    /// Names of cells; `*` matches any text.
    pub(crate) fails: &'static [&'static str],
}

#[derive(Clone, Copy)]
enum How {
    /// Within the transport.
    Inside(Flaw),
    /// Around it, with no word on whether it keeps deadlines.
    Around(Send),
    /// Around it, and it says that it keeps deadlines.
    Claiming(Send),
}

impl Wrong {
    pub(crate) fn make(&self) -> Made {
        match self.how {
            How::Inside(flaw) => Made {
                inner: Reference::with(flaw),
                send: |inner, request, context| inner.send(request, context),
                keeps_deadlines: true,
            },
            How::Around(send) => Made { inner: Reference::new(), send, keeps_deadlines: false },
            How::Claiming(send) => Made { inner: Reference::new(), send, keeps_deadlines: true },
        }
    }
}

pub(crate) struct Made {
    inner: Reference,
    send: Send,
    keeps_deadlines: bool,
}

#[async_trait]
impl HttpTransport for Made {
    async fn send(&self, request: Request, context: CallContext) -> Sent {
        (self.send)(&self.inner, request, context).await
    }

    fn timer(&self) -> &dyn Timer {
        &SystemTimer
    }

    fn executor(&self) -> Option<Arc<dyn Executor>> {
        None
    }

    fn keeps_deadlines(&self) -> bool {
        self.keeps_deadlines
    }
}

const fn inside(name: &'static str, flaw: Flaw, fails: &'static [&'static str]) -> Wrong {
    Wrong { name, how: How::Inside(flaw), fails }
}

const fn around(name: &'static str, send: Send, fails: &'static [&'static str]) -> Wrong {
    Wrong { name, how: How::Around(send), fails }
}

const fn claiming(name: &'static str, send: Send, fails: &'static [&'static str]) -> Wrong {
    Wrong { name, how: How::Claiming(send), fails }
}

/// Changes the request.
macro_rules! before {
    ($request:ident => $change:expr) => {
        |inner, $request, context| {
            #[allow(unused_mut, reason = "some changes only look")]
            let mut $request = $request;
            $change;
            inner.send($request, context)
        }
    };
}

/// Changes what it knows of the call.
macro_rules! knowing {
    ($context:ident => $change:expr) => {
        |inner, request, mut $context| {
            $change;
            inner.send(request, $context)
        }
    };
}

/// Changes what came of it.
macro_rules! after {
    ($sent:ident => $change:expr) => {
        |inner, request, context| {
            Box::pin(async move {
                let $sent = inner.send(request, context).await;
                $change
            })
        }
    };
}

/// The cells that look at what had arrived when the body was cut.
const WITH_PARTIAL: &[&str] = &[
    "cap.announced_larger",
    "cap.endless_body",
    "cap.larger",
    "deadline.within_the_body",
    "partial.broken_chunk",
    "partial.chunked",
    "partial.content_length",
];

/// The cells in which a reused connection ends before a whole head.
const REUSED_AND_BROKEN: &[&str] = &[
    "law.close.reused",
    "law.close_within_the_request.reused",
    "law.half_close.reused",
    "law.interim_close.reused",
    "law.interim_flood.reused",
    "law.other_protocol.reused",
    "law.part_of_the_head.reused",
    "law.part_of_the_head_reset.reused",
    "law.part_of_the_status.reused",
    "law.part_of_the_version.reused",
    "law.reset.reused",
    "law.reset_within_the_request.reused",
    "law.side_by_side",
    "law.tls_alert.reused",
];

/// Of these, the cells that look at one request at a time, with and without a body.
const REUSED_AND_EMPTY: &[&str] = &[
    "law.close.reused",
    "law.close_within_the_request.reused",
    "law.half_close.reused",
    "law.interim_close.reused",
    "law.interim_flood.reused",
    "law.other_protocol.reused",
    "law.part_of_the_head.reused",
    "law.part_of_the_head_reset.reused",
    "law.part_of_the_status.reused",
    "law.part_of_the_version.reused",
    "law.reset.reused",
    "law.reset_within_the_request.reused",
    "law.tls_alert.reused",
];

/// The cells in which the transport says that it sent nothing.
const UNPROVED: &[&str] = &[
    "deadline.kept_alone",
    "deadline.of_connecting",
    "deadline.that_has_passed",
    "law.claims",
    "proof.cut_handshake",
    "proof.deadline_of_connecting",
    "proof.deadline_that_has_passed",
    "proof.refused_connection",
    "request.https_in_the_clear",
    "request.unsendable_url",
];

pub(crate) static WRONG: &[Wrong] = &[
    // Answers.
    around("takes 5xx for errors", after!(sent => sent.and_then(status_is_error)), &["answer.every_status"]),
    around(
        "follows redirects",
        |inner, request, context| Box::pin(follow(inner, request, context)),
        &[
            "answer.redirects",
            "law.redirect_to_nobody",
            "law.redirect_to_another_origin",
            "law.redirect_to_another_path",
            "law.redirect_to_itself",
        ],
    ),
    around(
        "asks whether anybody listens where a redirect leads",
        |inner, request, context| Box::pin(look_ahead(inner, request, context)),
        &["answer.redirects", "law.redirect_to_nobody"],
    ),
    around("joins repeated headers", after!(sent => sent.map(|it| headers(it, joined))), &["answer.repeated_headers"]),
    around(
        "drops headers that are not UTF-8",
        after!(sent => sent.map(|it| headers(it, utf8))),
        &["answer.non_utf8_headers"],
    ),
    around(
        "makes text of bodies",
        after!(sent => sent.map(|it| it.map(lossy))),
        &["answer.body", "answer.encoded_body", "cap.as_large"],
    ),
    around("decodes bodies", after!(sent => sent.map(decoded)), &["answer.encoded_body"]),
    inside("needs a length", Flaw::NeedsLength, &["answer.framings", "cap.larger", "deadline.within_the_body"]),
    inside(
        "takes an interim answer for the answer",
        Flaw::InterimIsFinal,
        &[
            "answer.interim",
            "deadline.of_interim_answers",
            "law.interim_close.*",
            "law.interim_flood.*",
            "law.interim_silence.*",
        ],
    ),
    // Requests.
    around("decodes paths", before!(request => decode(&mut request)), &["request.target"]),
    around("removes dot segments", before!(request => remove_dots(&mut request)), &["request.dot_segments"]),
    around(
        "drops repeated headers",
        before!(request => *request.headers_mut() = firsts(request.headers())),
        &["request.headers"],
    ),
    around(
        "makes text of what it sends",
        before!(request => *request.body_mut() = lossy(std::mem::take(request.body_mut()))),
        &["request.body"],
    ),
    around(
        "adds a decoder",
        before!(request => {
            request.headers_mut().insert("accept-encoding", HeaderValue::from_static("gzip, br"));
        }),
        &["request.accept_encoding"],
    ),
    around(
        "forgets that https is encrypted",
        before!(request => in_the_clear(&mut request)),
        &["proof.cut_handshake", "proof.deadline_of_connecting", "request.https_in_the_clear"],
    ),
    around(
        "panics at a URL without a host",
        before!(request => {
            assert!(request.uri().host().is_some(), "no host");
        }),
        &["request.unsendable_url", "secrets.answer", "secrets.key", "secrets.request_body", "secrets.url"],
    ),
    // The deadline.
    around(
        "has no deadline",
        knowing!(context => rebound(&mut context, Duration::from_secs(60))),
        &[
            "deadline.before_the_head",
            "deadline.of_a_trickling_body",
            "deadline.of_interim_answers",
            "deadline.that_has_passed",
            "deadline.within_the_body",
            "deadline.within_the_head",
            "law.body_silence.*",
            "law.claims",
            "law.interim_silence.*",
            "law.part_of_the_head_silence.*",
            "law.silence.*",
            "proof.deadline_that_has_passed",
        ],
    ),
    inside(
        "has the time anew for each read",
        Flaw::TimePerRead,
        &["deadline.kept_alone", "deadline.of_a_trickling_body", "deadline.of_interim_answers"],
    ),
    around(
        "sends a little after the deadline too",
        knowing!(context => if is_late(&context) {
            rebound(&mut context, Duration::from_secs(1));
        }),
        &["deadline.that_has_passed", "proof.deadline_that_has_passed"],
    ),
    inside(
        "looks at the deadline before three sends of four",
        Flaw::SendsLateByChance,
        &["deadline.that_has_passed", "proof.deadline_that_has_passed"],
    ),
    around(
        "waits for ever for TLS",
        |inner, request, context| match request.uri().scheme_str() {
            Some("https") => Box::pin(std::future::pending()),
            _ => inner.send(request, context),
        },
        &[
            "deadline.of_connecting",
            "law.claims",
            "proof.cut_handshake",
            "proof.deadline_of_connecting",
            "request.https_in_the_clear",
        ],
    ),
    inside(
        "says that it keeps deadlines, and waits for a server that does not read",
        Flaw::WritesForEver,
        &["deadline.kept_alone"],
    ),
    claiming(
        "says that it keeps deadlines, and hangs in a handshake",
        |inner, request, context| match request.uri().scheme_str() {
            Some("https") => Box::pin(std::future::pending()),
            _ => inner.send(request, context),
        },
        &[
            "deadline.kept_alone",
            "deadline.of_connecting",
            "law.claims",
            "proof.cut_handshake",
            "proof.deadline_of_connecting",
            "request.https_in_the_clear",
        ],
    ),
    around(
        "calls the deadline an interruption",
        after!(sent => renamed(sent, TransportErrorKind::Timeout, TransportErrorKind::Interrupted)),
        &[
            "deadline.before_the_head",
            "deadline.of_a_trickling_body",
            "deadline.of_interim_answers",
            "deadline.within_the_body",
            "deadline.within_the_head",
        ],
    ),
    // The cap.
    around(
        "has no cap",
        knowing!(context => recapped(&mut context, |_| usize::MAX)),
        &["cap.announced_larger", "cap.endless_body", "cap.larger", "pool.cut_answer"],
    ),
    around(
        "reads all, then cuts",
        |inner, request, context| Box::pin(cut_afterwards(inner, request, context)),
        &["cap.announced_larger", "cap.endless_body", "pool.cut_answer"],
    ),
    around(
        "is one byte short",
        knowing!(context => recapped(&mut context, |cap| cap.saturating_sub(1))),
        &["cap.announced_larger", "cap.as_large", "cap.endless_body", "cap.larger"],
    ),
    inside(
        "does not read what is announced to be too large",
        Flaw::RefusesAnnounced,
        &["cap.announced_larger", "cap.larger"],
    ),
    // What had arrived.
    around("drops what had arrived", after!(sent => sent.map_err(|error| error.kind().into())), WITH_PARTIAL),
    around(
        "drops the headers of what had arrived",
        after!(sent => partial(sent, |partial| partial.headers_mut().clear())),
        WITH_PARTIAL,
    ),
    around(
        "drops the body of what had arrived",
        after!(sent => partial(sent, |partial| partial.body_mut().clear())),
        WITH_PARTIAL,
    ),
    inside(
        "takes the end for the end of the body",
        Flaw::EndIsEnd,
        &["law.body_close.*", "law.chunked_cut.*", "law.head_close.*", "partial.chunked", "partial.content_length"],
    ),
    inside(
        "takes a broken chunk for the end of the body",
        Flaw::BrokenChunkIsEnd,
        &["law.chunk_size_garbage.*", "law.chunk_size_overflow.*", "partial.broken_chunk"],
    ),
    // Going away.
    around(
        "continues when it is dropped",
        |inner, request, context| detached(inner.clone(), request, context),
        &["cancel.before_the_head", "cancel.within_the_body"],
    ),
    inside("never says that it sends", Flaw::NeverBegins, &["cancel.send_state"]),
    inside("says that it sends before it has a connection", Flaw::BeginsAtOnce, UNPROVED),
    claiming("says nothing of what it sends", |inner, request, context| inner.send(request, apart(&context)), UNPROVED),
    // Connections.
    inside("uses any connection", Flaw::UsesAny, &["pool.fresh_connection"]),
    around(
        "cannot discard a connection",
        after!(sent => sent.map(|mut response| {
            response.extensions_mut().remove::<DiscardConnection>();
            response
        })),
        &["pool.discarded_connection"],
    ),
    around(
        "discards nothing",
        after!(sent => sent.map(|mut response| {
            response.extensions_mut().insert(DiscardConnection::new(|| {}));
            response
        })),
        &["pool.discarded_connection"],
    ),
    inside("keeps a connection with what is left over in it", Flaw::KeepsLeftovers, &["pool.bytes_left_over"]),
    inside("keeps a connection on which it sent half a request", Flaw::KeepsHalfSent, &["pool.answer_before_the_body"]),
    inside("keeps a connection whose answer was cut", Flaw::KeepsCut, &["cap.endless_body", "pool.cut_answer"]),
    inside("does not look whether an idle connection was closed", Flaw::DoesNotLook, &["proof.idle_connection"]),
    // Many at once.
    inside("keeps one place for all answers", Flaw::OneSlot, &["answer.side_by_side", "law.side_by_side"]),
    inside("keeps one place for all bodies", Flaw::OneBody, &["answer.side_by_side", "law.side_by_side"]),
    inside("lets all break off where one does", Flaw::OneForAll, &["law.side_by_side"]),
    // Secrets.
    around(
        "shows the key",
        |inner, request, context| {
            showing(inner, request, context, |request| format!("{:?}", request.headers()["authorization"].to_str()))
        },
        &["secrets.key"],
    ),
    around(
        "shows the URL",
        |inner, request, context| showing(inner, request, context, |request| request.uri().to_string()),
        &["secrets.url"],
    ),
    around(
        "shows the request",
        |inner, request, context| showing(inner, request, context, |request| format!("{:?}", request.body())),
        &["secrets.request_body"],
    ),
    around(
        "shows the answer",
        after!(sent => sent.map_err(|error| {
            let shown = format!("{:?}", error.partial());
            error.with_source(shown)
        })),
        &["secrets.answer", "secrets.key"],
    ),
    // The law.
    around(
        "says that a broken connection had not begun",
        after!(sent => sent.map_err(|error| match error.kind() {
            TransportErrorKind::Interrupted if error.partial().is_none() && !is_not_http(&error) => TransportErrorKind::Canceled.into(),
            _ => error,
        })),
        &[
            "law.any_bytes",
            "law.close.*",
            "law.close_within_the_request.*",
            "law.half_close.*",
            "law.interim_close.*",
            "law.interim_flood.*",
            "law.other_protocol.*",
            "law.part_of_the_head.*",
            "law.part_of_the_head_reset.*",
            "law.part_of_the_status.*",
            "law.part_of_the_version.*",
            "law.reset.*",
            "law.reset_within_the_request.*",
            "law.side_by_side",
            "law.tls_alert.*",
        ],
    ),
    around(
        "says that bytes that are no HTTP are no connection",
        after!(sent => sent.map_err(|error| match is_not_http(&error) {
            true => TransportErrorKind::Connect.into(),
            false => error,
        })),
        &[
            "law.any_bytes",
            "law.chunk_size_garbage.*",
            "law.chunk_size_overflow.*",
            "law.garbage.*",
            "law.header_garbage.*",
            "law.huge_head.*",
            "law.length_and_chunks.*",
            "law.length_garbage.*",
            "law.length_twice.*",
            "law.status_garbage.*",
            "law.switching_protocols.*",
            "law.version_garbage.*",
            "partial.broken_chunk",
        ],
    ),
    around(
        "says that nothing was sent when nothing came in time",
        after!(sent => sent.map_err(|error| match error.kind() {
            TransportErrorKind::Timeout if error.partial().is_none() => TransportErrorKind::TimeoutBeforeSend.into(),
            _ => error,
        })),
        &[
            "deadline.before_the_head",
            "deadline.of_interim_answers",
            "deadline.within_the_head",
            "law.interim_silence.*",
            "law.part_of_the_head_silence.*",
            "law.silence.*",
        ],
    ),
    around(
        "says that a cut answer was refused",
        after!(sent => sent.map_err(|error| match (error.kind(), error.partial().cloned()) {
            (TransportErrorKind::Interrupted, Some(partial)) => TransportError::new(TransportErrorKind::Refused).with_partial(partial),
            _ => error,
        })),
        &[
            "law.body_close.*",
            "law.body_reset.*",
            "law.chunk_size_garbage.*",
            "law.chunk_size_overflow.*",
            "law.chunked_cut.*",
            "law.head_close.*",
            "law.head_reset.*",
            "partial.broken_chunk",
            "partial.chunked",
            "partial.content_length",
        ],
    ),
    around(
        "sends again what broke off",
        |inner, request, context| {
            again(inner, request, context, |sent| {
                sent.as_ref().is_err_and(|error| error.kind() == TransportErrorKind::Interrupted)
            })
        },
        &[
            "law.any_bytes",
            "law.body_close.*",
            "law.body_reset.*",
            "law.chunk_size_garbage.*",
            "law.chunk_size_overflow.*",
            "law.chunked_cut.*",
            "law.close.*",
            "law.close_within_the_request.*",
            "law.garbage.*",
            "law.half_close.*",
            "law.head_close.*",
            "law.head_reset.*",
            "law.header_garbage.*",
            "law.huge_head.*",
            "law.interim_close.*",
            "law.interim_flood.*",
            "law.length_and_chunks.*",
            "law.length_garbage.*",
            "law.length_twice.*",
            "law.other_protocol.*",
            "law.part_of_the_head.*",
            "law.part_of_the_head_reset.*",
            "law.part_of_the_status.*",
            "law.part_of_the_version.*",
            "law.reset.*",
            "law.reset_within_the_request.*",
            "law.side_by_side",
            "law.status_garbage.*",
            "law.switching_protocols.*",
            "law.tls_alert.*",
            "law.version_garbage.*",
            "partial.broken_chunk",
            "partial.chunked",
            "partial.content_length",
        ],
    ),
    around(
        "sends again after 408 and 503",
        |inner, request, context| {
            again(inner, request, context, |sent| {
                sent.as_ref().is_ok_and(|response| matches!(response.status().as_u16(), 408 | 503))
            })
        },
        &["answer.every_status", "law.request_timeout.*"],
    ),
    around(
        "takes 413 for a refusal of what was not read",
        after!(sent => match sent {
            Ok(response) if response.status() == 413 => Err(TransportErrorKind::Refused.into()),
            sent => sent,
        }),
        &["answer.every_status", "law.answer_before_the_body.*", "pool.answer_before_the_body"],
    ),
    inside("takes a reused connection that broke for one that was closed", Flaw::ReusedWasClosed, REUSED_AND_BROKEN),
    inside("sends again what broke off on a reused connection", Flaw::ReusedIsSentAgain, REUSED_AND_BROKEN),
    inside(
        "sends again what had no body and broke off on a reused connection",
        Flaw::EmptyIsSentAgain,
        REUSED_AND_EMPTY,
    ),
    inside(
        "panics at bytes that are no HTTP",
        Flaw::PanicsOnGarbage,
        &[
            "law.any_bytes",
            "law.garbage.*",
            "law.header_garbage.*",
            "law.status_garbage.*",
            "law.version_garbage.*",
            "secrets.answer",
            "secrets.key",
            "secrets.request_body",
            "secrets.url",
        ],
    ),
    claiming(
        "makes answers up",
        |_, _, _| Box::pin(async { Ok(Response::default()) }),
        &[
            "answer.*",
            "cancel.*",
            "cap.*",
            "deadline.*",
            "law.any_bytes",
            "law.*.fresh",
            "law.redirect_to_*",
            "law.side_by_side",
            "partial.*",
            "pool.answer_before_the_body",
            "proof.cut_handshake",
            "proof.deadline_*",
            "proof.refused_connection",
            "request.accept_encoding",
            "request.body",
            "request.dot_segments",
            "request.headers",
            "request.target",
            "request.unsendable_url",
        ],
    ),
    // What could be proved: see the test for how these are required.
    around(
        "proves nothing",
        after!(sent => sent.map_err(|error| match error.partial().cloned() {
            Some(partial) => TransportError::new(error.kind()).with_partial(partial),
            None if error.kind() == TransportErrorKind::TimeoutBeforeSend => TransportErrorKind::Timeout.into(),
            None if error.kind() == TransportErrorKind::Timeout => error,
            None => TransportErrorKind::Interrupted.into(),
        })),
        &[
            "proof.cut_handshake",
            "proof.deadline_of_connecting",
            "proof.deadline_that_has_passed",
            "proof.refused_connection",
        ],
    ),
];
