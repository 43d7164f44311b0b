-- +goose Up
-- The ways by which somebody wants to be told, in their order; empty: by mail, or by SMS where there is no address.
alter table party add column message_channels text[] not null default '{}' check (message_channels <@ array['mail', 'sms', 'portal']);

-- when a document was first sent to its subscriber, in whatever way
alter table bill add column sent_at timestamptz;
