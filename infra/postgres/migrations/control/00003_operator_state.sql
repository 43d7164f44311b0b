-- +goose Up
-- How an operator stands with us. grace_days are those of its contract for which service
-- goes on after a suspension. standing_no counts the changes.
alter table operator
    add column state            text        not null default 'active' check (state in ('active', 'suspended', 'closed')),
    add column suspended_at     timestamptz,
    add column suspended_reason text        not null default '',
    add column grace_days       integer     not null default 14 check (grace_days between 0 and 365),
    add column standing_no      bigint      not null default 0 check (standing_no >= 0),
    add column copy_of          uuid        references operator (id),
    add check ((state = 'active') = (suspended_at is null)),
    add check ((state = 'active') = (suspended_reason = ''));
create unique index operator_one_copy on operator (copy_of) where copy_of is not null;
create index operator_search on operator (lower(display_name) text_pattern_ops);

-- How far the operator's standing has been carried into its stack.
alter table stack
    add column standing_wanted  bigint      not null default 0,
    add column standing_carried bigint      not null default 0,
    add column standing_tries   integer     not null default 0,
    add column standing_next_at timestamptz,
    add check (standing_carried <= standing_wanted);
create index stack_standing on stack (standing_next_at, operator_id) where standing_next_at is not null;

-- Second factors of staff users.
alter table staff_user
    add column sealed_totp       bytea,
    add column totp_confirmed_at timestamptz,
    add column totp_last_step    bigint not null default 0,
    add check (totp_confirmed_at is null or sealed_totp is not null);
create table staff_recovery_code (
    staff_id uuid        not null references staff_user (id),
    hash     bytea       not null,
    made_at  timestamptz not null,
    used_at  timestamptz,
    primary key (staff_id, hash)
);
create table staff_challenge (
    id         uuid        primary key,
    staff_id   uuid        not null references staff_user (id),
    attempts   integer     not null default 0 check (attempts >= 0),
    expires_at timestamptz not null
);
create index staff_challenge_age on staff_challenge (expires_at);
alter table staff_session
    add column user_agent text not null default '',
    add column address    text not null default '';

-- Asked for by one staff user, approved by another.
create table break_glass (
    id          uuid        primary key,
    operator_id uuid        not null references operator (id),
    asked_by    uuid        not null references staff_user (id),
    reason      text        not null check (reason <> ''),
    may_change  boolean     not null,
    asked_at    timestamptz not null,
    expires_at  timestamptz not null check (expires_at > asked_at),
    state       text        not null default 'asked' check (state in ('asked', 'approved', 'refused', 'withdrawn')),
    decided_by  uuid        references staff_user (id),
    decided_at  timestamptz,
    check ((state = 'asked') = (decided_by is null)),
    check ((state = 'asked') = (decided_at is null)),
    check (state not in ('approved', 'refused') or decided_by <> asked_by)
);
create index break_glass_asked on break_glass (asked_at desc) where state = 'asked';
create index break_glass_operator on break_glass (operator_id, asked_at desc);

-- Visits of staff to operators' stacks: the stack's own row rules, this one tells of it.
create table visit (
    id             uuid        primary key,
    operator_id    uuid        not null references operator (id),
    staff_id       uuid        not null references staff_user (id),
    break_glass_id uuid        unique references break_glass (id),
    may_change     boolean     not null,
    began_at       timestamptz not null,
    expires_at     timestamptz not null check (expires_at > began_at),
    ended_at       timestamptz
);
create index visit_open on visit (expires_at) where ended_at is null;
create index visit_operator on visit (operator_id, began_at desc);

-- A copy of an operator's stack into a sandbox, under way or made.
create table sandbox_copy (
    id           uuid        primary key,
    source_id    uuid        not null references operator (id),
    copy_id      uuid        not null,
    state        text        not null check (state in ('asked', 'running', 'done', 'failed')),
    reason       text        not null default '',
    host         text        not null default '',
    slot         text        not null default '',
    epoch        bigint      not null check (epoch > 0),
    attempts     integer     not null default 0 check (attempts >= 0),
    next_try_at  timestamptz not null,
    requested_at timestamptz not null,
    finished_at  timestamptz,
    check ((host = '') = (slot = ''))
);
create unique index sandbox_copy_one on sandbox_copy (source_id) where state in ('asked', 'running');
create index sandbox_copy_work on sandbox_copy (next_try_at) where state in ('asked', 'running');
