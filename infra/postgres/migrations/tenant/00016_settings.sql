-- +goose Up
-- The operator's logo, drawn by us as PNG. hash stands in its address, so that
-- browsers may keep it.
create table operator_logo (
    id         smallint    primary key check (id = 1),
    picture    bytea       not null check (length(picture) between 1 and 1048576),
    hash       text        not null check (hash ~ '^[0-9a-f]{16}$'),
    changed_at timestamptz not null
);

-- The operator's own people are few among its subscribers.
create index app_user_people on app_user (lower(email)) where role <> 'subscriber';
