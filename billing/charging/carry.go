package charging

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Carried is a sum of corrections that is billed a cycle later.
type Carried struct {
	Account, Subscription, Offering uuid.UUID
	From, To                        calendar.Date // the cycle that is closed, and the next one's start
	OwnCycle                        calendar.Date // of the corrected charges
	LineCode                        string
	Unit                            money.Unit
	Category                        string
	Currency                        money.Currency
	Quantity, Allowance             money.Decimal
	Price, Net, Tax                 money.Decimal
	Corrects                        uuid.UUID // one of the corrected charges
	CorrectsPeriod                  calendar.Date
}

// CarryOver takes sums off the charges of a cycle that is being closed and puts
// them on the next one's: two charges each, which come to nothing together, so
// that the account's unbilled total stays as it is.
func CarryOver(ctx context.Context, tx tenant.Tx, zone *time.Location, carried []Carried) error {
	ids := ledger.NewSequence()
	var charges []Charge
	for _, c := range carried {
		at := c.OwnCycle.Start(zone)
		one := Charge{
			Period: ledger.Period(at, zone), ID: ids.Next(), Kind: CorrectedCharge, AccountID: c.Account, SubscriptionID: c.Subscription, OfferingID: c.Offering,
			CycleStart: c.To, OwnCycle: c.OwnCycle, At: at, RatedAt: tx.At, LineCode: c.LineCode, Quantity: c.Quantity, Unit: c.Unit, Allowance: c.Allowance,
			Price: c.Price, Net: c.Net, Tax: c.Tax, Currency: c.Currency, TaxCategory: c.Category, Why: []byte("[]"),
			Corrects: c.Corrects, CorrectsPeriod: c.CorrectsPeriod, Reason: "carried over to the next bill",
		}
		off := one
		off.ID, off.CycleStart = ids.Next(), c.From
		off.Quantity, off.Allowance, off.Price, off.Net, off.Tax = c.Quantity.Neg(), c.Allowance.Neg(), c.Price.Neg(), c.Net.Neg(), c.Tax.Neg()
		if !off.OwnCycle.Before(off.CycleStart) {
			off.OwnCycle = calendar.Date{}
		}
		charges = append(charges, one, off)
	}
	return writeCharges(ctx, tx, charges)
}
