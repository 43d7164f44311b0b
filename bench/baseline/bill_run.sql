-- The bill run of one day as set-based SQL over all accounts at once, in one
-- transaction: what somebody would write by hand who knows the case. It knows
-- that every subscription began with the cycle, that fees are monthly and in
-- advance, that there is one tax rate, inside the prices, and one seller; it
-- locks nothing, goes on nowhere when cut off, and gives ids that don't sort.
-- The bills it comes to are the product's, to the cent of every line's net.

-- What is to be closed. The table run holds the day and the instant.
create temp table due on commit drop as
select a.id as account_id, a.number as account_number, a.currency, a.cycle_start, a.cycle_end, a.legal_entity, a.branch,
       p.name as buyer, p.address as buyer_address, gen_random_uuid() as bill_id, row_number() over (order by a.id) as no
from billing_account as a
join party as p on p.id = a.party_id
where a.state = 'active' and a.cycle_end = (select cycle_end from run);
analyze due;

-- The offerings' fees, names and allowances, out of their documents.
create temp table fee on commit drop as
select v.id as offering_id, k.kind, p ->> 'code' as code, p -> 'names' ->> 'en' as name, (p ->> 'amount')::numeric as amount
from offering_version as v
cross join (values ('recurring'), ('one_time')) as k (kind)
cross join jsonb_array_elements(v.document -> 'prices' -> k.kind) as p;

create temp table allowance_name on commit drop as
select distinct on (code) p ->> 'code' as code, p -> 'names' ->> 'en' as name
from offering_version as v
cross join jsonb_array_elements(v.document -> 'allowances') as p
order by code;

create temp table line on commit drop as
select d.bill_id, s.id as subscription_id, case f.kind when 'recurring' then 1 else 2 end as rank, f.kind, f.code, f.name as description,
       q.period_from, q.period_to, 1::numeric as quantity, 'fee' as unit, 0::bigint as events, f.amount as price
from due as d
join subscription as s on s.account_id = d.account_id
join fee as f on f.offering_id = s.offering_id
cross join lateral (
    select null::date as period_from, null::date as period_to where f.kind = 'one_time'
    union all
    select d.cycle_start, d.cycle_end where f.kind = 'recurring'
    union all
    select d.cycle_end, (d.cycle_end + interval '1 month')::date where f.kind = 'recurring') as q
union all
select d.bill_id, c.subscription_id, 3, 'usage', c.line_code, c.line_code, d.cycle_start, d.cycle_end,
       sum(c.quantity) - sum(c.allowance), c.unit, count(*), round(sum(c.price), 2)
from due as d
join charge as c on c.account_id = d.account_id and c.cycle_start = d.cycle_start
group by d.bill_id, c.subscription_id, c.line_code, d.cycle_start, d.cycle_end, c.unit
having sum(c.price) <> 0 or sum(c.allowance) <> sum(c.quantity)
union all
select d.bill_id, b.subscription_id, 4, 'allowance', b.code, n.name, d.cycle_start, d.cycle_end, b.initial - b.value, b.unit, 0, 0
from due as d
join bucket as b on b.account_id = d.account_id and b.origin = 'allowance'
join allowance_name as n on n.code = b.code;

-- Net is rounded once a document and shared by the largest remainder, in whole
-- cents: 100 / (100 + rate) of each price, and of their sum.
create temp table priced on commit drop as
with rate as (
    select percent::bigint as percent, name from tax_rate where category = 'standard' and valid_to is null),
numbered as (
    select l.*, (l.price * 100)::bigint as cents, row_number() over (partition by l.bill_id order by l.subscription_id, l.rank, l.code, l.period_from) as no
    from line as l),
shared as (
    select n.*, r.percent, r.name as rate_name, n.cents * 100 / (100 + r.percent) as floor_cents,
           n.cents * 100 % (100 + r.percent) as remainder
    from numbered as n cross join rate as r),
ranked as (
    select s.*, row_number() over (partition by s.bill_id order by s.remainder desc, s.no) as place,
           round(sum(s.cents) over w * 100.0 / (100 + s.percent)) - sum(s.floor_cents) over w as spare
    from shared as s
    window w as (partition by s.bill_id))
select bill_id, subscription_id, no, rank, kind, code, description, period_from, period_to, quantity, unit, events, price, percent, rate_name,
       (floor_cents + case when place <= spare then 1 else 0 end) / 100.0 as net
from ranked;
analyze priced;

create temp table total on commit drop as
select bill_id, sum(price) as total, sum(net) as net,
       sum(net) filter (where kind = 'usage') as usage_net, sum(net) filter (where kind = 'one_time') as once_net
from priced
group by bill_id;
analyze total;

create temp table monthly on commit drop as
select bill_id, subscription_id, sum(net) filter (where period_from = (select cycle_end from run)) as ahead_net,
       sum(net) filter (where period_from < (select cycle_end from run)) as earned_net
from priced
where kind = 'recurring'
group by bill_id, subscription_id;
analyze monthly;

