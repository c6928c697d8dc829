//! Closing the books: what must hold after every test, whatever it was about.

use super::payments::SOON;
use super::wait::try_eventually;
use super::world::World;
use interlock::clock::Clock;
use interlock::store::prove::prove;
use std::collections::BTreeMap;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

/// Live attempts that nobody has looked at since they were due.
const UNSEEN: &str = "select attempt_id || ' ' || a.status from attempt a
    where a.status in ('prepared', 'in_flight', 'unknown', 'accepted')
      and (due_at is null or ($WORKED and due_at < '$NOW'::timestamptz - interval '30 s'))
      and not exists (select from review r where r.payment_id = a.payment_id and r.is_open)";

/// What must not be found, and what it would mean. `$NOW` is the test's time.
const NEVER: [(&str, &str); 20] = [
    (
        "the ledger sums to zero in every currency",
        "select currency from entry group by currency having sum(amount) <> 0",
    ),
    (
        "every posting balances",
        "select slot || '/' || seq from entry group by slot, seq, currency having sum(amount) <> 0",
    ),
    (
        "a wallet is the sum of its legs, and its versions have no gap",
        "select w.player_id || ' ' || w.currency from wallet w left join lateral (
           select coalesce(sum(amount) filter (where account = 'player_cash'), 0) as cash,
             coalesce(sum(amount) filter (where account = 'player_bonus'), 0) as bonus,
             coalesce(sum(amount) filter (where account = 'player_held'), 0) as held,
             coalesce(-sum(amount) filter (where account = 'player_receivable'), 0) as owed,
             count(distinct wallet_version) as versions, coalesce(max(wallet_version), 0) as newest
           from entry e where (e.operator_id, e.player_id, e.currency)
             = (w.operator_id, w.player_id, w.currency) and wallet_version is not null) l on true
         where (w.cash, w.bonus, w.held, w.owed) <> (l.cash, l.bonus, l.held, l.owed)
            or w.version <> l.versions or w.version <> l.newest",
    ),
    (
        "a leg of a player's account is in a wallet",
        "select e.player_id from entry e where account like 'player\\_%' and account <> 'player_fees'
           and not exists (select from wallet w where (e.operator_id, e.player_id, e.currency)
             = (w.operator_id, w.player_id, w.currency))",
    ),
    (
        "a house balance is the sum of its entries",
        "select coalesce(h.account, e.account) from house_balance h full join (
           select account, currency, slot, sum(amount) as balance, count(*) as entries from entry
           where wallet_version is null group by account, currency, slot) e
           on (h.account, h.currency, h.slot) = (e.account, e.currency, e.slot)
         where h.balance is distinct from e.balance or h.entries is distinct from e.entries",
    ),
    (
        "what parts hold is what wallets hold",
        "select player_id from (
           select operator_id, player_id, currency, held from wallet
           union all
           select p.operator_id, p.player_id, part.currency, -part.held from part
             join payment p using (payment_id)
             where coalesce((p.returns->>'from_suspense')::boolean, false) = false) t
         group by operator_id, player_id, currency having sum(held) <> 0",
    ),
    (
        "what returns hold is in transit",
        "select 'payouts_in_transit' from (
           select coalesce(sum(balance), 0) as amount from house_balance
             where account = 'payouts_in_transit') t
         where amount <> (select coalesce(sum(held), 0) from part join payment p using (payment_id)
           where coalesce((p.returns->>'from_suspense')::boolean, false))",
    ),
    (
        "suspended money is the suspense account",
        "select 'suspense' from (select coalesce(sum(balance), 0) as amount from house_balance
           where account = 'suspense') t
         where amount <> (select coalesce(sum(suspended_amount), 0) from payment)",
    ),
    (
        "a hold is used up by its moves and ends once",
        "select part_id::text from part join payment p using (payment_id)
         left join lateral (select coalesce(sum(m.amount), 0) as moved,
             count(*) filter (where is_final) as ends
           from hold_move m where m.part_id = part.part_id) m on true
         where p.status <> 'blocked'
           and (part.held + m.moved <> part.amount or (part.held = 0)::int <> m.ends)",
    ),
    (
        "records have no gap in any slot",
        "select s.slot::text from lane_slot s left join (
           select slot, count(*) as records, max(seq) as newest from record group by slot) r
           using (slot)
         where s.seq <> coalesce(r.records, 0) or s.seq <> coalesce(r.newest, 0)",
    ),
    (
        "at most one attempt is live",
        "select payment_id::text from attempt
         where status in ('prepared', 'in_flight', 'unknown', 'accepted')
         group by payment_id, part_id having count(*) > 1",
    ),
    (
        "no part is paid twice",
        "select part_id::text from attempt where part_id is not null and status = 'succeeded'
         group by part_id having count(*) > 1",
    ),
    (
        "the events of a payment have no gap",
        "select p.payment_id::text from payment p left join (select payment_id, count(*) as events,
             max(payment_sequence) as newest from outbox_event group by payment_id) e
           using (payment_id)
         where p.event_sequence <> coalesce(e.events, 0)
            or p.event_sequence <> coalesce(e.newest, 0)",
    ),
    (
        "the history of every state leads to it",
        "select id::text from (
           select payment_id as id, status as s, -1 as n from payment
           union all select part_id, status, -1 from part
           union all select attempt_id, status, -1 from attempt
           union all select subject_id, to_status, 1 from transition
             where subject <> 'part'
           union all select subject_id, from_status, -1 from transition
             where from_status is not null and subject <> 'part'
           union all select subject_id, to_status, 1 from transition where subject = 'part'
           union all select subject_id, from_status, -1 from transition
             where subject = 'part' and from_status <> 'held') t
         group by id, s having sum(n) <> 0
           and not (s = 'held' and id in (select part_id from part))
           and id not in (select part_id from part join payment p using (payment_id)
             where p.status = 'blocked')",
    ),
    (
        "a live attempt has a due time that did not pass unseen",
        UNSEEN,
    ),
    (
        "an open payment has somebody who looks at it",
        "select payment_id || ' ' || status from payment p where case
           when status in ('processing', 'action_required') then not exists (select from attempt a
             where a.payment_id = p.payment_id and a.status in ('prepared', 'in_flight', 'unknown',
               'accepted'))
           when status = 'in_review' then not exists (select from review r
             where r.payment_id = p.payment_id and r.is_open)
           when status = 'screening' then not exists (select from vendor_check c
             where c.payment_id = p.payment_id and c.closed_at is null)
           when status = 'approved' then due_at is null
           else false end",
    ),
    (
        "an answer that can be told is stored",
        "select k.key from idempotency_key k join payment p using (payment_id)
         where k.body is null and p.answer_owed is null",
    ),
    (
        "a deposit's share of the limits follows its status",
        "select p.payment_id || ' ' || p.status || ' ' || l.state from limit_use l
         join payment p using (payment_id)
         where l.direction = 'deposit' and l.state <> case
           when p.received_amount is not null then 'counted'
           when p.status in ('failed', 'expired', 'cancelled') then 'released'
           else 'reserved' end",
    ),
    (
        "money that came when its deposit had been given up counts from when it came",
        "select l.payment_id || ' ' || l.at || ' ' || t.at from limit_use l join transition t
           on t.subject_id = l.payment_id and t.subject = 'payment'
         where l.direction = 'deposit' and l.at < t.at
           and t.from_status in ('failed', 'expired', 'cancelled')
           and t.to_status in ('succeeded', 'in_review')",
    ),
    (
        "a withdrawal's movement follows its status, and its parts that were paid",
        "select p.payment_id || ' ' || p.status || ' ' || coalesce(l.state || ' ' || l.amount, 'none')
         from payment p left join limit_use l on l.payment_id = p.payment_id
         cross join lateral (select coalesce(sum(t.amount) filter (where t.status = 'paid'), 0)::bigint
           from part t where t.payment_id = p.payment_id) as paid (minor)
         where p.direction = 'withdrawal' and p.status <> 'blocked'
           and coalesce((p.returns::json ->> 'from_suspense')::boolean, false) = false
           and (l.state, l.amount, l.direction) is distinct from case
             when p.status in ('paid', 'paid_in_part', 'returned') and paid.minor > 0
               then ('counted'::text, paid.minor, 'withdrawal'::text)
             when p.status in ('screening', 'in_review', 'approved', 'processing')
               then ('reserved'::text, p.amount, 'withdrawal'::text)
             else ('released'::text, p.amount, 'withdrawal'::text) end",
    ),
];

