-- Incidents that nobody has closed. The database keeps it with every incident and every closing, whichever release
-- writes them; incidents and closings themselves stay as they were written. Counting what is open reads this alone.
create table incident_open (
  incident_id uuid primary key,
  kind text not null
);
grant select, insert, delete on incident_open to interlock_app;

-- Row by row, so that one which the same statement raises and closes comes first and goes then.
create function incident_opens() returns trigger language plpgsql as $$
begin
  insert into incident_open (incident_id, kind) values (new.incident_id, new.kind);
  return null;
end $$;
create function incident_closes() returns trigger language plpgsql as $$
begin
  delete from incident_open where incident_id = new.incident_id;
  return null;
end $$;
create trigger incident_is_open after insert on incident
  for each row execute function incident_opens();
create trigger service_incident_is_open after insert on service_incident
  for each row execute function incident_opens();
create trigger incident_close_closes after insert on incident_close
  for each row execute function incident_closes();

-- The triggers have locked the three tables against writers: what is read here is all that there is.
insert into incident_open (incident_id, kind)
select incident_id, kind from (
  select incident_id, kind from incident
  union all select incident_id, kind from service_incident) i
where not exists (select from incident_close c where c.incident_id = i.incident_id);
