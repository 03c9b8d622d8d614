//! One exchange with the control plane: the request, the answer within the time, and what it is read as.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use bytes::Bytes;
use clerk_actor_tokens_core::{CallContext, Deadline, Request, Response, TransportErrorKind, check_id};
use http::{
    HeaderValue, StatusCode, Uri,
    header::{ACCEPT, CONTENT_TYPE},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{ControlClient, error::ControlError, operations::Operation};

/// The largest answer, in bytes: a thousand rows of each kind, with links, and with bodies of some size.
const LARGEST: usize = 64 * 1024 * 1024;

/// How long a transport that keeps no deadlines may take past one.
const GRACE: Duration = Duration::from_millis(100);

/// What is sent besides the operation.
#[derive(Default)]
pub(super) struct Sent<'a> {
    /// Instead of `{id}`.
    pub(super) id: Option<&'a str>,
    /// With its question mark.
    pub(super) query: String,
    pub(super) body: Option<Value>,
}

impl<'a> Sent<'a> {
    pub(super) fn id(id: &'a str) -> Self {
        Self { id: Some(id), ..Self::default() }
    }

    pub(super) fn body(body: Value) -> Self {
        Self { body: Some(body), ..Self::default() }
    }

    pub(super) fn with_body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }
}

impl ControlClient {
    /// Sends this, and reads the answer of 200.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        operation: &'static Operation,
        sent: Sent<'_>,
    ) -> Result<T, ControlError> {
        let request = self.request(operation, sent)?;
        let response = self.send(operation, request).await?;
        read(operation, &response)
    }

    fn request(&self, operation: &'static Operation, sent: Sent<'_>) -> Result<Request, ControlError> {
        let mut path = operation.info.path().to_owned();
        if let Some(id) = sent.id {
            // An id means nothing in a path but itself.
            let id = check_id("id", id).map_err(|error| ControlError::invalid(operation, error))?;
            path = path.replace("{id}", id);
        }
        let url = format!("{}{path}{}", self.origin, sent.query);
        let url: Uri = url.parse().map_err(|_| ControlError::no_url(operation))?;
        let body = sent.body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        let has_body = !body.is_empty();
        let mut request = Request::new(body);
        *request.method_mut() = operation.method.clone();
        *request.uri_mut() = url;
        let json = HeaderValue::from_static("application/json");
        if has_body {
            request.headers_mut().insert(CONTENT_TYPE, json.clone());
        }
        request.headers_mut().insert(ACCEPT, json);
        Ok(request)
    }

    async fn send(&self, operation: &'static Operation, request: Request) -> Result<Response, ControlError> {
        let timer = self.transport.timer();
        let deadline = Deadline::after(timer.now(), self.timeout);
        let context = CallContext::new(&operation.info, deadline).with_response_cap(LARGEST);
        let mut sending = pin!(self.transport.send(request, context));
        let answered = if self.transport.keeps_deadlines() {
            sending.await
        } else {
            let mut late = pin!(timer.sleep(self.timeout.saturating_add(GRACE)));
            poll_fn(|task| match sending.as_mut().poll(task) {
                Poll::Ready(answered) => Poll::Ready(answered),
                Poll::Pending => late.as_mut().poll(task).map(|()| Err(TransportErrorKind::Timeout.into())),
            })
            .await
        };
        answered.map_err(|error| ControlError::transport(operation, error))
    }
}

/// A refusal of the control plane.
#[derive(Deserialize)]
struct Refusal {
    error: String,
}

fn read<T: DeserializeOwned>(operation: &'static Operation, response: &Response) -> Result<T, ControlError> {
    let status = response.status();
    if status == StatusCode::OK {
        return serde_json::from_slice(response.body()).map_err(|error| ControlError::unreadable(operation, &error));
    }
    match serde_json::from_slice::<Refusal>(response.body()) {
        Ok(refusal) => Err(ControlError::refused(operation, status, refusal.error)),
        // Whatever answered, it was no control plane.
        Err(_) => Err(ControlError::not_there(operation, status)),
    }
}
