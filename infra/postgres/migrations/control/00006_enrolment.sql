-- +goose Up
-- What went wrong and somebody should look at: one open row a kind and subject, repeats are
-- counted in it.
create table alarm (
    id              uuid        primary key,
    kind            text        not null check (kind <> ''),
    severity        text        not null check (severity in ('critical', 'major', 'minor')),
    subject         uuid        not null,
    operator_id     uuid        references operator (id),
    detail          jsonb       not null default '{}',
    state           text        not null default 'raised' check (state in ('raised', 'acknowledged', 'cleared')),
    count           bigint      not null default 1 check (count > 0),
    raised_at       timestamptz not null,
    last_at         timestamptz not null check (last_at >= raised_at),
    acknowledged_by text        not null default '',
    acknowledged_at timestamptz,
    cleared_at      timestamptz,
    check ((acknowledged_by = '') = (acknowledged_at is null)),
    check (state <> 'acknowledged' or acknowledged_at is not null),
    check ((state = 'cleared') = (cleared_at is not null))
);
create unique index alarm_open on alarm (kind, subject) where state <> 'cleared';
create index alarm_recent on alarm (raised_at desc, id desc);
create index alarm_operator on alarm (operator_id, raised_at desc) where operator_id is not null;

-- A server that works for one operator alone. Its keys are public: one checks what it signs,
-- the other one seals what only it may read. sequence is that of its last request that was
-- accepted. former_key may still ask for the change of keys that it began. settings are what
-- staff set of it.
create table machine (
    id             uuid        primary key,
    operator_id    uuid        not null references operator (id),
    site_id        uuid,
    role           text        not null check (role in ('host', 'worker', 'agent')),
    place          text        not null check (place in ('dedicated', 'colocation', 'appliance', 'customer')),
    name           text        not null check (name <> ''),
    state          text        not null default 'enrolled' check (state in ('enrolled', 'revoked')),
    public_key     bytea       not null check (length(public_key) = 32),
    former_key     bytea       check (length(former_key) = 32),
    box_key        bytea       not null check (length(box_key) = 32),
    sequence       bigint      not null default 0 check (sequence >= 0),
    keys_at        timestamptz not null,
    renew          boolean     not null default false,
    facts          jsonb       not null default '{}',
    settings       jsonb       not null default '{}',
    report         jsonb,
    reported_at    timestamptz,
    address        text        not null default '',
    enrolled_at    timestamptz not null,
    revoked_at     timestamptz,
    revoked_reason text        not null default '',
    check ((state = 'revoked') = (revoked_at is not null)),
    check ((state = 'revoked') = (revoked_reason <> '')),
    check ((report is null) = (reported_at is null))
);
create unique index machine_key on machine (public_key);
create index machine_operator on machine (operator_id, id);
create index machine_site on machine (site_id, id) where site_id is not null;

-- An invitation to enrol, told once and kept as a hash. It takes as many machines as it was
-- made for, each once.
create table enrolment (
    id          uuid        primary key,
    hash        bytea       not null unique check (length(hash) = 32),
    operator_id uuid        not null references operator (id),
    site_id     uuid,
    role        text        not null check (role in ('host', 'worker', 'agent')),
    place       text        not null check (place in ('dedicated', 'colocation', 'appliance', 'customer')),
    name        text        not null check (name <> ''),
    machines    integer     not null default 1 check (machines between 1 and 100),
    used        integer     not null default 0 check (used >= 0),
    state       text        not null default 'open' check (state in ('open', 'used', 'withdrawn', 'burnt')),
    settings    jsonb       not null default '{}',
    issued_by   text        not null,
    issued_at   timestamptz not null,
    expires_at  timestamptz not null check (expires_at > issued_at),
    ended_at    timestamptz,
    check (used <= machines),
    check ((state = 'open') = (ended_at is null)),
    check (state <> 'used' or used = machines)
);
create index enrolment_recent on enrolment (issued_at desc, id desc);
create index enrolment_site on enrolment (site_id) where site_id is not null;

-- Which machine came by which invitation, and with what key: a repeat of the same machine gets
-- the same answer.
create table enrolment_use (
    enrolment_id uuid        not null references enrolment (id),
    public_key   bytea       not null check (length(public_key) = 32),
    machine_id   uuid        not null unique references machine (id),
    address      text        not null,
    used_at      timestamptz not null,
    primary key (enrolment_id, public_key)
);

-- The host database that an operator has to itself, wherever it stands: its slot, its placement
-- epoch and its own master key, sealed. No other operator's secret opens by it.
create table own_host (
    operator_id uuid        primary key references operator (id),
    slot        text        not null unique check (slot ~ '^[a-z0-9]{4,24}$'),
    epoch       bigint      not null check (epoch > 0),
    sealed_key  bytea       not null,
    made_at     timestamptz not null,
    stands_at   timestamptz
);
