-- +goose Up
-- What a message is about, where it leads, and how far it is. A sandbox's are
-- recorded and go nowhere.
alter table notice add column kind text not null default 'note' check (kind <> '');
alter table notice add column link text not null default '';
alter table notice add column state text not null default 'recorded' check (state in ('recorded', 'waiting', 'sent', 'failed'));
alter table notice add column failure text not null default '';
alter table notice add column sent_at timestamptz;
alter table notice drop column recorded;
create index notice_account on notice (account_id, id desc) where account_id is not null;
