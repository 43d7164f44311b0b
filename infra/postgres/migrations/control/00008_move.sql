-- +goose Up
-- Where stacks can stand. The administrator's URL is sealed by the master key.
create table host_database (
    name       text        primary key check (name ~ '^[a-z][a-z0-9_-]{1,38}[a-z0-9]$'),
    kind       text        not null check (kind in ('pooled', 'dedicated')),
    database   text        not null check (database <> ''),
    sealed_url bytea       not null,
    serves_at  text        not null default '',
    capacity   integer     not null check (capacity > 0),
    open       boolean     not null default true,
    added_by   text        not null,
    added_at   timestamptz not null
);

-- A stack on its way from one host database to another.
create table move (
    id            uuid        primary key,
    operator_id   uuid        not null references operator (id),
    from_host     text        not null,
    to_host       text        not null check (to_host <> from_host),
    slot          text        not null,
    epoch         bigint      not null check (epoch > 0),
    state         text        not null check (state in ('asked', 'copying', 'following', 'switching', 'switched', 'moved', 'returning',
                                                        'reverting', 'clearing', 'cancelling', 'done', 'returned', 'cancelled')),
    wanted        text        not null default '' check (wanted in ('', 'confirm', 'back', 'cancel')),
    reason        text        not null default '',
    detail        jsonb       not null default '{}',
    steps         jsonb       not null default '[]',
    attempts      integer     not null default 0 check (attempts >= 0),
    failures      integer     not null default 0 check (failures >= 0),
    next_try_at   timestamptz not null,
    pause_limit_ms integer    not null check (pause_limit_ms between 1000 and 60000),
    fenced_at     timestamptz,
    pause_ms      bigint,
    back_pause_ms bigint,
    asked_by      text        not null,
    asked_at      timestamptz not null,
    switched_at   timestamptz,
    done_at       timestamptz,
    check ((state in ('done', 'returned', 'cancelled')) = (done_at is not null))
);
create unique index move_open on move (operator_id) where done_at is null;
create index move_work on move (next_try_at, id) where done_at is null;
create index move_operator on move (operator_id, asked_at desc);
