//! Faults by name: what `Display` writes, read again, for a command line or a table of faults.
//!
//! A name is a call as one would write it: `stall()`, `cut_at(120)`, `status(429).retry_after(2s)`. Where nothing else
//! could be meant, empty parentheses and quotes may be left out: `stall`, `without(id)`.

use std::{fmt, str::FromStr, time::Duration};

use clerk_actor_tokens_core::Sanitized;
use http::HeaderValue;

use super::{
    Action, Answering, AnyFault, Fault, another_actor, another_user, bad_id, bad_utf8, bom, canceled, close,
    connect_timeout, content_type, cut_at, delay, dns, duplicate, empty, goaway_above, goaway_below, gzip, half_close,
    html, malformed, nested, not_clerk, padded_to, pass, proxy, proxy_auth, redirect, refused, refused_stream, reset,
    rst_stream, slow_body, stale, stall, stall_at, status,
    text::{Call, calls, duration},
    tls, tls_cut, token_status, unreachable, without, wrong_type,
};

/// How a fault is made from the text in its parentheses.
enum Maker {
    Plain(fn() -> AnyFault),
    /// A place in the answer, in bytes.
    Place(fn(usize) -> AnyFault),
    /// How much of something is made, of bytes or levels: within reason.
    Size(fn(usize) -> AnyFault),
    /// The code of an HTTP/2 reset, but for REFUSED_STREAM.
    Code(fn(u32) -> AnyFault),
    Time(fn(Duration) -> AnyFault),
    Status(fn(u16) -> AnyFault),
    Text(fn(String) -> AnyFault),
    /// A text that can stand in a header.
    Header(fn(&str) -> AnyFault),
    /// A status of 300 to 399, and a text that can stand in a header.
    Redirect(fn(u16, &str) -> AnyFault),
}

/// Every fault by its name.
const MAKERS: [(&str, Maker); 42] = [
    ("pass", Maker::Plain(|| pass().into())),
    ("delay", Maker::Time(|time| delay(time).into())),
    ("stall", Maker::Plain(|| stall().into())),
    ("reset", Maker::Plain(|| reset().into())),
    ("close", Maker::Plain(|| close().into())),
    ("refused", Maker::Plain(|| refused().into())),
    ("dns", Maker::Plain(|| dns().into())),
    ("unreachable", Maker::Plain(|| unreachable().into())),
    ("connect_timeout", Maker::Plain(|| connect_timeout().into())),
    ("tls", Maker::Plain(|| tls().into())),
    ("tls_cut", Maker::Plain(|| tls_cut().into())),
    ("proxy", Maker::Plain(|| proxy().into())),
    ("proxy_auth", Maker::Plain(|| proxy_auth().into())),
    ("canceled", Maker::Plain(|| canceled().into())),
    ("refused_stream", Maker::Plain(|| refused_stream().into())),
    ("goaway_below", Maker::Plain(|| goaway_below().into())),
    ("goaway_above", Maker::Plain(|| goaway_above().into())),
    ("rst_stream", Maker::Code(|code| rst_stream(code).into())),
    ("half_close", Maker::Plain(|| half_close().into())),
    ("status", Maker::Status(|code| status(code).into())),
    ("html", Maker::Status(|code| html(code).into())),
    ("empty", Maker::Status(|code| empty(code).into())),
    ("not_clerk", Maker::Plain(|| not_clerk().into())),
    ("redirect", Maker::Redirect(|code, location| redirect(code, location).into())),
    ("cut_at", Maker::Place(|bytes| cut_at(bytes).into())),
    ("stall_at", Maker::Place(|bytes| stall_at(bytes).into())),
    ("slow_body", Maker::Time(|time| slow_body(time).into())),
    ("malformed", Maker::Plain(|| malformed().into())),
    ("without", Maker::Text(|field| without(field).into())),
    ("wrong_type", Maker::Text(|field| wrong_type(field).into())),
    ("bad_utf8", Maker::Text(|field| bad_utf8(field).into())),
    ("duplicate", Maker::Text(|field| duplicate(field).into())),
    ("token_status", Maker::Text(|word| token_status(word).into())),
    ("content_type", Maker::Header(|value| content_type(value).into())),
    ("padded_to", Maker::Size(|bytes| padded_to(bytes).into())),
    ("nested", Maker::Size(|depth| nested(depth).into())),
    ("gzip", Maker::Plain(|| gzip().into())),
    ("bom", Maker::Plain(|| bom().into())),
    ("another_user", Maker::Plain(|| another_user().into())),
    ("another_actor", Maker::Plain(|| another_actor().into())),
    ("bad_id", Maker::Plain(|| bad_id().into())),
    ("stale", Maker::Plain(|| stale().into())),
];

/// What a fault that is an answer takes behind it.
enum Addition {
    Plain(fn(Fault<Answering>) -> Fault<Answering>),
    Time(fn(Fault<Answering>, Duration) -> Fault<Answering>),
    Header(fn(Fault<Answering>, &str) -> Fault<Answering>),
}

/// Every addition by its name.
const ADDITIONS: [(&str, Addition); 6] = [
    ("retry_after", Addition::Time(Fault::retry_after)),
    ("retry_after_date", Addition::Time(Fault::retry_after_date)),
    ("retry_after_text", Addition::Header(|fault, text| fault.retry_after_text(text))),
    ("dated", Addition::Plain(Fault::dated)),
    ("clock_ahead", Addition::Time(Fault::clock_ahead)),
    ("clock_behind", Addition::Time(Fault::clock_behind)),
];

