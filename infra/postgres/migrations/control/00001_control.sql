-- +goose Up
-- Operators: our customers.
create table operator (
    id             uuid        primary key,
    name           text        not null unique check (name ~ '^[a-z][a-z0-9-]{1,38}[a-z0-9]$'),
    legal_name     text        not null check (legal_name <> ''),
    country        text        not null check (country ~ '^[A-Z]{2}$'),
    owner_email    text        not null check (owner_email <> ''),
    sandbox        boolean     not null,
    settings       jsonb       not null,
    created_by     text        not null,
    created_at     timestamptz not null
);

create table staff_user (
    id             uuid        primary key,
    email          text        not null,
    name           text        not null default '',
    role           text        not null check (role in ('admin', 'engineer', 'viewer')),
    password_hash  text        not null,
    state          text        not null default 'active' check (state in ('active', 'disabled')),
    failed_signins integer     not null default 0,
    locked_until   timestamptz,
    created_at     timestamptz not null
);
create unique index staff_user_email on staff_user (lower(email));

create table signing_key (
    id             text        primary key,
    public_key     bytea       not null,
    sealed_private bytea       not null,
    created_at     timestamptz not null,
    retired_at     timestamptz
);

-- What should be: one stack an operator. What is: observed, by the reconciler.
create table stack (
    operator_id    uuid        primary key references operator (id),
    kind           text        not null check (kind in ('pooled', 'dedicated')),
    size           text        not null,
    desired        text        not null check (desired in ('ready', 'deleted')),
    state          text        not null check (state in ('requested', 'creating', 'ready', 'failed', 'deleting', 'deleted')),
    reason         text        not null default '',
    epoch          bigint      not null check (epoch > 0),
    host           text        not null default '',
    slot           text        not null default '',
    attempts       integer     not null default 0,
    next_try_at    timestamptz not null,
    requested_at   timestamptz not null,
    ready_at       timestamptz
);
create index stack_work on stack (next_try_at) where state not in ('ready', 'deleted');

create table idempotency (
    key        text        not null check (length(key) between 1 and 255),
    operation  text        not null,
    actor      text        not null,
    body_hash  bytea       not null,
    status     integer,
    headers    jsonb,
    response   bytea,
    created_at timestamptz not null,
    primary key (actor, operation, key)
);

create table audit (
    id        uuid        primary key,
    wall_at   timestamptz not null,
    actor     text        not null,
    action    text        not null,
    object_id uuid,
    detail    jsonb       not null default '{}',
    trace     text        not null default ''
);
create index audit_at on audit (wall_at);
