//! The HTTP server of a listener: hyper's, with a limit on how long a caller may hold a connection without
//! asking for anything.
//!
//! Half a request head, sent byte by byte, costs its sender nothing and us a connection. So a head that has begun
//! must end within [`Patience::head`]; a connection is kept for longer for a caller who is between two requests, or
//! has not asked yet. What follows the head has limits of its own: the body where it is read, the answer where it
//! is made. HTTP/1 alone is spoken: hyper knows no such limit for HTTP/2, whose connections rest for ever.

use super::heads::{Asked, Watched};
use crate::shutdown::Shutdown;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Extensions;
use axum::serve::Listener;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tower::{ServiceExt, service_fn};

/// How long a caller may hold a connection without asking for anything.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Between two requests, and before the first.
    pub rest: Duration,
    /// From the first byte of a request's head to its last.
    pub head: Duration,
}

/// Rests are longer than callers' pools keep a connection between two requests, which is a minute in most. A head is
/// one packet, or some.
pub const PATIENCE: Patience =
    Patience { rest: Duration::from_secs(75), head: Duration::from_secs(10) };

/// What a connection tells every request that comes over it.
pub type Introduce<L> = fn(&<L as Listener>::Io, &<L as Listener>::Addr, &mut Extensions);

/// Serves the router on the listener until the servers stop. Requests that are under way then are answered.
pub async fn serve<L: Listener>(
    mut listener: L,
    router: Router,
    introduce: Introduce<L>,
    patience: Patience,
    servers: &Shutdown,
) {
    loop {
        let (io, peer) = tokio::select! {
            () = servers.requested() => return,
            accepted = listener.accept() => accepted,
        };
        let mut known = Extensions::new();
        introduce(&io, &peer, &mut known);
        let requests = Requests { router: router.clone(), known };
        servers.spawn("http connection", connection(io, requests, patience, servers.clone()));
    }
}

/// Where the requests of a connection go, and what each is told of it.
struct Requests {
    router: Router,
    known: Extensions,
}

