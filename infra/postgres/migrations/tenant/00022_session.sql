-- +goose Up
-- How sessions are granted: quotas by kind of usage, what rating groups stand for.
alter table operator add column charging jsonb not null default '{}';

-- A charging session. services: what it uses and holds, as JSON. bucket_ids and amounts: what it
-- holds back, summed (an account's own id stands for its credit); it counts while the session is
-- open and reserved_until is not past. lender_ids: other accounts whose buckets it holds.
create table charging_session (
    id              uuid             primary key,
    source          text             not null check (source <> ''),
    name            text             not null check (name <> ''),
    consumer        text             not null default '',
    identity_kind   text             not null,
    identity        text             not null check (identity <> ''),
    account_id      uuid             not null references billing_account (id),
    subscription_id uuid             not null references subscription (id),
    service_id      uuid             not null references service (id),
    offering_id     uuid             not null,
    state           text             not null check (state in ('open', 'abandoned', 'closed')),
    ending          text             not null default '' check (ending in ('', 'asked', 'exhausted', 'silent', 'switched', 'not_allowed')),
    number          bigint           not null check (number >= 0),
    services        jsonb            not null,
    bucket_ids      uuid[]           not null default '{}',
    amounts         numeric(29, 9)[] not null default '{}',
    reserved_until  timestamptz      not null,
    lender_ids      uuid[]           not null default '{}',
    final           boolean          not null default false,
    notify_uri      text             not null default '',
    started_at      timestamptz      not null,
    last_at         timestamptz      not null,
    closed_at       timestamptz,
    unique (source, name),
    check (cardinality(bucket_ids) = cardinality(amounts)),
    check ((state = 'closed') = (closed_at is not null)),
    check ((state = 'closed') = (ending <> ''))
) with (fillfactor = 60);
create index charging_session_open on charging_session (account_id) where state = 'open';
create index charging_session_lender on charging_session using gin (lender_ids) where state = 'open' and lender_ids <> '{}';
-- what the sweep looks through
create index charging_session_unclosed on charging_session (started_at) where state <> 'closed';
create index charging_session_closed on charging_session (closed_at) where state = 'closed';

-- What each number of a session was told. Without a foreign key: it is written with its session,
-- and the sweep takes both away.
create table charging_answer (
    session_id uuid   not null,
    number     bigint not null check (number >= 0),
    request    bytea  not null check (length(request) = 16),
    answer     jsonb  not null,
    primary key (session_id, number)
);

-- What an asker is to be told: that quotas must be asked for anew, or that a session is over.
-- In a sandbox it is only recorded.
create table charging_notice (
    id         uuid        primary key,
    session_id uuid        not null,
    account_id uuid        not null references billing_account (id),
    kind       text        not null check (kind in ('reauthorize', 'abort')),
    uri        text        not null check (uri <> ''),
    groups     text[]      not null default '{}',
    state      text        not null check (state in ('waiting', 'sent', 'failed', 'recorded')),
    attempts   integer     not null default 0 check (attempts >= 0),
    error      text        not null default '',
    created_at timestamptz not null,
    done_at    timestamptz,
    check ((state = 'waiting') = (done_at is null))
);
create index charging_notice_account on charging_notice (account_id, created_at desc);
create unique index charging_notice_once on charging_notice (session_id, kind) where state = 'waiting';
