-- +goose Up
-- What of online charging is a tenant's here: the control plane writes it, processes obey it.
-- no is the control plane's count of changes: an older one that comes late changes nothing.
create table share (
    tenant uuid    primary key,
    weight integer not null check (weight between 1 and 1000),
    rate   bigint  not null check (rate >= 0),
    p99_ms bigint  not null check (p99_ms >= 0),
    no     bigint  not null check (no > 0),
    check ((rate = 0) = (p99_ms = 0))
);

-- What each process made of a guarantee in the last minutes, in wall time.
create table attained (
    tenant   uuid        not null,
    process  text        not null check (process <> ''),
    at       timestamptz not null,
    seconds  bigint      not null check (seconds > 0),
    promised bigint      not null check (promised >= 0),
    late     bigint      not null check (late between 0 and promised),
    refused  bigint      not null check (refused >= 0),
    beyond   bigint      not null check (beyond >= 0),
    p99_ms   bigint      not null check (p99_ms >= 0),
    primary key (tenant, process)
);

-- Online charges a second of all tenants of a process: lately, and the most that ten seconds saw.
create table throughput (
    process text        primary key check (process <> ''),
    at      timestamptz not null,
    now     bigint      not null check (now >= 0),
    most    bigint      not null check (most >= 0)
);
