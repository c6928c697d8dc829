-- Who may sign in to the console, and who has.

create table console_account (
  account_id uuid primary key,
  operator_id text not null,
  -- The human being. Other accounts and API keys of theirs carry the same one: four eyes are two people.
  person_id text not null,
  email text not null unique constraint console_email_is_lower check (email = lower(email)),
  name text not null,
  roles text[] not null constraint console_account_has_a_role check (cardinality(roles) > 0),
  -- Argon2id, in the PHC form.
  password_hash text not null,
  -- The shared secret of time-based codes, sealed under the console's key. Null: there is none yet.
  totp_sealed bytea,
  -- The newest step whose code was used: no code works twice.
  totp_step bigint,
  -- Tries that failed in a row, and when the next one is looked at.
  failures integer not null default 0,
  not_before timestamptz,
  created_at timestamptz not null,
  changed_at timestamptz not null,
  disabled_at timestamptz
) with (fillfactor = 80);

create table console_session (
  -- SHA-256 of what the browser holds: who reads this table can sign in as nobody.
  token_hash bytea primary key constraint console_token_is_hashed check (octet_length(token_hash) = 32),
  account_id uuid not null references console_account,
  created_at timestamptz not null,
  -- It ends when nothing was asked for this long, and at the latest at ends_at.
  seen_at timestamptz not null,
  ends_at timestamptz not null,
  ended_at timestamptz
) with (fillfactor = 80);
create index console_session_of_account on console_session (account_id) where ended_at is null;
create index console_session_ends on console_session (ends_at);

-- Who came in, who was turned away, and what became of accounts. Rows are only added.
create table console_act (
  act_id uuid primary key,
  account_id uuid not null references console_account,
  act text not null constraint console_act_is_known check (act in
    ('created', 'signed_in', 'refused', 'signed_out', 'totp_set', 'password_set', 'disabled')),
  acted_at timestamptz not null
);
create index console_act_of_account on console_act (account_id, acted_at);

create trigger console_act_is_append_only before update or delete or truncate on console_act
  for each statement execute function refuse_change();

grant select, insert, update on console_account to interlock_app;
grant select, insert, update, delete on console_session to interlock_app;
grant select, insert on console_act to interlock_app;
