//! Lets a request that writes run to its end, whatever its client does.
//!
//! hyper drops a handler's future when the client goes away. A write that is dropped in the middle
//! is a payment whose caller was never told, and a cancelled `begin` can poison a pooled
//! connection, so that later writes vanish. Every handler that writes goes through [`Detach::run`].

use super::problem::Problem;
use crate::shutdown::Shutdown;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// A request that lasts longer waits for something that is gone, a database host above all. Nobody has
/// waited for it for long then, and whoever repeats it learns what came of it.
const REQUEST_MAX: Duration = Duration::from_secs(300);

/// Runs requests as tasks of their own. A stop waits for them.
#[derive(Debug, Clone)]
pub struct Detach {
    tasks: Shutdown,
    most: Duration,
}

impl Detach {
    pub const fn new(tasks: Shutdown) -> Self {
        Self { tasks, most: REQUEST_MAX }
    }

    /// Runs a request to its end, even when nobody waits for it any more.
    ///
    /// # Errors
    /// What the request answers; 500 when it panics. A panic fails this request alone.
    pub fn run<T, F>(&self, request: F) -> impl Future<Output = Result<T, Problem>> + use<T, F>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        // It has some thousand bytes, and would be copied into each of the layers around it.
        let request = Box::pin(request);
        self.clone().watched(request)
    }

    async fn watched<T: Send + 'static>(
        self,
        request: Pin<Box<impl Future<Output = Result<T, Problem>> + Send + 'static>>,
    ) -> Result<T, Problem> {
        use tracing::Instrument;
        let most = self.most;
        let bounded = async move {
            let ended = tokio::time::timeout(most, request).await;
            ended.unwrap_or_else(|_| {
                tracing::error!("a request was not over after {most:?} and was dropped");
                Err(Problem::fault())
            })
        };
        let task = self.tasks.spawn("request", bounded.in_current_span());
        // The panic was logged under the task's name.
        task.await.unwrap_or_else(|_| Err(Problem::fault()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn a_request_runs_on_when_its_waiter_is_dropped() {
        let tasks = Shutdown::new();
        let (go, may_go) = oneshot::channel::<()>();
        let (done, was_done) = oneshot::channel();
        let detach = Detach::new(tasks.clone());
        let waiter = detach.run(async move {
            may_go.await.unwrap();
            done.send(42).unwrap();
            Ok(())
        });
        let impatient = tokio::time::timeout(Duration::from_millis(1), waiter).await;
        assert!(impatient.is_err(), "nobody let the request go yet");
        go.send(()).expect("the request must still wait after its client left");
        assert_eq!(was_done.await, Ok(42));
    }

    #[tokio::test]
    async fn a_panic_is_a_500_of_this_request_alone() {
        let detach = Detach::new(Shutdown::new());
        let broken = detach.run::<(), _>(async { panic!("on purpose") }).await;
        assert_eq!(broken.unwrap_err().status().as_u16(), 500);
        assert_eq!(detach.run(async { Ok(1) }).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_request_that_waits_for_ever_is_dropped() {
        let detach = Detach { most: Duration::from_millis(5), ..Detach::new(Shutdown::new()) };
        let dropped = detach.run(std::future::pending::<Result<(), _>>()).await;
        assert_eq!(dropped.unwrap_err().status().as_u16(), 500);
        assert_eq!(detach.run(async { Ok(1) }).await.unwrap(), 1);
    }
}
