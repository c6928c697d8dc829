-- The API's own memory: nonces of signed requests and sessions of players' browsers.

-- Nonces of signed POST, PUT and DELETE requests: a signature works once, over all instances.
-- Written with synchronous_commit off by a task of its own: what a crash forgets still meets the
-- idempotency key. Rows live for 11 minutes, longer than a time stamp is believed (2 x 300 s).
create table request_nonce (
    api_key_id text not null,
    nonce text not null,
    seen_at timestamptz not null default now(),
    constraint a_nonce_is_used_once_per_key primary key (api_key_id, nonce),
    constraint a_nonce_is_16_to_64_letters check (nonce ~ '^[A-Za-z0-9_-]{16,64}$')
);

-- Rows are purged by age; they arrive in order of it, which a block range index makes use of.
create index request_nonce_by_age on request_nonce using brin (seen_at) with (autosummarize = on);

-- Tokens of players' browsers. The token itself is not kept: it is signed, and this row says
-- whether it still counts.
create table player_session (
    operator_id text not null,
    player_id text not null,
    -- The token's own id, which a browser presents and DELETE names.
    jti uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    -- Set once: ended by the casino, or because the player was excluded or frozen.
    ended_at timestamptz,
    constraint player_session_key primary key (operator_id, player_id, jti),
    constraint a_session_lasts_at_most_15_minutes
        check (expires_at > created_at and expires_at <= created_at + interval '900 seconds')
);

-- The casino ends a session by its id alone.
create unique index player_session_by_jti on player_session (operator_id, jti);
create index player_session_by_expiry on player_session (expires_at);

grant select, insert, delete on request_nonce to interlock_app;
grant select, insert, delete, update (ended_at) on player_session to interlock_app;
