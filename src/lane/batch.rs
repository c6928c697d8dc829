//! One batch: lock, load, decide, write, commit.

use super::context::LaneContext;
use super::work::Work;
use crate::book::{Book, Incident, Record};
use crate::decide::{self, Answer, Command, Ctx, Needs, Refusal};
use crate::domain::{Player, PlayerKey, Timestamp};
use crate::screening::Policies;
use crate::screening::background::Wants;
use crate::screening::movement::Fingerprint;
use crate::store::db::LaneConnection;
use crate::store::identity_events;
use crate::store::reviews::{self, Writer};
use crate::store::slots::{self, HeldSlot};
use crate::store::write_records::Numbered;
use crate::store::{
    StoreError, backgrounds, deadlines, erasures, load, write_holdings, write_payments,
    write_player, write_records,
};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use uuid::Uuid;

/// What became of one command of a batch.
#[derive(Debug)]
pub enum Outcome {
    Decided(Result<Answer, Refusal>),
    /// The player's row is held by another lane: the command goes back to the queue.
    LockedElsewhere,
    /// Deciding it broke an assertion. Nothing of it was kept, and its neighbours go on.
    Broken,
}

/// A batch that was decided and written, but not yet committed.
#[derive(Debug)]
pub struct Decided {
    /// By the position of the command.
    pub outcomes: Vec<Outcome>,
    pub to_seq: i64,
    /// Its first record, if it has any: what tells whether the batch was kept, whoever has the slot by now.
    pub first: Option<slots::Mark>,
    /// What people must look at, to be told once the batch is kept.
    pub incidents: Vec<Incident>,
}

/// Decides and writes a batch inside the connection's open transaction.
pub async fn decide_and_write(
    connection: &mut LaneConnection,
    context: &LaneContext,
    held: HeldSlot,
    works: &[&Work],
    slot_lease: Duration,
) -> Result<Decided, StoreError> {
    let now = context.clock.now();
    let players: BTreeSet<PlayerKey> = works.iter().map(|work| work.player.clone()).collect();
    let mut loaded = load::lock_players(connection, &players, now).await?;
    let mut needs = Needs::default();
    for work in works.iter().filter(|work| loaded.books.contains_key(&work.player)) {
        work.command.add_needs(&work.player, &mut needs);
    }
    let policies = context.policies.current();
    load::load(connection, &mut loaded.books, &needs, &policies).await?;
    let used = used(&loaded.books, works, &policies, now);
    backgrounds::load_others(connection, &mut loaded.books, &used).await?;
    let outcomes = decide_all(context, &policies, &mut loaded.books, works, now);
    let incidents = loaded
        .books
        .values()
        .flat_map(|book| book.records.iter().flat_map(|record| record.incidents.clone()))
        .collect();
    let (to_seq, first) =
        write(connection, context, held, &mut loaded.books, now, slot_lease).await?;
    Ok(Decided { outcomes, to_seq, first, incidents })
}

/// The instruments of which a rule wants to know who else used them.
fn used(
    books: &BTreeMap<PlayerKey, Book>,
    works: &[&Work],
    policies: &Policies,
    now: Timestamp,
) -> Vec<(PlayerKey, Fingerprint)> {
    let of_work = |work: &&Work| {
        let book = books.get(&work.player)?;
        let player = book.player.as_ref()?;
        if !Wants::of(policies, &player.country, now).others {
            return None;
        }
        let prints = decide::ends::of(&work.command, book).into_iter();
        let operator = &work.player.operator;
        let prints = prints.filter_map(|one| Fingerprint::of(operator, &one));
        Some(prints.map(|print| (work.player.clone(), print)).collect::<Vec<_>>())
    };
    works.iter().filter_map(of_work).flatten().collect()
}

fn decide_all(
    context: &LaneContext,
    policies: &Policies,
    books: &mut BTreeMap<PlayerKey, Book>,
    works: &[&Work],
    now: Timestamp,
) -> Vec<Outcome> {
    let ctx = Ctx {
        now,
        ids: context.ids.as_ref(),
        psps: context.psps.as_ref(),
        policies,
        fx: &context.fx,
        holder: &context.holder,
        lease: context.attempt_lease,
        reviews: &context.reviews,
        asked: None,
    };
    works
        .iter()
        .map(|work| {
            let Some(book) = books.get_mut(&work.player) else { return Outcome::LockedElsewhere };
            // `decide` works on a draft, so a panic leaves the book as it was.
            let decided =
                catch_unwind(AssertUnwindSafe(|| decide::decide(book, &work.command, &ctx)));
            let Ok(outcome) = decided else {
                tracing::error!(command = work.command.name(), "a decision broke an assertion");
                return Outcome::Broken;
            };
            keep_answer(context, book, &work.command, &outcome);
            Outcome::Decided(outcome)
        })
        .collect()
}

