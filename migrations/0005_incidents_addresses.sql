-- Incidents that people close, addresses that players were given, and money that nobody asked for.

-- An incident itself never changes: that a person looked at it is a fact of its own.
create table incident_close (
  incident_id uuid primary key,
  closed_by text not null,
  note text not null,
  closed_at timestamptz not null,
  constraint incident_close_says_why check (length(note) between 1 and 2000)
);
create index incident_of_operator on incident (operator_id, incident_id desc);

-- Which account an incident of no payment is about: it is shown to the operators of that account.
alter table service_incident add column psp text;

-- Addresses at which a player's money arrives, for ever: a payer may use one years later. One row a
-- request, so that an open request of a permanent address is found too. No tag is the empty text.
create table deposit_address (
  psp text not null,
  network text not null,
  asset text not null,
  address text not null,
  tag text not null,
  payment_id uuid not null,
  operator_id text not null,
  player_id text not null,
  given_at timestamptz not null,
  primary key (psp, network, asset, address, tag, payment_id)
);

-- Arrivals that named no attempt, by the PSP's id of each: it has its effect once, for good.
create table payin (
  psp text not null,
  psp_reference text not null,
  operator_id text not null,
  player_id text not null,
  payment_id uuid not null,
  slot smallint not null,
  seq bigint not null,
  received_at timestamptz not null,
  primary key (psp, psp_reference)
);

-- The name under which a PSP knows a player: the first 16 bytes of a SHA-256, as a UUID of version 8.
-- The service computes the same (payments/facts); here it only makes players findable by it.
-- Players' and operators' ids are visible ASCII, so the encoding cannot depend on any setting.
create function player_pseudonym(operator_id text, player_id text) returns uuid
language sql immutable parallel safe as $$
  select encode(
    set_byte(set_byte(h, 6, (get_byte(h, 6) & 15) | 128), 8, (get_byte(h, 8) & 63) | 128), 'hex')::uuid
  from (select substring(sha256(convert_to('interlock.player.v1', 'UTF8') || '\x00'::bytea
    || convert_to(operator_id, 'UTF8') || '\x00'::bytea || convert_to(player_id, 'UTF8'))
    from 1 for 16) as h) t
$$;
create index player_by_pseudonym on player (player_pseudonym(operator_id, player_id));

do $$
declare name text;
begin
  foreach name in array array['incident_close', 'deposit_address', 'payin'] loop
    execute format('create trigger %I before update or delete or truncate on %I
                    for each statement execute function refuse_change()', name || '_is_append_only', name);
    execute format('grant select, insert on %I to interlock_app', name);
  end loop;
end $$;
