-- +goose Up
-- How the operator stands with the house. The stack obeys this row, with or without a
-- control plane. standing_no is the control plane's count of changes: an older one that
-- comes late changes nothing. All times are wall time.
alter table operator
    add column standing       text        not null default 'active' check (standing in ('active', 'suspended', 'closed')),
    add column standing_no    bigint      not null default 0,
    add column standing_since timestamptz,
    add column service_until  timestamptz,
    add check (standing = 'active' or (standing_since is not null and service_until is not null));

-- Leave that the operator gives to hosting staff to come in.
create table staff_consent (
    id         uuid        primary key,
    reason     text        not null check (reason <> ''),
    may_change boolean     not null,
    given_by   text        not null check (given_by <> ''),
    given_at   timestamptz not null,
    expires_at timestamptz not null check (expires_at > given_at and expires_at <= given_at + interval '7 days'),
    ended_at   timestamptz,
    ended_by   text        not null default '',
    check ((ended_at is null) = (ended_by = ''))
);

-- One visit of a staff user: with the operator's consent, or by break-glass, which a
-- second staff user approved. ticket opens the session once, soon after it began.
create table staff_visit (
    id             uuid        primary key,
    consent_id     uuid        references staff_consent (id),
    staff_id       uuid        not null,
    staff_email    text        not null check (staff_email <> ''),
    approver_id    uuid,
    approver_email text        not null default '',
    reason         text        not null check (reason <> ''),
    may_change     boolean     not null,
    ticket_hash    bytea,
    ticket_until   timestamptz not null,
    began_at       timestamptz not null,
    expires_at     timestamptz not null check (expires_at > began_at and expires_at <= began_at + interval '1 hour'),
    ended_at       timestamptz,
    ended_by       text        not null default '',
    check ((consent_id is null) = (approver_id is not null)),
    check ((approver_id is null) = (approver_email = '')),
    check (approver_id <> staff_id),
    check ((ended_at is null) = (ended_by = ''))
);
create index staff_visit_began on staff_visit (began_at desc);

-- A copy of this stack that its operator asked for: the control plane makes it and tells here how far it is.
create table sandbox_copy (
    id          uuid        primary key,
    name        text        not null check (name <> ''),
    state       text        not null check (state in ('asked', 'running', 'done', 'failed')),
    step        text        not null default '',
    done        integer     not null default 0 check (done >= 0),
    total       integer     not null default 0 check (total >= 0),
    reason      text        not null default '',
    asked_by    text        not null check (asked_by <> ''),
    asked_at    timestamptz not null,
    began_at    timestamptz,
    finished_at timestamptz,
    check ((state in ('done', 'failed')) = (finished_at is not null))
);
create unique index sandbox_copy_one on sandbox_copy ((true)) where state in ('asked', 'running');
