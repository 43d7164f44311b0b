with recursive month(period) as (
    select min(period) from ledger_transfer
    union all
    select (select min(t.period) from ledger_transfer t where t.period > m.period) from month m where m.period is not null
)
select t.id
  from month m
 cross join lateral (
       select r.id
         from ledger_transfer r
        where r.period = m.period and r.id > $1 and r.id <= $2
        order by r.period, r.id
       offset $3
        limit 1) t
 order by t.id
 limit 1
