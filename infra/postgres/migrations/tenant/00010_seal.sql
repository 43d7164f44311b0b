-- +goose Up
-- The hash chain over audit and ledger (billing/audit/chain.go). A seal covers the rows whose
-- ids lie above from_id and up to to_id; the next one goes on at to_id. Insert only.
create table audit_seal (
    seq           bigint      primary key check (seq > 0),
    from_id       uuid        not null,
    to_id         uuid        not null check (to_id > from_id),
    audit_rows    integer     not null check (audit_rows >= 0),
    audit_digest  bytea       not null check (length(audit_digest) = 32),
    ledger_rows   integer     not null check (ledger_rows >= 0),
    ledger_digest bytea       not null check (length(ledger_digest) = 32),
    prev          bytea       not null check (length(prev) = 32),
    hash          bytea       not null check (length(hash) = 32),
    sealed_at     timestamptz not null,
    check (audit_rows + ledger_rows > 0)
);
