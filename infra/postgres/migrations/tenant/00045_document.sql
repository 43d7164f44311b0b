-- +goose Up
-- 1 is the logo that pages show. Those that were are kept: documents were printed with them.
alter table operator_logo drop constraint operator_logo_id_check;
alter table operator_logo add constraint operator_logo_id check (id > 0);

-- What a buyer kept back of a bill and paid to the tax office itself is paid to us by its certificate.
alter table payment drop constraint payment_method_check;
alter table payment add constraint payment_method_check check (method in ('card', 'bank', 'cash', 'goodwill', 'voucher', 'credit_note', 'deposit', 'debit', 'online',
    'withholding'));
