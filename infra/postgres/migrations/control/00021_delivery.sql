-- +goose Up
-- A take-out may be written by the operator's own host, which delivers it in parts. What it is to come to
-- as a whole is said with each part; nothing is said before the first one.
alter table takeout
    add column from_host   boolean not null default false,
    add column whole_parts integer not null default 0 check (whole_parts >= 0),
    add column whole_size  bigint  not null default 0 check (whole_size >= 0),
    add column whole_sum   text    not null default '' check (whole_sum ~ '^([0-9a-f]{64})?$'),
    add check (from_host or whole_parts = 0),
    add check ((whole_parts = 0) = (whole_sum = ''));

-- What has come of one, in order and without a gap. The parts lie sealed beside the take-outs, until it is whole.
create table takeout_part (
    takeout     uuid        not null references takeout (id),
    no          integer     not null check (no >= 1),
    size_bytes  bigint      not null check (size_bytes >= 1),
    sha256      text        not null check (sha256 ~ '^[0-9a-f]{64}$'),
    received_at timestamptz not null,
    primary key (takeout, no)
);
