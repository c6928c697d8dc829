-- Screening under versioned policy: a decision keeps everything that it was made from, and the
-- versions of the policies are kept here for good, published by two people.

-- What it was made from, as canonical JSON without anything personal; when its counters were read.
-- Decisions of before have neither and cannot be made again.
alter table decision add column inputs json;
alter table decision add column known_at timestamptz;
-- An event of the account is decided upon without a payment.
alter table decision alter column payment_id drop not null;
alter table decision alter column direction drop not null;

-- The text of every policy version that ever was in force. A version is never changed: a change is
-- a new version, and it comes into force after it was published, never before.
create table policy_version (
  version text primary key,
  market text not null,
  -- Of the text's canonical form.
  sha256 bytea not null,
  effective_from timestamptz not null,
  body text not null,
  proposed_by text not null,
  approved_by text not null,
  published_at timestamptz not null,
  -- Two people, not two accounts or roles: these are person ids.
  constraint policy_is_published_by_two_people check (proposed_by <> approved_by)
);
create unique index policy_moment_is_taken on policy_version (market, effective_from);

do $$
begin
  execute 'create trigger policy_version_is_append_only before update or delete or truncate
           on policy_version for each statement execute function refuse_change()';
end $$;
grant select, insert on policy_version to interlock_app;
