-- +goose Up
-- A machine may be the standby of its operator's host: it has a copy of the host's database.
alter table machine drop constraint machine_role_check, add constraint machine_role_check check (role in ('host', 'worker', 'standby', 'agent'));
alter table enrolment drop constraint enrolment_role_check, add constraint enrolment_role_check check (role in ('host', 'worker', 'standby', 'agent'));
create unique index machine_standby on machine (operator_id) where role = 'standby' and state = 'enrolled';

-- Whether a host's commits wait for its standby. waiting: the host is told to wait; synchronous:
-- it does, so the copy has all that was answered; alone: it does not, since it was told so.
create table standby (
    operator_id uuid        primary key references operator (id),
    machine_id  uuid        not null references machine (id),
    mode        text        not null default 'forming' check (mode in ('forming', 'waiting', 'synchronous', 'alone')),
    changed_at  timestamptz not null
);
