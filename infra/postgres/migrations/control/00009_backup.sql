-- +goose Up
-- All that an operator has with us in open files, sealed on disk. The final one is what a
-- deletion waits for.
create table takeout (
    id           uuid        primary key,
    operator_id  uuid        not null references operator (id),
    purpose      text        not null check (purpose in ('asked', 'final')),
    secrets      boolean     not null,
    state        text        not null check (state in ('working', 'done', 'failed')),
    reason       text        not null default '',
    step         text        not null default '',
    file         text        not null default '',
    size_bytes   bigint      not null default 0 check (size_bytes >= 0),
    sha256       text        not null default '' check (sha256 ~ '^([0-9a-f]{64})?$'),
    tables       integer     not null default 0,
    row_count    bigint      not null default 0,
    facts        jsonb       not null default '{}',
    asked_by     text        not null,
    asked_at     timestamptz not null,
    touched_at   timestamptz not null,
    done_at      timestamptz,
    check ((state = 'working') = (done_at is null)),
    check ((state = 'failed') = (reason <> '')),
    check ((state = 'done') = (file <> ''))
);
create index takeout_operator on takeout (operator_id, asked_at desc);
create unique index takeout_working on takeout (operator_id) where state = 'working';

-- What was done for the safety of a database server: backups, drills, restores of one operator.
create table backup_run (
    id          uuid        primary key,
    server      text        not null check (server <> ''),
    kind        text        not null check (kind in ('full', 'incremental', 'drill', 'restore')),
    state       text        not null check (state in ('asked', 'running', 'done', 'failed')),
    reason      text        not null default '',
    label       text        not null default '',
    operator_id uuid        references operator (id),
    restore_to  timestamptz,
    steps       jsonb       not null default '[]',
    result      jsonb       not null default '{}',
    asked_by    text        not null,
    asked_at    timestamptz not null,
    touched_at  timestamptz not null,
    done_at     timestamptz,
    check ((kind = 'restore') = (operator_id is not null)),
    check ((state in ('done', 'failed')) = (done_at is not null)),
    check ((state = 'failed') = (reason <> ''))
);
create unique index backup_run_one on backup_run (server, kind) where state in ('asked', 'running');
create index backup_run_server on backup_run (server, kind, asked_at desc);

-- What each server last said of its backups; written by whoever keeps them there.
create table backup_report (
    server        text        primary key,
    last_backup   timestamptz,
    last_full     timestamptz,
    last_archived timestamptz,
    archive_fault text        not null default '',
    size_bytes    bigint      not null default 0,
    encrypted     boolean     not null default false,
    earliest      timestamptz,
    reported_at   timestamptz not null
);
