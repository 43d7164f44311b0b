-- +goose Up
-- What unit buckets have given of a session so far, stretch by stretch with an allowance's own price: the next
-- piece is priced on from there. Empty: only how much it was is known (covered_bytes).
alter table usage_session add column taken jsonb not null default '[]' check (jsonb_typeof(taken) = 'array');
