//! Walks what is on record page by page: while one page is worked on by every core, the next is read.

use crate::store::read_history::{self, RecordedDecision, Span};
use crate::store::{Pool, StoreError};
use std::num::NonZeroUsize;
use std::thread;
use tokio::runtime::{Handle, RuntimeFlavor};

/// How many decisions are read at once: some megabytes, and two pages are held at a time.
const PAGE: i64 = 2_000;
/// More threads than the database can feed only wait.
const THREADS_MAX: usize = 8;

/// Shows every decision of a span, oldest first, with what `work` made of it. `work` is pure and is done
/// for several decisions at once; `take` sees them in order, and its error ends the walk.
///
/// # Errors
/// The decisions cannot be read, or what `take` says.
pub async fn walk<T: Send, E: From<StoreError>>(
    pool: &Pool,
    span: Span,
    work: impl Fn(&RecordedDecision) -> T + Sync,
    mut take: impl FnMut(&RecordedDecision, T) -> Result<(), E>,
) -> Result<(), E> {
    let mut span = Span { limit: PAGE, ..span };
    let mut page = read_history::decisions(pool, &span).await?;
    while let Some(last) = page.last() {
        span.after = last.id;
        // The question is on its way before this thread is kept busy.
        let (next, made) = tokio::join!(read_history::decisions(pool, &span), async {
            aside(|| worked(&page, &work))
        });
        for (decision, made) in page.iter().zip(made) {
            take(decision, made)?;
        }
        page = next?;
    }
    Ok(())
}

/// Keeps a thread busy without keeping what else is to be done from being done.
fn aside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => tokio::task::block_in_place(work),
        _ => work(),
    }
}

fn worked<T: Send>(
    page: &[RecordedDecision],
    work: &(impl Fn(&RecordedDecision) -> T + Sync),
) -> Vec<T> {
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(THREADS_MAX);
    let share = page.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let begun: Vec<_> = page
            .chunks(share)
            .map(|part| scope.spawn(move || part.iter().map(work).collect::<Vec<T>>()))
            .collect();
        let ended = begun.into_iter().map(|thread| match thread.join() {
            Ok(made) => made,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        ended.flatten().collect()
    })
}
