//! A connection that is given up when the head of a request has begun and does not end.
//!
//! hyper has one limit for a head and for the rest between two requests. Who rests may do so for long; who has
//! begun to ask has no reason to stop. What begins in the same packet as the end of a request is not told apart
//! from it: hyper's own limit is what ends that.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How many requests of a connection have begun, and how many of them have their answer.
#[derive(Debug, Clone, Default)]
pub struct Asked(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    begun: AtomicU64,
    answered: AtomicU64,
}

/// A request that is being answered, until it is dropped.
#[derive(Debug)]
pub struct Answering(Asked);

impl Asked {
    /// Its head is there.
    pub fn begin(&self) -> Answering {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        Answering(self.clone())
    }

    fn begun(&self) -> u64 {
        self.0.begun.load(Ordering::Relaxed)
    }

    fn is_idle(&self) -> bool {
        self.begun() == self.0.answered.load(Ordering::Relaxed)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.0.answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// A stream whose reading fails when a head takes longer than `most`.
#[derive(Debug)]
pub struct Watched<I> {
    io: I,
    asked: Asked,
    most: Duration,
    /// The requests that had begun when it was last read.
    begun: u64,
    /// Ends the head that has begun.
    head: Option<Pin<Box<Sleep>>>,
}

impl<I> Watched<I> {
    pub fn new(io: I, asked: Asked, most: Duration) -> Self {
        Self { io, asked, most, begun: 0, head: None }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Watched<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let begun = this.asked.begun();
        if this.begun != begun {
            (this.begun, this.head) = (begun, None);
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.io).poll_read(context, buffer);
        if before < buffer.filled().len() && this.asked.is_idle() && this.head.is_none() {
            this.head = Some(Box::pin(sleep(this.most)));
        }
        let is_late = this.head.as_mut().is_some_and(|head| head.as_mut().poll(context).is_ready());
        if is_late { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { read }
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Watched<I> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(context, slices)
    }
}
