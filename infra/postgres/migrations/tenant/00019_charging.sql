-- +goose Up
-- What online charging, corrections and commands on balances post and charge.
alter table ledger_transfer drop constraint ledger_transfer_debit_check;
alter table ledger_transfer add constraint ledger_transfer_debit_check check (debit in (
    'prepaid', 'receivable', 'unbilled', 'customer_credit', 'revenue', 'deferred', 'tax', 'provider_clearing', 'bank', 'cash', 'deposit', 'voucher',
    'partner_payable', 'promotion', 'breakage', 'dispute', 'write_off', 'rounding', 'fx_clearing', 'opening', 'unit_bucket', 'unit_issued', 'unit_consumed'));
alter table ledger_transfer drop constraint ledger_transfer_credit_check;
alter table ledger_transfer add constraint ledger_transfer_credit_check check (credit in (
    'prepaid', 'receivable', 'unbilled', 'customer_credit', 'revenue', 'deferred', 'tax', 'provider_clearing', 'bank', 'cash', 'deposit', 'voucher',
    'partner_payable', 'promotion', 'breakage', 'dispute', 'write_off', 'rounding', 'fx_clearing', 'opening', 'unit_bucket', 'unit_issued', 'unit_consumed'));
alter table ledger_transfer drop constraint ledger_transfer_event_check;
alter table ledger_transfer add constraint ledger_transfer_event_check check (event in (
    'usage', 'fee', 'topup', 'adjustment', 'grant', 'expiry', 'bill', 'statement', 'recognition', 'payment', 'allocation', 'refund', 'import',
    'correction', 'transfer', 'conversion', 'voucher', 'points', 'share'));

-- A correction is the difference between what a charge was and what it should have been.
alter table charge drop constraint charge_kind_check;
alter table charge add constraint charge_kind_check check (kind in ('usage', 'recurring', 'one_time', 'discount', 'correction', 'refund'));

-- Usage that has a quality, or an amount of its own of which a percentage is charged.
alter table usage_record drop constraint usage_record_kind_check;
alter table usage_record add constraint usage_record_kind_check check (kind in ('voice', 'data', 'message', 'content', 'transaction'));
alter table usage_record add column quality text not null default '';
alter table usage_record add column amount numeric(29, 9) check (amount >= 0);

-- How a bucket gives what it holds: its own price and step, factors, whether it blocks those behind it.
alter table bucket add column terms jsonb not null default '{}';
