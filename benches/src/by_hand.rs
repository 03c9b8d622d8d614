//! What the hand-written loops have in common: the request is made, and the answer read, as a good engineer writes it.

use std::time::Duration;

use bytes::Bytes;
use clerk_actor_tokens::settings::ApiVersion;
use http::{
    HeaderName, HeaderValue, Request, StatusCode, Uri,
    header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, USER_AGENT},
};
use serde::{Deserialize, Serialize};

use crate::{Failure, exchange, peer::Target};

/// How long one creation may take, as in the library.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// How long each layer keeps idle connections: none is closed while another layer has its turn.
pub(crate) const POOL_IDLE: Duration = Duration::from_secs(90);

/// Makes requests.
#[derive(Debug)]
pub(crate) struct ByHand {
    urls: Vec<Uri>,
    authorization: HeaderValue,
    api_version: HeaderValue,
}

#[derive(Serialize)]
struct NewToken<'a> {
    user_id: &'a str,
    actor: Actor<'a>,
    expires_in_seconds: u64,
}

#[derive(Serialize)]
struct Actor<'a> {
    sub: &'a str,
}

#[derive(Deserialize)]
struct Token {
    id: String,
    user_id: String,
    url: Option<String>,
}

impl ByHand {
    pub(crate) fn new(peer: &Target) -> Result<Self, Failure> {
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", exchange::SECRET_KEY))?;
        authorization.set_sensitive(true);
        let urls = peer.urls().map(|url| Ok(url.parse()?)).collect::<Result<_, Failure>>()?;
        Ok(Self { urls, authorization, api_version: HeaderValue::try_from(ApiVersion::default().as_str())? })
    }

    /// The headers of one creation.
    pub(crate) fn headers(&self) -> [(HeaderName, HeaderValue); 6] {
        [
            (ACCEPT, HeaderValue::from_static("application/json")),
            (ACCEPT_ENCODING, HeaderValue::from_static("identity")),
            (AUTHORIZATION, self.authorization.clone()),
            (exchange::CLERK_API_VERSION, self.api_version.clone()),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (USER_AGENT, HeaderValue::from_static("clerk-actor-tokens-benches")),
        ]
    }

    /// The request of the creation of this number: each goes to the next of the peer's origins.
    pub(crate) fn request(&self, number: usize) -> Result<Request<Bytes>, Failure> {
        let mut request = Request::post(of(&self.urls, number)?.clone());
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        Ok(request.body(body()?)?)
    }
}

/// The body of one creation.
pub(crate) fn body() -> Result<Bytes, Failure> {
    let new = NewToken {
        user_id: exchange::USER_ID,
        actor: Actor { sub: exchange::ACTOR_SUB },
        expires_in_seconds: exchange::LIFETIME,
    };
    Ok(serde_json::to_vec(&new)?.into())
}

/// Reads the token of an answer.
pub(crate) fn read(status: StatusCode, body: &[u8]) -> Result<(), Failure> {
    if !status.is_success() {
        return Err(format!("the peer answered {status}").into());
    }
    let token: Token = serde_json::from_slice(body)?;
    exchange::check(&token.id, &token.user_id, token.url.as_deref())
}

/// Takes the origins in turn.
pub(crate) fn of<T>(origins: &[T], number: usize) -> Result<&T, Failure> {
    let at = number.checked_rem(origins.len()).and_then(|at| origins.get(at));
    at.ok_or_else(|| "the peer has no address".into())
}
