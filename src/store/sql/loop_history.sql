-- Deposits that stand, and parts that took or may take money to somewhere, or were refused there.
-- `offset 0` keeps each player's payments a look-up of their own: while the table is new the planner
-- would rather read all payments of the operator and compare them with every player.
select w.number as "number!", p.payment_id as "payment_id!", true as "is_deposit!",
  p.credited_amount as "amount!", p.method as "method!", p.created_at as "created_at!",
  p.source::text as instrument, null::text as status
from unnest($1::integer[], $2::text[], $3::text[], $4::text[])
  as w (number, operator_id, player_id, currency)
cross join lateral (
  select p.* from payment p
  where p.operator_id = w.operator_id and p.player_id = w.player_id offset 0) p
where p.direction = 'deposit' and p.status = 'succeeded' and p.currency = w.currency
  and p.credited_amount > 0
union all
select w.number, p.payment_id, false, part.amount, coalesce(part.method, p.method), p.created_at,
  part.instrument::text, part.status
from unnest($1::integer[], $2::text[], $3::text[], $4::text[])
  as w (number, operator_id, player_id, currency)
cross join lateral (
  select p.* from payment p
  where p.operator_id = w.operator_id and p.player_id = w.player_id offset 0) p
join part on part.payment_id = p.payment_id
left join payment d on d.payment_id = p.of_deposit
where p.direction = 'withdrawal' and p.currency = w.currency
  and (part.status in ('held', 'processing', 'paid')
    or (part.status = 'released' and (
      select a.status from attempt a where a.payment_id = p.payment_id and a.part_id = part.part_id
      order by a.number desc limit 1) = 'declined'))
  and (p.of_deposit is null or (d.status = 'succeeded'
    and not coalesce((p.returns->>'from_suspense')::boolean, false)))
