package ratecmd

import (
	_ "embed" // the account file's schema
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/catalog"
	"tollhouse/billing/catalog/document"
	"tollhouse/billing/money"
	"tollhouse/billing/rating"
)

//go:embed account.schema.json
var accountSchema []byte

var schema = sync.OnceValue(func() *document.Schema { return document.MustCompileSchema(accountSchema) })

// account is what an account file brings to the price.
type account struct {
	zone     *time.Location
	balances []balance
	counters map[string]int64
}

// balance is a bucket with the name the file gives it.
type balance struct {
	code   string
	bucket rating.Bucket
}

type accountFile struct {
	Zone     string           `json:"zone"`
	Balances []balanceFile    `json:"balances"`
	Counters map[string]int64 `json:"counters"`
}

type balanceFile struct {
	Code         string              `json:"code"`
	Allowance    string              `json:"allowance"`
	Unit         money.Unit          `json:"unit"`
	Value        *money.Decimal      `json:"value"`
	Floor        money.Decimal       `json:"floor"`
	Priority     int                 `json:"priority"`
	ExpiresAt    *time.Time          `json:"expires_at"`
	CreatedAt    time.Time           `json:"created_at"`
	Kinds        []catalog.UsageKind `json:"kinds"`
	Destinations []string            `json:"destinations"`
	Qualities    []string            `json:"qualities"`
	Network      catalog.Network     `json:"network"`
	Windows      []catalog.Window    `json:"windows"`
	Terms        rating.Terms        `json:"terms"`
}

func readAccount(text []byte, o catalog.Offering) (account, error) {
	var file accountFile
	lines, err := schema().Decode(text, &file)
	if err != nil {
		return account{}, err
	}
	refuse := func(path, format string, args ...any) (account, error) {
		return account{}, &document.InvalidError{Findings: lines.Locate([]document.Finding{{Path: path, Message: fmt.Sprintf(format, args...)}})}
	}
	if file.Zone == "" {
		file.Zone = "UTC"
	}
	zone, err := time.LoadLocation(file.Zone)
	if err != nil {
		return refuse("zone", "must be a zone of the IANA list, such as Europe/Berlin")
	}
	a := account{zone: zone, counters: file.Counters}
	seen := map[string]bool{}
	for i, f := range file.Balances {
		path := fmt.Sprintf("balances[%d]", i)
		b, field, err := f.balance(o)
		if err != nil {
			return refuse(path+"."+field, "%v", err)
		}
		if seen[b.code] {
			return refuse(path, "the code %q stands twice", b.code)
		}
		seen[b.code] = true
		a.balances = append(a.balances, b)
	}
	return a, nil
}

// balance returns the bucket, or the field that is wrong.
func (f balanceFile) balance(o catalog.Offering) (b balance, field string, err error) {
	if f.Allowance != "" {
		return f.ofAllowance(o)
	}
	if !f.Unit.Valid() {
		return balance{}, "unit", fmt.Errorf("must be a currency, second, byte or event, got %q", f.Unit)
	}
	for _, code := range f.Destinations {
		if code != catalog.AnyDestination && !slices.ContainsFunc(o.Destinations, func(set catalog.DestinationSet) bool { return set.Code == code }) {
			return balance{}, "destinations", fmt.Errorf("the offer has no destination set %q", code)
		}
	}
	filter := rating.DestinationFilter(o, f.Kinds, f.Destinations)
	filter.Qualities, filter.Network, filter.Windows = f.Qualities, f.Network, f.Windows
	return balance{f.Code, rating.Bucket{
		ID: bucketID(f.Code), Unit: f.Unit, Value: *f.Value, Floor: f.Floor, Priority: max(f.Priority, 1),
		ExpiresAt: f.ExpiresAt, CreatedAt: f.CreatedAt,
		Filter: filter, Terms: f.Terms,
	}}, "", nil
}

func (f balanceFile) ofAllowance(o catalog.Offering) (b balance, field string, err error) {
	for _, a := range o.Allowances {
		if a.Code != f.Allowance {
			continue
		}
		b := fullAllowance(o, a)
		if f.Value != nil {
			b.bucket.Value = *f.Value
		}
		b.bucket.ExpiresAt, b.bucket.CreatedAt = f.ExpiresAt, f.CreatedAt
		return b, "", nil
	}
	return balance{}, "allowance", fmt.Errorf("the offer has no allowance %q", f.Allowance)
}

func fullAllowances(o catalog.Offering) []balance {
	var list []balance
	for _, a := range o.Allowances {
		list = append(list, fullAllowance(o, a))
	}
	return list
}

func fullAllowance(o catalog.Offering, a catalog.Allowance) balance {
	return balance{a.Code, rating.Bucket{
		ID: bucketID(a.Code), Unit: a.Amount.Unit(), Value: a.Amount.Decimal(), Priority: a.Priority,
		Filter: rating.AllowanceFilter(o, a), Terms: rating.AllowanceTerms(a),
	}}
}

// bucketID gives a name the id that rating wants. It is the same in every
// run, so that output can be compared.
func bucketID(code string) uuid.UUID { return uuid.NewSHA1(uuid.Nil, []byte(code)) }
