-- +goose Up
-- A payment's parts: unapplied, refunded, taken back by its bank, moved to another account, and what is applied.
-- One that was moved names the payment from which its money came.
alter table payment add column charged_back numeric(29, 9) not null default 0 check (charged_back >= 0);
alter table payment add column moved numeric(29, 9) not null default 0 check (moved >= 0);
alter table payment add column origin_id uuid references payment (id);
alter table payment drop constraint payment_check;
alter table payment add constraint payment_parts check (unapplied + refunded + charged_back + moved <= amount);
create index payment_origin on payment (origin_id) where origin_id is not null;

-- What a payment within the tolerance did not pay of an item is written off with it.
alter table payment_allocation add column written_off numeric(29, 9) not null default 0 check (written_off >= 0 and (written_off = 0 or reversed = 0));

-- Taken back by the payer's bank: a card's dispute, or a debit that was returned. parts is exactly what it reversed.
create table dispute (
    id            uuid           primary key,
    payment_id    uuid           not null references payment (id),
    kind          text           not null check (kind in ('dispute', 'return', 'undo')),
    provider      text           not null check (provider <> ''),
    provider_ref  text           not null check (provider_ref <> ''),
    amount        numeric(29, 9) not null check (amount > 0),
    currency      text           not null,
    fee           numeric(29, 9) not null default 0 check (fee >= 0),
    reason        text           not null default '',
    state         text           not null check (state in ('open', 'won', 'lost')),
    evidence_due  timestamptz,
    evidence_sent timestamptz,
    parts         jsonb          not null default '[]',
    opened_at     timestamptz    not null,
    closed_at     timestamptz,
    unique (provider, provider_ref),
    check ((state = 'open') = (closed_at is null))
);
create index dispute_payment on dispute (payment_id);
create index dispute_open on dispute (evidence_due, id) where state = 'open';

-- A card or mandate in more detail. iban is sealed; details: brand and last digits of a card, how a mandate was signed
-- and what of it was changed since.
alter table payment_method add column auto_pay boolean not null default false;
alter table payment_method add column holder text not null default '';
alter table payment_method add column iban bytea;
alter table payment_method add column bic text not null default '';
alter table payment_method add column used_at timestamptz;
alter table payment_method add column details jsonb not null default '{}';
alter table payment_method drop constraint payment_method_provider_check;
-- pending: its owner is on the provider's page
alter table payment_method drop constraint payment_method_state_check;
alter table payment_method add constraint payment_method_state_check check (state in ('pending', 'active', 'ended'));
-- what came before the payment that it is about
create index webhook_in_early on webhook_in ((payload ->> 'payment_ref')) where state = 'ignored' and intent_id is null;
create unique index payment_method_named on payment_method (account_id, provider, method_id) where state = 'active' and method_id <> '';
create unique index payment_method_mandate on payment_method (mandate_reference) where kind = 'sepa_debit' and iban is not null;

-- detail: what the payer is shown (QR code, account number), the provider's word for why it was declined.
alter table payment_intent add column detail jsonb not null default '{}';
alter table payment_intent add column expires_at timestamptz;

-- One file of direct debits for a bank.
create table debit_run (
    id           uuid           primary key,
    message_id   text           not null unique,
    version      text           not null check (version in ('02', '08')),
    state        text           not null check (state in ('made', 'sent', 'done', 'cancelled')),
    collect_on   date           not null,
    currency     text           not null,
    count        integer        not null check (count >= 0),
    total        numeric(29, 9) not null check (total >= 0),
    -- who collects, as it stood when the run was made
    creditor     jsonb          not null,
    legal_entity uuid           not null references legal_entity (id),
    created_by   text           not null,
    created_at   timestamptz    not null,
    sent_at      timestamptz
);
create index debit_run_created on debit_run (created_at desc, id desc);

-- One debit of it. It is pending until the bank's statement says that it was paid, or that it was not.
create table debit (
    id          uuid           primary key,
    run_id      uuid           not null references debit_run (id),
    account_id  uuid           not null references billing_account (id),
    method_id   uuid           not null references payment_method (id),
    end_to_end  text           not null unique,
    sequence    text           not null check (sequence in ('FRST', 'RCUR')),
    amount      numeric(29, 9) not null check (amount > 0),
    currency    text           not null,
    state       text           not null check (state in ('pending', 'collected', 'returned', 'rejected', 'cancelled')),
    -- the open items that it is for
    items       jsonb          not null,
    payment_id  uuid           references payment (id),
    reason      text           not null default '',
    attempt     integer        not null default 1 check (attempt > 0),
    created_at  timestamptz    not null,
    ended_at    timestamptz,
    check ((state = 'pending') = (ended_at is null)),
    check ((state in ('collected', 'returned')) = (payment_id is not null))
);
create index debit_run_of on debit (run_id, id);
create index debit_account on debit (account_id, created_at desc);
create unique index debit_one_pending on debit (account_id) where state = 'pending';

