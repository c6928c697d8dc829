-- Personal data goes when its time is over and the log stays valid; and what stood beside the log comes
-- into it.
--
-- Columns with a volatile default are added: their tables are written anew under a lock, a second or so
-- a million rows. vendor_raw and vendor_result are the large ones; stop the service where they are.

-- That a player's personal data was erased: the act itself, in the log for good.
create table erasure (
  slot smallint not null,
  seq bigint not null,
  erasure_id uuid not null,
  operator_id text not null,
  player_id text not null,
  review_id uuid not null,
  -- Why it was allowed: the time to keep it was over, or no money ever moved.
  basis text not null constraint erasure_basis check (basis in ('retention_over', 'never_moved')),
  -- Until when it was to be kept; null where no money ever moved.
  retained_until timestamptz,
  erased_at timestamptz not null,
  primary key (slot, seq),
  constraint erasure_over_names_its_end check ((basis = 'retention_over') = (retained_until is not null))
);
create unique index erasure_of_player on erasure (operator_id, player_id);

-- What an erasure still has to take out of tables beside the player's own row.
create table erasure_work (
  operator_id text not null,
  player_id text not null,
  review_id uuid not null,
  due_at timestamptz,
  done_at timestamptz,
  -- Rows that were emptied or deleted.
  emptied bigint,
  primary key (operator_id, player_id),
  constraint erasure_work_is_due_or_done check ((due_at is null) = (done_at is not null))
);
create index erasure_work_due on erasure_work (due_at) where due_at is not null;
grant select, insert, update on erasure_work to interlock_app;

alter table player drop constraint player_status;
alter table player add constraint player_status
  check (status in ('active', 'frozen', 'closed', 'erased'));

-- A policy that somebody proposed is a case too.
alter table review add column policy_proposal_id uuid references policy_proposal;
create unique index review_of_policy on review (policy_proposal_id) where policy_proposal_id is not null;

-- The log's own slot: what is taken into it from tables without numbers. No lane takes it.
alter table lane_slot add column is_register boolean not null default false;
insert into lane_slot (slot, is_register) values (8, true);

-- One row of a table without numbers, as it stood when it was taken into the log: the hash of what is kept
-- for good, and a commitment to what may have to be erased.
create table witness (
  slot smallint not null,
  seq bigint not null,
  source text not null,
  key text not null,
  written_at timestamptz not null,
  operator_id text,
  player_id text,
  content_sha256 bytea not null
    constraint witness_content_hash_has_its_length check (octet_length(content_sha256) = 32),
  -- SHA-256(salt || personal part); null where there was none.
  salt bytea constraint witness_salt_has_its_length check (octet_length(salt) = 32),
  commitment bytea constraint witness_commitment_has_its_length check (octet_length(commitment) = 32),
  primary key (slot, seq),
  constraint witness_salts_a_commitment check (salt is null or commitment is not null)
);
create unique index witness_of_row on witness (source, key);
create index witness_by_time on witness (written_at);
create index witness_of_player on witness (operator_id, player_id)
  where player_id is not null and salt is not null;

-- Who read or took away decisions, and which.
create table decision_read (
  read_id uuid primary key,
  operator_id text not null,
  person_id text,
  -- 'api', or 'cli:' and the account that ran the program.
  door text not null,
  act text not null constraint decision_read_act check (act in ('read', 'list', 'export')),
  -- The decision, payment or review that was read, or what a list was asked for.
  subject text not null constraint decision_read_names_something check (length(subject) between 1 and 500),
  at timestamptz not null
);
create index decision_read_of_operator on decision_read (operator_id, read_id desc);

