-- +goose Up
-- Tenants that want something of the control plane; what, stands in their own schema.
create table ask (
    tenant   uuid        primary key,
    asked_at timestamptz not null
);
