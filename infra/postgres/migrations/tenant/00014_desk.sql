-- +goose Up
-- What people of the operator write down about a subscriber.
create table note (
    id         uuid        primary key,
    account_id uuid        not null references billing_account (id) on delete cascade,
    text       text        not null check (text <> ''),
    pinned     boolean     not null default false,
    created_by text        not null,
    author     text        not null default '',
    created_at timestamptz not null
);
create index note_account on note (account_id, id desc);

-- A subscription that takes another plan: a new one takes its place where a cycle begins.
create table plan_change (
    id                  uuid        primary key,
    account_id          uuid        not null references billing_account (id) on delete cascade,
    subscription_id     uuid        not null references subscription (id) on delete cascade,
    from_offering       uuid        not null references offering_version (id),
    to_offering         uuid        not null references offering_version (id),
    takes_effect        date        not null,
    state               text        not null check (state in ('scheduled', 'done', 'cancelled', 'dropped')),
    new_subscription_id uuid        unique references subscription (id),
    reason              text        not null default '',
    created_by          text        not null,
    created_at          timestamptz not null,
    ended_at            timestamptz,
    check (from_offering <> to_offering),
    check ((state = 'done') = (new_subscription_id is not null)),
    check ((state = 'scheduled') = (ended_at is null))
);
create unique index plan_change_one on plan_change (subscription_id) where state = 'scheduled';
create index plan_change_subscription on plan_change (subscription_id);
create index plan_change_account on plan_change (account_id, id desc);
create index plan_change_due on plan_change (takes_effect, id) where state = 'scheduled';

-- The branch whose people took an order: a new account belongs there.
alter table product_order add column branch uuid references branch (id);

-- A credit that nobody paid: goodwill, at the cost of promotions.
alter table payment drop constraint payment_method_check;
alter table payment add constraint payment_method_check check (method in ('card', 'bank', 'cash', 'goodwill'));
-- what adjusted an account, among all that was posted to it
create index ledger_transfer_adjusted on ledger_transfer (account_id, at) where event = 'adjustment';

-- Searching: any word of a name by its beginning, who owes since when, who has which plan.
create index party_words on party using gin (to_tsvector('pg_catalog.simple'::regconfig, name));
create index open_item_due on open_item (due_date, account_id) where open > 0;
create index subscription_offering on subscription (offering_id, account_id) where state <> 'terminated';
create index subscription_suspended on subscription (account_id) where state = 'suspended';
create index billing_account_branch on billing_account (branch, id);