/// The most that a fault may make of something.
const LARGEST: usize = 64 * 1024 * 1024;

/// RFC 9113 section 7.
const REFUSED_STREAM: u32 = 7;

/// A text that names no fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseFaultError(String);

impl ParseFaultError {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for ParseFaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ParseFaultError {}

impl FromStr for AnyFault {
    type Err = ParseFaultError;

    /// Reads a fault as [`name`](Self::name) writes it: `stall()`, `cut_at(120)`, `status(429).retry_after(2s)`. Empty
    /// parentheses may be left out, and so may quotes around a text without commas and parentheses: `stall`,
    /// `without(id)`.
    ///
    /// ```
    /// use clerk_actor_tokens_emulator::fault::{self, AnyFault};
    ///
    /// let fault: AnyFault = "status(503).retry_after(1s)".parse()?;
    /// assert_eq!(fault.name(), "status(503).retry_after(1s)");
    /// assert!("statsu(503)".parse::<AnyFault>().is_err());
    /// # Ok::<(), fault::ParseFaultError>(())
    /// ```
    fn from_str(text: &str) -> Result<Self, ParseFaultError> {
        if text.trim().is_empty() {
            return Err(error("the fault has no name: write one such as stall() or cut_at(120)".to_owned()));
        }
        let calls =
            calls(text).ok_or_else(|| error(format!("{} is not written like cut_at(120)", Sanitized::new(text))))?;
        let mut calls = calls.into_iter();
        let Some(first) = calls.next() else { return Err(error("a fault has a name".to_owned())) };
        calls.try_fold(made(&first)?, added)
    }
}

fn error(what: String) -> ParseFaultError {
    ParseFaultError(what)
}

/// What a name in a table means.
fn named<'a, T>(table: &'a [(&str, T)], name: &str, what: &str) -> Result<&'a T, ParseFaultError> {
    table.iter().find_map(|(known, found)| (*known == name).then_some(found)).ok_or_else(|| {
        // In lines that a terminal holds.
        let names: Vec<_> = table.iter().map(|(known, _)| *known).collect();
        let lines: Vec<_> = names.chunks(8).map(|names| names.join(", ")).collect();
        error(format!("there is no {what} {}; there are:\n  {}", Sanitized::new(name), lines.join(",\n  ")))
    })
}

fn made(call: &Call) -> Result<AnyFault, ParseFaultError> {
    let wants = |what: &str| error(format!("{} takes {what}", call.name));
    let one = || match call.arguments.as_slice() {
        [argument] => Some(argument.as_str()),
        _ => None,
    };
    let status_in = |argument: &str, least: u16| argument.parse().ok().filter(|code| (least..1000).contains(code));
    match named(&MAKERS, &call.name, "fault")? {
        Maker::Plain(make) => call.arguments.is_empty().then(make).ok_or_else(|| wants("no argument")),
        Maker::Place(make) => one().and_then(|it| it.parse().ok()).map(make).ok_or_else(|| wants("a number of bytes")),
        Maker::Size(make) => {
            let size = one().and_then(|it| it.parse().ok()).filter(|size| *size <= LARGEST);
            size.map(make).ok_or_else(|| wants(&format!("a number, {LARGEST} at most")))
        }
        Maker::Code(make) => {
            let code = one().and_then(|it| it.parse().ok()).filter(|code| *code != REFUSED_STREAM);
            code.map(make).ok_or_else(|| wants("an error code of HTTP/2 other than 7, which is refused_stream()"))
        }
        Maker::Time(make) => one().and_then(duration).map(make).ok_or_else(|| wants("a time such as 2s or 150ms")),
        Maker::Status(make) => {
            let code = one().and_then(|it| status_in(it, 200));
            code.map(make).ok_or_else(|| wants("a status of 200 to 999"))
        }
        Maker::Text(make) => one().map(|text| make(text.to_owned())).ok_or_else(|| wants("a text")),
        Maker::Header(make) => {
            let value = one().filter(|value| HeaderValue::from_str(value).is_ok());
            value.map(make).ok_or_else(|| wants("a text that a header can contain"))
        }
        Maker::Redirect(make) => match call.arguments.as_slice() {
            [code, location] if HeaderValue::from_str(location).is_ok() => {
                status_in(code, 300).filter(|code| *code < 400).map(|code| make(code, location))
            }
            _ => None,
        }
        .ok_or_else(|| wants("a status of 300 to 399 and a location")),
    }
}

fn added(fault: AnyFault, call: Call) -> Result<AnyFault, ParseFaultError> {
    let wants = |what: &str| error(format!("{} takes {what}", call.name));
    let addition = named(&ADDITIONS, &call.name, "addition")?;
    let Action::Answer(_) = &fault.action else {
        return Err(error(format!("{} is only for faults that are answers, such as status(429)", call.name)));
    };
    let answer = Fault::<Answering>::new(fault.action);
    let answer = match (addition, call.arguments.as_slice()) {
        (Addition::Plain(add), []) => add(answer),
        (Addition::Plain(_), _) => return Err(wants("no argument")),
        (Addition::Time(add), [time]) => {
            add(answer, duration(time).ok_or_else(|| wants("a time such as 2s or 150ms"))?)
        }
        (Addition::Header(add), [text]) if HeaderValue::from_str(text).is_ok() => add(answer, text),
        (Addition::Time(_), _) => return Err(wants("a time such as 2s or 150ms")),
        (Addition::Header(_), _) => return Err(wants("a text that a header can contain")),
    };
    Ok(answer.into())
}
