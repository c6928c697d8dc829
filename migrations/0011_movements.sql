-- What a player moved: the uses of limits become all movements, deposits and withdrawals, since net
-- limits and thresholds need both.
--
-- Rows of before are deposits. What they were paid from, and by which method, they do not say.
alter table limit_use add column direction text not null default 'deposit'
  constraint limit_use_direction_is_known check (direction in ('deposit', 'withdrawal'));
-- Half of SHA-256 over the operator and the instrument: says "the same again", and no more.
alter table limit_use add column instrument bytea
  constraint limit_use_instrument_has_its_length check (octet_length(instrument) = 16);
alter table limit_use add column method text;
