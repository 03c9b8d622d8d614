//! Another endpoint of Clerk's as an operation: an invitation, which is made once, and revoked if its caller has gone.
//!
//! ```text
//! cargo run --example custom_operation
//! ```
#![expect(clippy::print_stdout, reason = "it shows what happens")]

use std::error::Error;

use clerk_actor_tokens::{
    BaseUrl, Client, SecretKey,
    http::Method,
    operation::{Creation, Idempotency, InvalidRequest, Operation, OperationInfo, ParseError, Salvage, Undo, check_id},
    serde_json::{self, Value, json},
    testing::mock::{Answer, ExpectedRequest, ScriptedTransport, responses},
    transport::{Request, Response},
};

/// `POST /v1/invitations`. Twice sent, it would be two mails.
struct CreateInvitation {
    email_address: String,
}

impl Operation for CreateInvitation {
    type Output = String;

    fn info(&self) -> &'static OperationInfo {
        const { &OperationInfo::new("CreateInvitation", "/invitations", Idempotency::NonIdempotent) }
    }

    fn request(&self, base: &BaseUrl) -> Result<Request, InvalidRequest> {
        let body = json!({ "email_address": self.email_address }).to_string();
        base.request(Method::POST, "/invitations", body.into())
    }

    fn parse(&self, response: &Response) -> Result<String, ParseError> {
        if !response.status().is_success() {
            return Err(ParseError::status());
        }
        let invitation: Value =
            serde_json::from_slice(response.body()).map_err(|_| ParseError::not_clerk("the response is not JSON"))?;
        let text = |name: &str| invitation.get(name).and_then(Value::as_str);
        if text("email_address") != Some(&self.email_address) {
            return Err(ParseError::mismatch("email_address"));
        }
        text("id").map(str::to_owned).ok_or_else(|| ParseError::unusable("id", "is no text"))
    }

    fn creation(&self) -> Option<&dyn Creation<String>> {
        Some(self)
    }
}

impl Creation<String> for CreateInvitation {
    fn id_of(&self, id: &String) -> Option<String> {
        Some(id.clone())
    }

    /// The id in what is left of a response: it was cut before anything said whose invitation it is.
    fn salvage(&self, partial: &[u8]) -> Result<Salvage, ParseError> {
        let text = String::from_utf8_lossy(partial);
        let id = text.split("\"id\":\"").nth(1).and_then(|rest| Some(rest.split_once('"')?.0));
        Ok(id.map_or(Salvage::None, |id| Salvage::Unconfirmed(id.to_owned())))
    }

    fn undo(&self, id: &str) -> Option<Undo> {
        Some(Undo::new(RevokeInvitation(id.to_owned())))
    }
}

/// `POST /v1/invitations/{invitation_id}/revoke`.
struct RevokeInvitation(String);

impl Operation for RevokeInvitation {
    type Output = ();

    fn info(&self) -> &'static OperationInfo {
        const { &OperationInfo::new("RevokeInvitation", "/invitations/{invitation_id}/revoke", Idempotency::Idempotent) }
    }

    fn request(&self, base: &BaseUrl) -> Result<Request, InvalidRequest> {
        let id = check_id("invitation_id", &self.0)?;
        base.request(Method::POST, &format!("/invitations/{id}/revoke"), Default::default())
    }

    fn parse(&self, response: &Response) -> Result<(), ParseError> {
        if response.status().is_success() { Ok(()) } else { Err(ParseError::status()) }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let invite = || CreateInvitation { email_address: "customer@example.com".to_owned() };
    let whole = Response::new(r#"{"id":"inv_1","email_address":"customer@example.com"}"#.into());
    let partial = whole.clone();
    let transport = ScriptedTransport::new()
        // A 429 proves that Clerk did nothing, so the client sends it again.
        .expect(ExpectedRequest::post("/v1/invitations"), responses::rate_limited(1))
        .expect(ExpectedRequest::post("/v1/invitations").json(json!({"email_address": "customer@example.com"})), whole)
        .expect(ExpectedRequest::post("/v1/invitations/inv_1/revoke").no_body(), Response::new("{}".into()))
        // A response that breaks off proves nothing, so it does not.
        .expect(
            ExpectedRequest::post("/v1/invitations"),
            Answer::from_fn(move |_| Err(responses::cut_short(partial, 20))),
        );
    let clerk = Client::new(transport.clone(), SecretKey::new("sk_test_abc")?);

    let id = clerk.execute(invite()).send().await?;
    clerk.execute(RevokeInvitation(id.clone())).send().await?;
    println!("{id} was sent and revoked");

    let Err(error) = clerk.execute(invite()).send().await else { return Err("a response that broke off".into()) };
    println!("{error}");
    println!("it may be {:?}, and is not revoked unasked", error.unconfirmed_id());
    assert!(error.is_ambiguous());
    transport.assert_done();
    Ok(())
}