/// Gives workers the time to look at what is due, where a test has just moved the clock on.
pub async fn all_is_seen(world: &World) {
    if world.setup.workers && !world.instances.is_empty() {
        let seen = || async { found(world, UNSEEN).await.is_empty().then_some(()) };
        try_eventually(SOON, seen).await;
    }
}

async fn found(world: &World, sql: &str) -> Vec<String> {
    let now = world.clock.now().format(&Rfc3339).unwrap();
    let worked = world.setup.workers.to_string();
    world.texts(&sql.replace("$NOW", &now).replace("$WORKED", &worked)).await
}

/// Every statement of [`NEVER`], and the proof of the books, which must find nothing in what any test has
/// made; all faults at once.
pub async fn close(world: &World) {
    let mut faults = Vec::new();
    for (sentence, sql) in NEVER {
        let found = found(world, sql).await;
        if !found.is_empty() {
            faults.push(format!("not true: {sentence}: {found:?}"));
        }
    }
    let proof = prove(&world.rows).await.unwrap();
    let found = proof.findings.iter();
    faults.extend(found.map(|it| format!("not proven: {}: {}", it.check, it.detail)));
    faults.extend(paid_twice_by_mocks(world).await);
    assert!(faults.is_empty(), "the books do not close:\n{}", faults.join("\n"));
}

