-- Records, their history, events and decisions, and the slot's number.
with history as (
  insert into transition (slot, at, seq, n, subject, subject_id, from_status, to_status, cause)
  select $1, $6::timestamptz, * from unnest($7::bigint[], $8::smallint[], $9::text[], $10::uuid[],
    $11::text[], $12::text[], $13::text[])),
told as (
  insert into outbox_event (slot, created_at, seq, n, event_id, kind, operator_id, player_id, subject,
    payment_id, payment_sequence, data)
  select $1, $6::timestamptz, seq, n, id, kind, operator, player, subject, payment, sequence, data::json
  from unnest($20::bigint[], $21::smallint[], $22::uuid[], $23::text[], $24::text[], $25::text[],
    $26::text[], $27::uuid[], $28::bigint[], $29::text[])
    as e (seq, n, id, kind, operator, player, subject, payment, sequence, data)),
decided as (
  insert into decision (slot, recorded_at, seq, n, decision_id, operator_id, player_id, payment_id,
    direction, checkpoint, player_version, market, policy_version, policy_sha256, outcome, rules,
    reasons, inputs, engine, occurred_at, known_at)
  select $1, $6::timestamptz, seq, n, id, operator, player, payment, direction, checkpoint,
    player_version, market, version, sha256, outcome, rules::json, reasons::json, inputs::json, engine,
    occurred, known
  from unnest($30::bigint[], $31::smallint[], $32::uuid[], $33::text[], $34::text[], $35::uuid[],
    $36::text[], $37::text[], $38::bigint[], $39::text[], $40::text[], $41::bytea[], $42::text[],
    $43::text[], $44::text[], $45::text[], $46::text[], $47::timestamptz[], $48::timestamptz[])
    as d (seq, n, id, operator, player, payment, direction, checkpoint, player_version, market,
      version, sha256, outcome, rules, reasons, inputs, engine, occurred, known)),
records as (
  insert into record (slot, recorded_at, seq, kind, operator_id, player_id, payment_id, refused)
  select $1, $6::timestamptz, * from unnest($14::bigint[], $15::text[], $16::text[], $17::text[],
    $18::uuid[], $19::text[]))
update lane_slot set seq = $4, lease_until = now() + ($5 || ' seconds')::interval
where slot = $1 and fence = $2 and seq = $3
