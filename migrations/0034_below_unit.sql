-- What of an arrival was below the smallest unit that the books have, as a fraction of that unit, and of which currency. Null:
-- nothing was, or the release that booked it did not keep it.
alter table payin add column below_unit numeric check (0 < below_unit and below_unit < 1);
alter table payin add column below_unit_currency text;
alter table payin add constraint payin_below_unit_of check ((below_unit is null) = (below_unit_currency is null)) not valid;
alter table payin validate constraint payin_below_unit_of;
create index payin_below_unit on payin (operator_id, player_id) where below_unit is not null;
