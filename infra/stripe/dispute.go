package stripe

import (
	"time"

	"github.com/google/uuid"
	stripego "github.com/stripe/stripe-go/v76"

	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

func unix(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }

// withSetup says which of our stored methods a card is kept for. Without our
// metadata it is another business's.
func withSetup(event payment.ProviderEvent, metadata map[string]string) (payment.ProviderEvent, error) {
	if metadata[metaTenant] == "" || metadata[metaSetup] == "" {
		return event, nil
	}
	id, err := tenant.ParseID(metadata[metaTenant])
	if err != nil {
		return event, err
	}
	event.Tenant = id
	event.Setup, err = uuid.Parse(metadata[metaSetup])
	return event, err
}

// disputeStates are what a dispute's status means for the money; the others are
// open. https://docs.stripe.com/api/disputes/object#dispute_object-status
var disputeStates = map[stripego.DisputeStatus]payment.DisputeState{
	stripego.DisputeStatusWon: payment.DisputeWon, stripego.DisputeStatusLost: payment.DisputeLost,
}

// disputeEvent tells where a dispute stands. It has no metadata of ours: its
// payment intent is known here by name. Warnings are questions of the bank, for
// which no money is taken.
func disputeEvent(d *stripego.Dispute) (payment.ProviderEvent, error) {
	event := payment.ProviderEvent{Kind: payment.EventDispute}
	if d.PaymentIntent != nil {
		event.PaymentRef = d.PaymentIntent.ID
	}
	amount, err := amountOf(d.Amount, d.Currency)
	if err != nil {
		return event, err
	}
	event.Amount = amount
	fact := &payment.DisputeFact{Ref: d.ID, State: payment.DisputeOpen, Reason: string(d.Reason)}
	if state, closed := disputeStates[d.Status]; closed {
		fact.State = state
	}
	switch d.Status {
	case stripego.DisputeStatusWarningNeedsResponse, stripego.DisputeStatusWarningUnderReview, stripego.DisputeStatusWarningClosed:
		fact.Inquiry = true
	}
	if d.EvidenceDetails != nil && d.EvidenceDetails.DueBy > 0 {
		due := unix(d.EvidenceDetails.DueBy)
		fact.EvidenceDue = &due
	}
	fee := int64(0)
	for _, t := range d.BalanceTransactions {
		fee += t.Fee
	}
	fact.Fee = money.Zero(amount.Currency())
	if fee > 0 {
		if fact.Fee, err = FromMinor(fee, amount.Currency()); err != nil {
			return event, err
		}
	}
	event.Dispute = fact
	return event, nil
}
