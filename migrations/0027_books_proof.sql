-- When the books were proven, for good: one row for each nightly proof that came to its end, whatever it found.
-- Instances of the version before prove by themselves and write none.
create table books_proof (
  -- What was committed before this was looked at.
  began_at timestamptz primary key,
  ended_at timestamptz not null,
  entries bigint not null,
  findings bigint not null
);
create trigger books_proof_is_append_only before update or delete or truncate on books_proof
  for each statement execute function refuse_change();
grant select, insert on books_proof to interlock_app;

-- Who is proving. It only saves work: a proof reads, and two tell of one fault once.
create table books_proof_lease (
  singleton boolean primary key default true constraint books_proof_lease_is_one_row check (singleton),
  holder uuid,
  lease_until timestamptz,
  -- Until the first proof: from then on nights are counted.
  since timestamptz not null default now(),
  -- When people were told that there was none for too long.
  late_told_at timestamptz
);
insert into books_proof_lease default values;
grant select, update on books_proof_lease to interlock_app;
