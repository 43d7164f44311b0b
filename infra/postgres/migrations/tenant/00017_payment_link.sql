-- +goose Up
-- A link by which somebody pays for an account without signing in. Only the
-- hash of its token stands here. item_id: one open item; null: all that the
-- account owes when it is paid.
create table payment_link (
    id           uuid        primary key,
    token_hash   bytea       not null unique check (length(token_hash) = 32),
    account_id   uuid        not null references billing_account (id) on delete cascade,
    item_id      uuid        references open_item (id) on delete cascade,
    round        integer     not null default 0 check (round >= 0),
    created_by   text        not null,
    created_at   timestamptz not null,
    expires_at   timestamptz not null check (expires_at > created_at),
    revoked_at   timestamptz
);
create index payment_link_account on payment_link (account_id, created_at desc);
create index payment_link_item on payment_link (item_id) where item_id is not null;

-- Another address that a user wants to be reached at, until a code that was
-- sent there shows that it is theirs. The code is sealed.
create table contact_change (
    id         uuid        primary key,
    user_id    uuid        not null references app_user (id),
    kind       text        not null check (kind in ('email', 'phone')),
    value      text        not null check (value <> ''),
    code       bytea       not null,
    attempts   integer     not null default 0 check (attempts >= 0),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    done_at    timestamptz
);
create index contact_change_user on contact_change (user_id, created_at desc);
