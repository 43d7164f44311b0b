-- +goose Up
-- Sizes of dedicated stacks, and what is added to them, as they are sold. A change here
-- changes nothing that stands: a site keeps the shape it was asked for with.
create table site_offer (
    name       text        primary key check (name ~ '^[a-z][a-z0-9-]{0,38}$'),
    kind       text        not null check (kind in ('size', 'add_on')),
    title      text        not null check (title <> ''),
    shape      jsonb       not null,
    guarantee  bigint      not null default 0 check (guarantee >= 0),
    price      numeric     not null check (price >= 0 and scale(price) <= 9),
    currency   text        not null check (currency ~ '^[A-Z]{3}$'),
    retired_at timestamptz,
    changed_at timestamptz not null,
    check (kind = 'size' or guarantee = 0)
);
insert into site_offer (name, kind, title, shape, guarantee, price, currency, changed_at) values
    ('small', 'size', 'Small: up to 20,000 subscribers', '{"flavor": "tollhouse.small", "worker_flavor": "tollhouse.small", "workers": 0, "boot_gb": 20, "data_gb": 50, "standby": false}', 200, 190, 'EUR', '2026-01-01Z'),
    ('medium', 'size', 'Medium: up to 100,000 subscribers', '{"flavor": "tollhouse.medium", "worker_flavor": "tollhouse.small", "workers": 1, "boot_gb": 20, "data_gb": 200, "standby": false}', 1000, 490, 'EUR', '2026-01-01Z'),
    ('large', 'size', 'Large: up to 500,000 subscribers', '{"flavor": "tollhouse.large", "worker_flavor": "tollhouse.medium", "workers": 2, "boot_gb": 20, "data_gb": 500, "standby": false}', 4000, 1290, 'EUR', '2026-01-01Z'),
    ('ha', 'size', 'Large with a synchronous standby', '{"flavor": "tollhouse.large", "worker_flavor": "tollhouse.medium", "workers": 2, "boot_gb": 20, "data_gb": 500, "standby": true}', 4000, 2190, 'EUR', '2026-01-01Z'),
    ('worker', 'add_on', 'One more charging worker', '{"workers": 1}', 0, 90, 'EUR', '2026-01-01Z'),
    ('volume-100', 'add_on', '100 GB more for data', '{"data_gb": 100}', 0, 12, 'EUR', '2026-01-01Z');

-- What a dedicated stack stands on: as it is wanted, and how far it is. fence counts the
-- looks taken at it, so that one that comes back late writes nothing.
create table site (
    id                uuid        primary key,
    operator_id       uuid        not null references operator (id),
    cloud             text        not null check (cloud <> ''),
    want              jsonb       not null,
    shape             jsonb       not null,
    sized             text        not null,
    scaled            integer     not null default 0 check (scaled >= 0),
    scaled_at         timestamptz,
    monthly           numeric     not null check (monthly >= 0 and scale(monthly) <= 9),
    currency          text        not null check (currency ~ '^[A-Z]{3}$'),
    revision          bigint      not null check (revision > 0),
    begun             bigint      not null default 0,
    made              bigint      not null default 0,
    asked             boolean     not null default false,
    state             text        not null check (state in ('requested', 'making', 'enrolling', 'ready', 'failed', 'clearing', 'cleared', 'closing', 'removing', 'removed')),
    state_at          timestamptz not null,
    reason            text        not null default '',
    detail            text        not null default '',
    held              boolean     not null default false,
    rebuild           boolean     not null default false,
    adopted           boolean     not null default false,
    tries             integer     not null default 0 check (tries >= 0),
    ref               text        not null default '',
    address           text        not null default '',
    steps             jsonb       not null default '[]',
    drift             jsonb       not null default '[]',
    sealed_invitation bytea,
    invited_until     timestamptz,
    seen              jsonb       not null default '{}',
    version_wanted    text        not null default '',
    fence             bigint      not null default 0,
    leased_until      timestamptz,
    due_at            timestamptz not null,
    asked_at          timestamptz not null,
    ready_at          timestamptz,
    remove_after      timestamptz,
    waived_by         text        not null default '',
    waiver            text        not null default '',
    final_backup      text        not null default '',
    removed_at        timestamptz,
    check (begun between 0 and revision),
    check (made between 0 and begun),
    check ((sealed_invitation is null) = (invited_until is null)),
    check (state <> 'failed' or reason <> ''),
    check (not held or state = 'failed'),
    check (state <> 'ready' or ready_at is not null),
    check (state not in ('closing', 'removing') or remove_after is not null),
    -- nothing that served an operator goes without a backup or somebody's word
    check (state not in ('removing', 'removed') or ready_at is null or final_backup <> '' or waiver <> ''),
    check ((waived_by = '') = (waiver = '')),
    check ((state = 'removed') = (removed_at is not null))
);
-- what is looked at next
create index site_work on site (due_at, id) where state not in ('cleared', 'removed');
create index site_operator on site (operator_id, id);

-- What happened to a site. Insert only.
create table site_event (
    id       uuid        primary key,
    site_id  uuid        not null references site (id),
    at       timestamptz not null,
    actor    text        not null,
    kind     text        not null check (kind <> ''),
    revision bigint      not null,
    text     text        not null default '',
    detail   jsonb       not null default '{}'
);
create index site_event_site on site_event (site_id, id);

-- A cloud as it was seen last: what there is, what stands without an owner, and which of
-- that staff want gone.
create table site_cloud (
    name         text        primary key check (name <> ''),
    room         jsonb,
    orphans      jsonb       not null default '[]',
    unwanted     jsonb       not null default '[]',
    fault        text        not null default '',
    looked_at    timestamptz,
    fence        bigint      not null default 0,
    leased_until timestamptz,
    due_at       timestamptz not null
);

-- What a cloud had, at the end of each day.
create table capacity_day (
    cloud    text   not null references site_cloud (name),
    day      date   not null,
    what     text   not null check (what <> ''),
    has      bigint not null check (has >= 0),
    used     bigint not null check (used >= 0),
    reserved bigint not null check (reserved >= 0),
    primary key (cloud, day, what)
);
