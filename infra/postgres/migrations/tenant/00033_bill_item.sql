-- +goose Up
-- What goes onto an account's next bill besides fees and usage. The price is as the operator writes prices, below zero
-- where something is given back; its money comes from revenue, from what is deferred of the subscription, or from
-- another account of the ledger. bill_id is set by the closing that takes it.
create table bill_item (
    id              uuid           primary key,
    account_id      uuid           not null references billing_account (id),
    subscription_id uuid           references subscription (id),
    kind            text           not null check (kind in ('credit', 'charge', 'late_fee', 'interest', 'reconnect', 'commitment',
                                   'suspension_credit', 'plan_change', 'pause', 'correction', 'instalment', 'deposit', 'advance')),
    code            text           not null check (code <> ''),
    words           jsonb          not null,
    period_from     date,
    period_to       date,
    price           numeric(29, 9) not null check (price <> 0),
    currency        text           not null,
    tax_category    text           not null check (tax_category <> ''),
    source          text           not null check (source in ('revenue', 'deferred', 'ledger')),
    ledger_kind     text           not null default '',
    ledger_ref      uuid,
    -- the line that it gives something of back, or asks more for
    of_bill         uuid,
    of_line         integer,
    cause_kind      text           not null check (cause_kind <> ''),
    cause_id        uuid           not null,
    -- the first cycle's end on whose bill it may stand
    due_from        date           not null,
    created_at      timestamptz    not null,
    created_by      text           not null default '',
    bill_id         uuid           references bill (id),
    unique (cause_kind, cause_id),
    check ((period_from is null) = (period_to is null) and (period_to > period_from or period_to is null)),
    check (source <> 'deferred' or subscription_id is not null),
    check ((source = 'ledger') = (ledger_kind <> '')),
    check ((of_bill is null) = (of_line is null)),
    foreign key (of_bill, of_line) references bill_line (bill_id, no)
);
create index bill_item_open on bill_item (account_id, due_from) where bill_id is null;
create index bill_item_bill on bill_item (bill_id) where bill_id is not null;
create index bill_item_of on bill_item (of_bill, of_line) where of_bill is not null;
create index bill_item_account on bill_item (account_id, id desc);

alter table bill_line drop constraint bill_line_kind_check;
alter table bill_line add constraint bill_line_kind_check
    check (kind in ('one_time', 'recurring', 'usage', 'allowance', 'discount', 'correction', 'item'));
