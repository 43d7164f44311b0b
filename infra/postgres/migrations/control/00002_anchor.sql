-- +goose Up
-- Heads of the stacks' audit chains as they were seen from outside. Insert only: a chain
-- that was made anew in a stack does not meet them.
create table chain_anchor (
    operator    uuid        not null references operator (id),
    seq         bigint      not null check (seq > 0),
    hash        bytea       not null check (length(hash) = 32),
    anchored_at timestamptz not null,
    primary key (operator, seq)
);
