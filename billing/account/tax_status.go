package account

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
)

// An account keeps what tax needs to know of a customer who is not an ordinary
// one: of another country than its seller, or exempt; and whether a register says
// that its tax id is not in use. Everybody else has null,
// so that charging reads nothing more for them.
const refreshTaxStatus = `
	with facts as (
	    select a.id, case when c.country <> e.country or x.list is not null then
	               jsonb_build_object('seller', e.country, 'country', c.country, 'business', p.kind = 'organization',
	                                  'tax_id', p.tax_id, 'exempt', coalesce(x.list, '[]'::jsonb))
	               || case when k.result = 'invalid' then '{"unregistered": true}'::jsonb else '{}'::jsonb end end as status
	    from billing_account a
	    join party p on p.id = a.party_id
	    join legal_entity e on e.id = a.legal_entity
	    cross join lateral (select coalesce(nullif(p.address ->> 'country', ''), e.country) as country) c
	    left join lateral (
	        select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('id', t.id, 'code', t.code,
	                   'reason', jsonb_build_object('code', t.reason_code, 'text', t.reason), 'certificate', t.certificate,
	                   'category', t.category, 'from', t.valid_from, 'to', t.valid_to)) order by t.valid_from, t.id) as list
	        from tax_exemption t
	        where t.account_id = a.id) x on true
	    left join lateral (
	        select i.result
	        from tax_id_check i
	        where i.account_id = a.id and i.result <> 'unreachable' and i.tax_id = regexp_replace(upper(p.tax_id), '[^A-Z0-9+*]', '', 'g')
	        order by i.asked_at desc, i.id desc limit 1) k on true
	    where %s
	)
	update billing_account a
	   set tax_status = f.status
	  from facts f
	 where a.id = f.id and a.tax_status is distinct from f.status`

// RefreshTaxStatus brings accounts' tax status up to date after something that
// it is made of has changed.
func RefreshTaxStatus(ctx context.Context, tx tenant.Tx, accounts ...uuid.UUID) error {
	return refreshTax(ctx, tx, `a.id = any ($1)`, accounts)
}

func refreshTax(ctx context.Context, tx tenant.Tx, which string, of any) error {
	if _, err := tx.Exec(ctx, fmt.Sprintf(refreshTaxStatus, which), of); err != nil {
		return fmt.Errorf("refresh tax status: %w", err)
	}
	return nil
}
