//! The proof of the books: every invariant of the ledger re-checked over the whole database.
//!
//! Each check is one sentence and one query that lists whatever breaks it. Each reads in a repeatable-read
//! transaction of its own, so that it can run while lanes write: what a sentence says is so at every moment, so none
//! needs another's snapshot, and one over all of them would keep every row version of its whole time from being
//! cleared away, those of the lanes' hottest rows first. Those here are about the ledger and the
//! log; those of `prove_money` are about what payments and games say of money, and about what is stuck; those of
//! `prove_moved` about what PSPs moved and people corrected.

use super::{StoreError, prove_money, prove_moved};
use crate::domain::{OperatorId, PlayerId, PlayerKey};
use crate::ledger::balance;
use futures_util::TryStreamExt;
use sqlx::{Acquire, PgConnection, PgPool, Postgres, Transaction};
use std::collections::BTreeMap;

/// Something that must never be.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The sentence that is broken.
    pub check: &'static str,
    /// Where, without personal data.
    pub detail: String,
}

/// What was looked at, and what was found.
#[derive(Debug, Default)]
pub struct Proof {
    pub checks: Vec<&'static str>,
    pub entries: i64,
    pub findings: Vec<Finding>,
}

/// How many places of one broken sentence are listed.
const SHOWN: &str = " limit 20";

