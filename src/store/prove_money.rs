//! The checks of the proof that ask whether money agrees with payments: what rows of payments, parts, limits
//! and games say, against what was posted for them; and whether any of it is stuck.
//!
//! Entries name their payment. Those of a return that goes back from suspense bear the return's id, and what
//! stays in suspense is shown by the deposit that it gives back (`of_deposit`).

/// What agrees at every moment, since one commit writes both.
pub(super) const AGREE: [(&str, &str); 10] = [
    // Money may be credited long after it came, and less of it than came: the rest went back before.
    (
        "every deposit was credited with what it says, and not without it when it succeeded",
        "select format('%s: %s %s credited, %s posted', payment_id, coalesce(p.credited_amount, 0),
             currency, coalesce(e.credited, 0))
         from (select payment_id, operator_id, player_id, currency, status, credited_amount
           from payment where direction = 'deposit') p
         full join (select payment_id, operator_id, player_id, currency, sum(amount) as credited
           from entry where account = 'player_cash' and kind in ('deposit_captured', 'suspense_credited')
           group by 1, 2, 3, 4) e using (payment_id, operator_id, player_id, currency)
         where coalesce(p.credited_amount, 0) <> coalesce(e.credited, 0)
            or (p.status = 'succeeded' and p.credited_amount is null)",
    ),
    // A part that was paid twice is short in suspense and stands in no deposit. Two currencies cannot be
    // shown as one: such a deposit has an incident instead.
    (
        "every deposit has as much in suspense as it says",
        "select format('%s: %s %s suspended, %s posted', payment_id, coalesce(p.suspended_amount, 0),
             coalesce(p.suspended_currency, e.currency), coalesce(e.suspended, 0))
         from (select payment_id, suspended_amount, suspended_currency from payment
           where suspended_amount is not null) p
         full join (select coalesce(t.of_deposit, e.payment_id) as payment_id,
             min(e.currency) as currency, count(distinct e.currency) as currencies,
             sum(e.amount) as suspended
           from entry e left join payment t on t.payment_id = e.payment_id
           where e.account = 'suspense' and e.kind in ('deposit_suspended', 'suspense_taken_back',
             'suspense_credited', 'suspense_sent_by_hand', 'suspense_written_off', 'return_started',
             'return_failed')
           group by 1) e using (payment_id)
         where coalesce(e.currencies, 1) = 1
           and (coalesce(p.suspended_amount, 0) <> coalesce(e.suspended, 0)
             or p.suspended_currency <> e.currency)",
    ),
    (
        "every withdrawal holds in the ledger what its parts hold, and every return in transit",
        "select format('%s: %s %s of %s held, %s posted', payment_id, coalesce(h.held, 0), currency,
             account, coalesce(e.posted, 0))
         from (select t.payment_id, t.currency, case
               when coalesce((p.returns ->> 'from_suspense')::boolean, false) then 'payouts_in_transit'
               else 'player_held' end as account, sum(t.held) as held
           from part t left join payment p using (payment_id) group by 1, 2, 3) h
         full join (select payment_id, currency, account, sum(amount) as posted
           from entry where account in ('player_held', 'payouts_in_transit') group by 1, 2, 3) e
           using (payment_id, currency, account)
         where coalesce(h.held, 0) <> coalesce(e.posted, 0)",
    ),
    // A return that is paid after its release starts and is paid in one record, and no hold is part of it.
    (
        "every hold that was used up or given back is posted so by the same record",
        "with moved as (
           select m.slot, m.seq, t.payment_id,
             coalesce(sum(m.amount) filter (where m.capture), 0) as captured,
             coalesce(sum(m.amount) filter (where not m.capture), 0) as released
           from hold_move m left join part t using (part_id) group by 1, 2, 3),
         posted as (
           select slot, seq, payment_id,
             coalesce(-sum(amount) filter (where kind = 'payout_captured'), 0)
               + case when bool_or(kind = 'return_paid') then coalesce(-sum(amount)
                   filter (where kind in ('return_paid', 'return_started')), 0) else 0 end as captured,
             coalesce(-sum(amount) filter (where kind in ('hold_released', 'return_failed')), 0)
               as released
           from entry where account in ('player_held', 'payouts_in_transit') group by 1, 2, 3)
         select format('slot %s seq %s: %s', slot, seq, payment_id)
         from moved m full join posted e using (slot, seq, payment_id)
         where coalesce(m.captured, 0) <> coalesce(e.captured, 0)
            or coalesce(m.released, 0) <> coalesce(e.released, 0)",
    ),
    // Paid after its release: no hold was used up, and its history and a posting of that record say so. What came
    // back beside another attempt that is under way, or over and may be paid yet, waits for what becomes of that.
    (
        "every part is held, paid or given back as its hold and its attempts say",
        "with moved as (
           select part_id, bool_or(capture) as captured from hold_move group by 1),
         ends as (
           select part_id, bool_or(status = 'succeeded') as paid, bool_or(status = 'returned') as returned
           from attempt where part_id is not null and status in ('succeeded', 'returned') group by 1),
         late as (
           select distinct t.subject_id as part_id from transition t
           join entry e using (slot, seq)
           where t.subject = 'part' and t.from_status = 'released' and t.to_status = 'paid'
             and e.kind in ('payout_paid_late', 'return_paid'))
         select format('%s: %s', t.part_id, t.status) from part t
         left join moved m using (part_id) left join ends a using (part_id) left join late l using (part_id)
         where (t.status in ('held', 'processing') and t.held <> t.amount)
            or (t.status in ('held', 'processing', 'released')
              and (coalesce(m.captured, false) or a.part_id is not null))
            or (t.status in ('paid', 'returned') and not coalesce(m.captured, false)
              and l.part_id is null)
            or (t.status = 'paid' and not coalesce(a.paid, false)
              and not (coalesce(a.returned, false) and exists (
                select from attempt o where o.part_id = t.part_id
                  and (o.status in ('prepared', 'in_flight', 'unknown', 'accepted')
                    or (o.status not in ('succeeded', 'returned')
                      and 'it may be paid yet' = any (string_to_array(o.kept_news, '; ')))))))
            or (t.status = 'returned' and not coalesce(a.returned, false))",
    ),
    (
        "a withdrawal that is over holds nothing",
        "select p.payment_id::text from payment p join part t using (payment_id)
         where t.held <> 0 and p.direction = 'withdrawal'
           and p.status not in ('screening', 'in_review', 'approved', 'processing')",
    ),
    (
        "every game entry has its posting, and every posting of a game its entry",
        "with games (kind, posting) as (values ('stake', 'stake_placed'), ('void', 'stake_voided'),
           ('win', 'win_paid'), ('bonus_grant', 'bonus_granted'), ('bonus_to_cash', 'bonus_converted'),
           ('bonus_forfeit', 'bonus_forfeited')),
         posted as (
           select operator_id, player_id, reference, currency, kind as posting,
             coalesce(sum(amount) filter (where account = 'player_cash'), 0) as cash,
             coalesce(sum(amount) filter (where account = 'player_bonus'), 0) as bonus
           from entry where kind in (select posting from games) group by 1, 2, 3, 4, 5),
         entered as (
           select operator_id, player_id, reference, currency, posting,
             case kind when 'stake' then -from_cash when 'void' then from_cash
               when 'win' then amount when 'bonus_to_cash' then amount else 0 end as cash,
             case kind when 'stake' then -from_bonus when 'void' then from_bonus
               when 'bonus_grant' then amount when 'bonus_to_cash' then -amount
               when 'bonus_forfeit' then -amount else 0 end as bonus
           from game_entry join games using (kind))
         select format('%s %s: %s', operator_id, reference, posting)
         from entered g full join posted e using (operator_id, player_id, reference, currency, posting)
         where g.cash is distinct from e.cash or g.bonus is distinct from e.bonus",
    ),
    (
        "every stake that is voided has one void, of what it was",
        "select format('%s %s', coalesce(s.operator_id, v.operator_id),
             coalesce(s.reference, v.of_reference))
         from (select * from game_entry where kind = 'stake') s
         full join (select * from game_entry where kind = 'void') v
           on v.operator_id = s.operator_id and v.of_reference = s.reference
         where coalesce(s.voided, false) <> (v.reference is not null)
            or (v.reference is not null
              and (s.player_id, s.currency, s.amount, s.from_cash, s.from_bonus) is distinct from
                  (v.player_id, v.currency, v.amount, v.from_cash, v.from_bonus))",
    ),
    // However late the money came.
    (
        "every deposit that was credited counts into what its player moved",
        "select format('%s: %s', p.payment_id, coalesce(u.state, 'none')) from payment p
         left join limit_use u using (payment_id)
         where p.direction = 'deposit' and p.credited_amount is not null
           and (u.payment_id is null or u.direction <> 'deposit' or u.state <> 'counted')",
    ),
    (
        "an entry has a version, a balance and a head if it is a player's, and none if it is the house's",
        "select format('slot %s seq %s: %s', slot, seq, account) from entry
         where num_nonnulls(wallet_version, balance_after, head) <> case when account in
           ('player_cash', 'player_bonus', 'player_held', 'player_receivable') then 3 else 0 end",
    ),
];

