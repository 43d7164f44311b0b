package charging

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/catalog"
	"tollhouse/billing/tenant"
)

// maxNumbers bounds the destinations that one process remembers, ours and
// others'. They are dropped on their own: a producer can make up any number.
const maxNumbers = 400_000

// span is a time in which a number was one of our services'. A zero end: still.
type span struct{ from, to time.Time }

// numbers tell when destinations, without "+", were numbers of our own
// services. Those of others are there with nothing.
type numbers map[string][]span

func (n numbers) ours(destination string, at time.Time) bool {
	for _, s := range n[strings.TrimPrefix(destination, "+")] {
		if covers(s.from, s.to, at) {
			return true
		}
	}
	return false
}

var kindsOfUse = []catalog.UsageKind{catalog.VoiceUsage, catalog.DataUsage, catalog.MessageUsage, catalog.ContentUsage, catalog.TransactionUsage}

// asksNetwork says whether some price depends on whose number a destination is.
func (t *tariff) asksNetwork() bool {
	return t != nil && t.Tariff != nil && slices.ContainsFunc(kindsOfUse, t.AsksNetwork)
}

// asksNetwork says whether it matters to a use whose number its destination is:
// to its price, or to a balance that may pay it.
func (u *use) asksNetwork() bool {
	if u.tariff == nil || u.record.Destination == "" {
		return false
	}
	return u.tariff.AsksNetwork(catalog.UsageKind(u.record.Kind)) || u.payer.asksNetwork() || u.owner.asksNetwork()
}

func (p *payer) asksNetwork() bool { return p != nil && p.networks }

// findNumbers finds whose the destinations of uses are, where that matters.
func (s *scene) findNumbers(ctx context.Context, tx tenant.Tx, uses []*use) error {
	return s.findDestinations(ctx, tx, asking(uses))
}

// asking are the destinations of uses to which it matters whose they are.
func asking(uses []*use) (destinations []string) {
	for _, u := range uses {
		if u.asksNetwork() {
			destinations = append(destinations, u.record.Destination)
		}
	}
	return destinations
}

// findDestinations takes them from memory, and the rest with one statement.
func (s *scene) findDestinations(ctx context.Context, tx tenant.Tx, destinations []string) error {
	missing := s.unknownNumbers(destinations)
	if len(missing) == 0 {
		return nil
	}
	kinds, values := identitiesOf(missing)
	rows, err := tx.Query(ctx, selectNumbers, planned, kinds, values)
	if err != nil {
		return fmt.Errorf("find own numbers: %w", err)
	}
	found := emptyNumbers(missing)
	if _, err = pgx.CollectRows(rows, found.scan); err != nil {
		return fmt.Errorf("find own numbers: %w", err)
	}
	s.rememberNumbers(found)
	return nil
}

// queueNumbers does the same with a flow's next trip; call the function that it
// returns behind it.
func (s *scene) queueNumbers(f *tenant.Flow, destinations []string) (known func()) {
	missing := s.unknownNumbers(destinations)
	if len(missing) == 0 {
		return func() {}
	}
	kinds, values := identitiesOf(missing)
	found := emptyNumbers(missing)
	f.Query(selectNumbers, []any{kinds, values}, func(row pgx.CollectableRow) error {
		_, err := found.scan(row)
		return err
	})
	return func() { s.rememberNumbers(found) }
}

// The primary key of service_identity answers it per number.
const selectNumbers = `
	select i.value, i.valid_from, i.valid_to
	from unnest($1::text[], $2::text[]) as w (kind, value)
	join service_identity as i on i.kind = w.kind and i.value = w.value`

// identitiesOf are the identities that numbers may be: mobile numbers and
// lines, with and without "+".
func identitiesOf(numbers []string) (kinds, values []string) {
	for _, n := range numbers {
		kinds = append(kinds, "msisdn", "msisdn", "line", "line")
		values = append(values, n, "+"+n, n, "+"+n)
	}
	return kinds, values
}

func emptyNumbers(missing []string) numbers {
	n := make(numbers, len(missing))
	for _, number := range missing {
		n[number] = nil
	}
	return n
}

func (n numbers) scan(row pgx.CollectableRow) (one span, err error) {
	var value string
	var to *time.Time
	if err := row.Scan(&value, &one.from, &to); err != nil {
		return one, err
	}
	one.to = orZero(to)
	value = strings.TrimPrefix(value, "+")
	n[value] = append(n[value], one)
	return one, nil
}

// unknownNumbers fills in what is remembered and lists the rest, each once.
func (s *scene) unknownNumbers(destinations []string) (missing []string) {
	if len(destinations) == 0 {
		return nil
	}
	if s.numbers == nil {
		s.numbers = numbers{}
	}
	e := s.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.current(s)
	seen := map[string]bool{}
	for _, destination := range destinations {
		number := strings.TrimPrefix(destination, "+")
		if _, known := s.numbers[number]; known || number == "" || seen[number] {
			continue
		}
		if spans, known := c.numbers[number]; known {
			s.numbers[number] = spans
			continue
		}
		seen[number] = true
		missing = append(missing, number)
	}
	return missing
}

func (s *scene) rememberNumbers(found numbers) {
	maps.Copy(s.numbers, found)
	e := s.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.kept.numbers+len(found) > maxNumbers {
		for _, c := range e.caches {
			c.numbers = nil
		}
		e.kept.numbers = 0
	}
	c := e.current(s)
	if c.numbers == nil {
		c.numbers = numbers{}
	}
	before := len(c.numbers)
	maps.Copy(c.numbers, found)
	e.kept.numbers += len(c.numbers) - before
}

// ownNumbersCalled are the destinations of accounts' usage that were ever
// numbers of our own services: few, and found from the accounts' usage.
const ownNumbersCalled = `
	select distinct i.value, i.valid_from, i.valid_to
	from unnest($1::uuid[], $2::timestamptz[]) as w (account_id, from_at)
	join usage_record as u on u.account_id = w.account_id and u.ended_at >= w.from_at and u.ended_at < $3 and u.destination <> ''
	cross join lateral (values ('msisdn'), ('line')) as k (kind)
	cross join lateral (values (ltrim(u.destination, '+')), ('+' || ltrim(u.destination, '+'))) as v (value)
	join service_identity as i on i.kind = k.kind and i.value = v.value`

// FindNumbers finds whose the destinations of accounts' usage are, from an
// instant on each and up to one, if the offering on trial asks for that.
func (t *Trial) FindNumbers(ctx context.Context, tx tenant.Tx, accounts []uuid.UUID, from []time.Time, to time.Time) error {
	asks := t.tariff.asksNetwork()
	for _, p := range t.plans {
		asks = asks || slices.ContainsFunc(p.tariffs, func(one *tariff) bool { return one.asksNetwork() })
	}
	if !asks {
		return nil
	}
	rows, err := tx.Query(ctx, ownNumbersCalled, planned, accounts, from, to)
	if err != nil {
		return fmt.Errorf("find own numbers: %w", err)
	}
	t.scene.numbers = numbers{}
	if _, err = pgx.CollectRows(rows, t.scene.numbers.scan); err != nil {
		return fmt.Errorf("find own numbers: %w", err)
	}
	return nil
}
