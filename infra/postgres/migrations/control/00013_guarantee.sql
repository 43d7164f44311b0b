-- +goose Up
-- What a host database carries of online charges a second, as staff have set it (zero: nothing
-- may be guaranteed there), and what its processes said last.
alter table host_database
    add column charges_per_second bigint not null default 0 check (charges_per_second >= 0),
    add column charges_now        bigint not null default 0 check (charges_now >= 0),
    add column charges_most       bigint not null default 0 check (charges_most >= 0),
    add column measured_at        timestamptz;

-- What of online charging is an operator's, and what became of it. no counts changes; carried_no is
-- the one that carried_to obeys. A rate of zero guarantees nothing.
create table guarantee (
    operator_id uuid        primary key references operator (id),
    weight      integer     not null check (weight between 1 and 1000),
    rate        bigint      not null check (rate >= 0),
    p99_ms      bigint      not null check (p99_ms >= 0),
    no          bigint      not null check (no > 0),
    carried_no  bigint      not null default 0,
    carried_to  text        not null default '',
    tries       integer     not null default 0 check (tries >= 0),
    next_try_at timestamptz not null,
    reason      text        not null default '',
    changed_by  text        not null,
    changed_at  timestamptz not null,
    measured_at timestamptz,
    seconds     bigint      not null default 0,
    promised    bigint      not null default 0,
    late        bigint      not null default 0,
    refused     bigint      not null default 0,
    beyond      bigint      not null default 0,
    seen_p99_ms bigint      not null default 0,
    check ((rate = 0) = (p99_ms = 0))
);

-- Since when a server's backups are watched: a new one is given time for its first.
alter table backup_report add column known_since timestamptz;
update backup_report set known_since = reported_at;
alter table backup_report alter column known_since set not null;
