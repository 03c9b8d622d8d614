//! Why Clerk's side refuses a request.

use std::time::Duration;

use super::errors::{ApiError, Row};

/// Why a request was refused.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) errors: Vec<ApiError>,
    pub(super) retry_after: Option<Duration>,
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self { errors: vec![error], retry_after: None }
    }
}

impl From<Row> for Refusal {
    fn from(row: Row) -> Self {
        row.error().into()
    }
}
