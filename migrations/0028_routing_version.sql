-- What each version of the routing rules said, once and for good: payments name the version that planned them.
-- Instances of the version before keep none.
create table routing_version (
  version text primary key,
  -- The rules as sorted lines.
  body text not null,
  written_at timestamptz not null default clock_timestamp()
);
create index routing_version_by_writing on routing_version (written_at);
create trigger routing_version_is_append_only before update or delete or truncate on routing_version
  for each statement execute function refuse_change();
grant select, insert on routing_version to interlock_app;

-- As it was, and with versions of routing rules.
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
from decision_read r
union all
select 'routing_version', version, written_at, null, null, outside_content(r, '{}'), null
from routing_version r;
