//! Many callers at once, each waiting for its answer before it asks again.

use anyhow::Result;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Runs `work(0)` to `work(count - 1)` by `callers` callers. Returns how long each took.
pub async fn run<W, F>(count: usize, callers: usize, work: W) -> Result<Vec<Duration>>
where
    W: Fn(usize) -> F + Send + Sync + 'static,
    F: Future<Output = Result<()>> + Send,
{
    let (next, work) = (Arc::new(AtomicUsize::new(0)), Arc::new(work));
    let crowd = (0..callers.min(count)).map(|_| {
        let (next, work) = (next.clone(), work.clone());
        tokio::spawn(async move {
            let mut times = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if count <= number {
                    return Ok::<_, anyhow::Error>(times);
                }
                let started = Instant::now();
                work(number).await?;
                times.push(started.elapsed());
            }
        })
    });
    let crowd: Vec<_> = crowd.collect();
    let mut times = Vec::with_capacity(count);
    for caller in crowd {
        times.extend(caller.await??);
    }
    Ok(times)
}
