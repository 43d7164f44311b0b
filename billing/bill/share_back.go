package bill

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/money"
	"tollhouse/billing/partner"
	"tollhouse/billing/tenant"
)

// A fee's share was given by the bill, under its id and the line's number; that
// of use by its charges, which charge_cycle finds: those of the subscription and
// code that are billed in the bill's cycle.
const selectHad = `
	select w.no, s.partner, (array_agg(s.offering_id))[1], sum(s.net), sum(s.share)
	  from bill as b
	  cross join unnest($2::integer[], $3::uuid[], $4::text[]) as w (no, subscription, code)
	  cross join lateral (
	       select p.partner, p.offering_id, p.net, p.share
	         from partner_share as p
	        where p.source = b.id and p.line = w.no::text
	       union all
	       select p.partner, p.offering_id, p.net, p.share
	         from subscription as u
	         join charge as c on c.account_id = u.account_id and c.cycle_start = b.cycle_start
	         join partner_share as p on p.source = c.id
	        where u.id = w.subscription and c.subscription_id = u.id and c.line_code = w.code) as s
	 where b.id = $1
	 group by 1, 2
	having sum(s.net) <> 0`

// sharedLine is a line of a bill of which something is given back.
type sharedLine struct {
	no           int // on the bill
	subscription uuid.UUID
	code         string
	as           string        // the line that gives it back, within its document
	net          money.Decimal // that it gives back
	currency     money.Currency
}

// takeSharesBack takes from partners their part of what a document gives back
// of a bill's lines. A bill on which nothing was shared costs one query. The
// account is locked.
func takeSharesBack(ctx context.Context, tx tenant.Tx, zone *time.Location, billID, document, accountID uuid.UUID, lines []sharedLine) error {
	var nos []int
	var subscriptions []uuid.UUID
	var codes []string
	for _, l := range lines {
		nos, subscriptions, codes = append(nos, l.no), append(subscriptions, l.subscription), append(codes, l.code)
	}
	if len(nos) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, selectHad, billID, nos, subscriptions, codes)
	if err != nil {
		return fmt.Errorf("read partners' shares: %w", err)
	}
	var back []partner.Back
	var no int
	var of, share money.Decimal
	var who string
	var offering uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&no, &who, &offering, &of, &share}, func() error {
		for _, l := range lines {
			if l.no == no {
				back = append(back, partner.Back{Partner: who, Of: of, Share: share, Line: partner.Line{Source: document, Line: l.as, Account: accountID,
					Subscription: l.subscription, OfferingID: offering, Net: l.net, Currency: l.currency}})
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read partners' shares: %w", err)
	}
	return partner.TakeBack(ctx, tx, zone, back)
}

// sharedLines are the lines of a credit note that belong to subscriptions.
func (w *noteWriter) sharedLines() []sharedLine {
	var lines []sharedLine
	for _, l := range w.doc.Lines {
		if l.Subscription != uuid.Nil {
			lines = append(lines, sharedLine{l.Corrects, l.Subscription, l.Code, strconv.Itoa(l.No), l.Net.Decimal(), w.doc.Currency})
		}
	}
	return lines
}

// giveUpShares takes back what partners had of a bill that is void and whose
// lines nobody is asked for any more.
func giveUpShares(ctx context.Context, tx tenant.Tx, head Bill) error {
	rows, err := tx.Query(ctx, `select no, subscription_id, code, net from bill_line where bill_id = $1 and subscription_id is not null order by no`, head.ID)
	if err != nil {
		return fmt.Errorf("read lines: %w", err)
	}
	lines, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l sharedLine, err error) {
		err = row.Scan(&l.no, &l.subscription, &l.code, &l.net)
		l.as, l.currency = "void "+strconv.Itoa(l.no), head.Total.Currency()
		return l, err
	})
	if err != nil {
		return fmt.Errorf("read lines: %w", err)
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	return takeSharesBack(ctx, tx, profile.Zone, head.ID, head.ID, head.AccountID, lines)
}
