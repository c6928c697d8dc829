//! The token of a player's browser: a JWT signed with Ed25519, and nothing else is accepted.

use crate::domain::{OperatorId, PlayerId, PlayerKey, Timestamp};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use thiserror::Error;
use uuid::Uuid;

/// A token lives at most this long.
pub const TTL_MAX_S: i64 = 900;

/// One signing key, as configuration gives it.
#[derive(Clone)]
pub struct TokenKey {
    /// Names the key in a token's header.
    pub kid: String,
    /// PKCS #8, DER.
    pub pkcs8: secrecy::SecretSlice<u8>,
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl TokenKey {
    /// Reads a PEM file's `PRIVATE KEY`.
    ///
    /// # Errors
    /// When it is not PEM. What is in it is looked at by [`Tokens::new`].
    pub fn from_pem(kid: &str, pem: &str) -> Result<Self, TokenKeyFault> {
        use base64::{Engine, prelude::BASE64_STANDARD};
        let body = pem
            .trim()
            .strip_prefix("-----BEGIN PRIVATE KEY-----")
            .and_then(|rest| rest.strip_suffix("-----END PRIVATE KEY-----"))
            .map(|lines| lines.split_whitespace().collect::<String>());
        let der = body.and_then(|text| BASE64_STANDARD.decode(text).ok());
        let pkcs8 = der.ok_or_else(|| TokenKeyFault(kid.to_owned()))?.into();
        Ok(Self { kid: kid.to_owned(), pkcs8 })
    }

    /// A fresh key, for tests.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn generate(kid: &str) -> Result<Self, TokenKeyFault> {
        let pair = Ed25519KeyPair::generate().map_err(|_| TokenKeyFault(kid.to_owned()))?;
        let pkcs8 = pair.to_pkcs8().map_err(|_| TokenKeyFault(kid.to_owned()))?;
        Ok(Self { kid: kid.to_owned(), pkcs8: pkcs8.as_ref().to_vec().into() })
    }
}

/// Signs and reads tokens. The first key signs; every key verifies, so that keys can be rotated.
pub struct Tokens {
    issuer: String,
    audience: String,
    active_kid: String,
    signing: EncodingKey,
    verifying: HashMap<String, DecodingKey>,
    ttl_max_s: i64,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("active_kid", &self.active_kid).finish_non_exhaustive()
    }
}

/// A key that is none.
#[derive(Debug, Error)]
#[error("token key `{0}` is not an Ed25519 private key in PKCS #8")]
pub struct TokenKeyFault(String);

/// What a sound token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayerToken {
    pub player: PlayerKey,
    pub jti: Uuid,
}

/// A token that does not count, and why is nobody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the token is not valid")]
pub struct InvalidToken;

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    /// The player.
    sub: String,
    /// The operator.
    op: String,
    jti: String,
    iat: i64,
    exp: i64,
}

