package payment

import (
	"context"
	"fmt"
	"slices"

	"tollhouse/billing/account"
	"tollhouse/billing/money"
	"tollhouse/billing/policy"
	"tollhouse/billing/tenant"
)

// Order is in what order money pays what is owed, where it names nothing.
type Order string

// Orders.
const (
	OldestDue     Order = "oldest"
	NewestDue     Order = "newest"
	Proportional  Order = "proportional"
	InterestFirst Order = "interest_first" // bills with interest or late fees, then the oldest due
)

// Orders lists them all.
var Orders = []Order{OldestDue, NewestDue, Proportional, InterestFirst}

// Policy is what an operator has laid down about payments.
type Policy struct {
	Order Order `json:"order"`
	// Tolerance is how little may stay open of an item without being asked for:
	// it is written off. In the account's currency; zero: nothing is.
	Tolerance money.Decimal `json:"tolerance"`
	// RetryDays are after how many days a declined card is charged again, one
	// for each try.
	RetryDays []int `json:"retry_days"`
	// CashLimit is up to which difference a cashier closes a shift alone.
	CashLimit money.Decimal `json:"cash_limit"`
	Debit     DebitPolicy   `json:"debit"`
	// Delimited are the operator's own forms of bank statements, by name.
	Delimited map[string]Delimited `json:"delimited,omitempty"`
}

// DebitPolicy is how direct debits are collected.
type DebitPolicy struct {
	CreditorID string `json:"creditor_id"` // as the central bank gave it; empty: no debits are collected
	Name       string `json:"name"`
	IBAN       string `json:"iban"`
	BIC        string `json:"bic"`
	Version    string `json:"version"`     // of pain.008.001: "02" or "08"
	NoticeDays int    `json:"notice_days"` // a payer is told so many days before
	LeadDays   int    `json:"lead_days"`   // business days between the file and the day of collection
	// ReturnFee is charged to who lets a debit be returned; zero: nothing.
	ReturnFee   money.Decimal `json:"return_fee"`
	TaxCategory string        `json:"tax_category"` // of the fee
	// Retries are how often a debit is tried again that was returned for lack of
	// money.
	Retries int `json:"retries"`
}

// Delimited is how an operator's bank writes statements as lines of text.
type Delimited struct {
	Separator string `json:"separator"` // one character
	Skip      int    `json:"skip"`      // lines before the first entry
	Date      string `json:"date"`      // such as "02.01.2006", by year, month and day
	Comma     bool   `json:"comma"`     // amounts have a decimal comma
	Account   string `json:"account"`   // the bank account, which the lines don't name
	Currency  string `json:"currency"`
	// Columns are counted from one; zero: the lines have none. Where Debit is
	// given, Amount holds money that came in and Debit what went out.
	Columns struct {
		Date      int `json:"date"`
		Amount    int `json:"amount"`
		Debit     int `json:"debit,omitempty"`
		Party     int `json:"party,omitempty"`
		IBAN      int `json:"iban,omitempty"`
		Text      int `json:"text,omitempty"`
		Reference int `json:"reference,omitempty"` // the bank's, once in the account
	} `json:"columns"`
}

// defaultPolicy holds where nothing was laid down.
func defaultPolicy() Policy {
	return Policy{Order: OldestDue, RetryDays: []int{3, 5, 7}, CashLimit: money.NewDecimal(5),
		Debit: DebitPolicy{Version: "08", NoticeDays: 5, LeadDays: 2, TaxCategory: "standard", Retries: 1}}
}

// GetPolicy reads what was laid down, or what holds without.
func GetPolicy(ctx context.Context, tx tenant.Tx) (Policy, error) {
	p := defaultPolicy()
	_, err := policy.Load(ctx, tx, policy.Payment, &p)
	return p, err
}

// PutPolicy lays a policy down. account.FieldError names what is wrong.
func PutPolicy(ctx context.Context, tx tenant.Tx, p Policy, by string) error {
	if err := p.check(); err != nil {
		return err
	}
	return policy.Save(ctx, tx, policy.Payment, p, by)
}

const (
	mostRetries = 8
	mostDays    = 60
)

func (p Policy) check() error {
	fault := func(field, want string) error { return &account.FieldError{Field: field, Want: want} }
	switch {
	case !slices.Contains(Orders, p.Order):
		return fault("order", "oldest, newest, proportional or interest_first")
	case p.Tolerance.Sign() < 0:
		return fault("tolerance", "an amount, or zero")
	case p.CashLimit.Sign() < 0:
		return fault("cash_limit", "an amount, or zero")
	case len(p.RetryDays) > mostRetries || slices.ContainsFunc(p.RetryDays, func(n int) bool { return n < 1 || n > mostDays }):
		return fault("retry_days", fmt.Sprintf("at most %d numbers from 1 to %d", mostRetries, mostDays))
	case p.Debit.Version != "02" && p.Debit.Version != "08":
		return fault("debit.version", "02 or 08")
	case p.Debit.NoticeDays < 0 || p.Debit.NoticeDays > mostDays:
		return fault("debit.notice_days", fmt.Sprintf("0 to %d", mostDays))
	case p.Debit.LeadDays < 1 || p.Debit.LeadDays > 14:
		return fault("debit.lead_days", "1 to 14")
	case p.Debit.ReturnFee.Sign() < 0:
		return fault("debit.return_fee", "an amount, or zero")
	case p.Debit.Retries < 0 || p.Debit.Retries > mostRetries:
		return fault("debit.retries", fmt.Sprintf("0 to %d", mostRetries))
	}
	for name, d := range p.Delimited {
		if d.Columns.Date < 1 || d.Columns.Amount < 1 || len([]rune(d.Separator)) != 1 || d.Date == "" || d.Account == "" {
			return fault("delimited."+name, "a separator of one character, a form of dates, the account, and the columns of date and amount")
		}
	}
	return p.Debit.check()
}
