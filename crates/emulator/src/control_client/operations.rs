//! The operations of the control plane: their names and paths in its OpenAPI file, and the method of each.
//!
//! A new operation begins here. A test compares what is sent with the file.

use clerk_actor_tokens_core::{Idempotency, OperationInfo};
use http::Method;

/// An operation: the facts of it, and its method.
pub(super) struct Operation {
    pub(super) info: OperationInfo,
    pub(super) method: Method,
}

/// Reads something.
const fn get(name: &'static str, path: &'static str) -> Operation {
    Operation { info: OperationInfo::new(name, path, Idempotency::Idempotent), method: Method::GET }
}

/// Does something, which a second time may do again.
const fn post(name: &'static str, path: &'static str) -> Operation {
    Operation { info: OperationInfo::new(name, path, Idempotency::NonIdempotent), method: Method::POST }
}

pub(super) static HEALTH: Operation = get("health", "/_emulator/health");
pub(super) static OPENAPI: Operation = get("openapi", "/_emulator/openapi.json");
pub(super) static STATE: Operation = get("state", "/_emulator/state");
pub(super) static REQUESTS: Operation = get("requests", "/_emulator/requests");
pub(super) static USERS: Operation = get("users", "/_emulator/users");
pub(super) static FAULTS: Operation = get("faults", "/_emulator/faults");
pub(super) static CLOCK: Operation = get("clock", "/_emulator/clock");
pub(super) static SNAPSHOTS: Operation = get("snapshots", "/_emulator/snapshots");

pub(super) static RESET: Operation = post("reset", "/_emulator/reset");
pub(super) static SET_USERS: Operation = Operation {
    info: OperationInfo::new("setUsers", "/_emulator/users", Idempotency::Idempotent),
    method: Method::PUT,
};
pub(super) static ADD_FAULTS: Operation = post("addFaults", "/_emulator/faults");
pub(super) static CLEAR_FAULTS: Operation = Operation {
    info: OperationInfo::new("clearFaults", "/_emulator/faults", Idempotency::NonIdempotent),
    method: Method::DELETE,
};
pub(super) static ADVANCE: Operation = post("advance", "/_emulator/clock/advance");
pub(super) static ACCEPT: Operation = post("accept", "/_emulator/tokens/{id}/accept");
pub(super) static REVOKE: Operation = post("revoke", "/_emulator/tokens/{id}/revoke");
pub(super) static END_SESSION: Operation = post("endSession", "/_emulator/sessions/{id}/end");
pub(super) static TAKE_SNAPSHOT: Operation = post("takeSnapshot", "/_emulator/snapshots");
pub(super) static RESTORE: Operation = post("restore", "/_emulator/snapshots/{id}/restore");
