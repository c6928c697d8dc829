//! The listener for PSPs that authenticate their webhooks by a client certificate and nothing else (Efí).
//!
//! A caller without a certificate, or with one that none of the configured authorities has issued, is
//! refused inside of the handshake: not a byte of HTTP is read from it. When such a PSP registers an address,
//! it first calls without a certificate and expects exactly that. Handshakes run beside each other and each
//! has its time, so that a caller who never finishes holds up nobody.
//!
//! What was shown travels with the request: the adapter decides whether it is *its* PSP's.

use super::connections::{self, PATIENCE};
use crate::api::PeerCertificate;
use crate::config::WebhooksTls;
use crate::shutdown::Shutdown;
use anyhow::Context;
use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Extensions;
use axum::serve::Listener;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use secrecy::{ExposeSecret, SecretString};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Handshakes at once; who comes then waits in the system's queue.
const HANDSHAKES_MAX: usize = 256;
/// A pause when the system has no file descriptors left.
const BREATH: Duration = Duration::from_millis(50);

/// What the listener speaks TLS with.
///
/// # Errors
/// A certificate, key or authority that cannot be read or used.
pub fn acceptor(settings: &WebhooksTls) -> anyhow::Result<TlsAcceptor> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    for root in certificates(&settings.client_ca_pem, "server.webhooks_tls_client_ca")? {
        roots.add(root).context("server.webhooks_tls_client_ca holds what is no authority")?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .context("server.webhooks_tls_client_ca cannot be used")?;
    let key = PrivateKeyDer::from_pem_slice(settings.key_pem.expose_secret().as_bytes())
        .context("server.webhooks_tls_key is no private key in PEM")?;
    let chain = certificates(&settings.certificate_pem, "server.webhooks_tls_certificate")?;
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .context("server.webhooks_tls_key does not belong to the certificate")?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn certificates(
    pem: &SecretString,
    key: &'static str,
) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(pem.expose_secret().as_bytes()).collect();
    let read = read.with_context(|| format!("{key} is no certificate in PEM"))?;
    anyhow::ensure!(!read.is_empty(), "{key} is no certificate in PEM");
    Ok(read)
}

/// Serves the router on this listener until the servers stop.
///
/// # Errors
/// A listener that the runtime cannot take.
pub fn serve(
    listener: std::net::TcpListener,
    acceptor: TlsAcceptor,
    router: Router,
    servers: &Shutdown,
) -> anyhow::Result<()> {
    let listener = TcpListener::from_std(listener).context("the listener for webhooks over TLS")?;
    let address = listener.local_addr().context("the address for webhooks over TLS")?;
    let (sender, receiver) = mpsc::channel(HANDSHAKES_MAX);
    let stop = servers.clone();
    servers.spawn("handshakes of webhooks", async move {
        tokio::select! {
            () = stop.requested() => {}
            () = shake_hands(listener, acceptor, sender, &stop) => {}
        }
    });
    let stop = servers.clone();
    servers.spawn("webhooks over TLS", async move {
        connections::serve(Handshaken { receiver, address }, router, introduce, PATIENCE, &stop)
            .await;
    });
    Ok(())
}

type Connection = (TlsStream<TcpStream>, SocketAddr);

async fn shake_hands(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    sender: mpsc::Sender<Connection>,
    servers: &Shutdown,
) {
    let room = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else {
            return;
        };
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        let (acceptor, sender, stop) = (acceptor.clone(), sender.clone(), servers.clone());
        servers.spawn("a webhook's handshake", async move {
            let _permit = permit;
            let shaken = tokio::select! {
                () = stop.requested() => return,
                shaken = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)) => shaken,
            };
            match shaken {
                Ok(Ok(stream)) => {
                    let _ = sender.send((stream, peer)).await;
                }
                // Whoever scans the internet calls here, too: counted, not told line by line.
                _ => metrics::counter!("webhook_handshakes_refused_total").increment(1),
            }
        });
    }
}

/// Hands out connections whose callers have shown a good certificate.
struct Handshaken {
    receiver: mpsc::Receiver<Connection>,
    address: SocketAddr,
}

impl Listener for Handshaken {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Connection {
        match self.receiver.recv().await {
            Some(connection) => connection,
            // Nobody shakes hands any more: the servers are stopping.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// Tells the layers inside what they ask of any connection, and the handler the certificate.
fn introduce(stream: &TlsStream<TcpStream>, peer: &SocketAddr, known: &mut Extensions) {
    known.insert(ConnectInfo(*peer));
    let shown = stream.get_ref().1.peer_certificates();
    if let Some(leaf) = shown.and_then(|chain| chain.first()) {
        known.insert(PeerCertificate(Arc::from(leaf.as_ref())));
    }
}
