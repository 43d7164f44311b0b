package partner

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/catalog"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Line is something that was charged, or with a net below zero credited, of
// which a partner may have a share.
type Line struct {
	Source       uuid.UUID // the charge, bill or credit
	Line         string    // within it
	Account      uuid.UUID
	Subscription uuid.UUID
	OfferingID   uuid.UUID
	Recurring    bool
	Periods      int64     // how many charges or periods the line is for; 0 is one
	Corrects     uuid.UUID // the charge that it changes, whose share it changes as much; uuid.Nil: none
	Discount     bool      // something off another line: an amount of share stays as it is
	Net          money.Decimal
	Currency     money.Currency
}

// Shared reports the terms of an offering if a line of it is shared.
func Shared(o catalog.Offering, recurring bool) bool {
	return o.ThirdParty != nil && (recurring || o.ThirdParty.Per == catalog.PerCharge)
}

// Of is a partner's share of a net: a percentage of it, or an amount for each
// charge or period that is never more than the net itself. A credit takes back
// what its part of a charge gave.
func Of(t catalog.ThirdParty, net money.Decimal, periods int64) (money.Decimal, error) {
	if t.Share.Percent != nil {
		return net.MulDiv(*t.Share.Percent, money.NewDecimal(100), money.Scale, money.HalfAwayFromZero)
	}
	share := t.Share.Amount.Mul(money.NewDecimal(max(1, periods)))
	switch {
	case net.Sign() < 0:
		share = share.Neg()
		if share.Cmp(net) < 0 {
			share = net
		}
	case share.Cmp(net) > 0:
		share = net
	}
	return share, nil
}

// Accrue posts the shares of lines, whose accounts are locked, and keeps them. A
// line that has its share already is passed over. offerings are the versions of
// the lines by id.
func Accrue(ctx context.Context, tx tenant.Tx, zone *time.Location, lines []Line, offerings map[uuid.UUID]catalog.Offering) error {
	lines = slices.DeleteFunc(lines, func(l Line) bool {
		return offerings[l.OfferingID].ThirdParty == nil || l.Net.IsZero()
	})
	if len(lines) == 0 {
		return nil
	}
	before, err := given(ctx, tx, lines)
	if err != nil {
		return err
	}
	ids := ledger.NewSequence()
	var kept []share
	for i := range lines {
		l, o := &lines[i], offerings[lines[i].OfferingID]
		amount, err := l.share(o, before)
		if err != nil {
			return fmt.Errorf("share of %s in %s: %w", o.ThirdParty.Partner, o.Code, err)
		}
		if !amount.IsZero() {
			kept = append(kept, share{Line: l, id: ids.Next(), partner: o.ThirdParty.Partner, amount: amount})
		}
	}
	return post(ctx, tx, zone, kept)
}

// share is a line with what its partner gets.
type share struct {
	*Line
	id      uuid.UUID
	partner string
	amount  money.Decimal

	legalEntity, branch uuid.UUID
}

// sum is what charges gave, and of what.
type sum struct{ net, share money.Decimal }

// share is what a line gives or takes back.
func (l *Line) share(o catalog.Offering, before map[uuid.UUID]sum) (money.Decimal, error) {
	switch {
	case l.Corrects != uuid.Nil:
		was := before[l.Corrects]
		if was.net.IsZero() {
			return money.Decimal{}, nil
		}
		return l.Net.MulDiv(was.share, was.net, money.Scale, money.HalfAwayFromZero)
	case !Shared(o, l.Recurring), l.Discount && o.ThirdParty.Share.Amount != nil:
		return money.Decimal{}, nil
	}
	return Of(*o.ThirdParty, l.Net, l.Periods)
}

// given reads the shares of the charges that lines correct.
func given(ctx context.Context, tx tenant.Tx, lines []Line) (map[uuid.UUID]sum, error) {
	var sources []uuid.UUID
	for _, l := range lines {
		if l.Corrects != uuid.Nil {
			sources = append(sources, l.Corrects)
		}
	}
	found := map[uuid.UUID]sum{}
	if len(sources) == 0 {
		return found, nil
	}
	rows, err := tx.Query(ctx, `select source, sum(net), sum(share) from partner_share where source = any ($1) group by source`, sources)
	if err != nil {
		return nil, fmt.Errorf("read partners' shares: %w", err)
	}
	var id uuid.UUID
	var one sum
	if _, err := pgx.ForEachRow(rows, []any{&id, &one.net, &one.share}, func() error { found[id] = one; return nil }); err != nil {
		return nil, fmt.Errorf("read partners' shares: %w", err)
	}
	return found, nil
}

