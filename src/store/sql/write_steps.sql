-- Parts, late answers, attempts, and what moves of payments.
with parts as (
  update part p set status = c.status, held = c.held
  from unnest($17::uuid[], $18::text[], $19::bigint[]) as c (id, status, held)
  where p.part_id = c.id and (p.status, p.held) is distinct from (c.status, c.held)),
-- No join: while the table is new the planner would read every key that has no answer yet.
answers as (
  update idempotency_key k set
    status = ($21::smallint[])[array_position($20::uuid[], k.payment_id)],
    body = ($22::bytea[])[array_position($20::uuid[], k.payment_id)]
  where k.payment_id = any($20::uuid[]) and k.body is null),
-- The attempt that is over is written before the one that takes its place: the one-live index is
-- checked row by row, and an attempt's number tells the order.
attempts as (
  insert into attempt (attempt_id, payment_id, part_id, number, psp, status, asked, currency,
    error_code, error_retryable, psp_reference, was_accepted, first_sent_at, ended_at, lease_holder,
    lease_until, due_at, expires_at, inquiries, last_inquiry_at, last_ledger_at, misses,
    first_missed_at, last_missed_at, paged, cancel, kept_news, completion)
  select * from unnest($23::uuid[], $24::uuid[], $25::uuid[], $26::smallint[], $27::text[],
    $28::text[], $29::bigint[], $30::text[], $31::text[], $32::boolean[], $33::text[],
    $34::boolean[], $35::timestamptz[], $36::timestamptz[], $37::text[], $38::timestamptz[],
    $39::timestamptz[], $40::timestamptz[], $41::integer[], $42::timestamptz[],
    $43::timestamptz[], $44::integer[], $45::timestamptz[], $46::timestamptz[], $47::boolean[],
    $48::text[], $49::text[], $50::text[])
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
  status = c.status, received_amount = c.received, received_currency = c.received_currency,
  credited_amount = c.credited, suspended_amount = c.suspended,
  suspended_currency = c.suspended_currency, next_action = c.next_action::json,
  action_told = c.action_told, reasons = c.reasons::json, event_sequence = c.sequence,
  answer_owed = c.answer_owed, due_at = c.due, source = c.source::json, updated_at = c.updated,
  instrument = c.instrument::json
from unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[],
  $7::text[], $8::text[], $9::boolean[], $10::text[], $11::bigint[], $12::text[],
  $13::timestamptz[], $14::text[], $15::timestamptz[], $16::text[])
  as c (id, status, received, received_currency, credited, suspended, suspended_currency,
    next_action, action_told, reasons, sequence, answer_owed, due, source, updated, instrument)
where p.payment_id = c.id
