-- Guards the numbering of records as before, and looks for each slot's record before the first new one by
-- its key, whatever the planner believes of the table. Asked with `not exists`, a session that planned it
-- while the table was new made a list of all records first, for every batch, until the table was analysed.
create or replace function refuse_gaps_in_records() returns trigger language plpgsql as $$
declare bad record;
begin
  select a.slot, a.first into bad
  from (select slot, min(seq) as first, max(seq) as last, count(*) as rows
        from added group by slot) a
    left join lateral (
      select true as is_there from record r where r.slot = a.slot and r.seq = a.first - 1
      limit 1) before on true
  where a.last - a.first + 1 <> a.rows or (a.first > 1 and before.is_there is null)
  limit 1;
  if found then
    raise exception 'records of slot % have a gap at seq %', bad.slot, bad.first
      using errcode = 'check_violation';
  end if;
  return null;
end $$;

-- What is kept of a decision is mostly its rules and inputs: some 3 kB, more than a row may have before it is
-- packed. They are packed by the quicker of the server's two methods where it was built with it, and stay in
-- their row: moved out of it, each decision would be three rows and two indexes more.
alter table decision
  alter column rules set storage main,
  alter column inputs set storage main;

do $$
begin
  alter table decision
    alter column rules set compression lz4,
    alter column inputs set compression lz4;
  alter table inbox
    alter column event set compression lz4,
    alter column raw set compression lz4;
exception when feature_not_supported then
  raise notice 'this server packs without lz4';
end
$$;
