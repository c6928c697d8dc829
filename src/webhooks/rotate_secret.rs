//! Gives an endpoint a new secret. For a day the old one signs beside it, so that the receiver
//! never meets a delivery that it cannot verify.

use std::time::Duration;

use secrecy::SecretString;

use super::register_endpoint::KEY_KEPT;
use super::sign::{NoRandomness, SigningSecret};
use crate::domain::{EndpointId, Ids, OperatorId, Timestamp};
use crate::store::webhook_endpoints::Made;
use crate::store::webhook_secrets::{self, NewSecret, Rotated};
use crate::store::{Pool, StoreError};

/// How long the replaced secret still signs.
pub const OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);

/// The new secret, or the one that the same request made before.
#[derive(Debug)]
pub struct RotatedSecret {
    /// `whsec_…`, told here and by a repeat of the same request only.
    pub secret: SecretString,
    /// True when the same request came before.
    pub is_replay: bool,
}

/// Why a secret was not rotated.
#[derive(Debug, thiserror::Error)]
pub enum RotateSecretError {
    #[error("there is no such endpoint")]
    NotFound,
    #[error("five secrets of this endpoint are live; wait until the oldest has expired")]
    TooManyLive,
    #[error("making the endpoint's secret")]
    Secret(#[from] NoRandomness),
    #[error("recording the secret")]
    Store(#[from] StoreError),
}

/// Returns the new `whsec_…`; a repeat under the same idempotency key returns the same one.
pub async fn rotate_secret(
    pool: &Pool,
    ids: &dyn Ids,
    operator: &OperatorId,
    endpoint: EndpointId,
    idempotency_key: &str,
    now: Timestamp,
) -> Result<RotatedSecret, RotateSecretError> {
    let secret = SigningSecret::generate()?;
    let new = NewSecret {
        secret_id: ids.next(),
        endpoint,
        secret: secret.as_secret(),
        idempotency_key,
        keys_since: now - KEY_KEPT,
        at: now,
        old_expires_at: now + OVERLAP,
    };
    match webhook_secrets::rotate(pool, operator, &new).await? {
        Rotated::Made(Made::Before { secret, .. }) => {
            let secret = SigningSecret::from(secret).reveal().into();
            Ok(RotatedSecret { secret, is_replay: true })
        }
        Rotated::Made(_) => Ok(RotatedSecret { secret: secret.reveal().into(), is_replay: false }),
        Rotated::NoEndpoint => Err(RotateSecretError::NotFound),
        Rotated::TooManyLive => Err(RotateSecretError::TooManyLive),
    }
}
