-- +goose Up
-- Revenue by local day, summed up from the ledger: what a year's figures are read from. Kept by
-- billing/insight; insight_mark says up to which transfer of each period it is counted.
create table insight_revenue (
    day      date           not null,
    kind     text           not null check (kind in ('recurring', 'usage', 'one_time')),
    branch   uuid           not null references branch (id),
    currency text           not null check (currency ~ '^[A-Z]{3}$'),
    amount   numeric(29, 9) not null,
    primary key (day, kind, branch, currency)
);

create table insight_mark (
    period  date primary key,
    through uuid not null
);

-- who is a subscriber now, who joined and who left
create index subscription_active on subscription (account_id) where state = 'active';
create index subscription_joined on subscription (activated_at) where activated_at is not null;
create index subscription_left on subscription (terminated_at) where terminated_at is not null;

-- all payments of the operator, newest first
create index payment_received on payment (received_at desc, id desc);
create index payment_kept on payment (received_at desc, id desc) where unapplied > 0;

-- files that are under way or have failed
create index usage_file_open on usage_file (received_at desc, id desc) where state <> 'done';
