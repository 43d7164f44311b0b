-- +goose Up
-- A re-rating that a change of plan of a past day brought about, and that applies itself. role: whose limit of
-- adjustments its sum is held against; waits: it is above that, and a person has to apply it.
alter table rerating
    add column cause uuid unique references plan_change (id),
    add column role  text not null default '',
    add column waits boolean not null default false;
alter table rerating add constraint rerating_cause check (cause is not null or (role = '' and not waits));

-- By whose plan a charge is priced where another subscription has taken the place of the charge's own; null: its own.
alter table rerating_change add column holder_id uuid references subscription (id);
