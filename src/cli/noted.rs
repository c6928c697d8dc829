//! Who does something at the machine itself: no API key says who it is, so the machine's account does.

use crate::clock::{Clock, SystemClock};
use crate::domain::Ids;
use crate::domain::ids::SystemIds;
use crate::store::Db;
use crate::store::decision_reads::{self, DecisionRead, ReadAct};
use anyhow::Context;

/// `cli:ops`, or `cli:1000` where the account has no name.
pub fn who() -> String {
    let account = nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten();
    let account = account.map_or_else(|| nix::unistd::getuid().to_string(), |user| user.name);
    format!("cli:{account}")
}

/// Notes who reads decisions, before anything is shown.
pub async fn noted(db: &Db, act: ReadAct, subject: &str) -> anyhow::Result<()> {
    let read = DecisionRead {
        id: SystemIds.next(),
        operator: "*",
        person: None,
        door: &who(),
        act,
        subject,
        at: SystemClock.now(),
    };
    let kept = decision_reads::keep(db.pool(), &read).await;
    kept.context("noting who reads it; nothing was shown")
}
