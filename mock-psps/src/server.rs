//! One PSP account's loopback port: a listener that can really go down (connections are refused
//! and standing ones die) and come back on the same port, and connections that a handler can
//! kill with a TCP reset. It speaks plain HTTP, or TLS with client certificates (`tls`).

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::tls::{Secured, Tls};

/// A handler's grip on the connection that its request came through.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    grip: Arc<Grip>,
}

#[derive(Debug, Default)]
struct Grip {
    cut: AtomicBool,
    reader: Mutex<Option<Waker>>,
}

impl Connection {
    /// Kills the connection with a reset; what was not written yet never will be.
    pub(crate) fn cut(&self) {
        self.grip.cut();
    }
}

impl Grip {
    fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        if let Some(waker) = self.reader().take() {
            waker.wake();
        }
    }

    fn reader(&self) -> MutexGuard<'_, Option<Waker>> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A TCP stream that fails every operation once it is cut, and then closes with a reset.
pub(crate) struct Raw {
    stream: TcpStream,
    grip: Arc<Grip>,
}

impl Raw {
    fn check(&self) -> io::Result<()> {
        if self.grip.cut.load(Ordering::SeqCst) {
            return Err(io::Error::from(io::ErrorKind::ConnectionReset));
        }
        Ok(())
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if self.check().is_err() {
            // Linger zero turns the close into an RST, which is what the caller must see.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Raw {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Registered before the check, so that a cut in between is not missed.
        *self.grip.reader() = Some(cx.waker().clone());
        self.check()?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Raw {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// One connection, plain or through TLS. A cut works below TLS: the caller sees the same reset.
pub(crate) enum Wire {
    Plain(Raw),
    Tls(Box<Secured<Raw>>),
}

impl Wire {
    fn new(raw: Raw, tls: Option<&Tls>) -> Self {
        match tls {
            None => Self::Plain(raw),
            Some(tls) => Self::Tls(Box::new(tls.accept(raw))),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(raw) => Pin::new(raw).poll_read(cx, buffer),
            Self::Tls(secured) => Pin::new(secured.as_mut()).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(raw) => Pin::new(raw).poll_write(cx, bytes),
            Self::Tls(secured) => Pin::new(secured.as_mut()).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(raw) => Pin::new(raw).poll_flush(cx),
            Self::Tls(secured) => Pin::new(secured.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(raw) => Pin::new(raw).poll_shutdown(cx),
            Self::Tls(secured) => Pin::new(secured.as_mut()).poll_shutdown(cx),
        }
    }
}

type Grips = Arc<Mutex<Vec<Weak<Grip>>>>;

/// A listener that hands out connections with their grips. A TLS handshake takes place when the
/// connection is first read, so that a caller who never finishes one holds up nobody else.
struct Port {
    listener: TcpListener,
    tls: Option<Tls>,
    grips: Grips,
}

impl Listener for Port {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    let _ = stream.set_nodelay(true);
                    let grip = Arc::new(Grip::default());
                    let mut grips = self.grips.lock().unwrap_or_else(PoisonError::into_inner);
                    grips.retain(|grip| grip.strong_count() > 0);
                    grips.push(Arc::downgrade(&grip));
                    return (Wire::new(Raw { stream, grip }, self.tls.as_ref()), peer);
                }
                // Out of file descriptors, mostly: give the machine a moment.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, Port>> for Connection {
    fn connect_info(stream: IncomingStream<'_, Port>) -> Self {
        let grip = match stream.io() {
            Wire::Plain(raw) => Some(&raw.grip),
            Wire::Tls(secured) => secured.raw().map(|raw| &raw.grip),
        };
        Self { grip: grip.cloned().unwrap_or_default() }
    }
}

/// The switch of one port.
pub(crate) struct Gate {
    address: SocketAddr,
    tls: Option<Tls>,
    grips: Grips,
    state: tokio::sync::Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Bound while the routes, which must know the port, were not there yet.
    first: Option<TcpListener>,
    router: Option<Router>,
    serving: Option<JoinHandle<()>>,
}

impl Gate {
    /// Takes the port; nobody is served before `open`.
    pub(crate) async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let state = State { first: Some(listener), ..State::default() };
        let state = tokio::sync::Mutex::new(state);
        Ok(Self { address, tls: None, grips: Grips::default(), state })
    }

    /// The same port speaking TLS, when there is something to speak it with.
    pub(crate) fn secured(self, tls: Option<Tls>) -> Self {
        Self { tls, ..self }
    }

    pub(crate) fn base_url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    pub(crate) async fn open(&self, router: Router) -> io::Result<()> {
        self.state.lock().await.router = Some(router);
        self.up().await
    }

    pub(crate) async fn is_up(&self) -> bool {
        self.state.lock().await.serving.is_some()
    }

    pub(crate) async fn up(&self) -> io::Result<()> {
        let mut state = self.state.lock().await;
        let (None, Some(router)) = (&state.serving, state.router.clone()) else {
            return Ok(());
        };
        let listener = match state.first.take() {
            Some(listener) => listener,
            None => TcpListener::bind(self.address).await?,
        };
        let port = Port { listener, tls: self.tls.clone(), grips: self.grips.clone() };
        let service = router.into_make_service_with_connect_info::<Connection>();
        state.serving = Some(tokio::spawn(async move {
            let _ = axum::serve(port, service).await;
        }));
        Ok(())
    }

    /// Closes the port and kills its connections, also those that are idle.
    pub(crate) async fn down(&self) {
        let mut state = self.state.lock().await;
        if let Some(serving) = state.serving.take() {
            serving.abort();
            // The socket is closed when the task has been dropped, not when it is told to stop.
            let _ = serving.await;
        }
        let grips = std::mem::take(&mut *self.grips.lock().unwrap_or_else(PoisonError::into_inner));
        grips.iter().filter_map(Weak::upgrade).for_each(|grip| grip.cut());
    }
}
