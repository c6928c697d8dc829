//! TLS for PSPs that know their merchants by a client certificate (Swish, Efí).
//!
//! A port that speaks it refuses every connection without a certificate of the account's CA during the
//! handshake, before anything of HTTP is read. The same account's notifications are sent with a
//! certificate of the PSP's own, as Efí does.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use anyhow::Context as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

use crate::config::MockAccount;

/// What a port speaks TLS with.
#[derive(Clone)]
pub(crate) struct Tls(TlsAcceptor);

impl Tls {
    /// What the account's settings give: `server_certificate_pem`, `server_private_key_pem` and
    /// `client_ca_pem`, all three or none.
    pub(crate) fn of(account: &MockAccount) -> anyhow::Result<Option<Self>> {
        if !account.settings.contains_key("server_certificate_pem") {
            return Ok(None);
        }
        let certificate = account.setting("server_certificate_pem")?;
        let key = account.setting("server_private_key_pem")?;
        let client_ca = account.setting("client_ca_pem")?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        for root in certificates(&client_ca).context("reading client_ca_pem")? {
            roots.add(root).context("taking client_ca_pem as a root")?;
        }
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                .build()
                .context("setting up the check of client certificates")?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
            .context("reading server_private_key_pem")?;
        let chain = certificates(&certificate).context("reading server_certificate_pem")?;
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .context("using server_certificate_pem with its key")?;
        Ok(Some(Self(TlsAcceptor::from(Arc::new(config)))))
    }

    pub(crate) fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> Secured<S> {
        Secured::Handshake(self.0.accept(stream))
    }
}

fn certificates(pem: &str) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let read = read?;
    anyhow::ensure!(!read.is_empty(), "there is no certificate in it");
    Ok(read)
}

/// A client of HTTP for the account's notifications: with the PSP's own certificate
/// (`webhook_certificate_pem`, `webhook_private_key_pem`) where it has one, and trusting the account's
/// CA where there is one.
pub(crate) fn client(
    builder: reqwest::ClientBuilder,
    account: &MockAccount,
    with_identity: bool,
) -> anyhow::Result<reqwest::Client> {
    let mut builder = builder;
    if let Some(ca) = account.settings.get("client_ca_pem") {
        let roots = reqwest::Certificate::from_pem_bundle(ca.as_bytes())
            .context("reading client_ca_pem")?;
        builder = builder.tls_certs_merge(roots);
    }
    if with_identity && account.settings.contains_key("webhook_certificate_pem") {
        let certificate = account.setting("webhook_certificate_pem")?;
        let key = account.setting("webhook_private_key_pem")?;
        let identity = reqwest::Identity::from_pem(format!("{certificate}\n{key}").as_bytes())
            .context("reading webhook_certificate_pem with its key")?;
        builder = builder.identity(identity);
    }
    builder.build().context("setting up the courier's client")
}

/// A connection on its way to being secured, or there.
pub(crate) enum Secured<S> {
    Handshake(Accept<S>),
    Open(TlsStream<S>),
    /// The handshake failed; the caller was told why by an alert.
    Failed,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Secured<S> {
    /// The connection below.
    pub(crate) fn raw(&self) -> Option<&S> {
        match self {
            Self::Handshake(accept) => accept.get_ref(),
            Self::Open(stream) => Some(stream.get_ref().0),
            Self::Failed => None,
        }
    }

    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&mut TlsStream<S>>> {
        if let Self::Handshake(accept) = self {
            match ready!(Pin::new(accept).poll(cx)) {
                Ok(stream) => *self = Self::Open(stream),
                Err(error) => {
                    *self = Self::Failed;
                    return Poll::Ready(Err(error));
                }
            }
        }
        Poll::Ready(match self {
            Self::Open(stream) => Ok(stream),
            Self::Handshake(_) | Self::Failed => Err(io::ErrorKind::NotConnected.into()),
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Secured<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = ready!(self.poll_open(cx))?;
        Pin::new(stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Secured<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let stream = ready!(self.poll_open(cx))?;
        Pin::new(stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Open(stream) => Pin::new(stream).poll_flush(cx),
            // Nothing was written through it yet.
            Self::Handshake(_) | Self::Failed => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Open(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Handshake(_) | Self::Failed => Poll::Ready(Ok(())),
        }
    }
}
