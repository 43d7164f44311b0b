-- +goose Up
-- Upgrades of sites' hosts to a version, in waves. waves holds how many hosts each wave
-- has; the last takes the rest.
create table upgrade (
    id           uuid        primary key,
    version      text        not null check (version ~ '^[0-9a-f]{64}$'),
    title        text        not null check (title <> ''),
    soak_minutes integer     not null check (soak_minutes between 0 and 10080),
    within_minutes integer   not null check (within_minutes between 1 and 1440),
    state        text        not null check (state in ('running', 'halted', 'done', 'rolling_back', 'rolled_back')),
    state_at     timestamptz not null,
    reason       text        not null default '',
    wave         integer     not null check (wave >= 1),
    wave_at      timestamptz not null,
    asked_by     text        not null,
    asked_at     timestamptz not null,
    ended_at     timestamptz,
    check (state <> 'halted' or reason <> ''),
    check ((state in ('done', 'rolled_back')) = (ended_at is not null))
);
create index upgrade_open on upgrade (asked_at) where ended_at is null;

create table upgrade_member (
    upgrade_id uuid        not null references upgrade (id),
    site_id    uuid        not null references site (id),
    wave       integer     not null check (wave >= 1),
    former     text        not null,
    state      text        not null check (state in ('waiting', 'asked', 'done', 'failed', 'back', 'left')),
    reason     text        not null default '',
    asked_at   timestamptz,
    done_at    timestamptz,
    primary key (upgrade_id, site_id),
    check (state <> 'failed' or reason <> '')
);
-- a site is in one upgrade at a time
create unique index upgrade_member_open on upgrade_member (site_id) where state in ('waiting', 'asked', 'failed');
