-- +goose Up
-- What a bucket becomes at its end, and who else may use it.
-- rollover: what of it lives on, until when and at which priority; null: nothing.
alter table bucket add column rollover jsonb check (origin <> 'main' or rollover is null);
-- the bucket whose rest this one is
alter table bucket add column rolled_from uuid references bucket (id);
create unique index bucket_rolled_once on bucket (rolled_from) where rolled_from is not null;
-- what its end took out of it: late use, of a time when it was valid, may take that back
alter table bucket add column expired numeric(29, 9) not null default 0 check (expired >= 0);
-- the members of the account's sharing group may use it, each up to member_limit in a cycle
alter table bucket add column shared boolean not null default false;
alter table bucket add column member_limit numeric(29, 9) check (member_limit > 0);

-- How far a prepaid account's own money may go below zero by online charges; null: as its offering says.
alter table billing_account add column debt_limit numeric(29, 9) check (debt_limit >= 0);

-- A family or company: the owner's shared buckets are used by the members.
create table sharing_group (
    id         uuid        primary key,
    owner_id   uuid        not null unique references billing_account (id),
    name       text        not null check (name <> ''),
    created_at timestamptz not null
);

-- An account is a member of one group at a time.
create table sharing_member (
    account_id uuid        primary key references billing_account (id),
    group_id   uuid        not null references sharing_group (id),
    joined_at  timestamptz not null
);
create index sharing_member_group on sharing_member (group_id);

-- What a member may use of a unit in one of the owner's cycles, over all shared buckets.
create table sharing_limit (
    account_id uuid           not null references sharing_member (account_id) on delete cascade,
    unit       text           not null check (unit ~ '^([A-Z]{3}|second|byte|event|point)$'),
    amount     numeric(29, 9) not null check (amount >= 0),
    primary key (account_id, unit)
);

-- What members have used of the owner's shared buckets in the owner's cycles.
create table sharing_use (
    owner_id    uuid           not null references billing_account (id),
    account_id  uuid           not null references billing_account (id),
    cycle_start date           not null,
    code        text           not null,
    unit        text           not null check (unit ~ '^([A-Z]{3}|second|byte|event|point)$'),
    used        numeric(29, 9) not null,
    primary key (owner_id, account_id, cycle_start, code, unit)
);

-- What ended before is known from the ledger.
update bucket as b
set expired = t.amount
from (select event_id, sum(amount) as amount from ledger_transfer where event = 'expiry' group by event_id) as t
where t.event_id = b.id;