async fn connection<I>(io: I, requests: Requests, patience: Patience, servers: Shutdown)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Requests { router, known } = requests;
    let asked = Asked::default();
    let io = Watched::new(io, asked.clone(), patience.head);
    let service = service_fn(move |request: axum::http::Request<hyper::body::Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().extend(known.clone());
        let (router, answering) = (router.clone(), asked.begin());
        async move {
            let answer = router.oneshot(request).await;
            drop(answering);
            answer
        }
    });
    let service = hyper_util::service::TowerToHyperService::new(service);
    let mut builder = Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(patience.rest);
    let mut served = pin!(builder.serve_connection(TokioIo::new(io), service));
    let mut stopping = pin!(servers.requested());
    let mut is_stopping = false;
    loop {
        tokio::select! {
            ended = served.as_mut() => {
                if let Err(error) = ended {
                    tracing::trace!(%error, "a connection ended");
                }
                return;
            }
            () = stopping.as_mut(), if !is_stopping => {
                is_stopping = true;
                served.as_mut().graceful_shutdown();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::extract::Extension;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    /// A listener at which one caller calls.
    struct OneCaller(Option<DuplexStream>);

    impl Listener for OneCaller {
        type Io = DuplexStream;
        type Addr = &'static str;

        async fn accept(&mut self) -> (DuplexStream, &'static str) {
            match self.0.take() {
                Some(io) => (io, "the caller"),
                None => std::future::pending().await,
            }
        }

        fn local_addr(&self) -> std::io::Result<&'static str> {
            Ok("here")
        }
    }

    fn call(patience: Patience) -> (DuplexStream, Shutdown) {
        let (caller, ours) = duplex(4_096);
        let servers = Shutdown::new();
        let greet = async |Extension(name): Extension<&'static str>| format!("hello, {name}");
        let router = Router::new().route("/", axum::routing::get(greet));
        let stop = servers.clone();
        servers.spawn("test", async move {
            let introduce: Introduce<OneCaller> = |_, peer, known| {
                known.insert(*peer);
            };
            serve(OneCaller(Some(ours)), router, introduce, patience, &stop).await;
        });
        (caller, servers)
    }

    async fn ask(caller: &mut DuplexStream) -> String {
        caller.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
        let mut answer = vec![0; 1_024];
        let mut text = String::new();
        while !text.ends_with("the caller") {
            let read = caller.read(&mut answer).await.unwrap();
            assert!(read > 0, "closed after {text:?}");
            text.push_str(std::str::from_utf8(&answer[..read]).unwrap());
        }
        text
    }

    /// The connection is closed by the other side, sooner or later.
    async fn is_closed(caller: &mut DuplexStream) {
        let mut rest = Vec::new();
        let reading = caller.read_to_end(&mut rest);
        tokio::time::timeout(Duration::from_secs(60), reading).await.expect("closed").unwrap();
    }

    const SHORT: Duration = Duration::from_millis(100);
    const LONG: Duration = Duration::from_secs(3_600);
    const SHORT_REST: Patience = Patience { rest: SHORT, head: LONG };
    const SHORT_HEAD: Patience = Patience { rest: LONG, head: SHORT };

    #[tokio::test]
    async fn who_says_nothing_or_half_a_request_is_not_waited_for() {
        let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        for said in ["", "PRI * HT", preface, "GET", "GET / HTTP/1.1\r\nhost: h\r\n"] {
            let (mut caller, _servers) = call(SHORT_REST);
            caller.write_all(said.as_bytes()).await.unwrap();
            is_closed(&mut caller).await;
        }
    }

    #[tokio::test]
    async fn a_head_that_has_begun_must_end_soon_however_long_a_caller_may_rest() {
        let (mut caller, _servers) = call(SHORT_HEAD);
        for _ in 0..2 {
            // A rest is no head: this one is longer than a head may take.
            let resting = caller.read_u8();
            tokio::time::timeout(3 * SHORT, resting).await.expect_err("it is kept");
            assert!(ask(&mut caller).await.starts_with("HTTP/1.1 200"));
        }
        caller.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n").await.unwrap();
        is_closed(&mut caller).await;
    }

    #[tokio::test]
    async fn who_goes_on_sending_a_head_without_end_is_not_waited_for_either() {
        let (mut caller, _servers) = call(SHORT_HEAD);
        caller.write_all(b"GET / HTTP/1.1\r\nx-long: ").await.unwrap();
        let (mut from_us, mut to_us) = tokio::io::split(caller);
        let dribble = async {
            let mut pace = tokio::time::interval(SHORT / 10);
            while to_us.write_all(b"a").await.is_ok() {
                pace.tick().await;
            }
        };
        let mut rest = Vec::new();
        let closed = async {
            tokio::select! {
                () = dribble => {}
                read = from_us.read_to_end(&mut rest) => drop(read.unwrap()),
            }
        };
        tokio::time::timeout(Duration::from_secs(60), closed).await.expect("closed");
    }

    #[tokio::test]
    async fn a_connection_serves_one_request_after_the_other_and_is_closed_when_it_rests_too_long()
    {
        let (mut caller, _servers) = call(Patience { rest: Duration::from_secs(2), head: LONG });
        for _ in 0..3 {
            assert!(ask(&mut caller).await.starts_with("HTTP/1.1 200"));
        }
        is_closed(&mut caller).await;
    }

    /// The control of the others: nothing but the stop closes it here.
    #[tokio::test]
    async fn a_stop_closes_what_rests() {
        let (mut caller, servers) = call(Patience { rest: LONG, head: LONG });
        ask(&mut caller).await;
        servers.request();
        is_closed(&mut caller).await;
        assert_eq!(servers.stop(Duration::from_secs(10)).await, crate::shutdown::Stopped::Clean);
    }
}
