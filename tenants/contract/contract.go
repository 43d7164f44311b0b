package contract

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// Contract is what an operator has agreed with us.
type Contract struct {
	ID        uuid.UUID
	Operator  tenant.ID
	Model     Model
	Place     Place
	Currency  money.Currency
	Terms     Terms
	State     State
	From      calendar.Date // its first day
	Until     calendar.Date // the day after its last; zero: open. Of a buy-out: its day
	PassedOn  calendar.Date // from which day what was leased is the operator's, as all is paid; zero: it is not
	Reference string        // of the paper that was signed
	Reason    string        // of its end
	CreatedBy string
	CreatedAt time.Time
}

// maxText bounds references and reasons.
const maxText = 500

// check returns an *tenants.InvalidError with every field that is wrong.
func (c Contract) check() error {
	var wrong []tenants.FieldError
	unless := func(ok bool, field, want string) {
		if !ok {
			wrong = append(wrong, tenants.FieldError{Field: field, Want: want})
		}
	}
	unless(slices.Contains(Models, c.Model), "model", "rent, lease, revenue_share or own_licence")
	unless(slices.Contains(Places, c.Place), "place", "pooled, dedicated, colocation, appliance or customer")
	unless(!c.Currency.IsZero(), "currency", "an ISO 4217 code")
	unless(!c.From.IsZero(), "from", "a day")
	unless(c.Until.IsZero() || c.Until.After(c.From), "until", "a day after the first")
	unless(len(c.Reference) <= maxText && strings.TrimSpace(c.Reference) == c.Reference, "reference", "at most 500 characters")
	if !c.Currency.IsZero() {
		wrong = append(wrong, c.Terms.check(c.Model, c.Currency)...)
	}
	if len(wrong) > 0 {
		return &tenants.InvalidError{Fields: wrong}
	}
	return nil
}
