//! Makes a casino's endpoint, once its URL and its event types are understood.

use std::time::Duration;

use secrecy::SecretString;

use super::guard::{GuardedNames, NameRefused, Reach, UrlRefused};
use super::sign::{NoRandomness, SigningSecret};
use crate::domain::{EndpointId, Ids, OperatorId, Timestamp};
use crate::outbox::event::{EventFilter, FilterError};
use crate::store::webhook_endpoints::{self, Made, NewEndpoint};
use crate::store::{Pool, StoreError};

/// Endpoints that one operator may have: each is told of every event that it asks for.
const ENDPOINTS_MAX: i64 = 32;
/// How long the key of a creation or a rotation is remembered.
pub(super) const KEY_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What a casino asks for.
#[derive(Debug, Clone, Copy)]
pub struct RegisterEndpoint<'a> {
    pub operator: &'a OperatorId,
    pub url: &'a str,
    pub events: &'a [String],
    pub idempotency_key: &'a str,
}

/// The endpoint, or the one that the same request made before.
#[derive(Debug)]
pub struct Registered {
    pub id: EndpointId,
    /// `whsec_…`, told here and by a repeat of the same request only.
    pub secret: SecretString,
    /// True when the same request came before.
    pub is_replay: bool,
}

/// Why an endpoint was not made. The first two are the caller's to mend (422).
#[derive(Debug, thiserror::Error)]
pub enum RegisterEndpointError {
    #[error(transparent)]
    Url(#[from] UrlRefused),
    #[error(transparent)]
    Events(#[from] FilterError),
    #[error("the idempotency key was used for another request")]
    KeyReused,
    #[error(
        "there are {ENDPOINTS_MAX} endpoints, and no more are allowed: delete one that is not needed"
    )]
    TooMany,
    #[error("making the endpoint's secret")]
    Secret(#[from] NoRandomness),
    #[error("recording the endpoint")]
    Store(#[from] StoreError),
}

/// Judges the URL with the guard that deliveries use, its name's present addresses included. A name
/// that does not resolve *yet* is accepted: every try asks anew, and the log tells.
pub async fn register_endpoint(
    pool: &Pool,
    names: &GuardedNames,
    ids: &dyn Ids,
    request: RegisterEndpoint<'_>,
    now: Timestamp,
) -> Result<Registered, RegisterEndpointError> {
    let filter = EventFilter::parse(request.events)?;
    check_place(names, request.url).await?;
    let secret = SigningSecret::generate()?;
    let id = EndpointId(ids.next());
    let new = NewEndpoint {
        id,
        secret_id: ids.next(),
        operator: request.operator,
        url: request.url,
        events: filter.patterns(),
        secret: secret.as_secret(),
        idempotency_key: request.idempotency_key,
        keys_since: now - KEY_KEPT,
        at: now,
        most: ENDPOINTS_MAX,
    };
    match webhook_endpoints::create(pool, &new).await? {
        Made::New => Ok(Registered { id, secret: secret.reveal().into(), is_replay: false }),
        Made::Before { id, secret } => Ok(Registered {
            id,
            secret: SigningSecret::from(secret).reveal().into(),
            is_replay: true,
        }),
        Made::KeyReused => Err(RegisterEndpointError::KeyReused),
        Made::TooMany => Err(RegisterEndpointError::TooMany),
    }
}

async fn check_place(names: &GuardedNames, text: &str) -> Result<(), UrlRefused> {
    let reach: Reach = names.reach();
    let checked = reach.check_url(text)?;
    let Some(host) = checked.url().domain() else {
        return Ok(());
    };
    match names.look_up(host.to_owned()).await {
        Err(NameRefused::AddressDenied { address }) => {
            tracing::warn!(host, %address, "a webhook URL was refused: its name leads to an address that is not public");
            Err(UrlRefused::NameLeadsInside { host: host.to_owned() })
        }
        Ok(_) | Err(NameRefused::Unresolved(_)) => Ok(()),
    }
}
