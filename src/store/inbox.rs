//! Verified webhooks of PSPs, stored before they are answered and remembered for good.

use super::StoreError;
use crate::domain::{AttemptId, InboxId, Timestamp};
use sqlx::{PgConnection, PgPool};
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

/// A verified event on its way into the inbox. `event` is its content in our words, `null` when it is
/// spent.
#[derive(Debug, Clone)]
pub struct NewEvent {
    pub id: InboxId,
    pub psp: String,
    pub event_id: String,
    pub kind: String,
    pub body_sha256: [u8; 32],
    pub event: String,
    /// The message that it came in, the same for all events of one.
    pub raw: Arc<[u8]>,
    /// It provably has no effect: it is done with being stored.
    pub spent: Option<Spent>,
}

/// Why an event needs nothing but to be remembered.
#[derive(Debug, Clone)]
pub struct Spent {
    pub attempt: Option<AttemptId>,
    pub note: Option<&'static str>,
}

/// A stored event whose time has come.
#[derive(Debug, Clone)]
pub struct DueEvent {
    pub id: InboxId,
    pub psp: String,
    pub event_id: String,
}

/// A stored event that is being applied.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    pub event: String,
    /// With this one, and without those that [`wait`] took back.
    pub tries: i16,
    pub received_at: Timestamp,
}

/// Stores verified events, each once for ever. Returns those that were new, by the ids that they
/// were given here: of two equal ones in one call only one is.
///
/// The message itself is kept with the first event of it that is new, and with no other: one message may
/// have some hundred events.
///
/// Whoever stores them applies them at once, but for the spent ones; the worker looks only at what that left after 3 s.
pub async fn store(
    connection: &mut PgConnection,
    messages: &[Vec<NewEvent>],
    now: Timestamp,
) -> Result<BTreeSet<InboxId>, StoreError> {
    let bearers = bearers(connection, messages).await?;
    let events: Vec<&NewEvent> = messages.iter().flatten().collect();
    let ids: Vec<Uuid> = events.iter().map(|e| e.id.0).collect();
    let psps: Vec<String> = events.iter().map(|e| e.psp.clone()).collect();
    let event_ids: Vec<String> = events.iter().map(|e| e.event_id.clone()).collect();
    let kinds: Vec<String> = events.iter().map(|e| e.kind.clone()).collect();
    let hashes: Vec<Vec<u8>> = events.iter().map(|e| e.body_sha256.to_vec()).collect();
    let bodies: Vec<String> = events.iter().map(|e| e.event.clone()).collect();
    let raw = |e: &&NewEvent| if bearers.contains(&e.id) { e.raw.to_vec() } else { Vec::new() };
    let raws: Vec<Vec<u8>> = events.iter().map(raw).collect();
    let spent: Vec<bool> = events.iter().map(|e| e.spent.is_some()).collect();
    let of = |e: &&NewEvent| e.spent.as_ref().and_then(|spent| spent.attempt).map(|id| id.0);
    let attempts: Vec<Option<Uuid>> = events.iter().map(of).collect();
    let note = |e: &&NewEvent| e.spent.as_ref().and_then(|spent| spent.note).map(str::to_owned);
    let notes: Vec<Option<String>> = events.iter().map(note).collect();
    let rows = sqlx::query_scalar!(
        "insert into inbox (inbox_id, psp, event_id, kind, body_sha256, event, raw, received_at,
           state, tries, due_at, attempt_id, note)
         select a, b, c, d, e, f::json, g, $8::timestamptz, case when spent then 'done' else 'new' end,
           0, case when not spent then $8::timestamptz + interval '3 seconds' end, attempt, note
         from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::text[],
           $7::bytea[], $9::boolean[], $10::uuid[], $11::text[])
           as t (a, b, c, d, e, f, g, spent, attempt, note)
         on conflict (psp, event_id) do nothing
         returning inbox_id",
        &ids,
        &psps,
        &event_ids,
        &kinds,
        &hashes,
        &bodies,
        &raws,
        now,
        &spent,
        &attempts as &[Option<Uuid>],
        &notes as &[Option<String>]
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(InboxId).collect())
}