const CHECKS: [(&str, &str); 18] = [
    (
        "the entries of every record sum to zero per currency",
        "select format('slot %s seq %s: %s %s', slot, seq, sum(amount), currency) from entry
         group by slot, seq, currency having sum(amount) <> 0",
    ),
    (
        "the whole ledger sums to zero per currency",
        "select format('%s %s', sum(amount), currency) from entry
         group by currency having sum(amount) <> 0",
    ),
    (
        "every wallet equals the sum of its entries",
        "select format('%s %s %s', operator_id, player_id, currency) from wallet w
         full join (select operator_id, player_id, currency,
             coalesce(sum(amount) filter (where account = 'player_cash'), 0) as cash,
             coalesce(sum(amount) filter (where account = 'player_bonus'), 0) as bonus,
             coalesce(sum(amount) filter (where account = 'player_held'), 0) as held,
             coalesce(-sum(amount) filter (where account = 'player_receivable'), 0) as owed
           from entry where wallet_version is not null group by 1, 2, 3) e
           using (operator_id, player_id, currency)
         where (coalesce(w.cash, 0), coalesce(w.bonus, 0), coalesce(w.held, 0), coalesce(w.owed, 0))
               is distinct from
               (coalesce(e.cash, 0), coalesce(e.bonus, 0), coalesce(e.held, 0), coalesce(e.owed, 0))",
    ),
    (
        "every wallet's versions run from 1 to its newest without a gap",
        "select format('%s %s %s', operator_id, player_id, currency) from wallet w
         full join (select operator_id, player_id, currency, count(distinct wallet_version) as n,
             max(wallet_version) as newest
           from entry where wallet_version is not null group by 1, 2, 3) e
           using (operator_id, player_id, currency)
         where coalesce(w.version, 0) <> coalesce(e.n, 0)
            or coalesce(w.version, 0) <> coalesce(e.newest, 0)",
    ),
    (
        "every wallet has the head of its newest version",
        "select format('%s %s %s', w.operator_id, w.player_id, w.currency) from wallet w
         left join (select distinct on (operator_id, player_id, currency)
             operator_id, player_id, currency, head
           from entry where wallet_version is not null and head is not null
           order by operator_id, player_id, currency, wallet_version desc) e
           using (operator_id, player_id, currency)
         where w.head <> coalesce(e.head, decode(repeat('00', 32), 'hex'))",
    ),
    (
        "every balance of the house equals the sum of its entries in its slot",
        "select format('%s %s slot %s', coalesce(h.account, e.account),
             coalesce(h.currency, e.currency), coalesce(h.slot, e.slot))
         from house_balance h
         full join (select account, currency, slot, sum(amount) as total, count(*) as n
           from entry where wallet_version is null group by 1, 2, 3) e
           using (account, currency, slot)
         where h.balance is distinct from e.total or h.entries is distinct from e.n",
    ),
    (
        "every slot's records run from 1 to its number without a gap",
        "select format('slot %s', s.slot) from lane_slot s
         left join (select slot, count(*) as n, max(seq) as newest from record group by 1) r
           using (slot)
         where s.seq <> coalesce(r.n, 0) or s.seq <> coalesce(r.newest, 0)",
    ),
    (
        "every entry has its record",
        "select format('slot %s seq %s', e.slot, e.seq) from entry e
         where not exists (select 1 from record r where r.slot = e.slot and r.seq = e.seq)",
    ),
    // What is told of PSPs' health is of no lane and no player, and bears no lane's number.
    (
        "everything that bears a number hangs on a record that its slot has counted",
        "select format('%s of slot %s seq %s', t.name, t.slot, t.seq) from (
           select 'record' as name, slot, seq from record
           union all select 'entry', slot, seq from entry
           union all select 'hold_move', slot, seq from hold_move
           union all select 'transition', slot, seq from transition
           union all select 'outbox_event', slot, seq from outbox_event where kind <> 'psp.health_changed'
           union all select 'decision', slot, seq from decision
           union all select 'incident', slot, seq from incident
           union all select 'wire', slot, seq from wire
           union all select 'player_version', slot, seq from player_version
           union all select 'payin', slot, seq from payin
           union all select 'attestation', slot, seq from attestation
           union all select 'erasure', slot, seq from erasure
           union all select 'witness', slot, seq from witness) t
         where not exists (select 1 from record r join lane_slot s using (slot)
           where r.slot = t.slot and r.seq = t.seq and r.seq between 1 and s.seq)",
    ),
    (
        "everything that was written beside lanes was taken into the log within the hour, where it is sealed",
        "select o.source || ' ' || o.key from outside_row o
         where (o.written_at < now() - interval '1 hour' or o.written_at > now() + interval '1 hour')
           and exists (select 1 from evidence_checkpoint)
           and not exists (select 1 from witness w where w.source = o.source and w.key = o.key)",
    ),
    // Whoever takes it sets its due time ahead with every try: one that never comes to its end is known by when
    // the player was erased.
    (
        "nothing of an erasure is left to do after a day",
        "select w.operator_id || ' ' || w.player_id from erasure_work w
         where w.due_at < now() - interval '1 day'
            or (w.due_at is not null and w.emptied is null and exists (
                  select from erasure e where e.operator_id = w.operator_id and e.player_id = w.player_id
                    and e.erased_at < now() - interval '1 day'))",
    ),
    (
        "every wallet holds what its withdrawals hold",
        "select format('%s %s %s', operator_id, player_id, currency) from wallet w
         full join (select p.operator_id, p.player_id, t.currency, sum(t.held) as held
           from part t join payment p using (payment_id)
           where coalesce((p.returns ->> 'from_suspense')::boolean, false) = false
           group by 1, 2, 3) h using (operator_id, player_id, currency)
         where coalesce(w.held, 0) <> coalesce(h.held, 0)",
    ),
    // What was blocked at once never held anything; what was blocked later did.
    (
        "what a part held and holds no more was captured or released, once",
        "select t.part_id::text from part t join payment p using (payment_id)
         left join (select part_id, sum(amount) as moved from hold_move group by 1) m using (part_id)
         left join (select distinct payment_id from entry
           where kind in ('withdrawal_held', 'return_started')) h using (payment_id)
         where coalesce(m.moved, 0) + t.held <>
           case when p.status = 'blocked' and h.payment_id is null then 0 else t.amount end",
    ),
    (
        "a deposit, and each part of a withdrawal, has at most one live attempt",
        "select payment_id::text from attempt
         where status in ('prepared', 'in_flight', 'unknown', 'accepted')
         group by payment_id, part_id having count(*) > 1",
    ),
    (
        "every payment's events are numbered from 1 without a gap",
        "select p.payment_id::text from payment p
         left join (select payment_id, count(*) as n, max(payment_sequence) as newest
           from outbox_event group by 1) e using (payment_id)
         where p.event_sequence <> coalesce(e.n, 0) or p.event_sequence <> coalesce(e.newest, 0)",
    ),
    (
        "every payment that reached a PSP has a decision",
        "select distinct a.payment_id::text from attempt a join payment p using (payment_id)
         where p.origin <> 'return'
           and not exists (select 1 from decision d where d.payment_id = a.payment_id)",
    ),
    (
        "every attempt that is not over has a due time",
        "select attempt_id::text from attempt
         where status in ('prepared', 'in_flight', 'unknown', 'accepted') and due_at is null",
    ),
    // What two people send back has been decided: its deposit stays in review until the return is over.
    (
        "every withdrawal in review waits for people, and every approved one for a worker",
        "select p.payment_id::text from payment p
         where (p.status = 'approved' and p.due_at is null)
            or (p.status = 'in_review' and not exists (
                  select 1 from review r where r.payment_id = p.payment_id and r.is_open)
                and not (p.direction = 'deposit' and exists (
                  select 1 from payment t where t.of_deposit = p.payment_id
                    and t.status in ('screening', 'in_review', 'approved', 'processing'))))",
    ),
];

const CHAIN: &str = "every wallet's hash chain is unbroken";
const BALANCES: &str = "every entry of a wallet tells the balance that it comes to";

/// Re-checks everything.
pub async fn prove(pool: &PgPool) -> Result<Proof, StoreError> {
    let mut connection = pool.acquire().await?;
    let mut snapshot = self::snapshot(&mut connection).await?;
    let entries =
        sqlx::query_scalar("select count(*) from entry").fetch_one(&mut *snapshot).await?;
    snapshot.rollback().await?;
    let mut proof = Proof { entries, ..Proof::default() };
    let of_money =
        prove_money::AGREE.into_iter().chain(prove_moved::MOVED).chain(prove_money::STUCK);
    for (check, sql) in CHECKS.into_iter().chain(of_money) {
        proof.checks.push(check);
        let mut snapshot = self::snapshot(&mut connection).await?;
        let broken: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("{sql}{SHOWN}")))
            .fetch_all(&mut *snapshot)
            .await?;
        snapshot.rollback().await?;
        proof.findings.extend(broken.into_iter().map(|detail| Finding { check, detail }));
    }
    proof.checks.extend([CHAIN, BALANCES]);
    let mut snapshot = self::snapshot(&mut connection).await?;
    proof.findings.extend(broken_wallets(&mut snapshot).await?);
    snapshot.rollback().await?;
    Ok(proof)
}