/// What may be so for a moment, and for a day only when nobody looks. Where a case is open people look.
pub(super) const STUCK: [(&str, &str); 3] = [
    (
        "no payment is under way for a day without an attempt under way",
        "select format('%s: %s', p.payment_id, p.status) from payment p
         left join (select distinct payment_id from attempt
           where status in ('prepared', 'in_flight', 'unknown', 'accepted')) a using (payment_id)
         where p.status in ('processing', 'action_required') and a.payment_id is null
           and p.updated_at < now() - interval '1 day'",
    ),
    (
        "no payment waits for vendors for a day without a question to them that is due",
        "select p.payment_id::text from payment p
         left join (select distinct payment_id from vendor_check where due_at is not null) c
           using (payment_id)
         where p.status = 'screening' and c.payment_id is null
           and p.updated_at < now() - interval '1 day'",
    ),
    // Whoever takes a question, a room or a message sets its due time ahead with every try, so one that fails for
    // ever is never overdue by that: it is known by a time that stays. Of a message that waits for a PSP which is
    // away people know by its incident, and one that was taken up again has a day from then.
    (
        "nothing that moves money is overdue by a day",
        "with late as (select now() - interval '1 day' as at),
         cases as (select distinct payment_id from review where is_open and payment_id is not null)
         select format('attempt %s: %s', a.attempt_id, a.status)
         from late, attempt a left join cases c using (payment_id)
         where a.status in ('prepared', 'in_flight', 'unknown', 'accepted')
           and a.due_at < late.at and c.payment_id is null
         union all select format('payout %s', payment_id) from late, payment
         where status = 'approved' and due_at < late.at
         union all select format('vendor check %s: %s', payment_id, hook) from late, vendor_check
         where due_at < late.at or (due_at is not null and deadline_at < late.at)
         union all select format('room of %s: %s', r.payment_id, r.state)
         from late, limit_reservation r left join payment p using (payment_id)
         where r.state in ('asked', 'reserved') and (r.due_at < late.at
           or (coalesce(p.updated_at, r.created_at) < late.at and coalesce(p.status, 'failed') in
             ('succeeded', 'returned', 'reversed', 'blocked', 'failed', 'expired', 'cancelled')))
         union all select format('webhook of %s: %s', i.psp, i.inbox_id) from late, inbox i
         where i.state = 'new' and (i.due_at < late.at or (i.received_at < late.at and not exists (
           select from service_incident s where s.psp = i.psp
             and starts_with(s.detail, 'event ' || i.event_id || ' of ' || i.psp || ': ')
             and ((s.kind = 'webhook.taken_up' and late.at < s.raised_at)
               or (s.kind = 'webhook.waiting' and exists (
                 select from incident_open o where o.incident_id = s.incident_id))))))",
    ),
];
