//! Takes the personal data of an erased player out of every table but their own row, which the lane empties
//! with the decision.
//!
//! One place, one list: each step names its table, what it takes out, and the statement that does it. A
//! test writes a mark through every door, erases, and looks for it in every row of every table; each
//! step alone is what makes it go from its table. The database lets nothing else be changed in the rows of
//! append-only tables, and that only of who was erased.

use super::erasures::{self, Due};
use super::{Pool, StoreError};
use crate::domain::Timestamp;
use sqlx::PgConnection;

/// One table, and what is taken out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    PlayerVersions,
    Events,
    Payments,
    Parts,
    Answers,
    Webhooks,
    Addresses,
    VendorAnswers,
    VendorSignals,
    Proposals,
    CaseTexts,
    CaseKeys,
    IncidentNotes,
    Movements,
    Reservations,
    NamesDue,
    Sessions,
    Identity,
    Deliveries,
    Salts,
}

impl Step {
    /// In the order in which they are done: what is found by something comes before that goes.
    pub const ALL: [Self; 20] = [
        Self::PlayerVersions,
        Self::Events,
        Self::Payments,
        Self::Parts,
        Self::Answers,
        Self::Webhooks,
        Self::Addresses,
        Self::VendorAnswers,
        Self::VendorSignals,
        Self::Proposals,
        Self::CaseTexts,
        Self::CaseKeys,
        Self::IncidentNotes,
        Self::Movements,
        Self::Reservations,
        Self::NamesDue,
        Self::Sessions,
        Self::Identity,
        Self::Deliveries,
        Self::Salts,
    ];

    /// The table, and what is taken out of it.
    pub const fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::PlayerVersions => {
                ("player_version", "every older version of the record, with its salt")
            }
            Self::Events => {
                ("outbox_event", "what events told, which may repeat what the casino gave")
            }
            Self::Payments => {
                ("payment", "who paid or was paid, from where, and what the casino noted")
            }
            Self::Parts => ("part", "where each share was sent"),
            Self::Answers => ("idempotency_key", "answers that were kept for repeats"),
            Self::Webhooks => {
                ("inbox", "PSPs' messages, byte for byte and as they were understood")
            }
            Self::Addresses => {
                ("vendor_check", "addresses and transactions that vendors were asked about")
            }
            Self::VendorAnswers => ("vendor_raw", "vendors' answers, byte for byte"),
            Self::VendorSignals => ("vendor_result", "what vendors said, in our words"),
            Self::Proposals => ("review_proposal", "notes and payloads of proposals"),
            Self::CaseTexts => ("review_event", "people's own words in cases"),
            Self::CaseKeys => ("review", "hashes of what cases were opened with"),
            Self::IncidentNotes => ("incident_close", "people's own words about incidents"),
            Self::Movements => ("limit_use", "hashes of what was paid with"),
            Self::Reservations => ("limit_reservation", "the market's file's own mark"),
            Self::NamesDue => ("name_screening_due", "that the name is to be matched"),
            Self::Sessions => ("player_session", "sessions of the player's browser"),
            Self::Identity => {
                ("identity_taken", "what a vendor of identity said last, in our words")
            }
            Self::Deliveries => ("webhook_delivery_try", "what the casino answered to events"),
            Self::Salts => ("witness", "salts of what the log took in"),
        }
    }

    /// Does it; tells how many rows it emptied or deleted.
    ///
    /// # Errors
    /// When the database fails, or the player was not erased.
    pub async fn run(self, connection: &mut PgConnection, due: &Due) -> Result<u64, StoreError> {
        match self {
            Self::PlayerVersions => player_versions(connection, due).await,
            Self::Events => events(connection, due).await,
            Self::Payments => payments(connection, due).await,
            Self::Parts => parts(connection, due).await,
            Self::Answers => answers(connection, due).await,
            Self::Webhooks => webhooks(connection, due).await,
            Self::Addresses => addresses(connection, due).await,
            Self::VendorAnswers => vendor_answers(connection, due).await,
            Self::VendorSignals => vendor_signals(connection, due).await,
            Self::Proposals => proposals(connection, due).await,
            Self::CaseTexts => case_texts(connection, due).await,
            Self::CaseKeys => case_keys(connection, due).await,
            Self::IncidentNotes => incident_notes(connection, due).await,
            Self::Movements => movements(connection, due).await,
            Self::Reservations => reservations(connection, due).await,
            Self::NamesDue => names_due(connection, due).await,
            Self::Sessions => sessions(connection, due).await,
            Self::Identity => identity(connection, due).await,
            Self::Deliveries => deliveries(connection, due).await,
            Self::Salts => salts(connection, due).await,
        }
    }
}

