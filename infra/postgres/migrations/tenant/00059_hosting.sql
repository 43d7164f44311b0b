-- +goose Up
-- What the operator has agreed with the hosting company, and what that came to: copies that the control plane
-- brings, so that they are there when it is not (billing/hosting).
create table hosting_told (
    id      smallint    primary key check (id = 1),
    told    jsonb       not null,
    told_at timestamptz not null -- wall time of the control plane
);
create table hosting_bill (
    id       uuid           primary key, -- of the document in the hosting company's books
    number   text           not null check (number <> ''),
    kind     text           not null check (kind in ('bill', 'credit_note', 'debit_note', 'advance')),
    issued   date           not null,
    due      date           not null,
    total    numeric(29, 9) not null,
    open     numeric(29, 9) not null,
    currency text           not null,
    voided   boolean        not null,
    document bytea          not null -- as PDF
);
create index hosting_bill_issued on hosting_bill (issued desc, id desc);
