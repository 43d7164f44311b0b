package rating

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
)

type ratingCase struct {
	ID          string          `json:"id"`
	Description string          `json:"description"`
	Offering    json.RawMessage `json:"offering"`
	Balances    []struct {
		Code     string        `json:"code"`
		Unit     money.Unit    `json:"unit"`
		Value    money.Decimal `json:"value"`
		Priority int           `json:"priority"`
		Prefixes []string      `json:"prefixes"`
		Terms    Terms         `json:"terms"`
	} `json:"balances"`
	Events []caseEvent `json:"events"`
}

type caseEvent struct {
	Op          string            `json:"op"`
	Destination string            `json:"destination"`
	Start       time.Time         `json:"start"`
	Quantity    int64             `json:"quantity"`
	Quality     string            `json:"quality"`
	ExactCost   string            `json:"exact_cost"`
	Granted     *int64            `json:"granted"`
	Error       string            `json:"error"`
	Balances    map[string]string `json:"balances"`
}

func (c *ratingCase) buckets() []Bucket {
	var buckets []Bucket
	for _, b := range c.Balances {
		buckets = append(buckets, Bucket{ID: uuid.NewSHA1(uuid.Nil, []byte(b.Code)), Unit: b.Unit, Value: b.Value,
			Priority: b.Priority, Filter: Filter{Prefixes: b.Prefixes}, Terms: b.Terms})
	}
	return buckets
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
	if len(file.Cases) != 19 {
		t.Fatalf("%d cases", len(file.Cases))
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
			buckets := c.buckets()
			for _, e := range c.Events {
				c.play(t, tariff, o.Usage[0].Kind, e, buckets)
			}
		})
	}
}

// play does what an event's op says, and takes from buckets what it debits.
func (c *ratingCase) play(t *testing.T, tariff *Tariff, kind catalog.UsageKind, e caseEvent, buckets []Bucket) {
	t.Helper()
	event := Event{Kind: kind, Destination: e.Destination, Start: e.Start, Quantity: e.Quantity, Quality: e.Quality}
	state := State{Buckets: buckets}
	var r Result
	var err error
	switch e.Op {
	case "max_debit", "authorize":
		var grant Grant
		grant, err = tariff.Reach(event, state)
		r = grant.Result
		if e.Granted != nil && grant.Quantity != *e.Granted {
			t.Errorf("granted %d, want %d\n%s", grant.Quantity, *e.Granted, strings.Join(r.Why.Lines(), "\n"))
		}
	default:
		r, err = tariff.Rate(event, state)
	}
	var failed *Error
	switch {
	case errors.As(err, &failed) && failed.Reason == NoDestination && e.Error == "unauthorized_destination":
		return
	case err != nil:
		t.Fatal(err)
	case e.Error == "insufficient_credit" && !r.Blocked && r.Unpaid.Sign() > 0, e.Error == "insufficient_credit_blocker" && r.Blocked:
		r = Result{} // refused as a whole
	case e.Error != "":
		t.Errorf("blocked %v, unpaid %s; want %s\n%s", r.Blocked, r.Unpaid, e.Error, strings.Join(r.Why.Lines(), "\n"))
	}
	if e.ExactCost != "" && !r.Price.Equal(money.MustDecimal(e.ExactCost)) {
		t.Errorf("%s\ncosts %s, want %s\n%s", c.Description, r.Price, e.ExactCost, strings.Join(r.Why.Lines(), "\n"))
	}
	if e.Op != "authorize" {
		for _, d := range r.Debits {
			buckets[d.Bucket].Value = buckets[d.Bucket].Value.Sub(d.Amount)
		}
	}
	for i, b := range c.Balances {
		if want, told := e.Balances[b.Code]; told && !buckets[i].Value.Equal(money.MustDecimal(want)) {
			t.Errorf("%s holds %s, want %s\n%s", b.Code, buckets[i].Value, want, strings.Join(r.Why.Lines(), "\n"))
		}
	}
}
