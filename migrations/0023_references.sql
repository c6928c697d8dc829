-- A casino's reference is looked for by the reference first. With the operator first the planner may as well
-- read all of an operator's payments for each reference, and does when the table has grown to some hundred
-- and nobody has analysed it: both indexes cost the same to it then, and a lane keeps what it has learnt
-- (`tests/it/plans.rs`).
create unique index payment_reference_is_taken on payment (reference, operator_id, direction)
  where reference is not null;
drop index payment_reference_is_taken_for_ever;
alter index payment_reference_is_taken rename to payment_reference_is_taken_for_ever;

-- Times in what stands beside lanes are told in UTC because every session of the program is (`src/store/db.rs`
-- says so to the server). A function with a setting of its own is called for each row, and planned for each
-- statement; without one it is part of the statement.
alter function outside_content(anyelement, text[]) reset timezone;
