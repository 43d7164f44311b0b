-- +goose Up
-- People and machines who may act in this stack. A subscriber's user names its account.
create table app_user (
    id            uuid        primary key,
    email         text        not null check (email <> ''),
    name          text        not null default '',
    role          text        not null check (role in ('owner', 'marketer', 'clerk', 'accountant', 'support', 'subscriber')),
    password_hash text        not null default '',
    account_id    uuid,
    language      text        not null default 'en' check (language in ('en', 'id', 'ru')),
    state         text        not null default 'active' check (state in ('active', 'disabled')),
    failed_signins integer    not null default 0,
    locked_until  timestamptz,
    legal_entity  uuid        references legal_entity (id),
    branch        uuid        references branch (id),
    created_at    timestamptz not null,
    check ((role = 'subscriber') = (account_id is not null))
);
create unique index app_user_email on app_user (lower(email));
create index app_user_account on app_user (account_id) where account_id is not null;

create table api_key (
    id           uuid        primary key,
    name         text        not null check (name <> ''),
    hash         bytea       not null unique,
    role         text        not null check (role in ('owner', 'marketer', 'clerk', 'accountant', 'support', 'machine')),
    created_by   uuid,
    created_at   timestamptz not null,
    revoked_at   timestamptz
);

-- Each stack signs its own tokens (EdDSA); the private half is sealed.
create table signing_key (
    id             text        primary key,
    public_key     bytea       not null,
    sealed_private bytea       not null,
    created_at     timestamptz not null,
    retired_at     timestamptz
);

create table signin_session (
    id         uuid        primary key,
    user_id    uuid        not null references app_user (id),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at   timestamptz,
    user_agent text        not null default ''
);
create index signin_session_user on signin_session (user_id, created_at desc);

-- The stored answer of a command (Idempotency-Key), kept 30 days of wall time.
create table idempotency (
    key         text        not null check (length(key) between 1 and 255),
    operation   text        not null,
    actor       text        not null,
    body_hash   bytea       not null,
    status      integer,
    headers     jsonb,
    response    bytea,
    created_at  timestamptz not null,
    primary key (actor, operation, key)
);
create index idempotency_age on idempotency (created_at);

create table audit (
    id         uuid        primary key,
    at         timestamptz not null,
    wall_at    timestamptz not null,
    actor      text        not null,
    action     text        not null,
    object     text        not null default '',
    object_id  uuid,
    detail     jsonb       not null default '{}',
    trace      text        not null default ''
);
create index audit_object on audit (object_id, at) where object_id is not null;
create index audit_at on audit (at);

-- What falls due in business time. A job is made from it and may be made again.
create table agenda (
    id         uuid        primary key,
    kind       text        not null check (kind <> ''),
    ref        uuid        not null,
    detail     jsonb       not null default '{}',
    due_at     timestamptz not null,
    state      text        not null default 'due' check (state in ('due', 'done', 'failed', 'cancelled')),
    attempts   integer     not null default 0,
    last_error text        not null default '',
    done_at    timestamptz,
    created_at timestamptz not null,
    unique (kind, ref, due_at)
);
create index agenda_due on agenda (due_at, id) where state = 'due';

create table outbox (
    id         uuid        primary key,
    kind       text        not null,
    ref        uuid        not null,
    payload    jsonb       not null default '{}',
    created_at timestamptz not null,
    sent_at    timestamptz
);
create index outbox_unsent on outbox (id) where sent_at is null;

-- What a sandbox would have sent to the outside world, and what a live stack did send.
create table notice (
    id         uuid        primary key,
    channel    text        not null check (channel in ('mail', 'sms')),
    recipient  text        not null,
    subject    text        not null default '',
    body       text        not null,
    account_id uuid,
    created_at timestamptz not null,
    recorded   boolean     not null
);
create index notice_created on notice (created_at desc, id desc);
