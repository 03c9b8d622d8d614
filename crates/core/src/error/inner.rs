//! What is behind the one pointer of an error.

use std::{borrow::Cow, error::Error as StdError, sync::OnceLock, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::api;
use crate::{
    actor_token_id::ActorTokenId, attempt::Attempt, error_kind::ErrorKind, execution::Execution, exposure::Exposed,
    invalid_request::InvalidRequest, operation::Salvage, operation_info::OperationInfo,
    transport::error::TransportErrorKind, url::BaseUrl,
};

/// Everything that an error may know. `error_of_exchange` and the attempt loop fill it in.
pub(crate) struct Inner {
    pub(crate) kind: ErrorKind,
    pub(crate) execution: Execution,
    pub(crate) operation: &'static OperationInfo,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) base_url: Option<BaseUrl>,
    pub(crate) invalid: Option<InvalidRequest>,
    pub(crate) status: Option<StatusCode>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    pub(crate) api: api::Envelope,
    pub(crate) retry_after: Option<Duration>,
    /// Of the transport's failure, where no response head arrived with it.
    pub(crate) transport: Option<TransportErrorKind>,
    /// Of a proxy, to CONNECT.
    pub(crate) proxy_status: Option<StatusCode>,
    /// Of the transport, or of what refused to send.
    pub(crate) advice: Option<&'static str>,
    pub(crate) detail: Option<Cow<'static, str>>,
    pub(crate) redirect_origin: Option<String>,
    pub(crate) salvage: Salvage,
    /// Filled in when it is asked for: the attempt loop may still change the salvage of an error that it makes.
    pub(super) salvaged_actor_token: OnceLock<Option<ActorTokenId>>,
    pub(crate) raw_id: Option<String>,
    pub(crate) out_of_retries: bool,
    pub(crate) is_detached: bool,
    /// The body of a success was larger than the cap.
    pub(crate) is_over_cap: bool,
    pub(crate) exposed: Option<Exposed>,
    pub(crate) source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Inner {
    pub(crate) fn new(operation: &'static OperationInfo, kind: ErrorKind, execution: Execution) -> Self {
        Self {
            kind,
            execution,
            operation,
            attempts: Vec::new(),
            base_url: None,
            invalid: None,
            status: None,
            headers: HeaderMap::new(),
            body: None,
            api: api::Envelope::default(),
            retry_after: None,
            transport: None,
            proxy_status: None,
            advice: None,
            detail: None,
            redirect_origin: None,
            salvage: Salvage::None,
            salvaged_actor_token: OnceLock::new(),
            raw_id: None,
            out_of_retries: false,
            is_detached: false,
            is_over_cap: false,
            exposed: None,
            source: None,
        }
    }
}
