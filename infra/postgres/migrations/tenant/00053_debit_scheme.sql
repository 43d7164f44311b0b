-- +goose Up
-- by which rulebook a debit is collected: CORE from anybody, B2B from businesses
alter table debit add column scheme text not null default 'CORE' check (scheme in ('CORE', 'B2B'));

-- how an open item stood until each change of it: {until, open, due}, oldest first
alter table open_item add column past jsonb not null default '[]';

alter table bank_statement drop constraint bank_statement_format_check;
alter table bank_statement add constraint bank_statement_format_check check (format in ('camt.052', 'camt.053', 'camt.054', 'delimited'));