impl Tokens {
    /// # Errors
    /// When a key cannot be read, or when there is none.
    pub fn new(issuer: &str, audience: &str, keys: &[TokenKey]) -> Result<Self, TokenKeyFault> {
        use secrecy::ExposeSecret;
        let active = keys.first().ok_or_else(|| TokenKeyFault(String::new()))?;
        let mut verifying = HashMap::new();
        for key in keys {
            let pair = Ed25519KeyPair::from_pkcs8(key.pkcs8.expose_secret())
                .map_err(|_| TokenKeyFault(key.kid.clone()))?;
            let public = DecodingKey::from_ed_der(pair.public_key().as_ref());
            verifying.insert(key.kid.clone(), public);
        }
        Ok(Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            active_kid: active.kid.clone(),
            signing: EncodingKey::from_ed_der(active.pkcs8.expose_secret()),
            verifying,
            ttl_max_s: TTL_MAX_S,
        })
    }

    /// With tokens that live shorter than [`TTL_MAX_S`] at most.
    #[must_use]
    pub fn with_ttl_max(mut self, seconds: i64) -> Self {
        self.ttl_max_s = seconds.min(TTL_MAX_S);
        self
    }

    /// How long a token that is signed here may live.
    pub const fn ttl_max_s(&self) -> i64 {
        self.ttl_max_s
    }

    /// The token of a session.
    ///
    /// # Errors
    /// When signing fails.
    pub fn sign(
        &self,
        token: &PlayerToken,
        issued_at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.active_kid.clone());
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: token.player.player.to_string(),
            op: token.player.operator.to_string(),
            jti: token.jti.simple().to_string(),
            iat: issued_at.unix_timestamp(),
            exp: expires_at.unix_timestamp(),
        };
        jsonwebtoken::encode(&header, &claims, &self.signing)
    }

    /// Reads a token: our key, our algorithm, our issuer and audience, in its time.
    ///
    /// # Errors
    /// When anything about it is not right.
    pub fn read(&self, text: &str, now: Timestamp) -> Result<PlayerToken, InvalidToken> {
        let header = jsonwebtoken::decode_header(text).map_err(|_| InvalidToken)?;
        let key = header.kid.and_then(|kid| self.verifying.get(&kid)).ok_or(InvalidToken)?;
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_issuer(&[&self.issuer]);
        rules.set_audience(&[&self.audience]);
        rules.set_required_spec_claims(&["exp", "iss", "aud"]);
        // The time is judged below, by the clock that we were handed.
        rules.validate_exp = false;
        let claims =
            jsonwebtoken::decode::<Claims>(text, key, &rules).map_err(|_| InvalidToken)?.claims;
        let now_s = now.unix_timestamp();
        let lives = claims.exp > now_s && claims.iat <= now_s + 5;
        if !lives || claims.exp - claims.iat > TTL_MAX_S {
            return Err(InvalidToken);
        }
        let operator = OperatorId::parse(&claims.op).ok_or(InvalidToken)?;
        let player = PlayerId::parse(&claims.sub).ok_or(InvalidToken)?;
        let jti = Uuid::try_parse(&claims.jti).map_err(|_| InvalidToken)?;
        Ok(PlayerToken { player: PlayerKey { operator, player }, jti })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::Duration;
    use time::macros::datetime;

    const NOW: Timestamp = datetime!(2026-03-01 12:00 UTC);

    fn token() -> PlayerToken {
        PlayerToken {
            player: PlayerKey {
                operator: OperatorId::trusted("op_demo"),
                player: PlayerId::trusted("p-1"),
            },
            jti: Uuid::from_u128(7),
        }
    }

    fn tokens(key: &TokenKey) -> Tokens {
        Tokens::new("interlock", "players", std::slice::from_ref(key)).unwrap()
    }

    #[test]
    fn a_token_is_read_back_until_it_expires() {
        let tokens = tokens(&TokenKey::generate("k1").unwrap());
        let text = tokens.sign(&token(), NOW, NOW + Duration::seconds(60)).unwrap();
        assert_eq!(tokens.read(&text, NOW), Ok(token()));
        assert_eq!(tokens.read(&text, NOW + Duration::seconds(59)), Ok(token()));
        assert_eq!(tokens.read(&text, NOW + Duration::seconds(60)), Err(InvalidToken));
    }

    #[test]
    fn a_key_is_read_from_a_pem_file() {
        use base64::{Engine, prelude::BASE64_STANDARD};
        // What `openssl genpkey -algorithm ed25519` writes: PKCS #8 version 1, a seed of 32 bytes.
        let der = [hex::decode("302e020100300506032b657004220420").unwrap(), vec![7; 32]].concat();
        let body = BASE64_STANDARD.encode(der);
        let (head, foot) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
        let pem = format!("{head}\n{body}\n{foot}\n");
        let tokens = tokens(&TokenKey::from_pem("k1", &pem).unwrap());
        let text = tokens.sign(&token(), NOW, NOW + Duration::seconds(60)).unwrap();
        assert_eq!(tokens.read(&text, NOW), Ok(token()));
        assert!(TokenKey::from_pem("k1", "no key").is_err());
    }

    #[test]
    fn an_old_key_still_verifies_during_rotation() {
        let (old, new) = (TokenKey::generate("k1").unwrap(), TokenKey::generate("k2").unwrap());
        let text = tokens(&old).sign(&token(), NOW, NOW + Duration::seconds(60)).unwrap();
        let rotated = Tokens::new("interlock", "players", &[new.clone(), old]).unwrap();
        assert_eq!(rotated.read(&text, NOW), Ok(token()));
        assert_eq!(tokens(&new).read(&text, NOW), Err(InvalidToken));
    }

    #[test]
    fn another_issuer_audience_or_life_is_refused() {
        let key = TokenKey::generate("k1").unwrap();
        let good = tokens(&key);
        let keys = std::slice::from_ref(&key);
        let end = NOW + Duration::seconds(60);
        for (issuer, audience) in [("other", "players"), ("interlock", "other")] {
            let other = Tokens::new(issuer, audience, keys).unwrap();
            let text = other.sign(&token(), NOW, end).unwrap();
            assert_eq!(good.read(&text, NOW), Err(InvalidToken));
        }
        let long = good.sign(&token(), NOW, NOW + Duration::seconds(901)).unwrap();
        assert_eq!(good.read(&long, NOW), Err(InvalidToken));
    }

    #[test]
    fn no_other_algorithm_is_accepted() {
        use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as B64};
        let key = TokenKey::generate("k1").unwrap();
        let good = tokens(&key);
        let text = good.sign(&token(), NOW, NOW + Duration::seconds(60)).unwrap();
        let parts: Vec<&str> = text.split('.').collect();
        let none = B64.encode(br#"{"alg":"none","typ":"JWT","kid":"k1"}"#);
        assert_eq!(good.read(&format!("{none}.{}.", parts[1]), NOW), Err(InvalidToken));
        // The public key as an HMAC secret: the classic confusion.
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("k1".to_owned());
        let claims: Claims = serde_json::from_slice(&B64.decode(parts[1]).unwrap()).unwrap();
        use secrecy::ExposeSecret;
        let pair = Ed25519KeyPair::from_pkcs8(key.pkcs8.expose_secret()).unwrap();
        let secret = EncodingKey::from_secret(pair.public_key().as_ref());
        let confused = jsonwebtoken::encode(&header, &claims, &secret).unwrap();
        assert_eq!(good.read(&confused, NOW), Err(InvalidToken));
    }
}
