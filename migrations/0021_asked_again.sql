-- Vendors are asked about several addresses of one withdrawal, and again before it is sent.

-- One row a payment and hook as before; an instance of the release before reads a row without an address as
-- "nobody can be asked", which is never an approval.
alter table vendor_check add column places json;
-- How often the question was opened. Only answers of the newest round count.
alter table vendor_check add column round smallint not null default 1;

-- Which place, and in which round. Null is the first of either: what was sealed of older rows stays as it was.
alter table vendor_result add column place smallint;
alter table vendor_result add column round smallint;

-- The last answer of a matcher about a player of which all that was new was told to people. What a later
-- answer adds is new by this one and by no other: an answer that was kept and never told of is not behind.
create table name_told (
  operator_id text not null,
  player_id text not null,
  matcher text not null,
  vendor_result_id uuid not null,
  primary key (operator_id, player_id, matcher)
) with (fillfactor = 80);
grant select, insert, update on name_told to interlock_app;
insert into name_told (operator_id, player_id, matcher, vendor_result_id)
  select distinct on (operator_id, player_id, vendor) operator_id, player_id, vendor, vendor_result_id
  from vendor_result where hook = 'names' and state = 'final' and payment_id is null
  order by operator_id, player_id, vendor, received_at desc, vendor_result_id desc;