/// With which event each message is kept.
async fn bearers(
    connection: &mut PgConnection,
    messages: &[Vec<NewEvent>],
) -> Result<BTreeSet<InboxId>, StoreError> {
    let several = || messages.iter().filter(|message| 1 < message.len()).flatten();
    let psps: Vec<String> = several().map(|e| e.psp.clone()).collect();
    let event_ids: Vec<String> = several().map(|e| e.event_id.clone()).collect();
    let seen: BTreeSet<(String, String)> = if psps.is_empty() {
        BTreeSet::new()
    } else {
        let rows = sqlx::query!(
            "select i.psp, i.event_id from unnest($1::text[], $2::text[]) as t (psp, event_id)
             join inbox i on i.psp = t.psp and i.event_id = t.event_id",
            &psps,
            &event_ids
        );
        let rows = rows.fetch_all(connection).await?;
        rows.into_iter().map(|row| (row.psp, row.event_id)).collect()
    };
    Ok(first_new(messages, seen))
}

/// The first event of each message that is not there yet, and in no message before it.
fn first_new(
    messages: &[Vec<NewEvent>],
    mut known: BTreeSet<(String, String)>,
) -> BTreeSet<InboxId> {
    let name = |e: &NewEvent| (e.psp.clone(), e.event_id.clone());
    let mut bearers = BTreeSet::new();
    for message in messages {
        let bearer = message.iter().find(|event| !known.contains(&name(event)));
        bearers.extend(bearer.map(|event| event.id));
        known.extend(message.iter().map(name));
    }
    bearers
}

/// Events that are due, the oldest first, without those that are being applied and without those of
/// these PSPs. Finding is reading: each is claimed when somebody begins with it.
pub async fn due(
    pool: &PgPool,
    now: Timestamp,
    running: &[Uuid],
    full: &[String],
    most: i64,
) -> Result<Vec<DueEvent>, StoreError> {
    let rows = sqlx::query!(
        "select inbox_id, psp, event_id from inbox
         where state = 'new' and due_at <= $1 and inbox_id <> all($2) and psp <> all($3)
         order by due_at limit $4",
        now,
        running,
        full,
        most
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| DueEvent { id: InboxId(row.inbox_id), psp: row.psp, event_id: row.event_id })
        .collect())
}