/// What one check reads in.
async fn snapshot(connection: &mut PgConnection) -> Result<Transaction<'_, Postgres>, StoreError> {
    let mut transaction = connection.begin().await?;
    sqlx::query("set transaction isolation level repeatable read, read only")
        .execute(&mut *transaction)
        .await?;
    // What reads everything reads it as it lies: by an index it would be a random page for each row.
    sqlx::query("set local enable_seqscan = on").execute(&mut *transaction).await?;
    Ok(transaction)
}

#[derive(sqlx::FromRow)]
struct Leg {
    operator_id: String,
    player_id: String,
    currency: String,
    wallet_version: i64,
    slot: i16,
    seq: i64,
    kind: String,
    head: Vec<u8>,
    accounts: Vec<String>,
    amounts: Vec<i64>,
    /// As the player's legs tell them; none of the house's do.
    balances: Vec<Option<i64>>,
}

/// A wallet, as far as its postings were walked.
#[derive(Debug, Default)]
struct Walked {
    operator: String,
    player: String,
    currency: String,
    head: [u8; 32],
    balances: BTreeMap<String, i64>,
}

/// Walks every wallet: each posting that touched it, with all its legs in their order.
async fn broken_wallets(connection: &mut PgConnection) -> Result<Vec<Finding>, StoreError> {
    // A record can hold several postings. Each sums to zero, so a new one begins where the legs
    // before it do; the house's legs belong to the version that the player's legs carry.
    let mut rows = sqlx::query_as::<_, Leg>(
        "with summed as (
           select *, coalesce(sum(amount) over (partition by slot, seq order by leg
                       rows between unbounded preceding and 1 preceding), 0) as before from entry),
         posted as (
           select *, count(*) filter (where before = 0)
                       over (partition by slot, seq order by leg) as posting from summed),
         numbered as (
           select *, max(wallet_version) over (partition by slot, seq, posting) as of_version
           from posted)
         select operator_id, player_id, currency, of_version as wallet_version, slot, seq,
           min(kind) as kind, (array_agg(head) filter (where head is not null))[1] as head,
           array_agg(account order by leg) as accounts, array_agg(amount order by leg) as amounts,
           array_agg(balance_after order by leg) as balances
         from numbered where of_version is not null
         group by operator_id, player_id, currency, of_version, slot, seq, posting
         order by operator_id, player_id, currency, of_version",
    )
    .fetch(connection);
    let (mut chains, mut balances) = (Vec::new(), Vec::new());
    let mut walked = Walked::default();
    while let Some(leg) = rows.try_next().await? {
        if (&walked.operator, &walked.player, &walked.currency)
            != (&leg.operator_id, &leg.player_id, &leg.currency)
        {
            walked = Walked {
                operator: leg.operator_id.clone(),
                player: leg.player_id.clone(),
                currency: leg.currency.clone(),
                ..Walked::default()
            };
        }
        let found = |check| {
            let (slot, seq, kind) = (leg.slot, leg.seq, &leg.kind);
            let detail =
                format!("slot {slot} seq {seq}: {kind} of {} {}", leg.operator_id, leg.player_id);
            Finding { check, detail }
        };
        if head_of(&walked, &leg).as_slice() != leg.head && chains.len() < 20 {
            chains.push(found(CHAIN));
        }
        if !tells_balances(&mut walked, &leg) && balances.len() < 20 {
            balances.push(found(BALANCES));
        }
        walked.head = <[u8; 32]>::try_from(leg.head.as_slice()).unwrap_or([0; 32]);
    }
    chains.append(&mut balances);
    Ok(chains)
}

/// The head of the wallet's chain after this posting.
fn head_of(walked: &Walked, leg: &Leg) -> [u8; 32] {
    let key = PlayerKey {
        operator: OperatorId::trusted(&leg.operator_id),
        player: PlayerId::trusted(&leg.player_id),
    };
    let legs = leg.accounts.iter().cloned().zip(leg.amounts.iter().copied());
    balance::chain(walked.head, &key, &leg.currency, leg.wallet_version, legs)
}

/// Adds a posting up, and says whether its legs tell what comes out. What the chain holds no hash of is told
/// to whoever asks for a wallet as of a time.
fn tells_balances(walked: &mut Walked, leg: &Leg) -> bool {
    let mut is_told = true;
    for ((account, amount), told) in leg.accounts.iter().zip(&leg.amounts).zip(&leg.balances) {
        let sum = walked.balances.entry(account.clone()).or_default();
        *sum = sum.saturating_add(*amount);
        let Some(told) = told else { continue };
        // What is owed to us is shown with the sign turned.
        let shown = if account == "player_receivable" { sum.saturating_neg() } else { *sum };
        is_told &= shown == *told;
    }
    is_told
}
