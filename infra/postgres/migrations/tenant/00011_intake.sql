-- +goose Up
-- What an operator brings from its billing system before: opening balances are postings
-- of the event 'import' against the account 'opening'.
alter table ledger_transfer drop constraint ledger_transfer_debit_check;
alter table ledger_transfer add constraint ledger_transfer_debit_check check (debit in (
    'prepaid', 'receivable', 'unbilled', 'customer_credit', 'revenue', 'deferred', 'tax', 'provider_clearing', 'bank', 'cash', 'deposit',
    'partner_payable', 'promotion', 'breakage', 'dispute', 'write_off', 'rounding', 'fx_clearing', 'opening', 'unit_bucket', 'unit_issued', 'unit_consumed'));
alter table ledger_transfer drop constraint ledger_transfer_credit_check;
alter table ledger_transfer add constraint ledger_transfer_credit_check check (credit in (
    'prepaid', 'receivable', 'unbilled', 'customer_credit', 'revenue', 'deferred', 'tax', 'provider_clearing', 'bank', 'cash', 'deposit',
    'partner_payable', 'promotion', 'breakage', 'dispute', 'write_off', 'rounding', 'fx_clearing', 'opening', 'unit_bucket', 'unit_issued', 'unit_consumed'));
alter table ledger_transfer drop constraint ledger_transfer_event_check;
alter table ledger_transfer add constraint ledger_transfer_event_check check (event in (
    'usage', 'fee', 'topup', 'adjustment', 'grant', 'expiry', 'bill', 'statement', 'recognition', 'payment', 'allocation', 'refund', 'import'));

-- A discount taken off a prepaid fee is a charge of its own, below zero.
alter table charge drop constraint charge_kind_check;
alter table charge add constraint charge_kind_check check (kind in ('usage', 'recurring', 'one_time', 'discount'));

-- What was owed before us has the number and date of the document it is owed on.
alter table open_item alter column bill_id drop not null;
alter table open_item add column number text not null default '';
alter table open_item add column issue_date date;
alter table open_item add constraint open_item_document check ((bill_id is null) = (number <> '' and issue_date is not null));
create unique index open_item_number on open_item (account_id, number) where bill_id is null;

-- A contract's term. The fee for leaving early is noted for people to see.
alter table subscription add column term_from date;
alter table subscription add column term_until date;
alter table subscription add column termination_fee numeric(29, 9) check (termination_fee >= 0);
alter table subscription add constraint subscription_term check (term_until > term_from);

-- Off the recurring fees of a subscription: a share of each, or an amount a cycle.
create table subscription_discount (
    id              uuid           primary key,
    subscription_id uuid           not null references subscription (id),
    code            text           not null check (code ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    reason          text           not null check (reason <> ''),
    percent         numeric(9, 6)  check (percent > 0 and percent <= 100),
    amount          numeric(29, 9) check (amount > 0),
    -- null: for as long as the subscription lasts
    cycles_left     integer        check (cycles_left >= 0),
    -- fees of cycles before it are not reduced
    valid_from      date           not null,
    -- cycles before it are counted already
    counted_through date           not null check (counted_through >= valid_from),
    created_at      timestamptz    not null,
    unique (subscription_id, code),
    check ((percent is null) <> (amount is null))
);

create table payment_method (
    id                uuid        primary key,
    account_id        uuid        not null references billing_account (id),
    kind              text        not null check (kind in ('card', 'sepa_debit')),
    provider          text        not null default '' check (provider in ('', 'stripe')),
    customer_id       text        not null default '',
    method_id         text        not null default '',
    mandate_reference text        not null default '',
    mandate_date      date,
    masked_iban       text        not null default '',
    state             text        not null check (state in ('active', 'ended')),
    created_at        timestamptz not null,
    ended_at          timestamptz,
    check ((state = 'ended') = (ended_at is not null)),
    check (kind <> 'sepa_debit' or (mandate_reference <> '' and mandate_date is not null))
);
create index payment_method_account on payment_method (account_id);

create unique index branch_name on branch (lower(name));
create unique index legal_entity_name on legal_entity (lower(name));

create table intake_batch (
    id             uuid        primary key,
    name           text        not null check (name <> ''),
    state          text        not null check (state in ('draft', 'checked', 'committing', 'committed', 'undone')),
    -- lines that lack facts become orders for the desk, instead of errors
    pending_orders boolean     not null default false,
    expected       jsonb       not null default '{}',
    totals         jsonb       not null default '{}',
    findings       integer     not null default 0 check (findings >= 0),
    pending        integer     not null default 0 check (pending >= 0),
    total          integer     not null default 0,
    done           integer     not null default 0 check (done >= 0),
    failure        text        not null default '',
    created_by     text        not null,
    created_at     timestamptz not null,
    checked_at     timestamptz,
    committed_at   timestamptz,
    undone_at      timestamptz
);
create index intake_batch_created on intake_batch (created_at desc, id desc);

-- Sealed: files carry credentials and what is known of people.
create table intake_file (
    id         uuid        primary key,
    batch_id   uuid        not null references intake_batch (id),
    kind       text        not null check (kind in (
        'subscribers', 'services', 'buckets', 'open_items', 'contracts', 'numbers', 'payment_methods', 'users', 'documents', 'archive')),
    name       text        not null check (name <> ''),
    size_bytes bigint      not null check (size_bytes > 0),
    digest     bytea       not null check (length(digest) = 32),
    sealed     bytea       not null,
    created_at timestamptz not null,
    unique (batch_id, name)
);

create table intake_finding (
    batch_id uuid    not null references intake_batch (id),
    no       integer not null,
    file     text    not null,
    line     integer not null,
    field    text    not null,
    code     text    not null,
    value    text    not null,
    want     text    not null,
    pending  boolean not null default false,
    primary key (batch_id, no)
);

-- Which accounts came with a batch.
create table intake_account (
    account_id uuid primary key,
    batch_id   uuid not null references intake_batch (id)
);
create index intake_account_batch on intake_account (batch_id, account_id);

-- Documents that another system issued, as it made them.
create table imported_document (
    id         uuid           primary key,
    account_id uuid           not null references billing_account (id),
    number     text           not null check (number <> ''),
    issue_date date           not null,
    total      numeric(29, 9) not null,
    currency   text           not null check (currency ~ '^[A-Z]{3}$'),
    file_name  text           not null,
    content    bytea          not null check (length(content) > 0),
    created_at timestamptz    not null,
    unique (account_id, number)
);
create index imported_document_account on imported_document (account_id, issue_date desc, id desc);

-- Rows are taken away again when an import is undone: PostgreSQL then looks for what refers to them.
create index billing_account_parent on billing_account (parent_id) where parent_id is not null;
create index product_order_account on product_order (account_id) where account_id is not null;
create index product_order_subscription on product_order (subscription_id) where subscription_id is not null;
create index bill_run_failure_account on bill_run_failure (account_id);
create index bucket_subscription on bucket (subscription_id) where subscription_id is not null;
create index payment_bucket on payment (bucket_id) where bucket_id is not null;
create index payment_intent_item on payment_intent (open_item_id) where open_item_id is not null;

create index agenda_failed on agenda (due_at) where state = 'failed';
