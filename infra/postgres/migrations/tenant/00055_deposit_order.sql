-- +goose Up
-- A deposit that an offering demands is held before the order activates: the order that it stands for.
-- One that was asked for by itself stands for none until an order takes it.
alter table deposit add column order_id uuid references product_order (id);
create index deposit_order on deposit (order_id) where order_id is not null;
