-- What casinos were told last of a PSP's approvals in one kind of payment; the PSP is empty where it is about all of
-- the kind. Every instance finds such a change out, and the first to write it here tells.
create table psp_approval_told (
  psp text not null,
  direction text not null,
  country text not null,
  method text not null,
  currency text not null,
  change text not null,
  told_at timestamptz not null default clock_timestamp(),
  primary key (psp, direction, country, method, currency)
);
grant select, insert, update on psp_approval_told to interlock_app;
