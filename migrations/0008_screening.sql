-- Screening under versioned policy: a decision keeps everything that it was made from, and the
-- versions of the policies are kept here for good, published by two people.

-- What it was made from, as canonical JSON without anything personal; when its counters were read.
-- Decisions of before have neither and cannot be made again.
alter table decision add column inputs json;
alter table decision add column known_at timestamptz;
-- An event of the account is decided upon without a payment.
alter table decision alter column payment_id drop not null;
alter table decision alter column direction drop not null;

-- What somebody wants to become a policy version. It is never changed: a correction is a proposal of its
-- own, and takes the place of an open one of the same version. The versions hold for the whole
-- installation, which is one licence holder's, and not for one of its operators.
create table policy_proposal (
  proposal_id uuid primary key,
  version text not null,
  market text not null,
  -- Of the text's canonical form.
  sha256 bytea not null,
  -- As the text says.
  effective_from timestamptz not null,
  body text not null,
  -- These are person ids.
  proposed_by text not null,
  proposed_at timestamptz not null,
  -- By whose key, and by which idempotency key; neither when a sandbox brought it along.
  operator_id text,
  created_by_key text,
  constraint policy_proposal_has_a_hash check (length(sha256) = 32),
  constraint policy_proposal_is_one_text unique (proposal_id, version, market, sha256, proposed_by)
);
create unique index policy_proposal_made_once_per_key
  on policy_proposal (operator_id, created_by_key);
create index policy_proposal_of_version on policy_proposal (version, proposal_id desc);

-- How a proposal ended: once.
create table policy_proposal_end (
  proposal_id uuid primary key references policy_proposal,
  outcome text not null,
  ended_by text not null,
  ended_at timestamptz not null,
  note text not null,
  constraint policy_proposal_end_is_known check (outcome in ('published', 'refused'))
);

-- The text of every policy version that ever was in force. A version is never changed: a change is
-- a new version, and it comes into force when every instance can have read it, never before: so the
-- version in force at a time is the same for whoever asks, and whenever.
create table policy_version (
  version text primary key,
  market text not null,
  -- Of the text's canonical form.
  sha256 bytea not null,
  effective_from timestamptz not null,
  body text not null,
  proposal_id uuid not null,
  proposed_by text not null,
  approved_by text not null,
  published_at timestamptz not null,
  -- A market's first version in a sandbox: nothing was decided there before.
  is_first boolean not null default false,
  -- Two people, not two accounts or roles: these are person ids.
  constraint policy_is_published_by_two_people check (proposed_by <> approved_by),
  constraint policy_is_known_before_it_holds
    check (is_first or published_at + interval '60 seconds' <= effective_from),
  constraint policy_is_what_was_proposed
    foreign key (proposal_id, version, market, sha256, proposed_by)
    references policy_proposal (proposal_id, version, market, sha256, proposed_by)
);
create unique index policy_moment_is_taken on policy_version (market, effective_from);
create unique index policy_has_one_first_version on policy_version (market) where is_first;

do $$
declare
  name text;
begin
  foreach name in array array['policy_proposal', 'policy_proposal_end', 'policy_version'] loop
    execute format('create trigger %I before update or delete or truncate on %I
      for each statement execute function refuse_change()', name || '_is_append_only', name);
    execute format('grant select, insert on %I to interlock_app', name);
  end loop;
end $$;
