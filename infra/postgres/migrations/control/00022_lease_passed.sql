-- +goose Up
-- From which day on what was leased is the operator's, as the lease ran its full term and was paid.
alter table contract add column passed_on date check (passed_on is null or model = 'lease' and state in ('active', 'ended'));
create index contract_lease on contract (id) where model = 'lease' and state = 'active' and passed_on is null;
