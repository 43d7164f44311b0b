-- +goose Up
-- By which decks usage is priced: those in force when it happened, or the present ones, where a deck was put right since.
alter table tariff_trial add column decks text not null default 'then' check (decks in ('then', 'present'));
alter table rerating add column decks text not null default 'then' check (decks in ('then', 'present'));
