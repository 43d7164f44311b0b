-- +goose Up
-- A stack was taken back to an earlier state: what it signed and sealed from a day on is set aside and heard anew.
create table total_renewal (
    id          uuid        primary key,
    operator_id uuid        not null references operator (id),
    from_on     date        not null,
    reason      text        not null check (reason <> ''),
    days        bigint      not null check (days >= 0),
    anchors     bigint      not null check (anchors >= 0),
    renewed_by  text        not null,
    renewed_at  timestamptz not null
);
create index total_renewal_operator on total_renewal (operator_id, renewed_at);

-- What was set aside stays as it was: evidence. Insert only.
create table daily_total_aside (
    renewal     uuid           not null references total_renewal (id),
    day         date           not null,
    currency    text           not null,
    collected   numeric(29, 9) not null,
    cumulative  numeric(29, 9) not null,
    head_seq    bigint         not null,
    head_hash   bytea          not null,
    statement   text           not null,
    received_at timestamptz    not null,
    primary key (renewal, day, currency)
);
create table chain_anchor_aside (
    renewal     uuid        not null references total_renewal (id),
    seq         bigint      not null,
    hash        bytea       not null,
    anchored_at timestamptz not null,
    primary key (renewal, seq)
);

-- How often a month was made up for: each is a charge of its own.
alter table contract_month add column made_up integer not null default 0 check (made_up >= 0);

-- Anchors can be inserted only. They are set aside by a renewal, which tells who did it and why, and no other way.
-- +goose StatementBegin
create function set_anchors_aside(renewal_id uuid) returns bigint
    language sql security definer
    begin atomic -- what it names is bound now, whatever the caller's path
    with renewed as (select id, operator_id from total_renewal where id = renewal_id),
    beyond as (
        delete from chain_anchor a
         using renewed r
         where a.operator = r.operator_id
           and a.seq > coalesce((select max(head_seq) from daily_total d where d.operator_id = r.operator_id), 0)
        returning r.id, a.seq, a.hash, a.anchored_at),
    kept as (
        insert into chain_anchor_aside (renewal, seq, hash, anchored_at) select id, seq, hash, anchored_at from beyond returning seq)
    select count(*) from kept;
    end;
-- +goose StatementEnd
revoke execute on function set_anchors_aside(uuid) from public;