/// Claims an event for as long as `until`, and counts the try: another instance leaves it alone. None:
/// somebody else has it, or it is done.
pub async fn claim(
    pool: &PgPool,
    psp: &str,
    event_id: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<StoredEvent>, StoreError> {
    let claimed = sqlx::query_as!(
        StoredEvent,
        r#"update inbox set due_at = $4, tries = tries + 1
           where psp = $1 and event_id = $2 and state = 'new' and due_at <= $3
           returning event::text as "event!", tries, received_at"#,
        psp,
        event_id,
        now,
        until
    )
    .fetch_optional(pool)
    .await?;
    Ok(claimed)
}

/// An event that has had its effect, or provably none.
#[derive(Debug, Clone)]
pub struct DoneEvent {
    pub psp: String,
    pub event_id: String,
    pub attempt: Option<AttemptId>,
    pub note: Option<String>,
    /// Anybody may have sent it, and it led to nothing: what it said is not kept.
    pub of_nobody: bool,
}

/// Marks events done. Of one of nobody's its id and the hash of its message stay, by which a repeat is answered
/// as before; what else came with it goes in the same statement, or whoever likes could fill the disk.
pub async fn done(connection: &mut PgConnection, events: &[DoneEvent]) -> Result<(), StoreError> {
    let psps: Vec<String> = events.iter().map(|e| e.psp.clone()).collect();
    let event_ids: Vec<String> = events.iter().map(|e| e.event_id.clone()).collect();
    let attempts: Vec<Option<Uuid>> = events.iter().map(|e| e.attempt.map(|id| id.0)).collect();
    let notes: Vec<Option<String>> = events.iter().map(|e| e.note.clone()).collect();
    let of_nobody: Vec<bool> = events.iter().map(|e| e.of_nobody).collect();
    sqlx::query!(
        "update inbox i set state = 'done', due_at = null, attempt_id = d.attempt_id, note = d.note,
           raw = case when d.of_nobody then '' else i.raw end,
           event = case when d.of_nobody then 'null' else i.event end
         from unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::boolean[])
           as d (psp, event_id, attempt_id, note, of_nobody)
         where i.psp = d.psp and i.event_id = d.event_id",
        &psps,
        &event_ids,
        &attempts as &[Option<Uuid>],
        &notes as &[Option<String>],
        &of_nobody
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The event cannot be applied: it is put aside for people, and blocks no other. Their incident is raised
/// in the same statement, so that nothing lies aside of which nobody knows. By the attempt that it is about, as
/// far as one is known, an erasure finds it. False: it was not new any more.
pub async fn park(
    pool: &PgPool,
    (psp, event_id): (&str, &str),
    (attempt, note): (Option<AttemptId>, &str),
    (id, kind, detail): (Uuid, &str, &str),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let raised = sqlx::query!(
        "with parked as (
           update inbox set state = 'parked', due_at = null, note = $3,
             attempt_id = coalesce($8, attempt_id)
           where psp = $1 and event_id = $2 and (state = 'new') is true)
         insert into service_incident (incident_id, kind, detail, psp, raised_at)
         select $4, $5, $6, $1, $7
         where not exists (
           select from inbox where psp = $1 and event_id = $2 and state <> 'new')",
        psp,
        event_id,
        note,
        id,
        kind,
        detail,
        now,
        attempt.map(|id| id.0)
    )
    .execute(pool)
    .await?;
    Ok(raised.rows_affected() == 1)
}

/// The event is tried again later.
pub async fn retry(
    pool: &PgPool,
    psp: &str,
    event_id: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update inbox set due_at = $3 where psp = $1 and event_id = $2 and (state = 'new') is true",
        psp,
        event_id,
        at
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// The event could not be applied for a reason that passes: it is tried again then, and this try does not
/// count.
pub async fn wait(
    pool: &PgPool,
    psp: &str,
    event_id: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update inbox set due_at = $3, tries = greatest(tries - 1, 0)
         where psp = $1 and event_id = $2 and (state = 'new') is true",
        psp,
        event_id,
        at
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Raises that an event waits for long, once: the note that is written with it says so. False: it was
/// raised before, or the event waits no more.
pub async fn tell_waiting(
    pool: &PgPool,
    (psp, event_id): (&str, &str),
    note: &str,
    (id, kind, detail): (Uuid, &str, &str),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let raised = sqlx::query!(
        "with told as (
           update inbox set note = $3
           where psp = $1 and event_id = $2 and (state = 'new') is true and note is null
           returning psp)
         insert into service_incident (incident_id, kind, detail, psp, raised_at)
         select $4, $5, $6, psp, $7 from told",
        psp,
        event_id,
        note,
        id,
        kind,
        detail,
        now
    )
    .execute(pool)
    .await?;
    Ok(raised.rows_affected() == 1)
}

/// An event that was put aside is applied again, as if it had just come. Who asked for it stays on record, as
/// an incident that is closed at once. False: none of this name lies aside.
pub async fn take_up(
    pool: &PgPool,
    (psp, event_id): (&str, &str),
    (record, asked_by): (Uuid, &str),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let detail = format!("event {event_id} of {psp}: is applied again, as {asked_by} asked");
    let taken = sqlx::query!(
        "with taken as (
           update inbox set state = 'new', due_at = $3, tries = 0, note = null
           where psp = $1 and event_id = $2 and state = 'parked'
           returning psp),
         told as (
           insert into service_incident (incident_id, kind, detail, psp, raised_at)
           select $4, 'webhook.taken_up', $5, psp, $3 from taken returning incident_id)
         insert into incident_close (incident_id, closed_by, note, closed_at)
         select incident_id, $6, 'nothing is left to do', $3 from told",
        psp,
        event_id,
        now,
        record,
        detail,
        asked_by
    )
    .execute(pool)
    .await?;
    Ok(taken.rows_affected() == 1)
}
