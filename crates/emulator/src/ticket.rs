//! The ticket: a JSON Web Token of the form that Clerk hands out, and the link that carries it.
//!
//! In process the signature is a placeholder, random bytes of the right length, unless the emulator is set to sign: a
//! signature takes most of the time of a creation.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

/// Exactly Clerk's header: no `kid`.
const HEADER: &str = r#"{"alg":"RS256","typ":"JWT"}"#;

/// About how long a ticket is, so that its memory is asked for once.
const LONG: usize = 640;

/// The claims of a ticket, in Clerk's order.
#[derive(Serialize)]
pub(crate) struct Claims<'a> {
    /// The lifetime, in seconds.
    pub(crate) eis: i64,
    /// When it ends, in seconds since 1970.
    pub(crate) exp: i64,
    /// The instance's id.
    pub(crate) iid: &'a str,
    /// The actor token's id.
    pub(crate) sid: &'a str,
    /// What kind of ticket it is.
    pub(crate) st: &'static str,
}

/// The ticket as text, with this signature.
pub(crate) fn ticket(claims: &Claims<'_>, signature: &[u8]) -> String {
    let mut ticket = String::with_capacity(LONG);
    for (number, part) in [HEADER.as_bytes(), claims.to_json().as_bytes(), signature].into_iter().enumerate() {
        if number > 0 {
            ticket.push('.');
        }
        URL_SAFE_NO_PAD.encode_string(part, &mut ticket);
    }
    ticket
}

/// The ticket as text, signed.
#[cfg(feature = "signing")]
pub(crate) fn signed(claims: &Claims<'_>, key: &crate::signing::SigningKey) -> String {
    key.token(HEADER, &claims.to_json())
}

impl Claims<'_> {
    fn to_json(&self) -> String {
        // Numbers and texts alone: this cannot fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The link that opens a session, by the origin of the frontend API.
pub(crate) fn link(origin: &str, ticket: &str) -> String {
    [origin, "/v1/tickets/accept?ticket=", ticket].concat()
}

/// The ticket in a link; the whole text if it is a bare ticket.
pub(crate) fn in_link(text: &str) -> &str {
    match text.split_once("ticket=") {
        Some((_, ticket)) => ticket.split(['&', '#']).next().unwrap_or(ticket),
        None => text,
    }
}

/// The id of the token that a ticket says it is of. Whether it is, the ticket of that token says.
pub(crate) fn token_id(ticket: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        sid: String,
    }
    let claims = URL_SAFE_NO_PAD.decode(ticket.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Named>(&claims).ok().map(|named| named.sid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_header_claims_and_a_signature_of_2048_bits() {
        let claims = Claims { eis: 3600, exp: 42, iid: "ins_1", sid: "act_1", st: "actor_token" };
        let ticket = ticket(&claims, &[0xff; 256]);
        let parts: Vec<_> = ticket.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
        assert_eq!(parts[0], br#"{"alg":"RS256","typ":"JWT"}"#);
        assert_eq!(parts[1], br#"{"eis":3600,"exp":42,"iid":"ins_1","sid":"act_1","st":"actor_token"}"#);
        assert_eq!(parts[2].len(), 256);
        assert_eq!(parts.len(), 3);
        assert_eq!(token_id(&ticket).as_deref(), Some("act_1"));
        assert_eq!(["", "a.b.c", "eyJ.e30.x"].map(token_id), [None, None, None]);
    }

    #[test]
    fn a_ticket_is_found_in_its_link() {
        let link = link("https://clerk.example.test", "eyJ.a.b");
        assert_eq!(link, "https://clerk.example.test/v1/tickets/accept?ticket=eyJ.a.b");
        for text in [link.as_str(), &format!("{link}&redirect_url=x"), &format!("{link}#x"), "eyJ.a.b"] {
            assert_eq!(in_link(text), "eyJ.a.b");
        }
    }
}
