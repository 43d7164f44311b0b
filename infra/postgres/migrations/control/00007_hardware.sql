-- +goose Up
-- A rack in a data centre, where operators' own servers stand.
create table rack (
    id         uuid        primary key,
    name       text        not null unique check (name <> ''),
    site       text        not null check (site <> ''),
    units      integer     not null check (units between 1 and 60),
    power_w    integer     not null check (power_w between 1 and 100000),
    changed_at timestamptz not null
);

-- A piece of hardware that we answer for: what it is, where it is, until when it is covered,
-- and, while it has failed, since when. It is replaced by a spare of its model.
create table hardware (
    id             uuid        primary key,
    serial         text        not null check (serial <> ''),
    model          text        not null check (model <> ''),
    kind           text        not null check (kind in ('appliance', 'server', 'part')),
    state          text        not null check (state in ('spare', 'in_use', 'failed', 'replaced', 'retired')),
    operator_id    uuid        references operator (id),
    machine_id     uuid        references machine (id),
    location       text        not null default '',
    rack_id        uuid        references rack (id),
    first_unit     integer,
    units          integer,
    power_w        integer     not null default 0 check (power_w >= 0),
    bought_on      date        not null,
    warranty_until date        not null check (warranty_until >= bought_on),
    support_until  date        not null check (support_until >= bought_on),
    failed_at      timestamptz,
    fault          text        not null default '',
    replace_by     timestamptz,
    replaced_at    timestamptz,
    replaced_by    uuid        unique references hardware (id),
    changed_at     timestamptz not null,
    check ((rack_id is null) = (first_unit is null)),
    check ((rack_id is null) = (units is null)),
    check (first_unit is null or first_unit >= 1),
    check (units is null or units >= 1),
    check (state not in ('in_use', 'failed') or operator_id is not null or kind = 'part'),
    check (state <> 'spare' or operator_id is null),
    check ((state in ('failed', 'replaced')) = (failed_at is not null)),
    check ((failed_at is null) = (fault = '')),
    check ((state = 'replaced') = (replaced_by is not null)),
    check ((state = 'replaced') = (replaced_at is not null)),
    check (replaced_by is null or replaced_by <> id)
);
create unique index hardware_serial on hardware (lower(model), lower(serial));
create index hardware_rack on hardware (rack_id) where rack_id is not null;
create index hardware_failed on hardware (replace_by) where state = 'failed';
create index hardware_operator on hardware (operator_id) where operator_id is not null;
