-- +goose Up
-- An adjustment beyond what a person may do, which waits for somebody else's word. bucket_id is empty where the
-- account itself is given a credit.
create table adjustment_request (
    id           uuid           primary key,
    account_id   uuid           not null references billing_account (id) on delete cascade,
    bucket_id    uuid           references bucket (id) on delete cascade,
    amount       numeric(29, 9) not null check (amount <> 0),
    unit         text           not null check (unit <> ''),
    reason       text           not null default '',
    note         text           not null check (note <> ''),
    state        text           not null check (state in ('waiting', 'approved', 'refused', 'withdrawn')),
    asked_by     text           not null check (asked_by <> ''),
    asked_at     timestamptz    not null,
    decided_by   text           not null default '',
    decided_at   timestamptz,
    decided_note text           not null default '',
    check (bucket_id is not null or amount > 0),
    check ((state = 'waiting') = (decided_at is null)),
    check ((state = 'waiting') = (decided_by = '')),
    -- nobody decides on what they ask for; they may take it back
    check (state in ('waiting', 'withdrawn') or decided_by <> asked_by),
    check (state <> 'withdrawn' or decided_by = asked_by)
);
create index adjustment_request_waiting on adjustment_request (asked_at, id) where state = 'waiting';
create index adjustment_request_account on adjustment_request (account_id, asked_at desc);
