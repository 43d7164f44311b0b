-- +goose Up
-- What was collected on a day of the operator's calendar, as the stack signed it (billing/takings). Insert only.
create table daily_taking (
    day       date        primary key,
    totals    jsonb       not null, -- a currency each: collected on the day, and since the beginning
    statement text        not null check (statement <> ''),
    signed_at timestamptz not null  -- wall time
);
