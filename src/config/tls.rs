//! What the listener for webhooks over TLS is made of, tried when the configuration is read: a key that
//! does not belong to its certificate is told there, and not when an instance is to start.

use super::WebhooksTls;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// A certificate, key or authority that cannot be read or used.
#[derive(Debug, thiserror::Error)]
#[error("{key} {message}")]
pub struct TlsFault {
    /// `server.webhooks_tls_key`.
    pub key: &'static str,
    pub message: &'static str,
}

const CERTIFICATE: &str = "server.webhooks_tls_certificate";
const KEY: &str = "server.webhooks_tls_key";
const CLIENT_CA: &str = "server.webhooks_tls_client_ca";

/// What the listener speaks TLS with.
///
/// # Errors
/// A certificate, key or authority that cannot be read or used.
pub fn acceptor(settings: &WebhooksTls) -> Result<TlsAcceptor, TlsFault> {
    let fault = |key, message| TlsFault { key, message };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    for root in certificates(&settings.client_ca_pem, CLIENT_CA)? {
        roots.add(root).map_err(|_| fault(CLIENT_CA, "holds what is no authority"))?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|_| fault(CLIENT_CA, "cannot be used"))?;
    let key = PrivateKeyDer::from_pem_slice(settings.key_pem.expose_secret().as_bytes())
        .map_err(|_| fault(KEY, "is no private key in PEM"))?;
    let chain = certificates(&settings.certificate_pem, CERTIFICATE)?;
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| fault(KEY, "cannot be used: TLS cannot be set up"))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|_| fault(KEY, "does not belong to the certificate"))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn certificates(
    pem: &SecretString,
    key: &'static str,
) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    let pem = pem.expose_secret().as_bytes();
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(read) if !read.is_empty() => Ok(read),
        _ => Err(TlsFault { key, message: "is no certificate in PEM" }),
    }
}
