//! What real sockets do, and what the transport makes of it.

use psp_adapters::{Transport, TransportConfig};
use psp_contract::{HttpRequest, HttpResponse, Method, NotSent, TransportFailure, Unknown};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

type Answer = Result<HttpResponse, TransportFailure>;

const SECOND: Duration = Duration::from_secs(1);

fn request(url: &str) -> HttpRequest {
    HttpRequest {
        method: Method::Post,
        url: url.to_owned(),
        headers: vec![("content-type", "application/json".to_owned())],
        body: b"{\"amount\":1}".to_vec(),
        moves_money: true,
        long_answer: false,
    }
}

async fn send(transport: &Transport, url: &str, within: Duration) -> Answer {
    transport.send(request(url), Instant::now() + within).await
}

/// Reads one request, body included.
async fn read_request(socket: &mut TcpStream) -> Vec<u8> {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    while !read.ends_with(b"}") {
        let bytes = socket.read(&mut buffer).await.unwrap();
        if bytes == 0 {
            break;
        }
        read.extend_from_slice(&buffer[..bytes]);
    }
    read
}

/// A server that reads a request, answers these bytes and hangs up.
async fn answering(bytes: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            read_request(&mut socket).await;
            let _ = socket.write_all(&bytes).await;
        }
    });
    url
}

#[track_caller]
fn not_sent(answer: Answer) -> NotSent {
    match answer {
        Err(TransportFailure::NotSent(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn unknown(answer: Answer) -> Unknown {
    match answer {
        Err(TransportFailure::Unknown(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_whole_answer_is_handed_over_as_it_is() {
    let url = answering(
        b"HTTP/1.1 302 Found\r\nLocation: /x\r\nX-A: b\r\nContent-Length: 2\r\n\r\nok".to_vec(),
    )
    .await;
    let answer = send(&crate::support::new_transport(), &url, SECOND).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (302, &b"ok"[..]));
    assert_eq!(answer.header("x-a"), Some("b"));
}

#[tokio::test]
async fn the_bytes_on_the_wire_are_the_adapters_bytes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v3/payments?x=1", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let read = read_request(&mut socket).await;
        socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        String::from_utf8(read).unwrap()
    });
    send(&crate::support::new_transport(), &url, SECOND).await.unwrap();
    let read = server.await.unwrap();
    assert!(read.starts_with("POST /v3/payments?x=1 HTTP/1.1\r\n"), "{read}");
    assert!(read.to_lowercase().contains("content-length: 12\r\n"), "{read}");
    assert!(!read.to_lowercase().contains("accept-encoding"), "{read}");
    assert!(read.ends_with("\r\n\r\n{\"amount\":1}"), "{read}");
}

#[tokio::test]
async fn a_closed_port_proves_that_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let answer = send(&crate::support::new_transport(), &url, SECOND).await;
    assert_eq!(not_sent(answer), NotSent::ConnectRefused);
}

#[tokio::test]
async fn a_name_that_nobody_has_proves_that_nothing_was_sent() {
    let answer = send(&crate::support::new_transport(), "https://psp.invalid/", 20 * SECOND).await;
    assert_eq!(not_sent(answer), NotSent::Dns);
}

#[tokio::test]
async fn a_failed_tls_handshake_proves_that_nothing_was_sent() {
    let url = answering(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hangs_up = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            drop(socket);
        }
    });
    for url in [url.replace("http:", "https:"), hangs_up] {
        let listener_only_speaks_http =
            send(&crate::support::new_transport(), &url, 3 * SECOND).await;
        let why = not_sent(listener_only_speaks_http);
        assert!(matches!(why, NotSent::Tls | NotSent::ConnectTimeout), "{why:?}");
    }
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_a_connect_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let config = TransportConfig {
        connect_timeout: Duration::from_millis(200),
        ..TransportConfig::default()
    };
    let transport = Transport::new(&config).unwrap();
    assert_eq!(not_sent(send(&transport, &url, 5 * SECOND).await), NotSent::ConnectTimeout);
    // The deadline may come first: then too, the body has not left.
    let patient = crate::support::new_transport();
    let answer = send(&patient, &url, Duration::from_millis(200)).await;
    assert_eq!(not_sent(answer), NotSent::DeadlineBeforeSend);
}

#[tokio::test]
async fn no_time_left_means_nothing_sent() {
    let url = answering(Vec::new()).await;
    let answer = send(&crate::support::new_transport(), &url, Duration::ZERO).await;
    assert_eq!(not_sent(answer), NotSent::DeadlineBeforeSend);
}

#[tokio::test]
async fn silence_after_the_request_is_unknown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let _held = tokio::spawn(async move {
        let mut sockets = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            sockets.push(socket);
        }
    });
    let answer = send(&crate::support::new_transport(), &url, Duration::from_millis(300)).await;
    assert_eq!(unknown(answer), Unknown::ReadTimeout);
}

