-- The tamper-evident log: its name, its checkpoints, and what keeps it valid once personal data is gone.

-- Which log this is. A copy of the database is a copy of the log; another database is another log.
create table evidence_log (
  singleton boolean primary key default true constraint evidence_log_is_one_row check (singleton),
  log_id uuid not null default gen_random_uuid()
);
insert into evidence_log default values;

-- Every checkpoint that was signed. Two that go on from the same one cannot both be here.
create table evidence_checkpoint (
  number bigint primary key,
  size bigint not null,
  -- The signed note, as everybody gets it.
  note text not null,
  -- The hashes of the leaves that it added, 32 bytes each: they name the record that was changed.
  leaves bytea not null,
  -- The full subtrees of the tree at its size: the next one goes on from here.
  frontier bytea not null,
  -- The newest number of each slot, beginning with slot 0.
  heads bigint[] not null,
  sealed_at timestamptz not null,
  constraint evidence_checkpoint_numbers_begin_with_one check (number >= 1),
  constraint evidence_checkpoint_adds_leaves
    check (size >= 1 and octet_length(leaves) >= 32 and octet_length(leaves) % 32 = 0)
);
create unique index evidence_checkpoint_of_size on evidence_checkpoint (size);

-- Who is sealing. It only saves work: what keeps the log one is the key above.
create table evidence_lease (
  singleton boolean primary key default true constraint evidence_lease_is_one_row check (singleton),
  holder text,
  lease_until timestamptz
);
insert into evidence_lease default values;

-- What was known of a player stands in the log as SHA-256(salt || body). Without its salt the
-- commitment tells nothing, so that both can be erased one day and the log stays valid. Rows from
-- before have none, and their lines say so.
alter table player_version
  add column salt bytea,
  add column commitment bytea,
  add constraint player_version_commitment_is_whole
    check (octet_length(commitment) = 32 and (salt is null or octet_length(salt) = 32));

-- Lines are read by number.
create index player_version_of_record on player_version (slot, seq);
create index incident_of_record on incident (slot, seq);
create index payin_of_record on payin (slot, seq);

create trigger evidence_log_is_append_only before update or delete or truncate on evidence_log
  for each statement execute function refuse_change();
create trigger evidence_checkpoint_is_append_only
  before update or delete or truncate on evidence_checkpoint
  for each statement execute function refuse_change();
grant select on evidence_log to interlock_app;
grant select, insert on evidence_checkpoint to interlock_app;
grant select, update on evidence_lease to interlock_app;
