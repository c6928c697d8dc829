//! HTTP/2 over real sockets, frame by frame: only a PSP that says itself that it did not process the
//! stream proves "not sent" (RFC 9113 §8.7). The request has left entirely
//! in every case here, so nothing but the PSP's word can prove it.

use crate::support::pki::{CA, CLIENT, SERVER};
use psp_adapters::TlsIdentity;
use psp_contract::{HttpRequest, Method, NotSent, TransportFailure, Unknown};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const NOT_SENT: TransportFailure = TransportFailure::NotSent(NotSent::RefusedStream);
const LOST: TransportFailure = TransportFailure::Unknown(Unknown::ConnectionLost);

/// Frame types and error codes of RFC 9113, §6 and §7.
const DATA: u8 = 0;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;
const CANCEL: u32 = 8;

/// What the PSP answers to a request that it has read to its end.
#[derive(Clone, Copy)]
enum Says {
    Reset(u32),
    /// It goes away, having processed nothing, or this stream as its last.
    GoesAway {
        processed_it: bool,
        why: u32,
    },
}

fn acceptor() -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let chain = vec![CertificateDer::from_pem_slice(SERVER.certificate_pem.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(SERVER.private_pem.as_bytes()).unwrap();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head[..], payload].concat()
}

/// Reads one request to the end of its body; returns its stream and the bytes of the body.
async fn read_request(socket: &mut TlsStream<TcpStream>) -> (u32, usize) {
    let mut preface = [0; PREFACE.len()];
    socket.read_exact(&mut preface).await.unwrap();
    assert_eq!(preface, PREFACE, "the client speaks HTTP/2");
    socket.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    let mut body = 0;
    loop {
        let mut head = [0; 9];
        socket.read_exact(&mut head).await.unwrap();
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let (kind, flags) = (head[3], head[4]);
        let stream = u32::from_be_bytes(head[5..].try_into().unwrap());
        let mut payload = vec![0; length];
        socket.read_exact(&mut payload).await.unwrap();
        if kind == SETTINGS && flags & 1 == 0 {
            socket.write_all(&frame(SETTINGS, 1, 0, &[])).await.unwrap();
        }
        if kind == DATA {
            body += length;
            if flags & 1 == 1 {
                return (stream, body);
            }
        }
    }
}

fn answer(says: Says, stream: u32) -> Vec<u8> {
    match says {
        Says::Reset(code) => frame(RST_STREAM, 0, stream, &code.to_be_bytes()),
        Says::GoesAway { processed_it, why } => {
            let last = if processed_it { stream } else { 0 };
            frame(GOAWAY, 0, 0, &[last.to_be_bytes(), why.to_be_bytes()].concat())
        }
    }
}

/// What the transport makes of it. The PSP must have had the whole request, exactly once.
async fn heard(says: Says) -> TransportFailure {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/payouts", listener.local_addr().unwrap());
    let psp = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let mut socket = acceptor().accept(socket).await.unwrap();
        let (stream, body) = read_request(&mut socket).await;
        socket.write_all(&answer(says, stream)).await.unwrap();
        socket.shutdown().await.unwrap();
        // Whoever sent again would connect again.
        let again = tokio::time::timeout(Duration::from_millis(300), listener.accept()).await;
        assert!(again.is_err(), "the request was sent a second time");
        body
    });
    let secret = |text: &str| SecretString::from(text);
    let (shown, key) = (secret(&CLIENT.certificate_pem), secret(&CLIENT.private_pem));
    let identity = TlsIdentity::new(shown, key, Some(secret(CA.pem()))).unwrap();
    let transport = crate::support::new_transport().with_identity(&identity).unwrap();
    let body = b"{\"amount\":1}".to_vec();
    let bytes = body.len();
    let request = HttpRequest {
        method: Method::Post,
        url,
        headers: Vec::new(),
        body,
        moves_money: true,
        long_answer: false,
    };
    let by = Instant::now() + Duration::from_secs(5);
    let failure = transport.send(request, by).await.unwrap_err();
    assert_eq!(psp.await.unwrap(), bytes);
    failure
}

#[tokio::test]
async fn a_refused_stream_was_not_processed() {
    assert_eq!(heard(Says::Reset(REFUSED_STREAM)).await, NOT_SENT);
}

#[tokio::test]
async fn a_stream_above_the_last_one_of_an_orderly_farewell_was_not_processed() {
    let says = Says::GoesAway { processed_it: false, why: NO_ERROR };
    assert_eq!(heard(says).await, NOT_SENT);
}

#[tokio::test]
async fn a_stream_that_is_reset_for_any_other_reason_may_have_been_processed() {
    for code in [NO_ERROR, INTERNAL_ERROR, CANCEL] {
        assert_eq!(heard(Says::Reset(code)).await, LOST, "code {code}");
    }
}

#[tokio::test]
async fn a_farewell_that_counts_our_stream_or_tells_of_a_fault_proves_nothing() {
    let counted = Says::GoesAway { processed_it: true, why: NO_ERROR };
    assert_eq!(heard(counted).await, LOST);
    for processed_it in [true, false] {
        let fault = Says::GoesAway { processed_it, why: INTERNAL_ERROR };
        assert_eq!(heard(fault).await, LOST);
    }
}
