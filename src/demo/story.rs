//! The steps as a table, and how they are played.

use super::client::{Api, Mocks, list, text};
use super::stage::{MARKETS, Stage};
use super::{
    attacks, books, failover, limit, payout, pix, recovery, registers, replay, sanctions, unknown,
};
use anyhow::Context as _;
use futures_util::future::BoxFuture;

type Play = for<'a> fn(&'a Stage) -> BoxFuture<'a, anyhow::Result<()>>;

/// One step of the story. Each brings players of its own, so that a step that fails leaves the
/// others their meaning.
struct Step {
    /// As the contract counts them.
    number: u8,
    title: &'static str,
    play: Play,
}

const STEPS: [Step; 9] = [
    Step {
        number: 1,
        title: "The first PSP is down: the second takes the deposit, the wallet is credited once",
        play: |stage| Box::pin(failover::play(stage)),
    },
    Step {
        number: 2,
        title: "A Brazilian player pays a PIX QR code; one in Malta sends coins, less and then more",
        play: |stage| Box::pin(pix::play(stage)),
    },
    Step {
        number: 3,
        title: "A withdrawal is held, screened, approved by two people and paid; one of a listed name is not",
        play: |stage| {
            Box::pin(async move {
                payout::play(stage).await?;
                sanctions::play(stage).await
            })
        },
    },
    Step {
        number: 4,
        title: "A payout times out after the PSP took it: nobody else is asked, paid once",
        play: |stage| Box::pin(unknown::play(stage)),
    },
    Step {
        number: 5,
        title: "A PSP fails, it is found out and traffic moves; it recovers and traffic returns",
        play: |stage| Box::pin(recovery::play(stage)),
    },
    Step {
        number: 6,
        title: "A forged, a stale and a replayed webhook bounce",
        play: |stage| Box::pin(attacks::play(stage)),
    },
    Step {
        number: 7,
        title: "A deposit over the player's limit or the market's is blocked, of the excluded too; it says why",
        play: |stage| {
            Box::pin(async move {
                limit::play(stage).await?;
                registers::play(stage).await
            })
        },
    },
    Step {
        number: 8,
        title: "A decision is replayed to the byte; one altered byte of the log is named",
        play: |stage| Box::pin(replay::play(stage)),
    },
    Step {
        number: 10,
        title: "The books close: what the PSPs moved is what the wallets show",
        play: |stage| Box::pin(books::play(stage)),
    },
];

/// Whether there is a stage to play on, or what is missing and what to do about it.
pub(super) async fn is_playable(api: &Api, mocks: &Mocks) -> anyhow::Result<()> {
    let start = "start a sandbox with `make run` and leave it running";
    api.get("/v1/webhook-endpoints")
        .await
        .with_context(|| format!("{} does not answer as a sandbox: {start}", api.base_url))?;
    let psps = mocks.psps().await.with_context(|| format!("no mocks to play with: {start}"))?;
    for market in MARKETS {
        for psp in [market.first, market.second] {
            let known = list(&psps, "").iter().any(|known| text(known, "/id") == psp);
            anyhow::ensure!(known, "the story needs the PSP account {psp}, and there is no mock");
        }
    }
    Ok(())
}

/// Plays every step, each to its end or to the first sentence that is not true. True: all came out
/// as told.
pub(super) async fn play(stage: &Stage) -> bool {
    let timeline = &stage.timeline;
    timeline.print(&format!(
        "Interlock, a story of {} steps at {}",
        STEPS.len(),
        stage.api.base_url
    ));
    let mut right = 0;
    for step in &STEPS {
        timeline.step(step.number, step.title);
        let played = (step.play)(stage).await;
        // What a step broke must not be the next one's.
        let mended = stage.mocks.reset().await;
        match played.and(mended) {
            Ok(()) => right += 1,
            Err(error) => timeline.failed(&error),
        }
    }
    timeline.end(right, STEPS.len());
    right == STEPS.len()
}