#[tokio::test]
async fn a_reset_after_the_request_is_unknown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            read_request(&mut socket).await;
            #[allow(deprecated, reason = "zero cannot block; it makes the close a reset")]
            let _ = socket.set_linger(Some(Duration::ZERO));
        }
    });
    let answer = send(&crate::support::new_transport(), &url, SECOND).await;
    assert_eq!(unknown(answer), Unknown::ConnectionLost);
}

#[tokio::test]
async fn half_an_answer_is_unknown() {
    for bytes in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"id\"\r\n",
        b"HTTP/1.1 200",
        b"",
        b"SSH-2.0-OpenSSH\r\n\r\n",
    ] {
        let url = answering(bytes.to_vec()).await;
        let answer = send(&crate::support::new_transport(), &url, SECOND).await;
        assert_eq!(unknown(answer), Unknown::ConnectionLost, "{bytes:?}");
    }
}

#[tokio::test]
async fn an_answer_beyond_the_cap_is_unreadable() {
    let cap = TransportConfig::default().body_cap_bytes;
    let whole = |length: usize| {
        let mut bytes = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes();
        bytes.resize(bytes.len() + length, b' ');
        bytes
    };
    let url = answering(whole(cap)).await;
    let answer = send(&crate::support::new_transport(), &url, 5 * SECOND).await.unwrap();
    assert_eq!(answer.body.len(), cap);
    let mut endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..2 * cap / 4096 {
        endless.extend_from_slice(b"1000\r\n");
        endless.resize(endless.len() + 4096, b'x');
        endless.extend_from_slice(b"\r\n");
    }
    let lies = b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n".to_vec();
    let packed =
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}".to_vec();
    for bytes in [whole(cap + 1), endless, lies, packed] {
        let url = answering(bytes).await;
        let answer = send(&crate::support::new_transport(), &url, 5 * SECOND).await;
        assert_eq!(unknown(answer), Unknown::Unreadable);
    }
}

#[tokio::test]
async fn an_answer_that_lists_days_has_a_cap_of_its_own() {
    let TransportConfig { body_cap_bytes, long_body_cap_bytes, .. } = TransportConfig::default();
    for (length, fits) in [(body_cap_bytes + 1, true), (long_body_cap_bytes + 1, false)] {
        let mut bytes = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes();
        bytes.resize(bytes.len() + length, b' ');
        let request = request(&answering(bytes).await).with_long_answer();
        let by = Instant::now() + 5 * SECOND;
        let answer = crate::support::new_transport().send(request, by).await;
        match answer {
            Ok(answer) => assert!(fits && answer.body.len() == length),
            other => assert!(!fits && unknown(other) == Unknown::Unreadable),
        }
    }
}

#[tokio::test]
async fn a_pooled_connection_that_dies_with_the_request_is_unknown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        read_request(&mut socket).await;
        socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        let second = read_request(&mut socket).await;
        drop(socket);
        // Whoever resends would come here.
        let third = tokio::time::timeout(SECOND, listener.accept()).await;
        (second, third.is_ok())
    });
    let transport = crate::support::new_transport();
    send(&transport, &url, SECOND).await.unwrap();
    let answer = send(&transport, &url, SECOND).await;
    assert_eq!(unknown(answer), Unknown::ConnectionLost);
    let (second, resent) = server.await.unwrap();
    assert!(second.ends_with(b"}"), "the pooled connection was used");
    assert!(!resent, "the transport sent a money request twice");
}

#[tokio::test]
async fn a_pooled_connection_that_closed_before_is_not_an_unknown() {
    let url = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()).await;
    let transport = crate::support::new_transport();
    // Between two requests the client has time to see that the server hung up.
    let mut tick = tokio::time::interval(Duration::from_millis(30));
    for _ in 0..5 {
        tick.tick().await;
        send(&transport, &url, SECOND).await.unwrap();
    }
}

#[tokio::test]
async fn only_https_is_spoken_beyond_this_machine() {
    let strict = Transport::new(&TransportConfig::default()).unwrap();
    let sandbox = crate::support::new_transport();
    for (url, in_production, in_sandbox) in [
        ("https://api.psp.test/", true, true),
        ("http://127.0.0.1:80/", false, true),
        ("http://[::1]:80/", false, true),
        ("http://localhost/", false, true),
        ("http://10.0.0.1/", false, false),
        ("http://127.0.0.1.evil.test/", false, false),
        ("https://user:pass@psp.test/", false, false),
        ("ftp://psp.test/", false, false),
        ("psp.test", false, false),
    ] {
        assert_eq!(strict.may_reach(url), in_production, "{url}");
        assert_eq!(sandbox.may_reach(url), in_sandbox, "{url}");
    }
    let answer = send(&strict, "http://127.0.0.1:9/", SECOND).await;
    assert_eq!(not_sent(answer), NotSent::NotExpressible);
}
