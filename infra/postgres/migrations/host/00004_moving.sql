-- +goose Up
-- A tenant that leaves, and where it stands once it is gone. Requests that come here meanwhile
-- are told to ask again.
alter table placement
    add column moved_to   text        not null default '',
    add column changed_at timestamptz,
    -- of whoever fenced it last: an older one, come back late, changes nothing
    add column fence      bigint      not null default 0;
