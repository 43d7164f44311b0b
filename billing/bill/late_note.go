package bill

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// lateNote is a credit note for usage of an earlier cycle that came out lower
// than its bill says.
type lateNote struct {
	bill  uuid.UUID
	cycle calendar.Date
	lines []CreditLine
	net   money.Decimal // nine decimals, below zero
	owner uuid.UUID     // whose usage it is
}

// pastKey finds the line of usage that a correction is of.
type pastKey struct {
	cycle        calendar.Date
	subscription uuid.UUID
	code         string
}

// pastLine is that line, and what is left of it to credit, as prices are written.
type pastLine struct {
	LineRef
	left money.Decimal
}

// below are the cycles whose corrections come out below zero together.
func (o *openCycle) below() map[calendar.Date]bool {
	sums := map[calendar.Date]money.Decimal{}
	for i := range o.charges {
		if s := &o.charges[i]; o.Kind == account.Postpaid && s.Kind == Correction && s.Corrects != nil {
			sums[s.OwnCycle] = sums[s.OwnCycle].Add(s.Price)
		}
	}
	found := map[calendar.Date]bool{}
	for cycle, sum := range sums {
		if sum.Sign() < 0 {
			found[cycle] = true
		}
	}
	return found
}

const selectPast = `
	select b.account_id, b.cycle_start, l.subscription_id, l.code, b.id, l.no, l.price
	       - coalesce((select sum(x.price) from bill n join bill_line x on x.bill_id = n.id
	                    where n.corrects = b.id and n.kind = 'credit_note' and n.state = 'final' and x.corrects_no = l.no), 0)
	       + coalesce((select sum(i.price) from bill_item i where i.of_bill = b.id and i.of_line = l.no and i.price < 0), 0) as left_over
	from unnest($1::uuid[], $2::date[]) as p (account_id, cycle_start)
	join bill b on b.account_id = p.account_id and b.cycle_start = p.cycle_start and b.kind = 'bill' and b.state = 'final'
	join bill_line l on l.bill_id = b.id and l.kind = 'usage' and l.subscription_id is not null
	order by left_over`

// loadPast finds the lines that corrections below zero are of. Only accounts
// that have such are asked for.
func loadPast(ctx context.Context, tx tenant.Tx, byID map[uuid.UUID]*openCycle) error {
	var accounts []uuid.UUID
	var cycles []calendar.Date
	for id, o := range byID {
		for cycle := range o.below() {
			accounts, cycles = append(accounts, id), append(cycles, cycle)
		}
	}
	if len(accounts) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, selectPast, accounts, cycles)
	if err != nil {
		return fmt.Errorf("load lines to credit: %w", err)
	}
	var owner uuid.UUID
	var key pastKey
	var line pastLine
	_, err = pgx.ForEachRow(rows, []any{&owner, &key.cycle, &key.subscription, &key.code, &line.Bill, &line.No, &line.left}, func() error {
		o := byID[owner]
		if o.past == nil {
			o.past = map[pastKey]pastLine{}
		}
		o.past[key] = line // the one of which most is left
		return nil
	})
	if err != nil {
		return fmt.Errorf("load lines to credit: %w", err)
	}
	return nil
}

// noteLate takes the corrections of a cycle off this bill that come out below
// zero and that a credit note of the cycle's own bill can give back. Others
// lower this bill.
func (c *closing) noteLate() {
	for cycle := range c.below() {
		note, rest, fits := lateNote{cycle: cycle, owner: c.ID}, []chargeSum(nil), true
		for _, s := range c.charges {
			if s.Kind != Correction || s.Corrects == nil || s.OwnCycle != cycle {
				rest = append(rest, s)
				continue
			}
			of, found := c.past[pastKey{cycle, s.Subscription, s.Code}]
			price := money.New(s.Price, c.Currency).Round(c.Currency.DocumentDigits(), money.HalfAwayFromZero).Neg()
			if fits = fits && found && price.Sign() > 0 && of.left.Cmp(price.Decimal()) >= 0 && (note.bill == uuid.Nil || note.bill == of.Bill); !fits {
				break
			}
			for _, l := range note.lines {
				fits = fits && l.No != of.No
			}
			note.bill, note.net = of.Bill, note.net.Add(s.Net)
			note.lines = append(note.lines, CreditLine{No: of.No, Amount: &price})
		}
		if fits && note.bill != uuid.Nil {
			c.charges, c.lateNotes = rest, append(c.lateNotes, note)
		}
	}
}

// lateReasons are why a late note is written, by language.
var lateReasons = map[string]string{
	"en": "Usage of this period was corrected.",
	"id": "Pemakaian periode ini dikoreksi.",
	"ru": "Использование за этот период исправлено.",
}

// unlate takes back what charging posted of usage that a credit note gives back:
// the note posts it against its bill.
func (c *closing) unlate(post *poster) {
	for _, n := range c.lateNotes {
		post.move(ledger.Of(ledger.Unbilled, n.owner), ledger.General(ledger.Revenue), n.net.Neg())
	}
}

// creditLate writes the credit notes of closings: a few of a run.
func creditLate(ctx context.Context, tx tenant.Tx, part []*closing) error {
	for _, c := range part {
		for _, n := range c.lateNotes {
			reason, known := lateReasons[c.Language]
			if !known {
				reason = lateReasons["en"]
			}
			if _, err := Credit(ctx, tx, NewCredit{ID: uuid.Must(uuid.NewV7()), BillID: n.bill, Lines: n.lines, Reason: reason, By: "system:late-usage"}); err != nil {
				return fmt.Errorf("credit usage of %s: %w", n.cycle, err)
			}
		}
	}
	return nil
}
