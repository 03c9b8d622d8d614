//! Everything that this process says by the way: records of `log` and of `tracing` at every level, and the messages of
//! panics. It is kept, from every crate, and no test turns it off. With `RUST_LOG` set, the records are printed too.

use std::{
    fmt::Write as _,
    panic,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// What was said, with who said it: the module of a record, or `panic`.
#[derive(Default)]
pub(crate) struct Capture {
    said: Mutex<Vec<(String, String)>>,
}

/// Whether ureq's records at trace level are turned off, which have each byte of a request among them.
pub(crate) static UREQ_BELOW_TRACE: AtomicBool = AtomicBool::new(false);

static CAPTURE: OnceLock<Capture> = OnceLock::new();

/// The capture of this process, which begins with the first call.
pub(crate) fn start() -> &'static Capture {
    let capture = CAPTURE.get_or_init(Capture::default);
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        // Nothing subscribes to `tracing` here: its feature `log` then makes each span and event a record of `log`.
        log::set_logger(capture).expect("the only logger");
        log::set_max_level(log::LevelFilter::Trace);
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            capture.keep("panic", panic.to_string());
            previous(panic);
        }));
    });
    capture
}

impl Capture {
    fn keep(&self, who: &str, text: String) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).push((who.to_owned(), text));
    }

    /// What was said so far.
    pub(crate) fn said(&self) -> Vec<(String, String)> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many records a crate, one of its modules, or the panics, made.
    pub(crate) fn count(&self, who: &str) -> usize {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).iter().filter(|(module, _)| is_of(module, who)).count()
    }
}

impl log::Log for Capture {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        let is_ureqs = is_of(metadata.target(), "ureq") || is_of(metadata.target(), "ureq_proto");
        !(is_ureqs && metadata.level() == log::Level::Trace && UREQ_BELOW_TRACE.load(Ordering::SeqCst))
    }

    fn log(&self, record: &log::Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let mut text = format!("{} {}: {}", record.level(), record.target(), record.args());
        struct Fields<'a>(&'a mut String);
        impl<'kvs> log::kv::VisitSource<'kvs> for Fields<'_> {
            fn visit_pair(
                &mut self,
                key: log::kv::Key<'kvs>,
                value: log::kv::Value<'kvs>,
            ) -> Result<(), log::kv::Error> {
                let _ = write!(self.0, " {key}={value}");
                Ok(())
            }
        }
        let _ = record.key_values().visit(&mut Fields(&mut text));
        if std::env::var_os("RUST_LOG").is_some() {
            println!("{text}");
        }
        self.keep(record.module_path().unwrap_or(record.target()), text);
    }

    fn flush(&self) {}
}

/// Whether a record of this module is one of this crate's, or of this module above it.
pub(crate) fn is_of(module: &str, name: &str) -> bool {
    module.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}
