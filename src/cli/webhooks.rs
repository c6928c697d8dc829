//! `webhooks retry`: messages of PSPs that were put aside are applied again, once what stood in their way is
//! mended.

use super::{database, noted};
use crate::clock::{Clock, SystemClock};
use crate::domain::Ids;
use crate::domain::ids::SystemIds;
use crate::store::{Db, inbox};
use anyhow::Context;
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub enum Webhooks {
    /// Apply messages again that lie aside, as if they had just come. What cannot be applied this time
    /// either is put aside again, with an incident of its own. Exit code 1 when one of them does not lie
    /// aside.
    Retry {
        /// The PSP account, as the incident names it.
        #[arg(long)]
        psp: String,
        /// The event, as the incident names it; more than one may be given.
        #[arg(long, required = true)]
        event: Vec<String>,
    },
}

pub async fn webhooks(command: Webhooks) -> anyhow::Result<ExitCode> {
    let Webhooks::Retry { psp, event } = command;
    let db = Db::connect(&database::app_url()?, 2).await.context("connecting to the database")?;
    let (mut all, asked_by) = (true, noted::who());
    for event in &event {
        let (named, asked) =
            ((psp.as_str(), event.as_str()), (SystemIds.next(), asked_by.as_str()));
        let taken = inbox::take_up(db.pool(), named, asked, SystemClock.now()).await;
        if taken.context("taking up the event")? {
            println!(
                "{event}: is applied again; interlock's worker `inbox` does it within seconds"
            );
        } else {
            all = false;
            println!("{event}: no event of {psp} with this id lies aside");
        }
    }
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
