//! HTTP as bytes: what no well-behaved client would send.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, timeout};

/// Longer than the service waits for a body that does not come.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// When a sender who promised more than it sends goes away.
const HANGS_UP_AFTER: Duration = Duration::from_secs(2);

/// A request whose every byte is ours.
#[derive(Debug, Clone)]
pub struct Message {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Message {
    pub fn post(target: &str, body: Vec<u8>) -> Self {
        let headers = vec![("content-type".to_owned(), b"application/json".to_vec())];
        Self { method: "POST".to_owned(), target: target.to_owned(), headers, body }
    }

    pub fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// As [`Message::with`], in place of the header that is there.
    pub fn replacing(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.retain(|(own, _)| own != name);
        self.with(name, value)
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(own, _)| own != name);
        self
    }

    pub fn at(mut self, target: &str) -> Self {
        target.clone_into(&mut self.target);
        self
    }

    pub fn by(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    pub fn saying(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub fn header(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(own, _)| own == name).unwrap();
        String::from_utf8(found.1.clone()).unwrap()
    }

    /// Honest about its length.
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes_framed(&[("content-length", &self.body.len().to_string())])
    }

    /// With these headers about the body's length.
    pub fn bytes_framed(&self, framing: &[(&str, &str)]) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\nhost: psp\r\n", self.method, self.target);
        for (name, value) in framing {
            bytes.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut bytes = bytes.into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(format!("{name}: ").as_bytes());
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"connection: close\r\n\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// The status of the answer with its body; none when the connection was closed without one.
pub async fn send(port: u16, bytes: &[u8]) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    // It may hang up before everything is written.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    // Hanging up would take the request back, so it does that only when no answer comes.
    let first = timeout(HANGS_UP_AFTER, stream.read_buf(&mut answer)).await;
    if first.is_err() {
        let _ = stream.shutdown().await;
    }
    let read = timeout(ANSWER_WITHIN, stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the connection was left open");
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    Some((status, body.unwrap_or_default()))
}

/// Begins a body and never ends it, then goes away.
pub async fn send_without_end(port: u16, bytes: &[u8]) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = [0; 1];
    let read = timeout(Duration::from_millis(300), stream.read(&mut answer)).await;
    assert!(read.is_err(), "it answered before the body was there");
}
