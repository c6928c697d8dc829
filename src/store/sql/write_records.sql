-- Records, their history, events and decisions, and the slot's number.
with history as (
  insert into transition (slot, at, seq, n, subject, subject_id, from_status, to_status, cause)
  select $1, $6::timestamptz, t.* from unnest($7::written_transition[]) t),
told as (
  insert into outbox_event (slot, created_at, seq, n, event_id, kind, operator_id, player_id, subject,
    payment_id, payment_sequence, data)
  select $1, $6::timestamptz, e.* from unnest($9::written_event[]) e),
decided as (
  insert into decision (slot, recorded_at, seq, n, decision_id, operator_id, player_id, payment_id,
    direction, checkpoint, player_version, market, policy_version, policy_sha256, outcome, rules,
    reasons, inputs, engine, occurred_at, known_at)
  select $1, $6::timestamptz, d.* from unnest($10::written_decision[]) d),
records as (
  insert into record (slot, recorded_at, seq, kind, operator_id, player_id, payment_id, refused)
  select $1, $6::timestamptz, r.* from unnest($8::written_record[]) r)
update lane_slot set seq = $4, lease_until = now() + ($5 || ' seconds')::interval
where slot = $1 and fence = $2 and seq = $3