/// Takes out everything, in one transaction, and marks the work done. Tells how many rows it emptied: none
/// where another instance has done it meanwhile.
///
/// # Errors
/// When the database fails: then nothing was taken out.
pub async fn purge(pool: &Pool, due: &Due, now: Timestamp) -> Result<u64, StoreError> {
    let mut tx = pool.begin().await?;
    if !erasures::hold(&mut tx, &due.player).await? {
        return Ok(0);
    }
    // A lane that has loaded what is taken out here would write it back: it comes before this, or after. So does
    // whoever writes of the player outside the lanes.
    sqlx::query!(
        "select version from player where operator_id = $1 and player_id = $2 for update",
        due.player.operator.as_str(),
        due.player.player.as_str()
    )
    .fetch_optional(&mut *tx)
    .await?;
    let mut emptied = 0;
    for step in Step::ALL {
        emptied += step.run(&mut tx, due).await?;
    }
    erasures::done(&mut tx, &due.player, emptied, now).await?;
    tx.commit().await?;
    Ok(emptied)
}

/// A statement of one step, over the player and, where it is named, the case that decided the erasure.
macro_rules! step {
    ($name:ident, $sql:tt) => {
        async fn $name(connection: &mut PgConnection, due: &Due) -> Result<u64, StoreError> {
            let (operator, player) = (due.player.operator.as_str(), due.player.player.as_str());
            let done = sqlx::query!($sql, operator, player).execute(connection).await?;
            Ok(done.rows_affected())
        }
    };
    ($name:ident, but the case, $sql:tt) => {
        async fn $name(connection: &mut PgConnection, due: &Due) -> Result<u64, StoreError> {
            let (operator, player) = (due.player.operator.as_str(), due.player.player.as_str());
            let done = sqlx::query!($sql, operator, player, due.review).execute(connection).await?;
            Ok(done.rows_affected())
        }
    };
}

step!(
    player_versions,
    "update player_version set body = 'null', salt = null
     where operator_id = $1 and player_id = $2 and body::text <> 'null'
       and version < (select version from player where operator_id = $1 and player_id = $2)"
);
step!(
    events,
    "update outbox_event set data_sha256 = sha256(convert_to(data::text, 'UTF8')), data = 'null'
     where operator_id = $1 and player_id = $2 and data_sha256 is null
       and payment_id in (select payment_id from payment where operator_id = $1 and player_id = $2)"
);
step!(
    payments,
    "update payment set payer = json_build_array(coalesce(payer ->> 0, payer ->> 'player_reference', ''), player_pseudonym($1, $2), '', null, null, null,
         null, null, null, null, null),
       return_url = null, metadata = '{}', source = null, next_action = null, instrument = null
     where operator_id = $1 and player_id = $2"
);
step!(
    parts,
    "update part set instrument = json_build_object('portable', null, 'tokens', '{}'::json,
         'holder_name', null, 'masked', '', 'source_deposit', instrument ->> 'source_deposit')
     where payment_id in (select payment_id from payment where operator_id = $1 and player_id = $2)"
);
// A key is claimed in the commit that records its payment, at the same moment: that leads to it, and by its
// payment no index does. `offset 0` and `is not distinct from` keep the planner on that road.
step!(
    answers,
    "delete from idempotency_key k using (
       select distinct r.recorded_at from payment p join record r on r.payment_id = p.payment_id
       where p.operator_id = $1 and p.player_id = $2) claimed
     cross join lateral (
       select operator_id, scope, key, payment_id from idempotency_key
       where created_at = claimed.recorded_at and operator_id is not distinct from $1 offset 0) found
     where k.operator_id = found.operator_id and k.scope = found.scope and k.key = found.key
       and exists (select from payment p where p.payment_id = found.payment_id
         and p.operator_id is not distinct from $1 and p.player_id is not distinct from $2)"
);

/// The messages themselves: with each event of the player's attempts; with another event of a message that had
/// several, since a message is kept once; and where it came to another account of the PSP's too, as the same
/// event.
async fn webhooks(connection: &mut PgConnection, due: &Due) -> Result<u64, StoreError> {
    let mut emptied = shared_messages(&mut *connection, due).await?;
    emptied += same_messages(&mut *connection, due).await?;
    emptied += own_messages(&mut *connection, due).await?;
    Ok(emptied)
}

