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
use crate::shutdown::Shutdown;
use anyhow::Context;
use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Extensions;
use axum::serve::Listener;
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