insert into bill (id, account_id, kind, state, series_year, series_no, number, cycle_start, cycle_end, issue_date, due_date, currency,
                  net, tax, total, due, facts, legal_entity, branch, closed_at)
select d.bill_id, d.account_id, 'bill', 'final', 2026, d.no, 'HM-2026/' || lpad(d.no::text, 6, '0'), d.cycle_start, d.cycle_end,
       d.cycle_end, d.cycle_end + o.payment_term_days, d.currency, t.net, t.total - t.net, t.total, t.total,
       jsonb_build_object(
           'operator', jsonb_build_object('name', o.name, 'colour', o.brand_colour, 'support', o.support_contact),
           'seller', jsonb_build_object('name', e.name, 'address', e.address, 'tax_id', e.tax_id, 'register_id', e.register_id,
                                        'bank', jsonb_build_object('name', e.bank_name, 'iban', e.bank_iban, 'bic', e.bank_bic)),
           'buyer', jsonb_build_object('name', d.buyer, 'address', d.buyer_address, 'tax_id', '', 'account', d.account_number),
           'language', 'en', 'country', o.country, 'basis', 'inclusive',
           'services', (select jsonb_object_agg(s.id, i.value)
                        from subscription as s
                        join service as v on v.subscription_id = s.id
                        join service_identity as i on i.service_id = v.id and i.kind = 'msisdn'
                        where s.account_id = d.account_id)),
       d.legal_entity, d.branch, (select at from run)
from due as d
join total as t on t.bill_id = d.bill_id
join legal_entity as e on e.id = d.legal_entity
cross join operator as o;

insert into bill_line (bill_id, no, kind, code, description, subscription_id, period_from, period_to, quantity, unit, events, price, net, tax,
                       tax_category, tax_percent)
select bill_id, no, kind, code, description, subscription_id, period_from, period_to, quantity, unit, events, price, net, price - net,
       case when kind = 'allowance' then '' else 'standard' end, case when kind = 'allowance' then 0 else percent end
from priced;

insert into bill_tax (bill_id, category, percent, name, base, tax)
select t.bill_id, 'standard', r.percent, r.name, t.net, t.total - t.net
from total as t
cross join tax_rate as r
where r.category = 'standard' and r.valid_to is null;

insert into open_item (id, account_id, bill_id, currency, amount, open, due_date, created_at)
select gen_random_uuid(), d.account_id, d.bill_id, d.currency, t.total, t.total, d.cycle_end + o.payment_term_days, (select at from run)
from due as d
join total as t on t.bill_id = d.bill_id
cross join operator as o
where t.total > 0;

insert into ledger_transfer (period, id, at, debit, debit_id, credit, credit_id, amount, unit, event, event_id, account_id, legal_entity, branch)
select d.cycle_end, gen_random_uuid(), (select at from run), m.debit, m.debit_id, m.credit, m.credit_id, m.amount, d.currency,
       m.event, case m.event when 'bill' then d.bill_id else m.debit_id end, d.account_id, d.legal_entity, d.branch
from due as d
join billing_account as a on a.id = d.account_id
join total as t on t.bill_id = d.bill_id
cross join lateral (
    select v.event, v.debit, v.debit_id, v.credit, v.credit_id, v.amount
    from (values
        ('bill', 'receivable', d.account_id, 'revenue', null::uuid, t.once_net),
        ('bill', 'receivable', d.account_id, 'unbilled', d.account_id, a.unbilled),
        ('bill', 'receivable', d.account_id, 'rounding', null, t.usage_net - a.unbilled),
        ('bill', 'rounding', null, 'receivable', d.account_id, a.unbilled - coalesce(t.usage_net, 0)),
        ('bill', 'receivable', d.account_id, 'tax', null, t.total - t.net)) as v (event, debit, debit_id, credit, credit_id, amount)
    union all
    select v.event, v.debit, v.debit_id, v.credit, v.credit_id, v.amount
    from monthly as m
    cross join lateral (values
        ('bill', 'receivable', d.account_id, 'deferred', m.subscription_id, m.earned_net),
        ('bill', 'receivable', d.account_id, 'deferred', m.subscription_id, m.ahead_net),
        ('recognition', 'deferred', m.subscription_id, 'revenue', null, m.earned_net)) as v (event, debit, debit_id, credit, credit_id, amount)
    where m.bill_id = d.bill_id) as m
where m.amount > 0;

update subscription as s
set charged_through = (d.cycle_end + interval '1 month')::date, setup_charged = true, deferred = s.deferred + m.ahead_net
from due as d
join monthly as m on m.bill_id = d.bill_id
where s.id = m.subscription_id;

update billing_account as a
set receivable = a.receivable + t.total, unbilled = 0, cycle_start = d.cycle_end, cycle_end = (d.cycle_end + interval '1 month')::date
from due as d
join total as t on t.bill_id = d.bill_id
where a.id = d.account_id;

insert into number_series (legal_entity, document, year, next, last_issue)
select legal_entity, 'bill', 2026, count(*) + 1, max(cycle_end)
from due
group by legal_entity;
