-- Rows as lanes hand them over: one composite a row. An array for each column makes the server keep a list
-- of its own for each of them, which is most of what reading a row costs. The types are released with the
-- statements that name them: a column that comes later is another type (`written_payment_2`), so that a
-- release that is still running is understood as it was.
create type written_record as (
  seq bigint, kind text, operator_id text, player_id text, payment_id uuid, refused text);
create type written_transition as (
  seq bigint, n smallint, subject text, subject_id uuid, from_status text, to_status text, cause text);
create type written_event as (
  seq bigint, n smallint, event_id uuid, kind text, operator_id text, player_id text, subject text,
  payment_id uuid, payment_sequence bigint, data json);
create type written_decision as (
  seq bigint, n smallint, decision_id uuid, operator_id text, player_id text, payment_id uuid,
  direction text, checkpoint text, player_version bigint, market text, policy_version text,
  policy_sha256 bytea, outcome text, rules json, reasons json, inputs json, engine text,
  occurred_at timestamptz, known_at timestamptz);
create type written_entry as (
  seq bigint, leg smallint, kind text, operator_id text, player_id text, payment_id uuid, reference text,
  account text, amount bigint, currency text, wallet_version bigint, balance_after bigint, head bytea);
create type written_house_balance as (account text, currency text, balance bigint, entries bigint);
create type written_wallet as (
  operator_id text, player_id text, currency text, cash bigint, bonus bigint, held bigint, owed bigint,
  version bigint, head bytea);
create type written_movement as (
  operator_id text, player_id text, payment_id uuid, amount bigint, currency text, at timestamptz,
  state text, direction text, instrument bytea, method text);
create type written_key as (
  operator_id text, scope text, key text, fingerprint bytea, viewer text, payment_id uuid,
  direction text, status smallint, body bytea, created_at timestamptz);
create type written_payment as (
  payment_id uuid, operator_id text, player_id text, direction text, status text, origin text,
  amount bigint, currency text, fee bigint, country text, method text, reference text, return_url text,
  payer json, received_amount bigint, received_currency text, credited_amount bigint,
  suspended_amount bigint, suspended_currency text, next_action json, action_told boolean, reasons json,
  route json, metadata json, decision_id uuid, event_sequence bigint, answer_owed text,
  due_at timestamptz, source json, returns json, of_deposit uuid, created_at timestamptz,
  updated_at timestamptz, instrument json, asks_first text[]);
create type moved_payment as (
  payment_id uuid, status text, received_amount bigint, received_currency text, credited_amount bigint,
  suspended_amount bigint, suspended_currency text, next_action json, action_told boolean, reasons json,
  event_sequence bigint, answer_owed text, due_at timestamptz, source json, updated_at timestamptz,
  instrument json);
create type written_part as (
  part_id uuid, payment_id uuid, number smallint, amount bigint, currency text, instrument json,
  status text, held bigint, method text, route json);
create type moved_part as (part_id uuid, status text, held bigint);
create type written_attempt as (
  attempt_id uuid, payment_id uuid, part_id uuid, number smallint, psp text, status text, asked bigint,
  currency text, error_code text, error_retryable boolean, psp_reference text, was_accepted boolean,
  first_sent_at timestamptz, ended_at timestamptz, lease_holder text, lease_until timestamptz,
  due_at timestamptz, expires_at timestamptz, inquiries integer, last_inquiry_at timestamptz,
  last_ledger_at timestamptz, misses integer, first_missed_at timestamptz, last_missed_at timestamptz,
  paged boolean, cancel text, kept_news text, completion text);
create type written_hold_move as (
  seq bigint, n smallint, part_id uuid, capture boolean, amount bigint, is_final boolean);
create type written_wire as (
  seq bigint, n smallint, attempt_id uuid, purpose text, step text, status integer, failure text,
  duration_ms integer, request_sha256 bytea, at timestamptz);