// homes fills in to which legal entity and branch the accounts belong.
func homes(ctx context.Context, tx tenant.Tx, kept []share) error {
	accounts := make([]uuid.UUID, len(kept))
	for i, s := range kept {
		accounts[i] = s.Account
	}
	rows, err := tx.Query(ctx, `select id, legal_entity, branch from billing_account where id = any ($1)`, accounts)
	if err != nil {
		return fmt.Errorf("accounts of shares: %w", err)
	}
	var id, entity, branch uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&id, &entity, &branch}, func() error {
		for i := range kept {
			if kept[i].Account == id {
				kept[i].legalEntity, kept[i].branch = entity, branch
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("accounts of shares: %w", err)
	}
	return nil
}

func (s *share) posting(at time.Time) ledger.Posting {
	debit, credit, amount := ledger.General(ledger.Revenue), ledger.General(ledger.PartnerPayable), s.amount
	if amount.Sign() < 0 {
		debit, credit, amount = credit, debit, amount.Neg()
	}
	return ledger.Posting{
		Event:     ledger.Event{Kind: ledger.Share, ID: s.id, At: at, LegalEntity: s.legalEntity, Branch: s.branch},
		Transfers: []ledger.Transfer{{Debit: debit, Credit: credit, Amount: amount, Unit: s.Currency.Unit(), AccountID: s.Account}},
	}
}

// insert keeps shares; the unique (source, line) says which are new.
func insert(ctx context.Context, tx tenant.Tx, kept []share) (map[uuid.UUID]bool, error) {
	n := len(kept)
	ids, subscriptions, offerings, sources := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]uuid.UUID, n), make([]uuid.UUID, n)
	partners, lines, currencies := make([]string, n), make([]string, n), make([]string, n)
	nets, amounts := make([]money.Decimal, n), make([]money.Decimal, n)
	for i, s := range kept {
		ids[i], partners[i], subscriptions[i], offerings[i], sources[i], lines[i] = s.id, s.partner, s.Subscription, s.OfferingID, s.Source, s.Line.Line
		nets[i], amounts[i], currencies[i] = s.Net, s.amount, s.Currency.Code()
	}
	rows, err := tx.Query(ctx, `
		insert into partner_share (id, partner, subscription_id, offering_id, source, line, net, share, currency, at)
		select n.id, n.partner, n.subscription, n.offering, n.source, n.line, n.net, n.share, n.currency, $10
		  from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::numeric[], $8::numeric[], $9::text[])
		       as n (id, partner, subscription, offering, source, line, net, share, currency)
		on conflict (source, line) do nothing
		returning id`, ids, partners, subscriptions, offerings, sources, lines, nets, amounts, currencies, tx.At)
	if err != nil {
		return nil, fmt.Errorf("keep partners' shares: %w", err)
	}
	fresh := map[uuid.UUID]bool{}
	var id uuid.UUID
	if _, err := pgx.ForEachRow(rows, []any{&id}, func() error { fresh[id] = true; return nil }); err != nil {
		return nil, fmt.Errorf("keep partners' shares: %w", err)
	}
	return fresh, nil
}

// Kept is a share as it stands.
type Kept struct {
	ID           uuid.UUID
	Partner      string
	Subscription uuid.UUID
	OfferingID   uuid.UUID
	Source       uuid.UUID
	Line         string
	Net, Share   money.Decimal
	Currency     money.Currency
	At           time.Time
}

// MaxPage bounds a page of shares.
const MaxPage = 200

// Shares lists a partner's shares, newest first: those before an id, or the
// newest for a zero one. partner_share_partner gives the order.
func Shares(ctx context.Context, tx tenant.Tx, partner string, before uuid.UUID, limit int) ([]Kept, error) {
	if _, err := Get(ctx, tx, partner); err != nil {
		return nil, err
	}
	var last *uuid.UUID
	if before != uuid.Nil {
		last = &before
	}
	rows, err := tx.Query(ctx, `
		select id, partner, subscription_id, offering_id, source, line, net, share, currency, at
		  from partner_share
		 where partner = $1 and ($2::uuid is null or id < $2)
		 order by id desc
		 limit $3`, partner, last, min(max(limit, 1), MaxPage))
	if err != nil {
		return nil, fmt.Errorf("list shares of %s: %w", partner, err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Kept])
	if err != nil {
		return nil, fmt.Errorf("list shares of %s: %w", partner, err)
	}
	return list, nil
}
