package bill

import (
	"github.com/google/uuid"

	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
)

// recognise reckons what of the deferred fees is earned by the end of the
// cycle: all that is deferred, with this bill's own, less what is for later.
func (c *closing) recognise() error {
	added, kept := map[uuid.UUID]money.Decimal{}, c.kept
	deferred := c.deferred()
	for _, e := range c.entries {
		if e.source == fromItem && e.item.From.Deferred {
			moved, _ := splitDeferred(e.Net.Decimal(), deferred[e.Subscription])
			deferred[e.Subscription] = deferred[e.Subscription].Add(moved)
			added[e.Subscription] = added[e.Subscription].Add(moved)
			continue
		}
		if e.source != feeAhead {
			continue
		}
		left, err := e.fee.unearned(e.Net.Decimal(), c.Cycle.To)
		if err != nil {
			return err
		}
		added[e.Subscription] = added[e.Subscription].Add(e.Net.Decimal())
		kept[e.Subscription] = kept[e.Subscription].Add(left)
	}
	for _, s := range c.subscriptions {
		if earned := s.Deferred.Add(added[s.ID]).Sub(kept[s.ID]); earned.Sign() > 0 {
			c.earned = append(c.earned, recognition{s.ID, earned})
		}
	}
	return nil
}

// deferred is what will be deferred of each subscription when this bill's own
// fees are.
func (c *closing) deferred() map[uuid.UUID]money.Decimal {
	left := map[uuid.UUID]money.Decimal{}
	if len(c.items) == 0 {
		return left
	}
	for _, s := range c.subscriptions {
		left[s.ID] = s.Deferred
	}
	for _, e := range c.entries {
		if e.source == feeAhead {
			left[e.Subscription] = left[e.Subscription].Add(e.Net.Decimal())
		}
	}
	return left
}

// poster collects the transfers of one account's event.
type poster struct {
	account   uuid.UUID
	unit      money.Unit
	transfers []ledger.Transfer
}

// move debits one account and credits another; a negative amount goes the
// other way round, nothing is nothing.
func (p *poster) move(debit, credit ledger.Account, amount money.Decimal) {
	switch amount.Sign() {
	case 0:
		return
	case -1:
		debit, credit, amount = credit, debit, amount.Neg()
	}
	p.transfers = append(p.transfers, ledger.Transfer{Debit: debit, Credit: credit, Amount: amount, Unit: p.unit, AccountID: p.account})
}

// postings are what the ledger gets: what charging posted is taken back in its
// own nine decimals, the document stands in its units, and what they differ by
// goes to rounding.
func (c *closing) postings(f *frame) []ledger.Posting {
	event := ledger.Event{Kind: ledger.Bill, ID: c.doc.ID, At: f.at, LegalEntity: c.Entity, Branch: c.Branch}
	post := &poster{account: c.ID, unit: c.Currency.Unit()}
	if c.doc.Kind == KindStatement {
		event.Kind = ledger.Statement
		post.move(ledger.General(ledger.Rounding), ledger.General(ledger.Tax), c.doc.Tax.Decimal().Sub(c.taxTaken))
	} else {
		c.bill(post)
	}
	postings := []ledger.Posting{{Event: event, Transfers: post.transfers}}
	for _, r := range c.earned {
		event.Kind, event.ID = ledger.Recognition, r.Subscription
		earn := &poster{account: c.ID, unit: c.Currency.Unit()}
		earn.move(ledger.Of(ledger.Deferred, r.Subscription), ledger.General(ledger.Revenue), r.Amount)
		postings = append(postings, ledger.Posting{Event: event, Transfers: earn.transfers})
	}
	return postings
}

// bill posts a bill: what is receivable against where it comes from.
func (c *closing) bill(post *poster) {
	receivable := ledger.Of(ledger.Receivable, c.ID)
	earned, documented := money.Decimal{}, money.Decimal{}
	left := c.deferred()
	for i := range c.entries {
		e := &c.entries[i]
		net := e.Net.Decimal()
		switch e.source {
		case feeAhead:
			post.move(receivable, ledger.Of(ledger.Deferred, e.Subscription), net)
		case feeEarned:
			earned = earned.Add(net)
		case fromCharges:
			documented = documented.Add(net)
		case fromItem:
			c.itemPosting(post, e, left)
		}
	}
	c.unlate(post)
	post.move(receivable, ledger.General(ledger.Revenue), earned)
	post.move(receivable, ledger.Of(ledger.Unbilled, c.ID), c.charged)
	for _, id := range c.absorbed {
		post.move(receivable, ledger.Of(ledger.Unbilled, id), c.owed[id])
	}
	post.move(receivable, ledger.General(ledger.Rounding), documented.Sub(c.allCharged()))
	post.move(receivable, ledger.General(ledger.Tax), c.doc.Tax.Decimal())
	post.move(receivable, ledger.General(ledger.Rounding), c.doc.Rounding.Decimal())
}
