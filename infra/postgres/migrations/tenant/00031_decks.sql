-- +goose Up
-- By which decks usage is priced: those in force when it happened, or the present ones, where a deck was put right since.
alter table tariff_trial add column decks text not null default 'then' check (decks in ('then', 'present'));
alter table rerating add column decks text not null default 'then' check (decks in ('then', 'present'));
-- Whether an account has options with prices of their own is asked of everybody whose usage comes.
create index subscription_option on subscription (account_id) where part = 'option';
