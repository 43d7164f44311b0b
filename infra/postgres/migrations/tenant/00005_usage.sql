-- +goose Up
create table usage_source (
    id         uuid        primary key,
    name       text        not null unique check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    mapping    jsonb       not null,
    created_at timestamptz not null
);

create table usage_file (
    id              uuid        primary key,
    source_id       uuid        not null references usage_source (id),
    name            text        not null,
    digest          bytea       not null check (length(digest) = 32),
    size_bytes      bigint      not null check (size_bytes >= 0),
    state           text        not null check (state in ('received', 'running', 'done', 'failed')),
    offset_bytes    bigint      not null default 0,
    lines           bigint      not null default 0,
    accepted        bigint      not null default 0,
    duplicates      bigint      not null default 0,
    rejected        bigint      not null default 0,
    suspended       bigint      not null default 0,
    ignored         bigint      not null default 0,
    overlap_file_id uuid        references usage_file (id),
    overlap_lines   bigint      not null default 0,
    error           text        not null default '',
    received_at     timestamptz not null,
    done_at         timestamptz,
    unique (source_id, digest)
);
create index usage_file_received on usage_file (received_at desc, id desc);

-- Says "once only", kept for ever. key: 16-byte keyed hash of the id, body: hash of what it said.
create table usage_key (
    source_id uuid  not null,
    key       bytea not null,
    body      bytea not null,
    primary key (source_id, key)
);

-- Lines of sources that give no id, to flag overlapping files.
create table usage_line (
    source_id uuid   not null,
    body      bytea  not null,
    file_id   uuid   not null,
    line      bigint not null,
    primary key (source_id, body, file_id, line)
);

-- period: first day of the month of ended_at in the operator's zone (partition column).
create table usage_record (
    period      date        not null,
    id          uuid        not null,
    source_id   uuid        not null,
    file_id     uuid,
    line        bigint      not null default 0,
    producer_id text        not null,
    kind        text        not null check (kind in ('voice', 'data', 'message', 'content')),
    service_id  uuid        not null,
    account_id  uuid        not null,
    started_at  timestamptz not null,
    ended_at    timestamptz not null,
    origin      text        not null default '',
    destination text        not null default '',
    quantity    bigint      not null check (quantity >= 0),
    unit        text        not null check (unit in ('second', 'byte', 'event')),
    session_id  uuid,
    accepted_at timestamptz not null,
    primary key (period, id)
);
create index usage_record_account on usage_record (account_id, ended_at);

-- Highest counters seen of a session that reports cumulative figures.
create table usage_session (
    id          uuid        primary key,
    source_id   uuid        not null,
    nas         text        not null,
    session     text        not null,
    identity    text        not null,
    total_bytes bigint      not null default 0 check (total_bytes >= 0),
    -- what unit buckets have paid of it so far
    covered_bytes bigint    not null default 0 check (covered_bytes >= 0),
    seconds     bigint      not null default 0,
    state       text        not null check (state in ('open', 'closed')),
    started_at  timestamptz not null,
    last_at     timestamptz not null,
    unique (source_id, nas, session)
);
create index usage_session_open on usage_session (source_id, nas) where state = 'open';

create table suspense (
    id          uuid        primary key,
    source_id   uuid        not null references usage_source (id),
    file_id     uuid        references usage_file (id),
    line        bigint      not null default 0,
    reason      text        not null,
    field       text        not null default '',
    detail      text        not null default '',
    raw         text        not null default '',
    record      jsonb,
    state       text        not null check (state in ('waiting', 'resolved', 'discarded')),
    attempts    integer     not null default 1,
    created_at  timestamptz not null,
    resolved_at timestamptz,
    resolution  text        not null default ''
);
create index suspense_waiting on suspense (created_at desc, id desc) where state = 'waiting';
create index suspense_reason on suspense (reason) where state = 'waiting';
create index suspense_file on suspense (file_id) where file_id is not null;
