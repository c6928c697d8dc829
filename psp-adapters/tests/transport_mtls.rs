//! Client certificates over real sockets: who is served, and what a refusal proves.

use crate::support::pki::{CA, CLIENT, OTHER_CA, SERVER, STRANGER, Signed};
use psp_adapters::{TlsIdentity, Transport};
use psp_contract::{HttpRequest, Method, NotSent, TransportFailure, Unknown};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

const BODY_BYTES: usize = 32 * 1024;

fn identity(shown: &Signed) -> TlsIdentity {
    let secret = |text: &str| SecretString::from(text);
    let ca = Some(secret(CA.pem()));
    TlsIdentity::new(secret(&shown.certificate_pem), secret(&shown.private_pem), ca).unwrap()
}

fn transport(shown: &Signed) -> Transport {
    crate::support::new_transport().with_identity(&identity(shown)).unwrap()
}

fn server(versions: &[&'static SupportedProtocolVersion]) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(CA.pem().as_bytes()).unwrap()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let chain = vec![CertificateDer::from_pem_slice(SERVER.certificate_pem.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(SERVER.private_pem.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

/// A server that wants a certificate, and the number of requests that it served.
async fn serving(versions: &'static [&'static SupportedProtocolVersion]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/pay", listener.local_addr().unwrap());
    let acceptor = tokio_rustls::TlsAcceptor::from(server(versions));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                use tokio::io::AsyncWriteExt;
                let Ok(mut stream) = acceptor.accept(socket).await else { return };
                let mut read = vec![0; 64 * 1024];
                let mut seen = 0;
                while seen < BODY_BYTES {
                    seen += stream.read(&mut read).await.unwrap();
                }
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                stream.write_all(answer).await.unwrap();
                stream.shutdown().await.unwrap();
            });
        }
    });
    url
}

fn money_request(url: &str) -> HttpRequest {
    HttpRequest {
        method: Method::Post,
        url: url.to_owned(),
        headers: Vec::new(),
        body: vec![b'x'; BODY_BYTES],
        moves_money: true,
        long_answer: false,
    }
}

async fn send(transport: &Transport, url: &str) -> Result<u16, TransportFailure> {
    let by = Instant::now() + Duration::from_secs(5);
    transport.send(money_request(url), by).await.map(|answer| answer.status)
}

const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12, &rustls::version::TLS13];
const OLD: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];

#[tokio::test]
async fn an_account_is_served_with_its_own_certificate_only() {
    for versions in [BOTH, OLD] {
        let url = serving(versions).await;
        assert_eq!(send(&transport(&CLIENT), &url).await, Ok(200));
        assert!(send(&transport(&STRANGER), &url).await.is_err());
        // The shared transport shows nothing, and does not trust the account's root either.
        assert!(send(&crate::support::new_transport(), &url).await.is_err());
    }
}

#[tokio::test]
async fn a_server_that_is_not_the_psps_gets_nothing() {
    let url = serving(BOTH).await;
    let system_roots_only = SecretString::from(CLIENT.certificate_pem.as_str());
    let key = SecretString::from(CLIENT.private_pem.as_str());
    let identity = TlsIdentity::new(system_roots_only, key, None).unwrap();
    let transport = crate::support::new_transport().with_identity(&identity).unwrap();
    let refused = send(&transport, &url).await.unwrap_err();
    assert_eq!(refused, TransportFailure::NotSent(NotSent::Tls));
}

#[tokio::test]
async fn a_certificate_refused_inside_of_the_handshake_proves_that_nothing_was_sent() {
    let url = serving(OLD).await;
    let refused = send(&transport(&STRANGER), &url).await.unwrap_err();
    assert_eq!(refused, TransportFailure::NotSent(NotSent::Tls));
}

/// Speaks TLS 1.3 and looks at the client's certificate only when the whole request has come. A payment
/// could have been booked from what it holds: nobody outside can tell.
async fn refuse_late(mut socket: TcpStream) -> usize {
    let mut tls = rustls::ServerConnection::new(server(&[&rustls::version::TLS13])).unwrap();
    let mut hello = vec![0; 16 * 1024];
    let bytes = socket.read(&mut hello).await.unwrap();
    tls.read_tls(&mut &hello[..bytes]).unwrap();
    tls.process_new_packets().unwrap();
    let mut flight = Vec::new();
    while tls.wants_write() {
        tls.write_tls(&mut flight).unwrap();
    }
    tokio::io::AsyncWriteExt::write_all(&mut socket, &flight).await.unwrap();
    // The client's certificate and its request, all of it: more bytes than the body has.
    let mut held = Vec::new();
    let mut part = vec![0; 16 * 1024];
    while held.len() <= BODY_BYTES {
        let bytes = socket.read(&mut part).await.unwrap();
        assert_ne!(bytes, 0, "the client gave up before it had sent its request");
        held.extend_from_slice(&part[..bytes]);
    }
    let mut rest = &held[..];
    let mut refused = false;
    while !refused && !rest.is_empty() {
        tls.read_tls(&mut rest).unwrap();
        refused = tls.process_new_packets().is_err();
    }
    assert!(refused, "a stranger's certificate was accepted");
    let mut alert = Vec::new();
    tls.write_tls(&mut alert).unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut socket, &alert).await.unwrap();
    held.len()
}

#[tokio::test]
async fn a_certificate_refused_after_the_request_has_left_is_unknown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/pay", listener.local_addr().unwrap());
    let psp = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        refuse_late(socket).await
    });
    let refused = send(&transport(&STRANGER), &url).await.unwrap_err();
    assert_eq!(refused, TransportFailure::Unknown(Unknown::ConnectionLost));
    assert!(BODY_BYTES < psp.await.unwrap());
}

#[test]
fn what_cannot_work_is_told_by_name() {
    let secret = |text: &str| SecretString::from(text);
    let (certificate, key) = (&CLIENT.certificate_pem, &CLIENT.private_pem);
    let told = |certificate: &str, key: &str, ca: Option<&str>| {
        TlsIdentity::new(secret(certificate), secret(key), ca.map(secret)).unwrap_err()
    };
    let (name, reason) = told("x", key, None);
    assert_eq!((name, reason), ("tls_client_certificate_pem", "is no certificate in PEM"));
    let (name, reason) = told(certificate, "x", None);
    assert_eq!((name, reason), ("tls_client_key_pem", "is no private key in PEM"));
    let (name, reason) = told(certificate, &STRANGER.private_pem, None);
    assert_eq!((name, reason), ("tls_client_key_pem", "does not belong to the certificate"));
    let (name, _) = told(certificate, key, Some("x"));
    assert_eq!(name, "tls_ca_pem");
    assert!(
        TlsIdentity::new(secret(certificate), secret(key), Some(secret(OTHER_CA.pem()))).is_ok()
    );
    let printed = format!("{:?}", identity(&CLIENT));
    assert!(!printed.contains("PRIVATE"), "{printed}");
}
