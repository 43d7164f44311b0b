-- +goose Up
-- What keeps services of an account back, and why. Without a subscription it
-- concerns all of the account's, and those of accounts that it pays for.
create table access_hold (
    id              uuid        primary key,
    account_id      uuid        not null references billing_account (id) on delete cascade,
    subscription_id uuid        references subscription (id) on delete cascade,
    cause           text        not null check (cause in ('dunning', 'alert', 'desk', 'schedule')),
    cause_id        uuid        not null,
    level           text        not null check (level in ('slowed', 'walled', 'cut')),
    -- it has suspended the subscription, which resumes when nothing else does
    suspends        boolean     not null default false,
    reason          text        not null default '',
    from_at         timestamptz not null,
    until_at        timestamptz check (until_at > from_at),
    created_by      text        not null check (created_by <> ''),
    created_at      timestamptz not null,
    ended_at        timestamptz,
    ended_by        text        not null default '',
    check (not suspends or (level = 'cut' and subscription_id is not null)),
    check ((ended_at is null) = (ended_by = ''))
);
-- a cause holds a subscription, or an account, once
create unique index access_hold_cause on access_hold
    (account_id, cause, cause_id, coalesce(subscription_id, '00000000-0000-0000-0000-000000000000')) where ended_at is null;
create index access_hold_subscription on access_hold (subscription_id) where ended_at is null and subscription_id is not null;

-- What the network is to do about a service, a row for each change: the newest
-- generation holds. It stays when its service is gone, as the history.
create table access_intent (
    service_id   uuid        not null references service (id) on delete cascade,
    generation   integer     not null check (generation > 0),
    account_id   uuid        not null references billing_account (id) on delete cascade,
    level        text        not null check (level in ('allowed', 'slowed', 'walled', 'cut')),
    reasons      jsonb       not null default '[]',
    state        text        not null check (state in ('pending', 'confirmed', 'overtaken')),
    attempts     integer     not null default 0 check (attempts >= 0),
    failure      text        not null default '',
    created_at   timestamptz not null,
    tried_at     timestamptz,
    settled_at   timestamptz,
    confirmed_by text        not null default '',
    primary key (service_id, generation),
    check ((state = 'pending') = (settled_at is null)),
    check ((state = 'confirmed') = (confirmed_by <> ''))
);
create index access_intent_account on access_intent (account_id, created_at desc);
create index access_intent_pending on access_intent (created_at, service_id) where state = 'pending';

-- What follows for the network from an account's means: the operator's choice.
alter table operator add column access jsonb not null default '{}';
