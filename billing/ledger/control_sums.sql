-- Each rule compares a ledger account with what the books say, customer by
-- customer. Snapshots and the transfers since (tail) feed all rules.
side as (
    select kind, nullif(id, '00000000-0000-0000-0000-000000000000') as id, unit, amount from ledger_total
    union all
    select debit, debit_id, unit, amount from tail
    union all
    select credit, credit_id, unit, -amount from tail
),
moved as materialized (
    select kind, id, unit, sum(amount) as amount from side group by kind, id, unit
),
-- sign turns a liability's credit balance into a positive value
rule (name, kind, sign) as (values
    ('prepaid liability = money buckets',         'prepaid',         -1),
    ('unit buckets = unit buckets'' transfers',   'unit_bucket',     -1),
    ('receivable = open items',                   'receivable',       1),
    ('receivable = accounts'' receivable',        'receivable',       1),
    ('unbilled = accounts'' unbilled',            'unbilled',         1),
    ('customer credit = unapplied payments',      'customer_credit', -1),
    ('customer credit = accounts'' credit',       'customer_credit', -1),
    ('deferred = subscriptions'' deferred',       'deferred',        -1),
    ('deposits = deposits'' rest',                'deposit',         -1),
    ('advances = advance bills not deducted',     'advance',         -1),
    ('tax taken at sale = buckets'' tax',         'tax_ahead',        1),
    ('tax = documents'' tax + undocumented tax',  'tax',             -1)
),
ledger as (
    select r.name, m.id, m.unit, sum(r.sign * m.amount) as value
    from rule r join moved m on m.kind = r.kind
    group by r.name, m.id, m.unit
),
entry (name, id, unit, value) as (
    select 'prepaid liability = money buckets', id, unit, value from bucket where unit ~ '^[A-Z]{3}$'
    union all
    select 'unit buckets = unit buckets'' transfers', id, unit, value from bucket where unit !~ '^[A-Z]{3}$'
    union all
    select 'receivable = open items', account_id, currency, open from open_item where open > 0
    union all
    select 'receivable = accounts'' receivable', id, currency, receivable from billing_account
    union all
    select 'unbilled = accounts'' unbilled', id, currency, unbilled from billing_account
    union all
    select 'customer credit = unapplied payments', account_id, currency, unapplied from payment where unapplied > 0
    union all
    select 'customer credit = accounts'' credit', id, currency, credit from billing_account
    union all
    select 'deferred = subscriptions'' deferred', s.id, a.currency, s.deferred
    from subscription s join billing_account a on a.id = s.account_id
    union all
    select 'deposits = deposits'' rest', null, currency, amount - returned from deposit
    union all
    select 'advances = advance bills not deducted', null, currency, net from bill where state = 'final' and kind = 'advance'
    union all
    select 'advances = advance bills not deducted', null, n.currency, case n.kind when 'credit_note' then -n.net else n.net end
    from bill n join bill b on b.id = n.corrects where n.state = 'final' and b.kind = 'advance'
    union all
    select 'advances = advance bills not deducted', null, b.currency, l.net
    from bill_line l join bill b on b.id = l.bill_id where l.kind = 'item' and l.code = 'advance' and b.state = 'final'
    union all
    select 'tax = documents'' tax + undocumented tax', null, currency, case kind when 'credit_note' then -tax else tax end
    from bill where state = 'final'
    union all
    select 'tax = documents'' tax + undocumented tax', null, currency, tax_reversed - tax from write_off
    union all
    select 'tax = documents'' tax + undocumented tax', null, currency, undocumented_tax from billing_account
    union all
    select 'tax = documents'' tax + undocumented tax', null, unit, tax_ahead from bucket where tax_ahead > 0
    union all
    select 'tax = documents'' tax + undocumented tax', null, b.currency, v.tax
    from voucher v join voucher_batch b on b.id = v.batch_id where v.tax > 0 and v.state <> 'redeemed'
    union all
    select 'tax taken at sale = buckets'' tax', id, unit, tax_ahead from bucket where tax_ahead > 0
),
books as (
    select name, id, unit, sum(value) as value from entry group by name, id, unit
),
compared as (
    select coalesce(l.name, b.name) as name, coalesce(l.unit, b.unit) as unit,
           coalesce(l.value, 0) as ledger, coalesce(b.value, 0) as books
    from ledger l
    full join books b on b.name = l.name and b.unit = l.unit
        and coalesce(b.id, '00000000-0000-0000-0000-000000000000') = coalesce(l.id, '00000000-0000-0000-0000-000000000000')
)
select name, unit, sum(ledger)::numeric, sum(books)::numeric, count(*) filter (where ledger <> books)
from compared
group by name, unit
order by name, unit
