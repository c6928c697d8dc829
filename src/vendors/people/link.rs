//! One vendor's line: a request goes out once, and comes back as an answer or as a failure of the
//! hook, before the deadline and never after it.

use crate::screening::hooks::HookFailure;
use psp_adapters::Transport;
use psp_contract::{HttpRequest, HttpResponse, TransportFailure, Unknown};
use std::time::Duration;
use tokio::time::Instant;

/// How a vendor is reached, and for how long one question may take.
#[derive(Debug, Clone)]
pub struct Link {
    transport: Transport,
    base_url: String,
    deadline: Duration,
}

impl Link {
    pub fn new(transport: Transport, base_url: &str, deadline: Duration) -> Self {
        Self { transport, base_url: base_url.trim_end_matches('/').to_owned(), deadline }
    }

    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// When a question that begins now must be answered, all its requests together.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.deadline
    }

    /// Sends one request.
    ///
    /// # Errors
    /// No answer by then.
    pub async fn send(
        &self,
        request: Option<HttpRequest>,
        by: Instant,
    ) -> Result<HttpResponse, HookFailure> {
        let request = request.ok_or(HookFailure::RecordIncomplete)?;
        self.transport.send(request, by).await.map_err(|failure| match failure {
            TransportFailure::Unknown(Unknown::ReadTimeout) => HookFailure::Late,
            TransportFailure::Unknown(Unknown::Unreadable) => HookFailure::Unreadable,
            _ if by <= Instant::now() => HookFailure::Late,
            _ => HookFailure::Unreachable,
        })
    }

    /// As [`Link::send`]; any status but a success is a refusal of the vendor's, and one that is
    /// still at work has not answered.
    ///
    /// # Errors
    /// No answer by then, or no success.
    pub async fn ask(
        &self,
        request: Option<HttpRequest>,
        by: Instant,
    ) -> Result<HttpResponse, HookFailure> {
        let answer = self.send(request, by).await?;
        match answer.status {
            // "Accepted" is no answer yet, whatever stands in its body.
            202 => Err(HookFailure::Pending),
            200..=299 => Ok(answer),
            _ => Err(HookFailure::Refused),
        }
    }
}
