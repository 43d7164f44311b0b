package rating

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
)

type ratingCase struct {
	ID           string          `json:"id"`
	Description  string          `json:"description"`
	Offering     json.RawMessage `json:"offering"`
	Balance      string          `json:"balance"`
	BalanceAfter string          `json:"balance_after"`
	Events       []struct {
		Destination string    `json:"destination"`
		Start       time.Time `json:"start"`
		Quantity    int64     `json:"quantity"`
		ExactCost   string    `json:"exact_cost"`
		Reason      Reason    `json:"reason"`
	} `json:"events"`
}

// The cases' tariffs say nothing of some days (no weekend, say); such holes
// are not what they test, so they are compiled without the check.
func TestRate_cases(t *testing.T) {
	text, err := os.ReadFile("testdata/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []ratingCase }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Cases {
		t.Run(c.ID, func(t *testing.T) {
			o, err := catalog.Parse(c.Offering)
			if err != nil {
				t.Fatal(err)
			}
			tariff, err := compile(o, Context{Zone: time.UTC})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range c.Events {
				var state State
				if c.Balance != "" {
					state.Buckets = []Bucket{bucket(1, "EUR", c.Balance, 1)}
				}
				r, err := tariff.Rate(Event{Kind: o.Usage[0].Kind, Destination: e.Destination, Start: e.Start, Quantity: e.Quantity}, state)
				if failed := (*Error)(nil); e.Reason != "" {
					if !errors.As(err, &failed) || failed.Reason != e.Reason {
						t.Errorf("got %v, want %s", err, e.Reason)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if !r.Price.Equal(money.MustDecimal(e.ExactCost)) {
					t.Errorf("%s\ncosts %s, want %s\n%s", c.Description, r.Price, e.ExactCost, strings.Join(r.Why.Lines(), "\n"))
				}
				if c.Balance != "" && left(state.Buckets, r) != c.BalanceAfter {
					t.Errorf("left %s, want %s", left(state.Buckets, r), c.BalanceAfter)
				}
			}
		})
	}
}
