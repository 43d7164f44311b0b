package bench

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

//go:embed offers/deck.yaml
var deckOffer []byte

const (
	lookupGoal = 300 * time.Nanosecond
	loadGoal   = 5 * time.Second
	deckZones  = 10
	deckCode   = "world"
)

// deckNumber is the n-th prefix of a made-up world: countries of two digits,
// each with areas of four and five digits more. No two are the same.
func deckNumber(n int) string {
	return strconv.Itoa(20+n%80) + fmt.Sprintf("%0*d", 4+n/80%2, n/80)
}

func deckZone(n int) string { return "zone-" + strconv.Itoa(n%deckZones) }

// deckLookup measures finding the zone of a number. The baseline is what
// everybody writes first: a map, asked for every beginning of the number, the
// longest first.
func deckLookup(_ context.Context, s scale, _ reporter) (Result, error) {
	entries, plain := make([]catalog.DeckEntry, s.deckPrefixes), make(map[string]string, s.deckPrefixes)
	for n := range entries {
		entries[n] = catalog.DeckEntry{Prefix: deckNumber(n), Zone: deckZone(n)}
		plain[entries[n].Prefix] = entries[n].Zone
	}
	deck, err := catalog.NewDeck(deckCode, entries)
	if err != nil {
		return Result{}, err
	}
	random := rand.New(rand.NewPCG(1, 2))
	numbers := make([]string, 4_096)
	for i := range numbers {
		numbers[i] = deckNumber(random.IntN(s.deckPrefixes)) + strconv.Itoa(10_000+random.IntN(90_000))
	}
	probe := func(number string) (string, int) {
		for n := len(number); n > 0; n-- {
			if zone, found := plain[number[:n]]; found {
				return zone, n
			}
		}
		return "", 0
	}
	for _, number := range numbers {
		zone, length := deck.Find(number)
		if want, n := probe(number); zone != want || length != n {
			return Result{}, fmt.Errorf("%s is in %s by %d digits, by the map in %s by %d", number, zone, length, want, n)
		}
	}
	each := func(find func(string) (string, int)) float64 {
		i := 0
		return 1000 * medianOf(s.rateRounds, s.rateCalls, func() {
			find(numbers[i%len(numbers)])
			i++
		})
	}
	r := Result{Value: each(deck.Find), Unit: "ns", Goal: fmt.Sprintf("<= %d ns", lookupGoal.Nanoseconds()),
		Note: fmt.Sprintf("%d prefixes, 4,096 numbers in turn; baseline: a map asked for every beginning of the number", s.deckPrefixes)}
	r.beside(each(probe))
	r.OK = r.Value <= float64(lookupGoal.Nanoseconds())
	return r, nil
}

// deckLoad measures a deck from its file to the first call that it prices:
// read, stored, checked, switched to, and a debit of a number that the deck
// before did not know. The baseline copies the same lines into a table with a
// primary key.
func deckLoad(ctx context.Context, s scale, say reporter) (Result, error) {
	d, err := openDeckHouse(ctx)
	if err != nil {
		return Result{}, err
	}
	defer d.close()
	conn, err := d.admin(ctx)
	if err != nil {
		return Result{}, err
	}
	var ours, copied, ratios rounds
	for n := range s.rounds {
		took, err := d.load(ctx, s, n)
		if err != nil {
			return Result{}, err
		}
		lines, err := copyLines(ctx, conn, s, n)
		if err != nil {
			return Result{}, err
		}
		ours, copied, ratios = append(ours, took.Seconds()), append(copied, lines.Seconds()), append(ratios, took.Seconds()/lines.Seconds())
		say("round %d: live after %.2f s, COPY %.2f s", n+1, took.Seconds(), lines.Seconds())
	}
	r := Result{Value: ours.median(), Unit: "s", Goal: fmt.Sprintf("<= %g s", loadGoal.Seconds()),
		Note: fmt.Sprintf("%d prefixes from the file's first byte to the first debit by them; baseline: COPY of the lines into a table with a primary key; ours %s, COPY %s",
			s.deckPrefixes, ours.spread(), copied.spread())}
	r.beside(copied.median())
	ratio := ratios.median()
	r.Ratio, r.OK = &ratio, r.Value <= loadGoal.Seconds()
	return r, nil
}

