//! The line of a request on standard error: text for people, or JSON. It has no header, no body and no ticket.

use std::time::{Duration, UNIX_EPOCH};

use clap::ValueEnum;
use clerk_actor_tokens_core::Sanitized;
use clerk_actor_tokens_emulator::RecordedRequest;
use serde_json::json;

/// How a request is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// A line for people
    Text,
    /// A line of JSON
    Json,
}

impl LogFormat {
    pub(crate) fn line(self, request: &RecordedRequest) -> String {
        let masked = |text: &str| Sanitized::new(text).to_string();
        let target = match request.query() {
            Some(query) => format!("{}?{}", masked(request.path()), masked(query)),
            None => masked(request.path()),
        };
        let method = masked(request.method().as_str());
        let status = request.status().map(|status| status.as_u16());
        match self {
            Self::Text => {
                let since = Duration::from_millis(u64::try_from(request.at().as_millis()).unwrap_or(0));
                let at = UNIX_EPOCH.checked_add(since).map(httpdate::fmt_http_date).unwrap_or_default();
                let status = status.map_or("no answer".to_owned(), |status| status.to_string());
                let fault = request.fault().map_or(String::new(), |fault| format!(", met {}", masked(fault)));
                format!("{at}: {method} {target}: {status}{fault}")
            }
            Self::Json => json!({
                "at": request.at().as_millis(),
                "method": method,
                "target": target,
                "body_bytes": request.body_len(),
                "status": status,
                "fault": request.fault().map(masked),
            })
            .to_string(),
        }
    }
}
