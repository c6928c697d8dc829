-- How a casino learns what happened: endpoints, the relay's cursor over the outbox, deliveries and
-- their log. The outbox itself is append-only and belongs to 0001; nothing here is a record of
-- money, and everything but the endpoints can be rebuilt from the outbox.

create table webhook_endpoint (
  endpoint_id     uuid primary key,
  operator_id     text not null,
  url             text not null,
  -- "*", "deposit.*" or a whole type, "deposit.succeeded"; the relay matches with one && of arrays.
  events          text[] not null,
  status          text not null,
  disabled_reason text,
  -- The first failure since the last success: five days of it disable the endpoint.
  failing_since   timestamptz,
  -- Tries that failed in a row: from five on the endpoint gets one probe at a time.
  failures_in_row integer not null default 0,
  -- No try before this time: the breaker is open, or the receiver asked for it (Retry-After).
  paused_until    timestamptz,
  created_at      timestamptz not null,
  -- Set by DELETE. The row stays, since deliveries that were made refer to it.
  deleted_at      timestamptz,
  -- The Idempotency-Key that made it: a repeat finds this row instead of making another.
  created_by_key  text not null,
  constraint webhook_endpoint_status_is_known check (status in ('active', 'disabled')),
  constraint webhook_endpoint_disabled_has_a_reason
    check ((status = 'disabled') = (disabled_reason is not null)),
  constraint webhook_endpoint_listens_to_something check (cardinality(events) > 0),
  constraint webhook_endpoint_failures_are_counted_up check (failures_in_row >= 0)
);
create unique index webhook_endpoint_made_once_per_key
  on webhook_endpoint (operator_id, created_by_key);
create index webhook_endpoint_of_operator on webhook_endpoint (operator_id, endpoint_id)
  where deleted_at is null;

create table webhook_secret (
  secret_id   uuid primary key,
  endpoint_id uuid not null references webhook_endpoint,
  -- The 32 random bytes; what the casino sees is "whsec_" and their base64.
  secret      bytea not null,
  created_at  timestamptz not null,
  -- Null for the current secret; a rotated one signs beside it until this time.
  expires_at  timestamptz,
  -- The Idempotency-Key of the creation or rotation that made it.
  created_by_key text not null,
  constraint webhook_secret_is_strong check (octet_length(secret) >= 24)
);
create unique index webhook_secret_one_is_current on webhook_secret (endpoint_id)
  where expires_at is null;
create unique index webhook_secret_made_once_per_key
  on webhook_secret (endpoint_id, created_by_key);

create table relay_cursor (
  consumer text not null,
  slot     smallint not null,
  -- The last event passed on. (seq, n) rather than seq alone, so that a batch may end inside one
  -- commit's events.
  seq      bigint not null,
  n        smallint not null,
  moved_at timestamptz not null,
  primary key (consumer, slot)
);

create table webhook_delivery (
  delivery_id      uuid primary key,
  endpoint_id      uuid not null references webhook_endpoint,
  event_id         uuid not null,
  -- Null for events that are not about a payment: those have no order.
  payment_id       uuid,
  payment_sequence bigint not null,
  -- "relay" for the one first delivery of an event to an endpoint, "redelivery" for one that was
  -- asked for. Order is kept within each: an old event sent again must not hold up the new ones.
  origin           text not null,
  status           text not null,
  -- Tries made. The ladder has twelve.
  tries            integer not null default 0,
  due_at           timestamptz not null,
  -- The claim that is working on it, and until when it may: after that anybody takes it again.
  lease_by         uuid,
  lease_until      timestamptz,
  last_status      integer,
  last_error       text,
  created_at       timestamptz not null,
  delivered_at     timestamptz,
  constraint webhook_delivery_origin_is_known check (origin in ('relay', 'redelivery')),
  constraint webhook_delivery_status_is_known
    check (status in ('pending', 'delivered', 'failed', 'cancelled')),
  constraint webhook_delivery_delivered_iff_delivered_at
    check ((status = 'delivered') = (delivered_at is not null)),
  constraint webhook_delivery_lease_is_whole check ((lease_by is null) = (lease_until is null))
) with (fillfactor = 70);
create unique index webhook_delivery_relayed_once on webhook_delivery (endpoint_id, event_id)
  where origin = 'relay';
-- Asking twice for the same redelivery, while the first still waits, makes one.
create unique index webhook_delivery_redelivery_waits_once
  on webhook_delivery (endpoint_id, event_id) where origin = 'redelivery' and status = 'pending';
create index webhook_delivery_due on webhook_delivery (endpoint_id, due_at, delivery_id)
  where status = 'pending';
-- Without the endpoint: were it here, this index and the one above would look alike to the planner
-- while hardly anything is pending, and the wrong one is slow when much is.
create index webhook_delivery_in_order on webhook_delivery (payment_id, payment_sequence)
  where status = 'pending';
create index webhook_delivery_newest on webhook_delivery (endpoint_id, delivery_id desc);
create index webhook_delivery_of_event on webhook_delivery (event_id);
create index webhook_delivery_undelivered on webhook_delivery (endpoint_id, created_at)
  where status in ('failed', 'cancelled');

-- The log of tries: append-only, kept for 30 days, the only table here from which rows are deleted.
create table webhook_delivery_try (
  delivery_id uuid not null references webhook_delivery,
  -- The claim (lease_by) under which it was tried: one claim tries a delivery once.
  claim       uuid not null,
  tried_at    timestamptz not null,
  duration_ms integer not null,
  -- Exactly one of the two: the receiver answered, or why it did not.
  http_status integer,
  failure     text,
  -- At most 256 printable bytes of the answer, for the casino's own developers.
  excerpt     text,
  primary key (delivery_id, claim),
  constraint webhook_delivery_try_answered_or_failed
    check ((http_status is null) = (failure is not null)),
  constraint webhook_delivery_try_excerpt_is_short check (octet_length(excerpt) <= 256)
);
create index webhook_delivery_try_oldest on webhook_delivery_try (tried_at);

create table worker_heartbeat (
  instance  text not null,
  worker    text not null,
  -- When the worker last finished looking, and when it must have done so again: /readyz compares
  -- due_by with the clock.
  at        timestamptz not null,
  due_by    timestamptz not null,
  -- Looks that failed in a row.
  failures  integer not null,
  primary key (instance, worker)
) with (fillfactor = 50);

grant select, insert, update on webhook_endpoint, webhook_secret, relay_cursor, webhook_delivery,
  worker_heartbeat to interlock_app;
grant select, insert, delete on webhook_delivery_try to interlock_app;