/// Renders the idempotent answer into its key, when it can be told already.
fn keep_answer(
    context: &LaneContext,
    book: &mut Book,
    command: &Command,
    outcome: &Result<Answer, Refusal>,
) {
    let Some(claim) = command.claim() else { return };
    if !book.dirty.keys.contains(&claim.id) {
        return;
    }
    let Some(stored) = book.keys.get_mut(&claim.id).filter(|key| key.answer.is_none()) else {
        return;
    };
    let rendered = match outcome {
        Ok(Answer::Replay { .. }) => None,
        Ok(Answer::Payment(payment)) if payment.answer_owed.is_some() => None,
        Ok(answer) => Some(context.render.answer(answer, claim)),
        Err(refusal) if refusal.is_recorded() => Some(context.render.refusal(refusal, claim)),
        Err(_) => None,
    };
    stored.answer = rendered.map(|(status, body)| (status, body.into()));
}

async fn write(
    connection: &mut LaneConnection,
    context: &LaneContext,
    held: HeldSlot,
    books: &mut BTreeMap<PlayerKey, Book>,
    now: Timestamp,
    slot_lease: Duration,
) -> Result<(i64, Option<slots::Mark>), StoreError> {
    let mut records: Vec<Numbered> = Vec::new();
    let mut answers: Vec<(Uuid, u16, Vec<u8>)> = Vec::new();
    let mut to_seq = held.seq;
    for book in books.values_mut() {
        for record in book.records.drain(..) {
            to_seq += 1;
            for (viewer, payment) in &record.late_answers {
                let (status, body) = context.render.payment(payment, *viewer);
                answers.push((payment.id.uuid, status, body));
            }
            let event_data = event_data(context, &record);
            records.push(Numbered { seq: to_seq, record, event_data });
        }
    }
    let touched: Vec<&Book> = books.values().collect();
    let was_erased = |book: &&Book| book.player.as_ref().is_some_and(Player::is_erased);
    let of_erased: Vec<&PlayerKey> =
        touched.iter().copied().filter(was_erased).map(|book| &book.key).collect();
    // Also where nothing is recorded: the news that changed nothing is kept as it came.
    erasures::again(connection, &of_erased, now).await?;
    if records.is_empty() {
        return Ok((held.seq, None));
    }
    write_player::write(connection, &touched).await?;
    write_holdings::write(connection, held.slot, &touched, &records, now).await?;
    write_versions(connection, held.slot, &records, books).await?;
    for record in records.iter().map(|numbered| &numbered.record) {
        if let Some(news) = &record.kyc_taken {
            identity_events::take(connection, &record.player, news, now).await?;
        }
    }
    let (mut opened, mut changed) = (Vec::new(), Vec::new());
    for book in &touched {
        for payment in book.dirty.payments.iter().filter_map(|id| book.payment(*id)) {
            let is_new = book.dirty.opened.contains(&payment.id.uuid);
            if is_new { opened.push(payment) } else { changed.push(payment) }
        }
    }
    write_payments::write(connection, &opened, &changed, &answers).await?;
    deadlines::write(connection, &touched).await?;
    for book in &touched {
        for review in book.dirty.reviews.iter().filter_map(|id| book.reviews.get(id)) {
            reviews::write(connection, &book.key.operator, review, Writer::Lane).await?;
        }
    }
    write_records::write(connection, held, slot_lease, &records, now).await?;
    Ok((to_seq, records.first().map(|first| slots::Mark::of(&first.record, now))))
}

fn event_data(context: &LaneContext, record: &Record) -> Vec<String> {
    record.events.iter().map(|event| context.render.event(&event.payment)).collect()
}

/// Keeps each changed player's newest version; versions in between never were outside the batch.
async fn write_versions(
    connection: &mut LaneConnection,
    slot: i16,
    records: &[Numbered],
    books: &BTreeMap<PlayerKey, Book>,
) -> Result<(), StoreError> {
    let mut newest: BTreeMap<&PlayerKey, i64> = BTreeMap::new();
    for numbered in records.iter().filter(|numbered| numbered.record.player_changed) {
        newest.insert(&numbered.record.player, numbered.seq);
    }
    for (key, seq) in newest {
        let Some(book) = books.get(key) else { continue };
        if let Some(player) = &book.player {
            write_player::write_version(connection, slot, seq, player, &book.limits).await?;
        }
    }
    Ok(())
}