-- When a row was written, by the database's clock: what is new is found by it, whoever's clock the rest
-- of the row is by.
do $$
declare name text;
begin
  foreach name in array array['vendor_raw', 'vendor_result', 'policy_proposal', 'policy_proposal_end',
      'policy_version', 'routing_switch', 'routing_switch_lift', 'review_event', 'review_approval',
      'review_proposal', 'incident_close', 'service_incident', 'decision_read'] loop
    execute format('alter table %I add column written_at timestamptz not null
                    default clock_timestamp()', name);
    execute format('create index %I on %I (written_at)', name || '_by_writing', name);
  end loop;
end $$;

-- An answer that is erased leaves its hash.
alter table vendor_raw alter column body drop not null;
create index vendor_result_of_raw on vendor_result (raw_sha256);
-- An event whose data is erased leaves their hash.
alter table outbox_event add column data_sha256 bytea;
-- Lines of the log are read by number.
create index attestation_of_record on attestation (slot, seq);

-- Guards. An append-only row stays what it is but for what an erasure takes out of it: the columns that
-- the trigger names may become empty, of a player who was erased, and nothing else may change.
create function refuse_change_but_erasing() returns trigger language plpgsql as $$
declare
  was jsonb := to_jsonb(old);
  wanted jsonb := to_jsonb(new);
  name text;
  is_erased boolean;
begin
  foreach name in array tg_argv loop
    if wanted ->> name is distinct from was ->> name
       and coalesce(wanted ->> name, '') not in ('', '[]', '(erased)') then
      raise exception 'table % is append-only: % of a row only empties', tg_table_name, name
        using errcode = 'restrict_violation';
    end if;
    was := was - name;
    wanted := wanted - name;
  end loop;
  if tg_table_name = 'outbox_event' then
    if new.data_sha256 is distinct from sha256(convert_to(old.data::text, 'UTF8')) then
      raise exception 'an event that is erased keeps the hash of its data'
        using errcode = 'restrict_violation';
    end if;
    was := was - 'data_sha256';
    wanted := wanted - 'data_sha256';
  end if;
  if was <> wanted then
    raise exception 'table % is append-only: UPDATE is refused', tg_table_name
      using errcode = 'restrict_violation';
  end if;
  case tg_table_name
    when 'review_event', 'review_proposal' then
      is_erased := exists (select 1 from review r join erasure e using (operator_id, player_id)
                           where r.review_id = old.review_id);
    when 'incident_close' then
      is_erased := exists (select 1 from incident i join erasure e using (operator_id, player_id)
                           where i.incident_id = old.incident_id);
    when 'vendor_raw' then
      is_erased := exists (select 1 from vendor_result v where v.raw_sha256 = old.sha256)
        and not exists (select 1 from vendor_result v where v.raw_sha256 = old.sha256
          and not exists (select 1 from erasure e
                          where e.operator_id = v.operator_id and e.player_id = v.player_id));
    else
      is_erased := exists (select 1 from erasure e
                           where e.operator_id = old.operator_id and e.player_id = old.player_id);
  end case;
  if not is_erased then
    raise exception 'table % is append-only: nobody was erased whose row this is', tg_table_name
      using errcode = 'restrict_violation';
  end if;
  return new;
end $$;

do $$
declare
  guarded text[];
begin
  foreach guarded slice 1 in array array[
      array['player_version', 'salt', 'body'],
      array['outbox_event', 'data', 'data'],
      array['review_event', 'text', 'text'],
      array['incident_close', 'note', 'note'],
      array['vendor_raw', 'body', 'body'],
      array['vendor_result', 'signals', 'signals'],
      array['witness', 'salt', 'salt']] loop
    execute format('drop trigger if exists %I on %I', guarded[1] || '_is_append_only', guarded[1]);
    execute format('create trigger %I before delete or truncate on %I
                    for each statement execute function refuse_change()',
                   guarded[1] || '_is_append_only', guarded[1]);
    execute format('create trigger %I before update on %I
                    for each row execute function refuse_change_but_erasing(%L, %L)',
                   guarded[1] || '_only_empties', guarded[1], guarded[2], guarded[3]);
    execute format('grant update (%I, %I) on %I to interlock_app', guarded[2], guarded[3], guarded[1]);
  end loop;
end $$;
grant update (data_sha256) on outbox_event to interlock_app;
grant select, insert on witness to interlock_app;
-- What was proposed never changes either, but for what is erased.
alter table review_proposal drop constraint proposal_payload_has_its_hash;
alter table review_proposal add constraint proposal_payload_has_its_hash
  check ((payload is null) = (payload_sha256 is null));
create trigger review_proposal_only_empties before update of note, payload, payload_sha256
  on review_proposal for each row
  execute function refuse_change_but_erasing('note', 'payload', 'payload_sha256', 'decided_note');
grant update (note, payload, payload_sha256) on review_proposal to interlock_app;

do $$
declare name text;
begin
  foreach name in array array['erasure', 'decision_read'] loop
    execute format('create trigger %I before update or delete or truncate on %I
                    for each statement execute function refuse_change()', name || '_is_append_only', name);
    execute format('grant select, insert on %I to interlock_app', name);
  end loop;
end $$;

-- A row as text, without some of its columns and without what is null, so that a column that comes later
-- leaves old rows as they were and is covered from then on. Times are told in UTC, whatever the session's
-- own zone.
create function outside_content(a_row anyelement, without text[]) returns text
language sql stable set timezone = 'UTC' as $$
  select jsonb_strip_nulls(to_jsonb(a_row) - without - 'written_at')::text
$$;

-- The rows of the tables without numbers, as the log takes them in: what is kept for good, and what may
-- have to be erased.
create view outside_row (source, key, written_at, operator_id, player_id, content, personal) as
select 'vendor_raw', encode(sha256, 'hex'), written_at, null::text, null::text,
  outside_content(r, array['body']) || case
    when body is null and not exists (
      select 1 from vendor_result v join erasure e using (operator_id, player_id)
      where v.raw_sha256 = r.sha256) then ' is gone'
    when sha256(body) <> sha256 then ' is changed'
    else '' end, null::text
from vendor_raw r
union all
select 'vendor_result', vendor_result_id::text, written_at, operator_id, player_id,
  outside_content(r, array['signals']), signals::text
from vendor_result r
union all
select 'policy_proposal', proposal_id::text, written_at, operator_id, null,
  outside_content(r, '{}'), null
from policy_proposal r
union all
select 'policy_proposal_end', proposal_id::text, written_at, null, null, outside_content(r, '{}'), null
from policy_proposal_end r
union all
select 'policy_version', version, written_at, null, null, outside_content(r, '{}'), null
from policy_version r
union all
select 'routing_switch', switch_id::text, written_at, operator_id, null, outside_content(r, '{}'), null
from routing_switch r
union all
select 'routing_switch_lift', switch_id::text, written_at, null, null, outside_content(r, '{}'), null
from routing_switch_lift r
union all
select 'review_event', v.review_id || ':' || v.n, v.written_at, r.operator_id, r.player_id,
  outside_content(v, array['text']), v.text
from review_event v join review r using (review_id)
union all
select 'review_approval', proposal_id || ':' || approved_by, written_at, null, null,
  outside_content(r, '{}'), null
from review_approval r
union all
select 'review_proposal', p.proposal_id::text, p.written_at, r.operator_id, r.player_id,
  outside_content(p, array['note', 'payload', 'payload_sha256', 'state', 'decided_by', 'decided_at',
    'decided_note']),
  jsonb_build_array(p.note, p.payload::text, encode(p.payload_sha256, 'hex'))::text
from review_proposal p join review r using (review_id)
union all
select 'incident_close', c.incident_id::text, c.written_at, i.operator_id, i.player_id,
  outside_content(c, array['note']), c.note
from incident_close c left join incident i using (incident_id)
union all
select 'service_incident', incident_id::text, written_at, null, null, outside_content(r, '{}'), null
from service_incident r
union all
select 'decision_read', read_id::text, written_at, operator_id, null, outside_content(r, '{}'), null
from decision_read r;
grant select on outside_row to interlock_app;
