package rating

import (
	"github.com/google/uuid"

	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
)

// Terms say how a bucket gives what it holds. The zero value is: unit for
// unit, for nothing.
type Terms struct {
	// Blocks keeps the buckets behind it from being used for what it may be
	// used for, also when it is empty.
	Blocks bool `json:"blocks,omitempty"`
	// Factors are how many units one unit of usage takes, by quality;
	// catalog.AnyQuality is for all others.
	Factors map[string]money.Decimal `json:"factors,omitempty"`
	// Price, if set, is what the usage it covers costs in place of the
	// tariff's own price. It is paid from money.
	Price *OwnPrice `json:"own_price,omitempty"`
}

// OwnPrice is a bucket's price for what it covers, in the tariff's currency.
type OwnPrice struct {
	// ConnectFee is asked in place of the tariff's where the bucket covers
	// the event's begin.
	ConnectFee money.Decimal `json:"connect_fee,omitzero"`
	// Price is asked for each Per; both may be left out.
	Price money.Decimal     `json:"price,omitzero"`
	Per   *catalog.Quantity `json:"per,omitempty"`
	// Increment is the step in which the bucket gives; left out, each unit.
	Increment *catalog.Quantity `json:"increment,omitempty"`
}

// AllowanceTerms returns how a bucket of a gives what it holds.
func AllowanceTerms(a catalog.Allowance) Terms {
	t := Terms{Blocks: a.Blocks, Factors: a.Factors}
	if p := a.Price; p != nil {
		t.Price = &OwnPrice{Per: p.Per, Increment: p.Increment}
		if p.ConnectFee != nil {
			t.Price.ConnectFee = *p.ConnectFee
		}
		if p.Price != nil {
			t.Price.Price = *p.Price
		}
	}
	return t
}

// Take is a stretch of a session that a unit bucket paid: the positions From
// up to To. To may lie behind what was used, where the bucket gives in steps.
type Take struct {
	Bucket uuid.UUID `json:"bucket"`
	From   int64     `json:"from"`
	To     int64     `json:"to"`
	Price  *OwnPrice `json:"own_price,omitempty"`
}

// step is how many units the bucket gives at once.
func (t *Terms) step() int64 {
	if t.Price != nil && t.Price.Increment != nil && t.Price.Increment.Base() > 0 {
		return t.Price.Increment.Base()
	}
	return 1
}

// factor is how many units one unit of usage of a quality takes; false: one.
func (t *Terms) factor(quality string) (money.Decimal, bool) {
	if len(t.Factors) == 0 {
		return money.Decimal{}, false
	}
	for _, q := range [...]string{quality, catalog.AnyQuality, ""} {
		if f, named := t.Factors[q]; named {
			return f, true
		}
	}
	return money.Decimal{}, false
}

var one = catalog.MustQuantity("1")

// per is what the price is for; without Per it is for each unit.
func (p *OwnPrice) per() catalog.Quantity {
	if p.Per != nil && p.Per.Base() > 0 {
		return *p.Per
	}
	return one
}

// same says whether two prices ask the same for the same steps.
func (p *OwnPrice) same(q *OwnPrice) bool {
	if p == nil || q == nil {
		return p == q
	}
	return p == q || p.Price.Equal(q.Price) && p.ConnectFee.Equal(q.ConnectFee) && p.per().Base() == q.per().Base()
}
