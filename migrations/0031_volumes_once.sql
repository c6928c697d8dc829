-- How far each run of an instance has added what it carried to the sums of days. What is added again under the same
-- number, because the answer to it was lost, changes nothing. A stream is one run; its row is deleted a month after the last.
create table psp_volume_told (
  stream uuid primary key,
  number bigint not null,
  told_at timestamptz not null default clock_timestamp()
);
grant select, insert, update, delete on psp_volume_told to interlock_app;
