-- +goose Up
-- 1 is the logo that pages show. Those that were are kept: documents were printed with them.
alter table operator_logo drop constraint operator_logo_id_check;
alter table operator_logo add constraint operator_logo_id check (id > 0);
