-- +goose Up
-- Operators: our customers. settings is what the operator's stack is set up with.
-- The owner's first password is kept as a hash, and only until the stack has it.
create table operator (
    id                  uuid        primary key,
    name                text        not null unique check (name ~ '^[a-z][a-z0-9-]{1,38}[a-z0-9]$'),
    display_name        text        not null check (display_name <> ''),
    legal_name          text        not null check (legal_name <> ''),
    country             text        not null check (country ~ '^[A-Z]{2}$'),
    owner_email         text        not null check (owner_email <> ''),
    owner_password_hash text        not null,
    sandbox             boolean     not null,
    settings            jsonb       not null,
    created_by          text        not null,
    created_at          timestamptz not null
);

create table staff_user (
    id             uuid        primary key,
    email          text        not null check (email <> ''),
    name           text        not null default '',
    role           text        not null check (role in ('admin', 'engineer', 'viewer')),
    password_hash  text        not null check (password_hash <> ''),
    state          text        not null default 'active' check (state in ('active', 'disabled')),
    failed_attempts integer    not null default 0 check (failed_attempts >= 0),
    locked_until   timestamptz,
    created_at     timestamptz not null
);
create unique index staff_user_email on staff_user (lower(email));

create table staff_session (
    id         uuid        primary key,
    staff_id   uuid        not null references staff_user (id),
    created_at timestamptz not null,
    expires_at timestamptz not null check (expires_at > created_at),
    ended_at   timestamptz
);
create index staff_session_staff on staff_session (staff_id, created_at desc);

-- The control plane signs its own tokens (EdDSA); the private half is sealed.
create table signing_key (
    id             text        primary key,
    public_key     bytea       not null,
    sealed_private bytea       not null,
    created_at     timestamptz not null,
    retired_at     timestamptz
);
-- one key signs at a time, however many processes start at once
create unique index signing_key_current on signing_key ((true)) where retired_at is null;

-- One stack an operator: where it stands, how far it is, and when to try next.
create table stack (
    operator_id  uuid        primary key references operator (id),
    state        text        not null check (state in ('requested', 'creating', 'ready', 'failed')),
    reason       text        not null default '',
    epoch        bigint      not null check (epoch > 0),
    host         text        not null default '',
    slot         text        not null default '',
    attempts     integer     not null default 0 check (attempts >= 0),
    next_try_at  timestamptz not null,
    requested_at timestamptz not null,
    ready_at     timestamptz,
    check ((host = '') = (slot = '')),
    check ((state = 'failed') = (reason <> '')),
    check ((state = 'ready') = (ready_at is not null)),
    check (state <> 'ready' or slot <> '')
);
-- what the reconciler looks for, oldest first
create index stack_work on stack (next_try_at, operator_id) where state <> 'ready';
-- a place holds one stack: whoever writes it here first has it
create unique index stack_place on stack (host, slot) where slot <> '';

-- The stored answer of a command (Idempotency-Key), sealed, kept 30 days.
create table idempotency (
    key           text        not null check (length(key) between 1 and 255),
    operation     text        not null,
    actor         text        not null,
    body_hash     bytea       not null,
    sealed_answer bytea,
    created_at    timestamptz not null,
    primary key (actor, operation, key)
);
create index idempotency_age on idempotency (created_at);

create table audit (
    id        uuid        primary key,
    wall_at   timestamptz not null,
    actor     text        not null,
    action    text        not null,
    object_id uuid        not null,
    detail    jsonb       not null default '{}',
    trace     text        not null default ''
);
create index audit_at on audit (wall_at);
create index audit_object on audit (object_id, wall_at);
