-- +goose Up
-- A stack signs its day in all its currencies at once, with what was collected since the beginning.
alter table daily_total drop constraint daily_total_pkey;
alter table daily_total add primary key (operator_id, day, currency);
alter table daily_total add column cumulative numeric(29, 9) not null default 0;

-- Public keys with which stacks sign, as we got them from the stack's own database or from a machine that was
-- enrolled for its operator. Insert only: what was signed stays proven when its key is retired.
create table stack_key (
    operator_id uuid        not null references operator (id),
    id          text        not null check (id <> ''),
    public_key  bytea       not null check (length(public_key) = 32),
    known_at    timestamptz not null,
    primary key (operator_id, id)
);

-- A charge below zero gives something back.
alter table house_charge drop constraint house_charge_amount_check;
alter table house_charge add constraint house_charge_amount_check check (amount <> 0);

-- Whose a piece is; null: ours. What was leased is the operator's from the day of its buy-out on.
alter table hardware add column owner_id uuid references operator (id);
alter table hardware add column owner_since date;
alter table hardware add constraint hardware_owner_check check ((owner_id is null) = (owner_since is null));
