-- Parts, late answers, attempts, and what moves of payments.
with parts as (
  update part p set status = c.status, held = c.held
  from unnest($2::moved_part[]) c
  where p.part_id = c.part_id and (p.status, p.held) is distinct from (c.status, c.held)),
-- No join: while the table is new the planner would read every key that has no answer yet.
answers as (
  update idempotency_key k set
    status = ($4::smallint[])[array_position($3::uuid[], k.payment_id)],
    body = ($5::bytea[])[array_position($3::uuid[], k.payment_id)]
  where k.payment_id = any($3::uuid[]) and k.body is null),
-- The attempt that is over is written before the one that takes its place: the one-live index is
-- checked row by row, and an attempt's number tells the order.
attempts as (
  insert into attempt (attempt_id, payment_id, part_id, number, psp, status, asked, currency,
    error_code, error_retryable, psp_reference, was_accepted, first_sent_at, ended_at, lease_holder,
    lease_until, due_at, expires_at, inquiries, last_inquiry_at, last_ledger_at, misses,
    first_missed_at, last_missed_at, paged, cancel, kept_news, completion)
  select a.* from unnest($6::written_attempt[]) a
  on conflict (attempt_id) do update set
    status = excluded.status, error_code = excluded.error_code,
    error_retryable = excluded.error_retryable, psp_reference = excluded.psp_reference,
    was_accepted = excluded.was_accepted, first_sent_at = excluded.first_sent_at,
    ended_at = excluded.ended_at, lease_holder = excluded.lease_holder,
    lease_until = excluded.lease_until, due_at = excluded.due_at, expires_at = excluded.expires_at,
    inquiries = excluded.inquiries, last_inquiry_at = excluded.last_inquiry_at,
    last_ledger_at = excluded.last_ledger_at, misses = excluded.misses,
    first_missed_at = excluded.first_missed_at, last_missed_at = excluded.last_missed_at,
    paged = excluded.paged, cancel = excluded.cancel, kept_news = excluded.kept_news,
    completion = excluded.completion)
update payment p set
  status = c.status, received_amount = c.received_amount, received_currency = c.received_currency,
  credited_amount = c.credited_amount, suspended_amount = c.suspended_amount,
  suspended_currency = c.suspended_currency, next_action = c.next_action,
  action_told = c.action_told, reasons = c.reasons, event_sequence = c.event_sequence,
  answer_owed = c.answer_owed, due_at = c.due_at, source = c.source, updated_at = c.updated_at,
  instrument = c.instrument
from unnest($1::moved_payment[]) c
where p.payment_id = c.payment_id
