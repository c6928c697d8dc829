-- What rules look up beside a player's own movements: who else used an instrument, and what a player staked.
create index limit_use_of_instrument on limit_use (operator_id, instrument, player_id)
  where instrument is not null;
create index game_entry_turnover on game_entry (operator_id, player_id, created_at)
  include (kind, amount, currency) where kind in ('stake', 'void');
