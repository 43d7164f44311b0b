-- +goose Up
-- by which rulebook a debit is collected: CORE from anybody, B2B from businesses
alter table debit add column scheme text not null default 'CORE' check (scheme in ('CORE', 'B2B'));
