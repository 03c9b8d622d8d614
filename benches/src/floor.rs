//! The floor: creating a token with hyper-util's pooled client, as a good engineer writes it by hand.
//!
//! A deadline, the status checked, the body read whole and deserialised into what the application needs. What it has
//! not: any of the promises for which the library is there.

use std::time::Duration;

use bytes::Bytes;
use clerk_actor_tokens::settings::ApiVersion;
use http::{
    HeaderValue, Request, Uri,
    header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, USER_AGENT},
};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use serde::{Deserialize, Serialize};

use crate::{Failure, exchange, load::Create, peer::Target};

/// How long one creation may take, as in the library.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A client made by hand.
#[derive(Debug)]
pub struct Floor {
    client: Client<HttpConnector, Full<Bytes>>,
    url: Uri,
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

impl Floor {
    /// A client of this peer, with the library's settings of the pool and of its connections.
    ///
    /// # Errors
    /// None that can be had from the constants that it is made of.
    pub fn new(peer: Target) -> Result<Self, Failure> {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_secs(15)));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(10))
            .http2_only(peer.protocol.http2)
            .build(tcp);
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", exchange::SECRET_KEY))?;
        authorization.set_sensitive(true);
        Ok(Self {
            client,
            url: format!("http://{}{}", peer.address, exchange::PATH).parse()?,
            authorization,
            api_version: HeaderValue::try_from(ApiVersion::default().as_str())?,
        })
    }

    /// The request of one creation.
    pub(crate) fn request(&self) -> Result<Request<Bytes>, Failure> {
        let new = NewToken {
            user_id: exchange::USER_ID,
            actor: Actor { sub: exchange::ACTOR_SUB },
            expires_in_seconds: exchange::LIFETIME,
        };
        let request = Request::post(self.url.clone())
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
            .header(AUTHORIZATION, self.authorization.clone())
            .header("clerk-api-version", self.api_version.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(USER_AGENT, HeaderValue::from_static("clerk-actor-tokens-benches"))
            .body(serde_json::to_vec(&new)?.into())?;
        Ok(request)
    }

    async fn exchange(&self) -> Result<http::Response<Bytes>, Failure> {
        let response = self.client.request(self.request()?.map(Full::new)).await?;
        let (head, body) = response.into_parts();
        Ok(http::Response::from_parts(head, body.collect().await?.to_bytes()))
    }
}

/// Reads the token of an answer.
pub(crate) fn read(response: &http::Response<Bytes>) -> Result<(), Failure> {
    if !response.status().is_success() {
        return Err(format!("the peer answered {}", response.status()).into());
    }
    let token: Token = serde_json::from_slice(response.body())?;
    exchange::check(&token.id, &token.user_id, token.url.as_deref())
}

impl Create for Floor {
    async fn create(&self) -> Result<(), Failure> {
        read(&tokio::time::timeout(TIMEOUT, self.exchange()).await??)
    }
}
