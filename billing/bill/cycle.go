package bill

import (
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
)

// dueAccount is an account whose cycle is to be closed.
type dueAccount struct {
	ID                 uuid.UUID
	Number             string
	Kind               account.Kind
	Currency           money.Currency
	Anchor             calendar.Date
	Months, Days       int
	Cycle              calendar.Period
	Changes            *account.CycleChanges
	Receivable, Credit money.Decimal
	Entity, Branch     uuid.UUID
	Name               string
	Address            account.Address
	TaxID              string
	Language           string
	Taxed              *tax.Buyer       // nil: an ordinary customer
	Withholding        *tax.Withholding // nil: pays in full
	Papers             Papers
}

// subscription is what an account has taken, as fees need it.
type subscription struct {
	ID, Account, Offering uuid.UUID
	ActivatedAt           time.Time
	TerminatedAt          *time.Time
	ChargedThrough        *calendar.Date
	SetupCharged          bool
	Deferred              money.Decimal
	CreatedAt             time.Time // fees of periods that began before were charged elsewhere
	PaysFees              bool      // false: a bundle's price pays for it
	PartOf                *uuid.UUID
	Identities            string
	Pauses                []account.Pause
}

// chargeSum is what one line of usage, or of fees paid from a balance, comes to.
type chargeSum struct {
	Account, Subscription, Offering uuid.UUID
	Kind                            LineKind
	Code                            string
	Unit                            money.Unit
	Category                        string
	OwnCycle                        calendar.Date // in which the use was
	Quantity, Allowance             money.Decimal
	Price, Net, Tax                 money.Decimal
	Events                          int64
	Corrects                        *uuid.UUID // of a correction: one of the charges, and its period
	CorrectsPeriod                  *calendar.Date
	First                           time.Time // of the uses; all are taxed at one rate
}

// allowanceUse is one allowance of the cycle and what was used of it.
type allowanceUse struct {
	Account       uuid.UUID
	Subscription  *uuid.UUID
	Code          string
	Unit          money.Unit
	Granted, Used money.Decimal
}

// openCycle is one account's cycle with all that closing it needs.
type openCycle struct {
	dueAccount
	subscriptions []subscription
	charges       []chargeSum
	allowances    []allowanceUse
	commitments   []Commitment
	items         []Item
	children      []*openCycle                     // that this account's document is for as well
	past          map[pastKey]pastLine             // lines that corrections below zero are of
	discounts     map[uuid.UUID][]account.Discount // by subscription
	ahead         map[uuid.UUID][]discounted       // taken off before, for days after this cycle
}
