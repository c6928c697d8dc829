//! The checks of the proof that ask whether what PSPs moved, and what people corrected, is posted as the rows of
//! attempts, their steps and approved proposals say: what came in, was taken back, won, paid, paid twice and came
//! back, every entry on adjustments and of payouts in suspense, and what people decided about deposits there.
//!
//! What an attempt's status does not say stands in its kept news, in the words of `decide::kept`. A release that did
//! not keep one of them yet booked what the status says, or there was none.

/// What agrees at every moment, since one commit writes both.
pub(super) const MOVED: [(&str, &str); 11] = [
    // Of a payout a PSP is believed only where it paid what it was told to; what comes back may be less.
    (
        "every payout and return moved at its PSP what its attempts say",
        "select format('%s: %s %s at %s, %s posted', payment_id, coalesce(a.moved, 0), currency, psp,
             coalesce(e.moved, 0))
         from (select payment_id, psp, currency, sum(asked - case when status = 'returned' then
               coalesce(replace((regexp_match(kept_news, '(?:^|; )booked back ([0-9.]+) '))[1], '.',
                 '')::bigint, asked) else 0 end) as moved
           from attempt where part_id is not null and status in ('succeeded', 'returned')
           group by 1, 2, 3) a
         full join (select e.payment_id, substr(e.account, 14) as psp, e.currency, sum(e.amount) as moved
           from entry e left join payment p using (payment_id)
           where e.account like 'psp\\_clearing:%' and p.direction is distinct from 'deposit'
           group by 1, 2, 3) e using (payment_id, psp, currency)
         where coalesce(a.moved, 0) <> coalesce(e.moved, 0)",
    ),
    // The first payment of a deposit is what it received; of a second one other money than was asked for is kept.
    (
        "every deposit brought to its PSP what it received, and what came besides",
        "with came as (
           select a.payment_id, a.psp, p.received_amount, p.received_currency, a.asked, a.currency,
             row_number() over (partition by a.payment_id order by a.ended_at nulls first, a.number) as nth,
             regexp_match(a.kept_news, '(?:^|; )booked came ([0-9.]+) ([^;]+)') as kept
           from attempt a join payment p using (payment_id)
           where a.part_id is null and a.status in ('succeeded', 'returned', 'reversed')),
         brought as (
           select payment_id, psp,
             case when nth = 1 then received_currency else coalesce(kept[2], currency) end as currency,
             sum(case when nth = 1 then received_amount
               else coalesce(replace(kept[1], '.', '')::bigint, asked) end) as moved
           from came group by 1, 2, 3)
         select format('%s: %s %s at %s, %s posted', payment_id, coalesce(b.moved, 0), currency, psp,
             coalesce(-e.moved, 0))
         from brought b
         full join (select e.payment_id, substr(e.account, 14) as psp, e.currency, sum(e.amount) as moved
           from entry e join payment p using (payment_id)
           where e.account like 'psp\\_clearing:%' and p.direction = 'deposit'
             and e.kind not in ('deposit_reversed', 'suspense_taken_back', 'taken_beyond', 'reversal_won',
               'beyond_won', 'suspense_sent_by_hand', 'rounding_kept')
           group by 1, 2, 3) e using (payment_id, psp, currency)
         where coalesce(b.moved, 0) + coalesce(e.moved, 0) <> 0",
    ),
    // A taking-back is a step of its attempt; of one whose money had gone back or been won, of its payment alone.
    (
        "every taking-back of a deposit, and every dispute won, is posted by the record that says so",
        "with steps as (
           select slot, seq, subject, subject_id, cause from transition
           where cause in ('taken back', 'the dispute was won')
             and to_status in ('returned', 'reversed', 'succeeded')),
         came as (
           select payment_id, attempt_id, psp,
             row_number() over (partition by payment_id order by ended_at nulls first, number) as nth
           from attempt where part_id is null and status in ('succeeded', 'returned', 'reversed')
             and payment_id in (select subject_id from steps where subject = 'payment'
               union select o.payment_id from steps join attempt o on o.attempt_id = steps.subject_id)),
         said as (
           select s.slot, s.seq, c.payment_id, c.psp, s.cause from steps s
           join came c on c.attempt_id = s.subject_id where s.subject = 'attempt'
           union
           select s.slot, s.seq, c.payment_id, c.psp, s.cause from steps s
           join came c on c.payment_id = s.subject_id and c.nth = 1
           left join steps o on o.slot = s.slot and o.seq = s.seq and o.subject = 'attempt'
           where s.subject = 'payment' and o.slot is null),
         posted as (
           select slot, seq, payment_id, substr(account, 14) as psp, case when kind in ('reversal_won',
               'beyond_won') then 'the dispute was won' else 'taken back' end as cause,
             sum(amount) as amount
           from entry where account like 'psp\\_clearing:%' and kind in ('deposit_reversed',
             'suspense_taken_back', 'taken_beyond', 'reversal_won', 'beyond_won') group by 1, 2, 3, 4, 5)
         select format('slot %s seq %s: %s: %s', slot, seq, payment_id, cause)
         from said s full join posted p using (slot, seq, payment_id, psp, cause)
         where s.slot is null or p.slot is null
            or (p.amount < 0) <> (p.cause = 'the dispute was won')",
    ),
    // Of one that was taken back twice only the last sum is kept, and of one that was won none.
    (
        "what was taken back of a deposit is what its attempt says, and no more of it was won than was taken",
        "with posted as (
           select payment_id, substr(account, 14) as psp, currency,
             coalesce(sum(amount) filter (where amount > 0), 0) as taken,
             count(distinct (slot, seq)) as times,
             sum(amount) filter (where kind in ('deposit_reversed', 'reversal_won')) as of_player
           from entry where account like 'psp\\_clearing:%' and kind in ('deposit_reversed',
             'suspense_taken_back', 'taken_beyond', 'reversal_won', 'beyond_won') group by 1, 2, 3),
         came as (
           select payment_id, psp, asked, currency,
             row_number() over (partition by payment_id order by ended_at nulls first, number) as nth,
             regexp_match(kept_news, '(?:^|; )booked (?:returned|reversed) ([0-9.]+) ([^;]+)') as kept
           from attempt where part_id is null and status in ('succeeded', 'returned', 'reversed')
             and payment_id in (select payment_id from posted))
         select format('%s: %s %s taken back at %s', e.payment_id, e.taken, e.currency, e.psp)
         from posted e
         left join (select c.payment_id, c.psp, count(*) as attempts, (array_agg(case
               when c.kept is not null then replace(c.kept[1], '.', '')::bigint || ' ' || c.kept[2]
               when c.nth = 1 then p.received_amount || ' ' || p.received_currency
               else c.asked || ' ' || c.currency end))[1] as said
           from came c join payment p using (payment_id) group by 1, 2) s
           using (payment_id, psp)
         where e.of_player < 0
            or (e.times = 1 and s.attempts = 1 and s.said is distinct from e.taken || ' ' || e.currency)",
    ),
    // Two payments of one part, of which one stands, are one too many; what came back while another one may be paid
    // yet waits. Of parts that came back in pieces and were paid more than once the rows do not say who bore what.
    (
        "suspense bears of every payout what its attempts moved beside its parts",
        "with tried as (
           select a.payment_id, a.part_id, count(*) as times, min(a.asked) as asked, max(a.asked) as most,
             sum(a.asked) as paid, count(*) filter (where k.back <> a.asked) as pieces,
             coalesce(sum(k.back) filter (where a.status = 'returned'), 0) as back
           from attempt a cross join lateral (select case when a.status = 'returned' then
               coalesce(replace((regexp_match(a.kept_news, '(?:^|; )booked back ([0-9.]+) '))[1], '.',
                 '')::bigint, a.asked) else a.asked end as back) k
           where a.part_id is not null and a.status in ('succeeded', 'returned') group by 1, 2),
         borne as (
           select t.payment_id, bool_and(a.asked = a.most and (a.times = 1 or a.pieces = 0)) as is_known,
             sum(case when t.status = 'paid' then a.asked when a.times = 1 then a.paid - a.back else 0 end
               - (a.paid - a.back)) as there
           from tried a join part t using (part_id) group by 1)
         select format('%s: %s expected, %s posted', payment_id, coalesce(b.there, 0), coalesce(e.there, 0))
         from borne b
         full join (select payment_id, sum(amount) as there from entry
           where account = 'suspense' and kind in ('payout_paid_twice', 'payout_recovered',
             'payout_back_credited') group by 1) e using (payment_id)
         where coalesce(b.is_known, true) and coalesce(b.there, 0) <> coalesce(e.there, 0)",
    ),
    // Those of an erased player keep who agreed, and no words. What a debt that was forgiven takes in its place goes
    // there by itself, and says so.
    (
        "every entry of adjustments is what two people approved, once, or what had been forgiven",
        "with posted as (
           select slot, seq, kind, operator_id, player_id, payment_id, reference, currency,
             sum(amount) as amount
           from entry where account = 'adjustments' group by 1, 2, 3, 4, 5, 6, 7, 8),
         agreed as (
           select r.operator_id, r.player_id, 'rev_' || replace(r.review_id::text, '-', '') as reference,
             q.payload ->> 'entry' as entry, (q.payload ->> 'minor')::bigint as minor,
             q.payload ->> 'currency' as currency, (select count(*) from review_approval v
               where v.proposal_id = q.proposal_id) >= r.approvals_needed as by_enough
           from review r join review_proposal q using (review_id)
           where r.kind = 'manual_adjustment' and q.state = 'approved' and q.outcome = 'approve')
         select coalesce(format('slot %s seq %s: %s', e.slot, e.seq, e.kind), a.reference || ' is not posted')
         from (select * from posted where payment_id is null) e
         full join agreed a using (operator_id, player_id, reference)
         where a.by_enough is not true or e.slot is null or (a.entry is null and not exists (
               select from erasure x where (x.operator_id, x.player_id) = (e.operator_id, e.player_id)))
            or (a.entry is not null and (e.currency, e.amount, e.kind) is distinct from (a.currency,
              case when a.entry in ('credit', 'write_off') then -a.minor else a.minor end,
              case a.entry when 'credit' then 'adjustment_credited' when 'debit' then 'adjustment_debited'
                when 'taken_back' then 'adjustment_taken_back' else 'debt_written_off' end))
         union all
         select format('%s is posted %s times', reference, count(*)) from posted
         where payment_id is null group by reference having count(*) > 1
         union all
         select format('slot %s seq %s: %s', slot, seq, kind) from posted e
         where payment_id is not null and kind not in ('suspense_written_off', 'payout_written_off')
           and (kind not in ('reversal_won', 'payout_returned', 'payout_back_credited') or amount <= 0
             or not exists (select from incident i where i.slot = e.slot and i.seq = e.seq
               and i.kind in ('deposit.won_after_write_off', 'payout.back_after_write_off')))",
    ),
    (
        "no more of debts goes to adjustments by itself than people had forgiven",
        "select format('%s %s: %s %s', operator_id, player_id, sum(amount), currency) from entry
         where account = 'adjustments'
           and kind in ('debt_written_off', 'reversal_won', 'payout_returned', 'payout_back_credited')
         group by operator_id, player_id, currency having sum(amount) > 0",
    ),
    (
        "what people sent back by hand of suspended money, said to be back, or wrote off, two of them approved, once",
        "select format('%s: %s', payment_id, kind)
         from (select payment_id, kind, count(distinct (slot, seq)) as times from entry
           where kind in ('suspense_sent_by_hand', 'suspense_written_off', 'payout_written_off')
           group by 1, 2
           union all
           select a.payment_id, 'given_back', count(*) from transition t
           join attempt a on a.attempt_id = t.subject_id and a.part_id is not null
           where t.subject = 'attempt' and t.to_status = 'returned' and t.cause = 'people'
           group by 1) e
         full join (select r.payment_id, case when q.outcome = 'given_back' then q.outcome
               when r.kind = 'paid_twice' then 'payout_written_off'
               else 'suspense_' || replace(q.outcome, 'write_off', 'written_off') end as kind,
             count(*) as times
           from review_proposal q join review r using (review_id)
           where q.state = 'approved' and q.outcome in ('sent_by_hand', 'write_off', 'given_back')
             and r.approvals_needed <= (select count(*) from review_approval v
               where v.proposal_id = q.proposal_id)
           group by 1, 2) a using (payment_id, kind)
         where e.times is distinct from a.times",
    ),
    (
        "what was written off of a payout that was paid twice is what its attempts say",
        "select format('%s: %s kept, %s posted', payment_id, coalesce(k.lost, 0), coalesce(e.lost, 0))
         from (select payment_id, sum(replace((regexp_match(kept_news,
               '(?:^|; )booked written off ([0-9.]+) '))[1], '.', '')::bigint) as lost
           from attempt where part_id is not null and kept_news like '%booked written off %' group by 1) k
         full join (select payment_id, sum(amount) as lost from entry
           where account = 'suspense' and kind = 'payout_written_off' group by 1) e using (payment_id)
         where coalesce(k.lost, 0) <> coalesce(e.lost, 0)",
    ),
    // What an older release left to no case its incident tells.
    (
        "every payout that was paid twice and that suspense is not clear of is before people",
        "select e.payment_id::text
         from (select payment_id from entry where account = 'suspense' and kind in ('payout_paid_twice',
             'payout_recovered', 'payout_back_credited', 'payout_written_off')
           group by 1 having sum(amount) <> 0) e
         where exists (select from review r where r.payment_id = e.payment_id and r.kind = 'paid_twice')
           and not exists (select from review r
             where r.payment_id = e.payment_id and r.kind = 'paid_twice' and r.is_open)
           and not exists (select from attempt a where a.payment_id = e.payment_id
             and (a.status in ('prepared', 'in_flight', 'accepted', 'unknown')
               or a.kept_news like '%booked back %'))",
    ),
    // Of what an older release left to no case its incident tells.
    (
        "every deposit whose money is in suspense, or short there, is before people",
        "select p.payment_id::text from payment p
         where p.suspended_amount is not null and p.direction = 'deposit'
           and not exists (select from review r where r.payment_id = p.payment_id and r.is_open)
           and (exists (select from review r where r.payment_id = p.payment_id and r.kind = 'money_in')
             or not exists (select from incident i where i.payment_id = p.payment_id and i.kind in
               ('deposit.return_by_hand', 'deposit.suspended_taken_back', 'deposit.surplus_taken_back')))",
    ),
];
