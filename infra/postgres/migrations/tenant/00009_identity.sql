-- +goose Up
-- Roles that an operator has made beside those built in (identity.Role). What
-- one may do stands here; the domain adds nothing to a name it does not find.
create table custom_role (
    name        text        primary key check (name ~ '^[a-z][a-z0-9_-]{1,39}$'
                                and name not in ('owner', 'marketer', 'clerk', 'accountant', 'support', 'machine', 'subscriber', 'staff')),
    title       text        not null check (title <> '' and length(title) <= 100),
    permissions text[]      not null,
    created_at  timestamptz not null,
    changed_at  timestamptz not null
);
alter table app_user drop constraint app_user_role_check;
alter table app_user add constraint app_user_role_check check (role ~ '^[a-z][a-z0-9_-]{1,39}$' and role not in ('machine', 'staff'));
alter table api_key drop constraint api_key_role_check;
alter table api_key add constraint api_key_role_check check (role ~ '^[a-z][a-z0-9_-]{1,39}$' and role not in ('subscriber', 'staff'));
create index app_user_role on app_user (role, state);
create index app_user_branch on app_user (branch, lower(email)) where branch is not null;

-- A number for codes by SMS, E.164.
alter table app_user add column phone text not null default '' check (phone = '' or phone ~ '^\+[1-9][0-9]{6,14}$');
create unique index app_user_phone on app_user (phone) where phone <> '';

-- From where and how a session was begun. last_seen_at moves once a minute at most.
alter table signin_session add column address text not null default '';
alter table signin_session add column method text not null default 'password' check (method in ('password', 'code'));
alter table signin_session add column second_factor text not null default '' check (second_factor in ('', 'totp', 'recovery'));
alter table signin_session add column last_seen_at timestamptz;

-- What happened to a user's doors. user_id is null for tries at nobody.
create table signin_event (
    id         uuid        primary key,
    user_id    uuid        references app_user (id),
    kind       text        not null check (kind in ('signed_in', 'refused', 'delayed', 'challenged', 'code_sent', 'reset_sent', 'invited', 'password_changed',
                               'factor_added', 'factor_removed', 'recovery_codes', 'sessions_ended')),
    at         timestamptz not null,
    method     text        not null default '',
    address    text        not null default '',
    user_agent text        not null default ''
);
create index signin_event_user on signin_event (user_id, id desc);

-- A browser that a user has signed in with. It has a counter of its own, so
-- that guesses of strangers never delay it. hash is SHA-256 of its cookie.
create table signin_device (
    hash         bytea       not null check (length(hash) = 32),
    user_id      uuid        not null references app_user (id),
    created_at   timestamptz not null,
    used_at      timestamptz not null,
    failed       integer     not null default 0 check (failed >= 0),
    locked_until timestamptz,
    primary key (hash, user_id)
);
create index signin_device_user on signin_device (user_id, used_at desc);

-- A second factor (RFC 6238). last_step is the last time step that was taken:
-- none is taken twice. failed counts tries from browsers that are not known.
create table user_totp (
    user_id      uuid        primary key references app_user (id),
    secret       bytea       not null,
    confirmed_at timestamptz,
    last_step    bigint      not null default 0,
    failed       integer     not null default 0 check (failed >= 0),
    locked_until timestamptz,
    created_at   timestamptz not null
);

-- Each works once in the place of a second factor.
create table recovery_code (
    user_id uuid        not null references app_user (id),
    hash    bytea       not null check (length(hash) = 32),
    used_at timestamptz,
    primary key (user_id, hash)
);

-- Who has shown the first factor and owes the second.
create table signin_challenge (
    hash       bytea       primary key check (length(hash) = 32),
    user_id    uuid        not null references app_user (id),
    method     text        not null check (method in ('password', 'code')),
    attempts   integer     not null default 0 check (attempts >= 0),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    done_at    timestamptz
);
create index signin_challenge_user on signin_challenge (user_id, expires_at desc);

-- A code sent by e-mail or SMS. Tries of known browsers and of strangers are
-- counted apart. hash is keyed. user_id is null where there was nobody.
create table signin_code (
    id               uuid        primary key,
    user_id          uuid        references app_user (id),
    hash             bytea       not null check (length(hash) = 32),
    known_device     boolean     not null,
    attempts         integer     not null default 0 check (attempts >= 0),
    device_attempts  integer     not null default 0 check (device_attempts >= 0),
    created_at       timestamptz not null,
    expires_at       timestamptz not null,
    done_at          timestamptz
);
create index signin_code_user on signin_code (user_id, created_at desc);

-- A link that lets its holder set a password, once. hash is SHA-256 of its token.
create table password_link (
    hash       bytea       primary key check (length(hash) = 32),
    user_id    uuid        references app_user (id),
    kind       text        not null check (kind in ('reset', 'invitation')),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    done_at    timestamptz
);
create index password_link_user on password_link (user_id, created_at desc);
