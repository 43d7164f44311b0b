-- +goose Up
-- Credit and debit notes, advance bills and deposits are numbered in series of their own.
alter table number_series drop constraint number_series_document_check;
alter table number_series add constraint number_series_document_check
    check (document in ('bill', 'statement', 'credit_note', 'debit_note', 'advance', 'deposit'));

-- A note is a document like a bill: it says which one it corrects, and each line which line.
alter table bill drop constraint bill_kind_check;
alter table bill add constraint bill_kind_check check (kind in ('bill', 'statement', 'credit_note', 'debit_note', 'advance'));
alter table bill add column corrects uuid references bill (id);
alter table bill add constraint bill_corrects_check check ((corrects is not null) = (kind in ('credit_note', 'debit_note')));
alter table bill add column voided_at timestamptz;
alter table bill add column void_reason text not null default '';
alter table bill add constraint bill_void_check check ((voided_at is null) = (void_reason = ''));
create index bill_corrects on bill (corrects) where corrects is not null;
alter table bill_line add column corrects_no integer check (corrects_no > 0);

-- A cycle is billed once: notes and advance bills stand beside it, and a void document does not count.
alter table bill drop constraint if exists bill_account_id_cycle_start_key;
create unique index bill_cycle_once on bill (account_id, cycle_start) where kind in ('bill', 'statement') and state <> 'void';

-- A deposit is what a subscriber leaves as security: asked for on an open item of its own, a liability
-- until it is applied to debt or given back.
create table deposit (
    id          uuid           primary key,
    account_id  uuid           not null references billing_account (id),
    number      text           not null unique,
    currency    text           not null check (currency ~ '^[A-Z]{3}$'),
    amount      numeric(29, 9) not null check (amount > 0),
    -- of it, applied to debt, given back, or not asked for any more
    returned    numeric(29, 9) not null default 0 check (returned >= 0 and returned <= amount),
    interest    numeric(9, 6)  check (interest > 0 and interest <= 100),
    -- given back by itself after so many months of paying on time
    months      integer        check (months between 1 and 120),
    reason      text           not null check (reason <> ''),
    asked_at    timestamptz    not null,
    asked_by    text           not null,
    closed_at   timestamptz,
    check ((closed_at is not null) = (returned = amount))
);
create index deposit_account on deposit (account_id, asked_at);

-- A bill may be owed in parts, each due on its own day: part 0 is the whole, instalments count from 1.
alter table open_item add column part integer not null default 0 check (part >= 0);
alter table open_item add column deposit_id uuid unique references deposit (id);
alter table open_item add constraint open_item_deposit_check check (deposit_id is null or bill_id is null);
-- Late, and up to which day interest was asked for; null while it is not late, and when all was asked for.
alter table open_item add column interest_through date;
create index open_item_late on open_item (interest_through, id) where interest_through is not null;
alter table open_item drop constraint open_item_bill_id_key;
create unique index open_item_bill on open_item (bill_id, part) where bill_id is not null;

-- Debt that nobody expects to be paid. tax is the relief that the operator claims with it.
create table write_off (
    id            uuid           primary key,
    account_id    uuid           not null references billing_account (id),
    open_item_id  uuid           not null references open_item (id),
    currency      text           not null check (currency ~ '^[A-Z]{3}$'),
    amount        numeric(29, 9) not null check (amount > 0),
    tax           numeric(29, 9) not null check (tax >= 0 and tax < amount),
    reversed      numeric(29, 9) not null default 0 check (reversed >= 0 and reversed <= amount),
    tax_reversed  numeric(29, 9) not null default 0 check (tax_reversed >= 0 and tax_reversed <= tax),
    reason        text           not null check (reason <> ''),
    at            timestamptz    not null,
    created_by    text           not null,
    check ((reversed = amount) <= (tax_reversed = tax))
);
create index write_off_account on write_off (account_id, at desc);
create index write_off_item on write_off (open_item_id);

-- What an account undertakes to use a cycle: what is missing is charged.
create table commitment (
    id          uuid           primary key,
    account_id  uuid           not null references billing_account (id),
    currency    text           not null check (currency ~ '^[A-Z]{3}$'),
    amount      numeric(29, 9) not null check (amount > 0),
    valid_from  date           not null,
    valid_to    date           check (valid_to > valid_from),
    created_by  text           not null,
    created_at  timestamptz    not null
);
create index commitment_account on commitment (account_id, valid_from);

-- What a note gives, and a deposit that is applied, pays open items as money does.
alter table payment drop constraint payment_method_check;
alter table payment add constraint payment_method_check check (method in ('card', 'bank', 'cash', 'goodwill', 'voucher', 'credit_note', 'deposit', 'debit', 'online'));

alter table ledger_transfer drop constraint ledger_transfer_debit_check;
alter table ledger_transfer add constraint ledger_transfer_debit_check check (debit in (
    'prepaid', 'receivable', 'unbilled', 'customer_credit', 'revenue', 'deferred', 'tax', 'provider_clearing', 'bank', 'cash', 'deposit', 'voucher',
    'partner_payable', 'promotion', 'breakage', 'dispute', 'write_off', 'rounding', 'fx_clearing', 'opening', 'advance', 'interest',
    'provider_fee', 'cash_difference', 'transit', 'tax_withheld', 'unit_bucket', 'unit_issued', 'unit_consumed'));
alter table ledger_transfer drop constraint ledger_transfer_credit_check;
alter table ledger_transfer add constraint ledger_transfer_credit_check check (credit in (
    'prepaid', 'receivable', 'unbilled', 'customer_credit', 'revenue', 'deferred', 'tax', 'provider_clearing', 'bank', 'cash', 'deposit', 'voucher',
    'partner_payable', 'promotion', 'breakage', 'dispute', 'write_off', 'rounding', 'fx_clearing', 'opening', 'advance', 'interest',
    'provider_fee', 'cash_difference', 'transit', 'tax_withheld', 'unit_bucket', 'unit_issued', 'unit_consumed'));
alter table ledger_transfer drop constraint ledger_transfer_event_check;
alter table ledger_transfer add constraint ledger_transfer_event_check check (event in (
    'usage', 'fee', 'topup', 'adjustment', 'grant', 'expiry', 'bill', 'statement', 'recognition', 'payment', 'allocation', 'refund', 'import',
    'correction', 'transfer', 'conversion', 'voucher', 'points', 'share', 'credit_note', 'debit_note', 'void', 'write_off', 'deposit',
    'dispute', 'return', 'payout', 'cash', 'bank'));

alter table balance_policy drop constraint balance_policy_kind_check;
alter table balance_policy add constraint balance_policy_kind_check check (kind in (
    'adjustment', 'transfer', 'points', 'alert', 'reminder', 'numbering', 'note', 'late_fee', 'payment'));
