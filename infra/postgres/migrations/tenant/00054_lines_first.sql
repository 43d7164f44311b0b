-- +goose Up
-- A closing writes lines before their bill, which comes with its number at the very end.
alter table bill_line alter constraint bill_line_bill_id_fkey deferrable initially immediate;
alter table bill_tax alter constraint bill_tax_bill_id_fkey deferrable initially immediate;
