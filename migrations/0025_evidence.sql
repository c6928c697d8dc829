-- An erasure counts where it stands in the log. A row of `erasure` that hangs on no record of a lane is in no
-- line and under no checkpoint: nobody has decided it, and it allows nothing.
create function was_erased(operator_id text, player_id text) returns boolean language sql stable
set search_path = public, pg_temp as $$
  select exists (
    select 1 from erasure e
    where e.operator_id = $1 and e.player_id = $2
      and e.seq between 1 and (select s.seq from lane_slot s where s.slot = e.slot)
      and (select true from record r where r.slot = e.slot and r.seq = e.seq
        and r.operator_id = e.operator_id and r.player_id = e.player_id))
$$;

-- As it was, but for what counts as an erasure, and that nobody's own temporary tables are asked.
create or replace function refuse_change_but_erasing() returns trigger language plpgsql
set search_path = public, pg_temp as $$
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
      is_erased := exists (select 1 from review r where r.review_id = old.review_id
                           and was_erased(r.operator_id, r.player_id));
    when 'incident_close' then
      is_erased := exists (select 1 from incident i where i.incident_id = old.incident_id
                           and was_erased(i.operator_id, i.player_id));
    when 'vendor_raw' then
      is_erased := exists (select 1 from vendor_result v where v.raw_sha256 = old.sha256)
        and not exists (select 1 from vendor_result v where v.raw_sha256 = old.sha256
          and not was_erased(v.operator_id, v.player_id));
    else
      is_erased := was_erased(old.operator_id, old.player_id);
  end case;
  if not is_erased then
    raise exception 'table % is append-only: nobody was erased whose row this is', tg_table_name
      using errcode = 'restrict_violation';
  end if;
  return new;
end $$;

-- As it was, but for what counts as an erasure.
create or replace view outside_row (source, key, written_at, operator_id, player_id, content, personal) as
select 'vendor_raw', encode(sha256, 'hex'), written_at, null::text, null::text,
  outside_content(r, array['body']) || case
    when body is null and not exists (
      select 1 from vendor_result v
      where v.raw_sha256 = r.sha256 and was_erased(v.operator_id, v.player_id)) then ' is gone'
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
