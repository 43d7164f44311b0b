select a.kind, a.state, b.name, a.created_at,
       coalesce((select sum(k.value) from bucket as k
                  where k.account_id = a.id and k.unit = a.currency and k.valid_from <= $2 and (k.expires_at is null or k.expires_at > $2)), 0),
       a.receivable + a.unbilled,
       coalesce((select sum(i.open) from open_item as i where i.account_id = a.id and i.open > 0 and i.due_date < $3), 0),
       coalesce((select array_agg(distinct v.code order by v.code) from subscription as s join offering_version as v on v.id = s.offering_id
                  where s.account_id = a.id and s.state = 'active'), '{}')
from billing_account as a
join branch as b on b.id = a.branch
where a.id = $1
