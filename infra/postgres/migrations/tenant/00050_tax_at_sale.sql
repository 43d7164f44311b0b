-- +goose Up
-- Money that was taxed when it was sold: tax_ahead is what of its tax no use has taken yet. A running total of the
-- ledger, as value is.
alter table bucket add column tax_ahead numeric(29, 9) not null default 0 check (tax_ahead >= 0);

-- A voucher for one purpose is taxed when it is sold; one for several when its money is used.
alter table voucher_batch add column single_purpose boolean not null default false;
alter table voucher add column tax numeric(29, 9) not null default 0 check (tax >= 0);

alter table ledger_transfer drop constraint ledger_transfer_debit_check;
alter table ledger_transfer add constraint ledger_transfer_debit_check check (debit in (
    'prepaid', 'receivable', 'unbilled', 'customer_credit', 'revenue', 'deferred', 'tax', 'provider_clearing', 'bank', 'cash', 'deposit', 'voucher',
    'partner_payable', 'promotion', 'breakage', 'dispute', 'write_off', 'rounding', 'fx_clearing', 'opening', 'advance', 'interest',
    'provider_fee', 'cash_difference', 'transit', 'tax_withheld', 'tax_ahead', 'unit_bucket', 'unit_issued', 'unit_consumed'));
alter table ledger_transfer drop constraint ledger_transfer_credit_check;
alter table ledger_transfer add constraint ledger_transfer_credit_check check (credit in (
    'prepaid', 'receivable', 'unbilled', 'customer_credit', 'revenue', 'deferred', 'tax', 'provider_clearing', 'bank', 'cash', 'deposit', 'voucher',
    'partner_payable', 'promotion', 'breakage', 'dispute', 'write_off', 'rounding', 'fx_clearing', 'opening', 'advance', 'interest',
    'provider_fee', 'cash_difference', 'transit', 'tax_withheld', 'tax_ahead', 'unit_bucket', 'unit_issued', 'unit_consumed'));

alter table ledger_transfer drop constraint ledger_transfer_check1;
alter table ledger_transfer add constraint ledger_transfer_debit_id
    check ((debit  in ('prepaid', 'receivable', 'unbilled', 'customer_credit', 'deferred', 'unit_bucket', 'tax_ahead')) = (debit_id  is not null));
alter table ledger_transfer drop constraint ledger_transfer_check2;
alter table ledger_transfer add constraint ledger_transfer_credit_id
    check ((credit in ('prepaid', 'receivable', 'unbilled', 'customer_credit', 'deferred', 'unit_bucket', 'tax_ahead')) = (credit_id is not null));
