-- Reviews become cases: of payments, of players and of the service itself; with a lock, an owner, a due
-- time, a history that nobody can change, proposals that carry what is to be done, and as many
-- approvals as are asked for, each by another person.

alter table review alter column payment_id drop not null;
alter table review alter column player_id drop not null;
alter table review
  add column subject text not null default 'payment',
  -- The switch that a case of the service is about.
  add column switch_id uuid,
  add column approvals_needed smallint not null default 1
    constraint review_needs_one_to_five_approvals check (approvals_needed between 1 and 5),
  add column priority smallint not null default 2
    constraint review_priority check (priority between 1 and 3),
  add column opened_by text,
  add column assigned_to text,
  add column locked_by text,
  add column locked_until timestamptz,
  -- Since when information is awaited.
  add column waiting_since timestamptz,
  -- By when it is to be decided, and when somebody is told next that it is not.
  add column due_at timestamptz,
  add column escalate_at timestamptz,
  add column escalations smallint not null default 0,
  -- The Idempotency-Key that opened it and what was asked for then: a repeat finds this row.
  add column created_by_key text,
  add column fingerprint bytea,
  add constraint review_lock_has_an_end check ((locked_by is null) = (locked_until is null)),
  add constraint review_is_about_its_subject check (
    (subject = 'payment' and payment_id is not null and player_id is not null)
    or (subject = 'player' and payment_id is null and player_id is not null)
    or (subject = 'service' and payment_id is null and player_id is null));
update review set due_at = opened_at + interval '24 hours', escalate_at = opened_at + interval '24 hours'
  where is_open;
create unique index review_opened_once_per_key on review (operator_id, created_by_key)
  where created_by_key is not null;
create index review_of_player on review (operator_id, player_id, review_id desc);
-- At most one case of a switch is open.
create unique index review_of_switch on review (switch_id) where switch_id is not null and is_open;
-- A row of an older version of the service has no time yet: it is looked at, and gets one.
create index review_to_look_at on review ((coalesce(escalate_at, opened_at))) where is_open;

alter table review_proposal
  add column payload json,
  add column payload_sha256 bytea,
  add constraint proposal_payload_has_its_hash check ((payload is null) = (payload_sha256 is null)),
  drop constraint proposal_state,
  add constraint proposal_state check (state in ('open', 'approved', 'refused', 'voided'));
-- At most one is open: an edit is a newer proposal, and voids the one before with its approvals.
create unique index proposal_one_open_a_review on review_proposal (review_id) where state = 'open';
create unique index proposal_with_its_proposer on review_proposal (proposal_id, proposed_by);
-- What was proposed never changes: only what became of it.
revoke update on review_proposal from interlock_app;
grant update (state, decided_by, decided_at, decided_note) on review_proposal to interlock_app;

-- Each approval of a proposal. The proposer stands beside the approver, so that the database can see
-- that they are two people.
create table review_approval (
  proposal_id uuid not null,
  proposed_by text not null,
  approved_by text not null,
  approved_at timestamptz not null,
  primary key (proposal_id, approved_by),
  constraint approval_is_of_a_proposal foreign key (proposal_id, proposed_by)
    references review_proposal (proposal_id, proposed_by),
  constraint approval_is_another_persons check (approved_by <> proposed_by)
);

-- What was done in a case, by whom: null is the service itself. Texts are people's own words.
create table review_event (
  review_id uuid not null,
  n integer not null,
  act text not null constraint review_event_act check (act in ('opened', 'assigned', 'locked',
    'released', 'note', 'info_requested', 'info_received', 'proposed', 'approved', 'refused', 'voided',
    'expired', 'escalated', 'closed')),
  person_id text,
  proposal_id uuid,
  text text,
  at timestamptz not null,
  primary key (review_id, n)
);

-- What two people found and vouch for. Screening reads it; only an approved case makes it.
create table attestation (
  attestation_id uuid primary key,
  operator_id text not null,
  player_id text not null,
  kind text not null constraint attestation_kind check (kind in ('affordability', 'limit_contact',
    'source_of_funds', 'enhanced_due_diligence', 'proof_of_control', 'closed_loop_exception',
    'name_exception')),
  reference text not null constraint attestation_names_its_proof check (length(reference) between 1 and 200),
  amount bigint constraint attestation_amount_is_positive check (amount > 0),
  currency text,
  given_at timestamptz not null,
  valid_until timestamptz constraint attestation_ends_after_it_begins check (given_at < valid_until),
  review_id uuid not null,
  slot smallint not null,
  seq bigint not null,
  constraint attestation_amount_has_a_currency check ((amount is null) = (currency is null))
);
create index attestation_of_player on attestation (operator_id, player_id, attestation_id desc);

-- Letters that are to be sent: written in the commit that makes them needed. One may come twice after
-- a crash; none is lost.
create table mail_outbox (
  mail_id uuid primary key,
  operator_id text not null,
  review_id uuid not null,
  step smallint not null,
  recipient text not null,
  subject text not null,
  body text not null,
  created_at timestamptz not null,
  state text not null constraint mail_state check (state in ('waiting', 'sent', 'given_up')),
  tries smallint not null,
  due_at timestamptz,
  sent_at timestamptz,
  error text,
  constraint mail_waits_for_a_time check ((state = 'waiting') = (due_at is not null))
);
create unique index mail_once_a_step on mail_outbox (review_id, step, recipient);
create index mail_due on mail_outbox (due_at) where state = 'waiting';
grant select, insert, update on mail_outbox to interlock_app;

do $$
declare name text;
begin
  foreach name in array array['review_approval', 'review_event', 'attestation'] loop
    execute format('create trigger %I before update or delete or truncate on %I
                    for each statement execute function refuse_change()', name || '_is_append_only', name);
    execute format('grant select, insert on %I to interlock_app', name);
  end loop;
end $$;