// deckHouse is a house with one operator who sells calls by a deck.
type deckHouse struct {
	*house
	stack *billing.Stack
	feed  usage.Feed
}

func openDeckHouse(ctx context.Context) (_ *deckHouse, err error) {
	h, err := openHouse(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	d := &deckHouse{house: h}
	if d.stack, err = h.operator(ctx); err != nil {
		return nil, err
	}
	if err = d.become(ctx, deckText(deckZones)); err != nil {
		return nil, err
	}
	h.clock.set(h.month.from.Add(time.Hour))
	offering, err := publish(ctx, d.stack, deckOffer)
	if err != nil {
		return nil, err
	}
	accounts, err := connect(ctx, d.stack, offering, 0, 1)
	if err != nil {
		return nil, err
	}
	if err = topUp(ctx, d.stack, accounts); err != nil {
		return nil, err
	}
	d.feed, err = d.declare(ctx, d.stack, streams[0])
	return d, err
}

// deckText is a file of so many prefixes.
func deckText(prefixes int) []byte {
	var text bytes.Buffer
	text.WriteString("prefix,zone\n")
	for n := range prefixes {
		text.WriteString("+" + deckNumber(n) + "," + deckZone(n) + "\n")
	}
	return text.Bytes()
}

// become makes a file the live version of the deck.
func (d *deckHouse) become(ctx context.Context, text []byte) error {
	file, err := catalog.ReadDeck(text, catalog.DeckFormat{})
	if err != nil {
		return err
	}
	return d.stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		v, err := catalog.SaveDeck(ctx, tx, catalog.NewDeckVersion{Deck: deckCode, FileName: "world.csv", File: file, By: "bench"})
		if err == nil {
			_, err = catalog.CheckDeck(ctx, tx, v.ID)
		}
		if err == nil {
			_, err = catalog.GoLive(ctx, tx, catalog.SwitchDeck{ID: v.ID})
		}
		return err
	})
}

// load says how long a file takes until a call is priced by it. Each round's
// file has prefixes that none before had.
func (d *deckHouse) load(ctx context.Context, s scale, round int) (time.Duration, error) {
	at := d.month.from.Add(time.Duration(24*(round+1)) * time.Hour)
	d.clock.set(at)
	prefixes := s.deckPrefixes + round
	text := deckText(prefixes)
	called := deckNumber(prefixes-1) + "12345"
	began := time.Now()
	if err := d.become(ctx, text); err != nil {
		return 0, err
	}
	start := at.Add(time.Second).UTC()
	d.clock.set(at.Add(2 * time.Minute))
	charged, err := d.stack.Online().Debit(ctx, d.stack.Ref, d.feed.ID, usage.Record{
		Key: "call-" + strconv.Itoa(round), Kind: usage.Voice, Identity: usage.Identity{Kind: usage.MSISDN, Value: msisdn(0)},
		Start: start, End: start.Add(time.Minute), Quantity: 60, Unit: money.Second, Destination: called,
	})
	if err != nil {
		return 0, fmt.Errorf("a call to %s: %w", called, err)
	}
	took := time.Since(began)
	want := "0.1"
	if (prefixes-1)%deckZones >= deckZones/2 {
		want = "0.9"
	}
	if charged.Price.String() != want {
		return 0, fmt.Errorf("a call to %s cost %s, want %s", called, charged.Price, want)
	}
	return took, nil
}

// copyLines is the baseline.
func copyLines(ctx context.Context, conn *pgx.Conn, s scale, round int) (time.Duration, error) {
	table := "deck_lines_" + strconv.Itoa(round)
	began := time.Now()
	if _, err := conn.Exec(ctx, `create table `+table+` (prefix text primary key, zone text not null)`); err != nil {
		return 0, err
	}
	_, err := conn.CopyFrom(ctx, pgx.Identifier{table}, []string{"prefix", "zone"}, pgx.CopyFromSlice(s.deckPrefixes+round, func(n int) ([]any, error) {
		return []any{deckNumber(n), deckZone(n)}, nil
	}))
	return time.Since(began), err
}