// Only where the player's own row bears no message, and not again for what an earlier round emptied. No index
// leads from one event of a message to another: of the PSP account that sends several at once, all are read.
step!(
    shared_messages,
    "update inbox i set raw = ''
     from (select distinct own.psp, own.body_sha256
       from payment p join attempt a on a.payment_id = p.payment_id
         join inbox own on own.attempt_id = a.attempt_id
       where p.operator_id = $1 and p.player_id = $2 and own.raw = '' and not exists (
         select from erasure e join erasure_work w
           on w.operator_id = e.operator_id and w.player_id = e.player_id
         where e.operator_id = $1 and e.player_id = $2 and w.emptied is not null
           and own.received_at < e.erased_at - interval '1 day')) own
     where i.psp = own.psp and i.body_sha256 = own.body_sha256 and i.raw <> ''"
);
step!(
    same_messages,
    "with recursive account as (
       select '' as psp
       union all
       select (select psp from inbox where psp > account.psp order by psp limit 1)
       from account where account.psp is not null),
     own as (
       select distinct i.event_id, i.body_sha256
       from payment p join attempt a on a.payment_id = p.payment_id
         join inbox i on i.attempt_id = a.attempt_id
       where p.operator_id = $1 and p.player_id = $2),
     same as (
       select i.psp, i.event_id from own cross join account cross join lateral (
         select psp, event_id from inbox
         where psp = account.psp and event_id = own.event_id and body_sha256 = own.body_sha256
           and raw <> '' offset 0) i)
     update inbox i set raw = '' from same where i.psp = same.psp and i.event_id = same.event_id"
);
step!(
    own_messages,
    "update inbox set raw = '', event = 'null'
     where attempt_id in (select a.attempt_id
       from payment p join attempt a on a.payment_id = p.payment_id
       where p.operator_id = $1 and p.player_id = $2)"
);
step!(
    addresses,
    "update vendor_check set address = null, transaction = null, places = null
     where payment_id in (select payment_id from payment where operator_id = $1 and player_id = $2)"
);
step!(
    vendor_answers,
    "update vendor_raw r set body = null
     where r.body is not null
       and r.sha256 in (select raw_sha256 from vendor_result where operator_id = $1 and player_id = $2)
       and not exists (select 1 from vendor_result v where v.raw_sha256 = r.sha256
         and not was_erased(v.operator_id, v.player_id))"
);
step!(
    vendor_signals,
    "update vendor_result set signals = '[]' where operator_id = $1 and player_id = $2"
);
step!(
    proposals,
    but the case,
    "update review_proposal set note = '(erased)', decided_note = null, payload = null, payload_sha256 = null
     where review_id in (select review_id from review
       where operator_id = $1 and player_id = $2 and review_id <> $3)"
);
step!(
    case_texts,
    but the case,
    "update review_event set text = null
     where text is not null and review_id in (select review_id from review
       where operator_id = $1 and player_id = $2 and review_id <> $3)"
);
step!(
    case_keys,
    but the case,
    "update review set fingerprint = null
     where operator_id = $1 and player_id = $2 and review_id <> $3"
);
step!(
    incident_notes,
    "update incident_close set note = '(erased)'
     where incident_id in (select incident_id from incident where operator_id = $1 and player_id = $2)"
);
step!(
    movements,
    "update limit_use set instrument = null where operator_id = $1 and player_id = $2"
);
step!(
    reservations,
    "update limit_reservation set reference = null where operator_id = $1 and player_id = $2"
);
step!(names_due, "delete from name_screening_due where operator_id = $1 and player_id = $2");
step!(sessions, "delete from player_session where operator_id = $1 and player_id = $2");
step!(identity, "update identity_taken set said = '' where operator_id = $1 and player_id = $2");
step!(
    deliveries,
    "delete from webhook_delivery_try where delivery_id in (select d.delivery_id
       from payment p join outbox_event e on e.payment_id = p.payment_id
         join webhook_delivery d on d.event_id = e.event_id
       where p.operator_id = $1 and p.player_id = $2)"
);
step!(
    salts,
    but the case,
    "update witness set salt = null
     where operator_id = $1 and player_id = $2 and salt is not null
       and not (source in ('review_event', 'review_proposal') and key in (
         select review_id || ':' || n from review_event where review_id = $3
         union all select proposal_id::text from review_proposal where review_id = $3))"
);
