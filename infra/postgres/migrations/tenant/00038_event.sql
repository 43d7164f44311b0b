-- +goose Up
-- What happened, as programs of others are told: written in the transaction of the change, kept 30 days.
-- Nothing used the table that it takes the place of.
drop table outbox;

create table event (
    id         uuid        primary key,
    type       text        not null check (type ~ '^[a-z]+[.][a-z_]+$'),
    object     text        not null check (object ~ '^[a-z_]+$'),
    object_id  uuid        not null,
    -- counts the events of the object, in the order in which they happened
    sequence   bigint      not null check (sequence > 0),
    account_id uuid,
    data       jsonb       not null,
    at         timestamptz not null
);
create index event_object on event (object_id, sequence desc);
create index event_at on event (at, id);

-- Events are kept from the first endpoint on, or from when the operator says so.
alter table operator
    add column events_kept boolean not null default false,
    -- networks of the operator's own that webhooks may reach although they are private
    add column webhook_networks text[] not null default '{}';

-- Where events are sent. old_secret signs beside the new one until old_until.
create table webhook_endpoint (
    id            uuid        primary key,
    url           text        not null check (url ~ '^https?://'),
    description   text        not null default '',
    types         text[]      not null default '{}',
    state         text        not null check (state in ('active', 'off', 'disabled')),
    reason        text        not null default '',
    secret        bytea       not null,
    old_secret    bytea,
    old_until     timestamptz,
    failing_since timestamptz,
    rest_until    timestamptz,
    failures      integer     not null default 0 check (failures >= 0),
    delivered_at  timestamptz,
    created_by    text        not null check (created_by <> ''),
    created_at    timestamptz not null,
    changed_at    timestamptz not null,
    check ((old_secret is null) = (old_until is null)),
    check ((state = 'disabled') = (reason <> ''))
);

-- An event on its way to an endpoint. log holds the latest attempts.
create table webhook_delivery (
    id           uuid        primary key,
    endpoint_id  uuid        not null references webhook_endpoint (id) on delete cascade,
    event_id     uuid        not null references event (id) on delete cascade,
    object_id    uuid        not null,
    state        text        not null check (state in ('due', 'delivered', 'given_up', 'recorded')),
    attempts     integer     not null default 0 check (attempts >= 0),
    first_try_at timestamptz,
    next_at      timestamptz,
    done_at      timestamptz,
    log          jsonb       not null default '[]',
    created_at   timestamptz not null,
    unique (endpoint_id, event_id),
    check ((state = 'due') = (next_at is not null)),
    check ((state = 'due') = (done_at is null))
);
create index webhook_delivery_due on webhook_delivery (endpoint_id, next_at, event_id) where state = 'due';
create index webhook_delivery_object on webhook_delivery (endpoint_id, object_id, event_id) where state = 'due';
create index webhook_delivery_event on webhook_delivery (event_id);
