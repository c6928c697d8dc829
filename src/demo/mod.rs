//! L5: `interlock demo`, a story played against a running sandbox through its public API.
//!
//! The demo is a casino, its players, their banks and an attacker at once. It speaks HTTP only: the
//! public API as a casino's backend would, the mocks' control as a payer, a bank or a broken PSP
//! would, and it listens on this machine as a casino's webhook receiver. Nothing of the service is
//! called from inside, so what it shows is what an integrator gets. The signatures, ours and those of
//! the webhooks that it is told, are written here once more, so that a mistake in the service's own
//! code does not confirm itself.
//!
//! Every step asserts what it tells. A run succeeds only when each step came out as told; it uses
//! players of its own, so it can be repeated, and it leaves the mocks without faults and listening,
//! also when a step fails or somebody presses Ctrl-C.
//!
//! Reading order: [`story`] (the steps as a table), [`stage`] (what all steps need), the steps
//! ([`failover`], [`pix`], [`payout`], [`sanctions`], [`unknown`], [`recovery`], [`attacks`], [`limit`],
//! [`registers`], [`replay`], [`books`]), [`client`], [`receiver`], [`timeline`].

mod attacks;
mod books;
mod client;
mod failover;
mod limit;
mod payout;
mod pix;
mod receiver;
mod recovery;
mod registers;
mod replay;
mod sanctions;
mod stage;
mod story;
mod timeline;
mod unknown;

use crate::shutdown::Shutdown;
use anyhow::Context as _;
pub use replay::Audit;

use client::{Api, Mocks};
use receiver::Receiver;
use stage::Stage;
use std::io::IsTerminal as _;
use std::time::Duration;
use timeline::Timeline;

/// The receiver's task ends at once; this is for a delivery that it is just answering.
const GRACE: Duration = Duration::from_secs(2);

/// Where the sandbox is, and who the casino is.
#[derive(Debug)]
pub struct DemoOptions {
    /// `http://127.0.0.1:8080`
    pub api_url: String,
    /// Of the mocks, `http://127.0.0.1:8090`.
    pub control_url: String,
    /// The casino's key.
    pub key_id: String,
    /// It signs requests, and where the configuration takes plain keys it is the bearer too.
    pub key_secret: String,
    pub audit: Audit,
}

impl DemoOptions {
    /// As the casino whose key every sandbox has.
    pub fn of_sandbox(api_url: String, control_url: String, audit: Audit) -> Self {
        let key = "sk_sandbox".to_owned();
        Self { api_url, control_url, key_id: key.clone(), key_secret: key, audit }
    }
}

/// Plays the story and prints it. True: every step came out as told.
///
/// # Errors
/// When there is no stage to play on: nobody answers, it is no sandbox, or a PSP of the story is
/// missing.
pub async fn run(options: DemoOptions) -> anyhow::Result<bool> {
    let timeline = Timeline::new(std::io::stdout().is_terminal());
    let shutdown = Shutdown::new();
    shutdown.on_signal().context("listening for Ctrl-C")?;
    let api = Api::new(&options)?;
    let mocks = Mocks::new(&options.control_url)?;
    story::is_playable(&api, &mocks).await?;
    mocks.reset().await?;
    let receiver = Receiver::open(timeline.clone(), &shutdown).await?;
    let endpoint = receiver.register(&api).await?;
    let stage = Stage::new(api, mocks, receiver, timeline, options.audit);
    let played = tokio::select! {
        played = story::play(&stage) => Some(played),
        () = shutdown.requested() => None,
    };
    let reset = stage.mocks.reset().await.context("the mocks could not be set right again");
    let deleted = stage.api.delete(&format!("/v1/webhook-endpoints/{endpoint}")).await;
    let deleted = deleted.and_then(|answer| answer.expect(204));
    shutdown.stop(GRACE).await;
    reset?;
    deleted.context("the demo's webhook endpoint could not be removed again")?;
    match played {
        Some(played) => Ok(played),
        None => anyhow::bail!("interrupted; the mocks have no faults and listen again"),
    }
}