/// The mocks' own truth: two PSPs, or one of them twice, paid the same part.
async fn paid_twice_by_mocks(world: &World) -> Vec<String> {
    let mut paid: BTreeMap<Uuid, Vec<String>> = BTreeMap::new();
    for psp in world.setup.accounts {
        for movement in world.mocks.movements(psp).await {
            if movement.kind == "payout" && movement.status == "succeeded" {
                let attempt: Uuid = movement.client_reference.parse().unwrap();
                let part = sqlx::query_scalar("select part_id from attempt where attempt_id = $1")
                    .bind(attempt)
                    .fetch_one(&world.rows)
                    .await;
                paid.entry(part.unwrap()).or_default().push(movement.reference);
            }
        }
    }
    let twice = paid.into_iter().filter(|(_, by)| by.len() > 1);
    twice.map(|(part, by)| format!("part {part} was paid by {by:?}")).collect()
}

/// Waits until each PSP's own books and our clearing account with it are equal.
pub async fn agree_with_mocks(world: &World) {
    for psp in world.setup.accounts {
        let replaced = world.setup.base_urls.iter().any(|(id, _)| id == psp);
        if replaced || world.setup.liars.contains(psp) {
            continue;
        }
        let agreed = try_eventually(SOON, || async {
            let (theirs, ours) = both(world, psp).await;
            (theirs == ours).then_some(())
        });
        if agreed.await.is_none() {
            let (theirs, ours) = both(world, psp).await;
            assert_eq!(theirs, ours, "{psp}: its movements, and our clearing account");
        }
    }
}

async fn both(world: &World, psp: &str) -> (i64, i64) {
    let movements = world.mocks.movements(psp).await;
    let done = movements.iter().filter(|movement| movement.status == "succeeded");
    // What came in stands on our clearing account with a minus, as the ledger writes it.
    let theirs = done.map(|it| if it.kind == "deposit" { -it.minor } else { it.minor }).sum();
    (theirs, world.house_balance(&format!("psp_clearing:{psp}")).await)
}
