-- +goose Up
-- How parts of a period are counted, whether a bill run waits for a second person's word, and the zone that is to be
-- from an instant on: a boundary of cycles.
alter table operator add column proration text not null default 'day' check (proration in ('day', 'second'));
alter table operator add column run_approval boolean not null default false;
alter table operator add column zone_next text;
alter table operator add column zone_from timestamptz;
alter table operator add constraint operator_zone_next check ((zone_next is null) = (zone_from is null));

-- A cycle is of months or of days. cycle_changes holds the series that were before, each up to a bound, and the one that
-- is to be from the open cycle's end on; null for an account that always had the one that it has.
alter table billing_account drop constraint billing_account_cycle_months_check;
alter table billing_account add column cycle_days integer not null default 0;
alter table billing_account add constraint billing_account_cycle_length
    check (cycle_days between 0 and 366 and cycle_months between 0 and 12 and (cycle_days > 0) <> (cycle_months > 0));
alter table billing_account add column cycle_changes jsonb;
-- The parent's bill asks for what the account owes.
alter table billing_account add column billed_to_parent boolean not null default false;
alter table billing_account add constraint billing_account_billed_to_parent check (not billed_to_parent or parent_id is not null);

-- The spans in which it rested, by instants; null: none.
alter table subscription add column pauses jsonb;

-- The exact instant where parts of a period are counted by the second; null: where the day begins.
alter table plan_change add column takes_effect_at timestamptz;

-- A cycle has one document, and beside it those of its parts: a service, or what was billed before the cycle's end.
drop index bill_cycle_once;
alter table bill add column part text not null default '';
create unique index bill_cycle_once on bill (account_id, cycle_start, part) where kind in ('bill', 'statement') and state <> 'void';

alter table bill_run drop constraint bill_run_state_check;
alter table bill_run add constraint bill_run_state_check check (state in ('prepared', 'running', 'paused', 'done'));
alter table bill_run add column prepared_by text not null default '';
alter table bill_run add column approved_by text not null default '';
alter table bill_run add column approved_at timestamptz;
alter table bill_run add column paused_by text not null default '';
