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
	select w.no, s.partner, (array_agg(s.offering_id))[1], sum(s.net), sum(s.share), min(l.net)
	  from bill as b
	  cross join (select distinct * from unnest($2::integer[], $3::uuid[], $4::text[]) as w (no, subscription, code)) as w
	  join bill_line as l on l.bill_id = b.id and l.no = w.no and l.net <> 0
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
	having sum(s.net) <> 0
	 order by 1, 2`

// sharedLine is a line of a bill of which something is given back.
type sharedLine struct {
	no           int // on the bill
	subscription uuid.UUID
	code         string
	as           string        // the line that gives it back, within its document
	net          money.Decimal // that it gives back; below zero: asks for again
	currency     money.Currency
}

// hadShare is what a partner had of a line.
type hadShare struct {
	partner    string
	offering   uuid.UUID
	net, share money.Decimal // of that net
	line       money.Decimal // the net of the whole line, of which others may have had shares too
}

// back is what a line takes from those who had shares of the one that it gives
// back: from each as much of its share as is given back of the line.
func (l sharedLine) back(had []hadShare, document, accountID uuid.UUID) ([]partner.Back, error) {
	var back []partner.Back
	for n, h := range had {
		part, err := l.net.MulDiv(h.net, h.line, money.Scale, money.HalfAwayFromZero)
		if err != nil {
			return nil, err
		}
		as := l.as
		if n > 0 {
			as += " " + h.partner // a document's line stands once for each partner
		}
		back = append(back, partner.Back{Partner: h.partner, Of: h.net, Share: h.share, Line: partner.Line{Source: document, Line: as, Account: accountID,
			Subscription: l.subscription, OfferingID: h.offering, Net: part, Currency: l.currency}})
	}
	return back, nil
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
	var no int
	var one hadShare
	had := map[int][]hadShare{}
	_, err = pgx.ForEachRow(rows, []any{&no, &one.partner, &one.offering, &one.net, &one.share, &one.line}, func() error {
		had[no] = append(had[no], one)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read partners' shares: %w", err)
	}
	var back []partner.Back
	for _, l := range lines {
		given, err := l.back(had[l.no], document, accountID)
		if err != nil {
			return fmt.Errorf("shares of line %d: %w", l.no, err)
		}
		back = append(back, given...)
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
