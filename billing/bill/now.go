package bill

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/tenant"
)

// Scope says what a bill on demand is for.
type Scope string

// All that was charged until today, or what waits for the next bill only.
const (
	ScopeAll   Scope = "all"
	ScopeItems Scope = "items"
)

// ErrNothingToBill means that a bill on demand would have no line.
var ErrNothingToBill = errors.New("there is nothing to bill now")

// BillNow bills one postpaid account in advance of its cycle's end. ScopeAll
// closes what was charged until today began: the open cycle goes on from there
// to the end that it had, and its tiers and allowances as if nothing had been.
// ScopeItems leaves the cycle and bills what waits for the next bill.
func (c Closer) BillNow(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, scope Scope) (Document, error) {
	a, err := account.Lock(ctx, tx, accountID)
	if err != nil {
		return Document{}, err
	}
	switch {
	case a.Kind == account.Prepaid:
		return Document{}, fmt.Errorf("account %s: %w", a.Number, ErrPrepaidItem)
	case a.State == account.Closed:
		return Document{}, fmt.Errorf("account %s: %w", a.Number, account.ErrClosed)
	case scope != ScopeAll && scope != ScopeItems:
		return Document{}, &account.FieldError{Field: "scope", Want: "all or items"}
	}
	f, err := loadFrame(ctx, tx)
	if err != nil {
		return Document{}, err
	}
	f.settles, f.outside = c.Settle != nil, c.Outside
	today := f.profile.LocalDate(tx.At)
	cut := scope == ScopeAll && a.Cycle.Contains(today) && a.Cycle.From.Before(today)
	if cut {
		if _, err := tx.Exec(ctx, `update billing_account set cycle_end = $2 where id = $1`, a.ID, today); err != nil {
			return Document{}, fmt.Errorf("cut cycle of account %s: %w", a.Number, err)
		}
	}
	one, err := f.reckonNow(ctx, tx, a.ID, cut)
	if err != nil {
		return Document{}, fmt.Errorf("bill account %s now: %w", a.Number, err)
	}
	b := &batch{run: Run{CycleEnd: today}, frame: f, settle: c.Settle}
	if err := b.writeNow(ctx, tx, one, cut); err != nil {
		return Document{}, fmt.Errorf("bill account %s now: %w", a.Number, err)
	}
	return GetDocument(ctx, tx, withDocument([]*closing{one})[0].doc.ID)
}

// reckonNow reckons the account's cycle up to its cut end, or its items alone.
func (f *frame) reckonNow(ctx context.Context, tx tenant.Tx, id uuid.UUID, cut bool) (*closing, error) {
	rows, err := tx.Query(ctx, `select `+dueColumns+` from billing_account a join party p on p.id = a.party_id where a.id = $1`, id)
	if err != nil {
		return nil, err
	}
	due, err := pgx.CollectRows(rows, scanDue)
	if err != nil {
		return nil, err
	}
	cycles, err := f.load(ctx, tx, due)
	if err != nil {
		return nil, err
	}
	o := cycles[0]
	if !cut {
		o.charges, o.allowances = nil, nil
	}
	var one *closing
	if cut {
		one, err = f.reckon(o)
	} else {
		one, err = f.reckonItems(o)
	}
	if err == nil && len(withDocument([]*closing{one})) == 0 {
		err = ErrNothingToBill
	}
	return one, err
}

// reckonItems makes a document of what waits for the account's next bill.
func (f *frame) reckonItems(o *openCycle) (*closing, error) {
	c := f.begin(o)
	c.doc.Part = c.doc.ID.String()
	c.addItems()
	services := map[uuid.UUID]string{}
	for _, s := range o.subscriptions {
		services[s.ID] = serviceName(f.offerings[s.Offering].Names.In(o.Language), s.Identities)
	}
	return c, f.finishItems(c, services)
}

// writeNow writes the closing, numbers it last, and leaves a cut cycle's account
// at its next part.
func (b *batch) writeNow(ctx context.Context, tx tenant.Tx, one *closing, cut bool) error {
	part := []*closing{one}
	var err error
	if cut {
		err = b.put(ctx, tx, part)
	} else {
		err = b.putItems(ctx, tx, part)
	}
	if err != nil {
		return err
	}
	b.closed = part
	if err := b.number(ctx, tx); err != nil || !cut {
		return err
	}
	return b.schedule(ctx, tx)
}

// putItems writes documents that leave their accounts' cycles as they are.
func (b *batch) putItems(ctx context.Context, tx tenant.Tx, part []*closing) error {
	totals, err := b.post(ctx, tx, part)
	if err != nil {
		return err
	}
	if err := totals.Move(ctx, tx); err != nil {
		return err
	}
	if err := b.share(ctx, tx, part); err != nil {
		return err
	}
	return b.putDrafts(ctx, tx, part)
}
