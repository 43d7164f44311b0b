-- +goose Up
-- The subscription whose offering gave an allowance: that of subscription_id, or an option on top of it, which goes
-- on with its allowances when another plan takes its plan's place. Null: subscription_id itself.
alter table bucket add column granted_by uuid references subscription (id);
