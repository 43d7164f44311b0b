-- +goose Up
-- The time, written every minute: what a restored database was of.
create table pulse (
    id integer     primary key check (id = 1),
    at timestamptz not null
);
