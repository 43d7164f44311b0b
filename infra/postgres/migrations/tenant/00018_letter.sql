-- +goose Up
-- The bills of a run up to this one have been told to their subscribers. A bill
-- that a run makes later has a later id.
alter table bill_run add column told_through uuid;
-- the bills of a run in order: its mails, its room
create index bill_of_run on bill (run_id, id) where run_id is not null;
