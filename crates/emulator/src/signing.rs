//! Signing tokens: RS256 (RFC 7518 section 3.3) with a key that everybody may know.
//!
//! Responsible for the key, its two public forms, and signatures. What is signed is decided in `ticket.rs` and
//! `clerk/session_token.rs`.

mod pem;

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use serde::Serialize;

/// The key of every emulator that is given no other. It is public: it must never sign anything of worth.
const TEST_KEY: &str = include_str!("signing/test_signing_key.pem");

/// A private key. Clones are the same key.
#[derive(Clone)]
pub(crate) struct SigningKey(Arc<RsaKeyPair>);

/// The public half as a JSON Web Key (RFC 7517), in Clerk's order.
#[derive(Serialize)]
pub(crate) struct Jwk<'a> {
    r#use: &'static str,
    kty: &'static str,
    kid: &'a str,
    alg: &'static str,
    n: String,
    e: String,
}

impl SigningKey {
    /// Reads a key in PEM: PKCS#8 or PKCS#1.
    pub(crate) fn from_pem(text: &str) -> Result<Self, InvalidSigningKey> {
        let pair = match pem::read(text) {
            Some(("PRIVATE KEY", der)) => RsaKeyPair::from_pkcs8(&der).ok(),
            Some(("RSA PRIVATE KEY", der)) => RsaKeyPair::from_der(&der).ok(),
            _ => None,
        };
        pair.map(|pair| Self(Arc::new(pair))).ok_or(InvalidSigningKey(()))
    }

    /// The fixed test key.
    #[allow(clippy::expect_used, reason = "a constant; every test of this module would see it fail")]
    pub(crate) fn of_tests() -> Self {
        static KEY: OnceLock<SigningKey> = OnceLock::new();
        KEY.get_or_init(|| Self::from_pem(TEST_KEY).expect("the emulator's own key is well formed")).clone()
    }

    /// The signature. It is the same for the same text (RFC 8017 section 8.2), so a seed repeats it.
    pub(crate) fn sign(&self, text: &str) -> Vec<u8> {
        let mut signature = vec![0; self.0.public().modulus_len()];
        // It fails for a buffer of another length, or a system without random numbers: then it verifies nowhere.
        let _ = self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature);
        signature
    }

    /// A whole JSON Web Token of this header and these claims, both JSON.
    pub(crate) fn token(&self, header: &str, claims: &str) -> String {
        let signed = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        let signature = URL_SAFE_NO_PAD.encode(self.sign(&signed));
        [signed, signature].join(".")
    }

    pub(crate) fn jwk<'a>(&self, kid: &'a str) -> Jwk<'a> {
        let public = PublicKeyComponents::<Vec<u8>>::from(self.0.public());
        let [n, e] = [public.n, public.e].map(|number| URL_SAFE_NO_PAD.encode(number));
        Jwk { r#use: "sig", kty: "RSA", kid, alg: "RS256", n, e }
    }

    /// The public half in PEM (`SubjectPublicKeyInfo`, RFC 5280 section 4.1.2.7).
    pub(crate) fn public_pem(&self) -> String {
        pem::public_key(self.0.public().as_ref())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(redacted)")
    }
}

/// A text that is no signing key.
///
/// ```
/// use clerk_actor_tokens_emulator::Emulator;
///
/// let error = Emulator::builder().signing_key_pem("-----BEGIN CERTIFICATE-----").unwrap_err();
/// assert!(error.to_string().contains("RSA private key"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidSigningKey(());

impl fmt::Display for InvalidSigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the signing key is not an RSA private key of 2048 to 4096 bits in PEM, as PKCS#8 or PKCS#1")
    }
}

impl std::error::Error for InvalidSigningKey {}

#[cfg(test)]
mod tests {
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};

    use super::*;

    #[test]
    fn a_signature_verifies_with_both_public_forms_and_repeats() {
        let key = SigningKey::of_tests();
        let token = key.token("{}", "{\"a\":1}");
        assert_eq!(token, SigningKey::from_pem(TEST_KEY).unwrap().token("{}", "{\"a\":1}"));
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let jwk = key.jwk("ins_1");
        let [n, e] = [jwk.n, jwk.e].map(|number| URL_SAFE_NO_PAD.decode(number).unwrap());
        let public = RsaPublicKeyComponents { n, e };
        public.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).unwrap();
        let (_, spki) = pem::read(&key.public_pem()).unwrap();
        // Behind 24 bytes of its wrapping, as openssl writes them for 2048 bits.
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &spki[24..]);
        public.verify(signed.as_bytes(), &signature).unwrap();
        assert!(public.verify(b"another text", &signature).is_err());
    }

    #[test]
    fn what_is_no_rsa_private_key_is_refused_and_no_key_is_shown() {
        for text in ["", "x", &SigningKey::of_tests().public_pem(), &TEST_KEY.replace("MII", "MIA")] {
            assert!(SigningKey::from_pem(text).is_err(), "{text}");
        }
        let shown = format!("{:?} {:?}", SigningKey::of_tests(), InvalidSigningKey(()));
        assert_eq!(shown, "SigningKey(redacted) InvalidSigningKey(())");
    }
}
