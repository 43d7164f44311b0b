-- Walks the primary key (period, id) from period to period instead of reading every row:
-- ids of one stretch of time stand in as many places of it as there are periods.
with recursive month(period) as (
    select min(period) from ledger_transfer
    union all
    select (select min(t.period) from ledger_transfer t where t.period > m.period) from month m where m.period is not null
)
select t.period::text, t.id::text, (extract(epoch from t.at) * 1000000)::bigint::text,
       t.debit, t.debit_id::text, t.credit, t.credit_id::text, t.amount::text, t.unit,
       t.event, t.event_id::text, t.account_id::text, t.legal_entity::text, t.branch::text
  from month m
 cross join lateral (
       select r.period, r.id, r.at, r.debit, r.debit_id, r.credit, r.credit_id, r.amount, r.unit,
              r.event, r.event_id, r.account_id, r.legal_entity, r.branch
         from ledger_transfer r
        where r.period = m.period and r.id > $1 and r.id <= $2
        order by r.period, r.id) t
 order by t.period, t.id
