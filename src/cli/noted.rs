//! Who reads decisions at the machine itself is noted before anything is shown.

use crate::clock::{Clock, SystemClock};
use crate::domain::Ids;
use crate::domain::ids::SystemIds;
use crate::store::Db;
use crate::store::decision_reads::{self, DecisionRead, ReadAct};
use anyhow::Context;

/// Notes it, by the account at this machine: no API key says who it is.
pub async fn noted(db: &Db, act: ReadAct, subject: &str) -> anyhow::Result<()> {
    let account = nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten();
    let account = account.map_or_else(|| nix::unistd::getuid().to_string(), |user| user.name);
    let read = DecisionRead {
        id: SystemIds.next(),
        operator: "*",
        person: None,
        door: &format!("cli:{account}"),
        act,
        subject,
        at: SystemClock.now(),
    };
    let kept = decision_reads::keep(db.pool(), &read).await;
    kept.context("noting who reads it; nothing was shown")
}
