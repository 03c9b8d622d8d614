//! What there is of spans and events without `tracing`: nothing.

use std::fmt;

use crate::{
    observe::{AttemptEnded, CallEnded, Described},
    operation_info::OperationInfo,
    time::BoxFuture,
};

#[derive(Clone)]
pub(crate) struct CallSpan;

impl CallSpan {
    pub(crate) fn begin(_: Described<'_>) -> Self {
        Self
    }

    pub(crate) fn is_wanted(&self) -> bool {
        false
    }

    pub(crate) fn link(&self) -> Link {
        Link
    }

    pub(crate) fn end(&self, _: &CallEnded<'_>) {}

    pub(crate) fn left(&self) {}

    pub(crate) fn around<T>(&self, call: BoxFuture<'static, T>) -> BoxFuture<'static, T> {
        call
    }
}

#[derive(Clone, Default)]
pub(crate) struct Link;

impl Link {
    pub(crate) fn held(&self, _: &OperationInfo) -> Later {
        Later
    }

    pub(crate) fn detached(&self, _: &OperationInfo) -> Later {
        Later
    }
}

#[derive(Clone)]
pub(crate) struct Later;

impl Later {
    pub(crate) fn link(&self) -> Link {
        Link
    }

    pub(crate) fn kept(&self, _: bool) {}

    pub(crate) fn orphan(&self, _: &'static str) {}

    pub(crate) fn around<T>(&self, task: BoxFuture<'static, T>) -> BoxFuture<'static, T> {
        task
    }
}

pub(crate) fn has_subscriber() -> bool {
    false
}

pub(crate) fn attempt_ended(_: &AttemptEnded<'_>) {}

pub(crate) fn call_ended(_: &CallEnded<'_>) {}

pub(crate) fn info(_: fmt::Arguments<'_>) {}

pub(crate) fn warn(_: fmt::Arguments<'_>) {}

pub(crate) fn error(_: fmt::Arguments<'_>) -> bool {
    false
}
