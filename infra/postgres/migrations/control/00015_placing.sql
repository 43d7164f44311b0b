-- +goose Up
-- Where a new stack is to be made: own is one that machines of the operator's own make and carry,
-- so that it has no place in a host database; wanted_host names a host database that staff chose.
alter table stack
    add column own         boolean not null default false,
    add column wanted_host text    not null default '',
    drop constraint stack_check3,
    add check (state <> 'ready' or own or slot <> ''),
    add check (not own or slot = '' and wanted_host = '');
-- what waits for a place
create index stack_unplaced on stack (operator_id) where slot = '' and not own;
