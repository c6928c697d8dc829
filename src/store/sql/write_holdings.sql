-- Wallets, movements, claimed keys, legs, and the house's balances.
with wallets as (
  insert into wallet (operator_id, player_id, currency, cash, bonus, held, owed, version, head)
  select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[],
    $7::bigint[], $8::bigint[], $9::bytea[])
  on conflict (operator_id, player_id, currency) do update set
    cash = excluded.cash, bonus = excluded.bonus, held = excluded.held, owed = excluded.owed,
    version = excluded.version, head = excluded.head),
uses as (
  insert into limit_use (operator_id, player_id, payment_id, amount, currency, at, state, direction,
    instrument, method)
  select * from unnest($10::text[], $11::text[], $12::uuid[], $13::bigint[], $14::text[],
    $15::timestamptz[], $16::text[], $46::text[], $47::bytea[], $48::text[])
  on conflict (payment_id) do update set
    state = excluded.state, amount = excluded.amount, currency = excluded.currency,
    at = excluded.at, instrument = excluded.instrument),
keys as (
  insert into idempotency_key (operator_id, scope, key, fingerprint, viewer, payment_id, direction,
    status, body, created_at)
  select * from unnest($17::text[], $18::text[], $19::text[], $20::bytea[], $21::text[],
    $22::uuid[], $23::text[], $24::smallint[], $25::bytea[], $26::timestamptz[])),
house as (
  insert into house_balance as b (slot, account, currency, balance, entries)
  select $27::smallint, * from unnest($42::text[], $43::text[], $44::bigint[], $45::bigint[])
  on conflict (account, currency, slot) do update set
    balance = b.balance + excluded.balance, entries = b.entries + excluded.entries)
insert into entry (slot, recorded_at, seq, leg, kind, operator_id, player_id, payment_id, reference,
  account, amount, currency, wallet_version, balance_after, head)
select $27::smallint, $28::timestamptz, * from unnest($29::bigint[], $30::smallint[], $31::text[],
  $32::text[], $33::text[], $34::uuid[], $35::text[], $36::text[], $37::bigint[], $38::text[],
  $39::bigint[], $40::bigint[], $41::bytea[])
