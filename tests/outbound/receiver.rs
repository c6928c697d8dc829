//! Receivers: a well-behaved one that records and answers by script, and raw ones that do not
//! behave.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    received: Mutex<Vec<Received>>,
    script: Mutex<VecDeque<Answer>>,
    otherwise: Mutex<Answer>,
    delay: Duration,
    /// Nobody is answered before so many have come.
    together: usize,
    come: watch::Sender<usize>,
    now: AtomicUsize,
    most_at_once: AtomicUsize,
    arrived: Notify,
}

#[derive(Clone)]
pub struct Answer(pub u16, pub Vec<(&'static str, String)>);

#[derive(Clone)]
pub struct Received {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// What a receiver does, written from the specification alone: which of the tokens fit.
    pub fn tokens_that_fit(&self, whsec: &str) -> usize {
        let key = STANDARD.decode(whsec.strip_prefix("whsec_").unwrap()).unwrap();
        let mut signed = Vec::new();
        signed.extend_from_slice(self.header("webhook-id").as_bytes());
        signed.push(b'.');
        signed.extend_from_slice(self.header("webhook-timestamp").as_bytes());
        signed.push(b'.');
        signed.extend_from_slice(&self.body);
        let expected = format!("v1,{}", STANDARD.encode(hmac_sha256(&key, &signed)));
        let tokens = self.header("webhook-signature").split(' ');
        tokens.filter(|token| **token == expected).count()
    }
}

/// RFC 2104, spelt out.
fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let inner =
        Sha256::new().chain_update(block.map(|b| b ^ 0x36)).chain_update(message).finalize();
    let outer = Sha256::new().chain_update(block.map(|b| b ^ 0x5c)).chain_update(inner).finalize();
    outer.into()
}

impl Receiver {
    pub async fn start() -> Self {
        Self::slow(Duration::ZERO).await
    }

    /// Answers after a delay.
    pub async fn slow(delay: Duration) -> Self {
        Self::with(delay, 0).await
    }

    /// Holds its first requests until so many have come, and answers them all at once then, the last
    /// one first.
    pub async fn gathering(together: usize) -> Self {
        Self::with(Duration::ZERO, together).await
    }

    async fn with(delay: Duration, together: usize) -> Self {
        let inner = Arc::new(Inner {
            received: Mutex::default(),
            script: Mutex::default(),
            otherwise: Mutex::new(Answer(200, vec![])),
            delay,
            together,
            come: watch::Sender::new(0),
            now: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
            arrived: Notify::new(),
        });
        let router = Router::new().fallback(receive).with_state(inner.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inner }
    }

    /// The next answers, one a request; afterwards the standing one.
    pub fn script(&self, answers: impl IntoIterator<Item = u16>) {
        answers.into_iter().for_each(|status| self.next(Answer(status, vec![])));
    }

    pub fn next(&self, answer: Answer) {
        self.inner.script.lock().unwrap().push_back(answer);
    }

    pub fn always(&self, answer: Answer) {
        *self.inner.otherwise.lock().unwrap() = answer;
    }

    pub fn received(&self) -> Vec<Received> {
        self.inner.received.lock().unwrap().clone()
    }

    /// Waits until so many requests have come.
    pub async fn got(&self, requests: usize) {
        while self.inner.received.lock().unwrap().len() < requests {
            self.inner.arrived.notified().await;
        }
    }

    pub fn sequences(&self) -> Vec<String> {
        let told = |r: Received| r.json()["sequence"].as_str().unwrap().to_owned();
        self.received().into_iter().map(told).collect()
    }

    pub fn most_at_once(&self) -> usize {
        self.inner.most_at_once.load(Ordering::SeqCst)
    }
}

async fn receive(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> Response {
    let now = inner.now.fetch_add(1, Ordering::SeqCst) + 1;
    inner.most_at_once.fetch_max(now, Ordering::SeqCst);
    inner.received.lock().unwrap().push(Received { headers, body });
    inner.arrived.notify_one();
    inner.come.send_modify(|come| *come += 1);
    let together = inner.together;
    inner.come.subscribe().wait_for(|come| *come >= together).await.unwrap();
    // A receiver's slowness, where a test is about that.
    let _ = tokio::time::timeout(inner.delay, std::future::pending::<()>()).await;
    inner.now.fetch_sub(1, Ordering::SeqCst);
    let scripted = inner.script.lock().unwrap().pop_front();
    let Answer(status, headers) =
        scripted.unwrap_or_else(|| inner.otherwise.lock().unwrap().clone());
    let mut response = (StatusCode::from_u16(status).unwrap(), "as told").into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

/// How a raw receiver misbehaves once it has read the request.
#[derive(Clone, Copy)]
pub enum Misbehaviour {
    /// Closes without a byte.
    Disconnect,
    /// Says nothing and holds the socket.
    Silence,
    /// 200 and a body without end.
    EndlessBody,
    /// 200, a content length, and then nothing.
    StalledBody,
    /// Headers without end.
    EndlessHeaders,
    /// Not HTTP.
    Garbage,
}

/// Returns the URL and the number of connections so far.
pub async fn misbehave(how: Misbehaviour) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(act(socket, how));
        }
    });
    (url, connections)
}

async fn act(mut socket: TcpStream, how: Misbehaviour) {
    let mut request = vec![0; 64 * 1024];
    let _ = socket.read(&mut request).await;
    let flood: Option<(&[u8], &[u8])> = match how {
        Misbehaviour::Disconnect => None,
        Misbehaviour::Silence => Some((b"", b"")),
        Misbehaviour::EndlessBody => Some((
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            b"400\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        )),
        Misbehaviour::StalledBody => {
            Some((b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nand then", b""))
        }
        Misbehaviour::EndlessHeaders => Some((b"HTTP/1.1 200 OK\r\n", b"x-more: and more\r\n")),
        Misbehaviour::Garbage => Some((b"\x00\x01\x02 this is no HTTP\r\n\r\n", b"")),
    };
    let Some((start, more)) = flood else { return };
    if socket.write_all(start).await.is_err() {
        return;
    }
    if more.is_empty() {
        // Holds the socket until the client gives up.
        let _ = socket.read(&mut request).await;
        return;
    }
    while socket.write_all(more).await.is_ok() {}
}
