//! The service's own keys, tried as it will use them: what `check-config` finds sound, `serve` can start
//! with.

use super::reader::Reader;
use super::{Config, secret, tls};
use crate::access::token::{TokenKey, Tokens};
use crate::evidence::note::{NoteError, Signer};
use secrecy::{ExposeSecret, SecretString};

pub(super) fn check(config: &Config, reader: &Reader<'_>) {
    // What could not be read was told where it was read.
    let given = |pem: &SecretString| !secret::is_empty(pem);
    let tokens = &config.player_tokens;
    let key = TokenKey::from_pem("player-token", tokens.key_pem.expose_secret());
    let read = key.and_then(|key| Tokens::new(&tokens.issuer, &tokens.audience, &[key]));
    if given(&tokens.key_pem) && read.is_err() {
        reader.fault("player_tokens.key", "is no Ed25519 private key in PEM (PKCS #8)");
    }
    if let Some(pem) = config.evidence.key_pem.as_ref().filter(|pem| given(pem)) {
        match Signer::from_pem(&config.evidence.name, pem.expose_secret()) {
            // A name that is none was told of where it was read.
            Ok(_) | Err(NoteError::Name) => {}
            Err(_) => reader.fault("evidence.key", "is no Ed25519 private key in PEM (PKCS #8)"),
        }
    }
    if let Some(settings) = &config.server.webhooks_tls
        && [&settings.certificate_pem, &settings.key_pem, &settings.client_ca_pem]
            .into_iter()
            .all(given)
        && let Err(fault) = tls::acceptor(settings)
    {
        reader.fault(fault.key, fault.message);
    }
}
