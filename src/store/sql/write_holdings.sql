-- Wallets, movements, claimed keys, legs, and the house's balances.
with wallets as (
  insert into wallet (operator_id, player_id, currency, cash, bonus, held, owed, version, head)
  select w.* from unnest($3::written_wallet[]) w
  on conflict (operator_id, player_id, currency) do update set
    cash = excluded.cash, bonus = excluded.bonus, held = excluded.held, owed = excluded.owed,
    version = excluded.version, head = excluded.head),
uses as (
  insert into limit_use (operator_id, player_id, payment_id, amount, currency, at, state, direction,
    instrument, method)
  select m.* from unnest($4::written_movement[]) m
  on conflict (payment_id) do update set
    state = excluded.state, amount = excluded.amount, currency = excluded.currency,
    at = excluded.at, instrument = excluded.instrument),
keys as (
  insert into idempotency_key (operator_id, scope, key, fingerprint, viewer, payment_id, direction,
    status, body, created_at)
  select k.* from unnest($5::written_key[]) k),
house as (
  insert into house_balance as b (slot, account, currency, balance, entries)
  select $1::smallint, h.* from unnest($7::written_house_balance[]) h
  on conflict (account, currency, slot) do update set
    balance = b.balance + excluded.balance, entries = b.entries + excluded.entries)
insert into entry (slot, recorded_at, seq, leg, kind, operator_id, player_id, payment_id, reference,
  account, amount, currency, wallet_version, balance_after, head)
select $1::smallint, $2::timestamptz, e.* from unnest($6::written_entry[]) e
