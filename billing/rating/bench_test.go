package rating

import (
	"encoding/json"
	"testing"
	"time"

	"tollhouse/billing/catalog"
)

const benchUsage = `
destinations:
- {code: de, prefixes: ['49']}
- {code: de-mobile, prefixes: ['4915', '4916', '4917']}
usage:
- code: calls
  names: {en: Calls}
  kind: voice
  rules:
  - {code: fixed, destinations: [de], price: 0.05, per: 1 min}
  - {code: other, destinations: ['*'], price: 0.50, per: 1 min, increments: {first: 60 s, next: 60 s}}
  - {code: day, destinations: [de-mobile], windows: [{from: '08:00', to: '18:00'}], connect_fee: 0.10, price: 0.09, per: 1 min, increments: {first: 60 s, next: 1 s}}
  - {code: night, destinations: [de-mobile], windows: [{to: '08:00'}, {from: '18:00'}], price: 0.05, per: 1 min}
`

func BenchmarkRate(b *testing.B) {
	tariff := tariff(b, benchUsage, "Europe/Berlin")
	start := at(b, "2026-05-04T15:59:30Z")
	money := []Bucket{bucket(1, "EUR", "1000000", 1)}
	both := append([]Bucket{bucket(2, "second", "1000000", 1)}, money...)
	for _, row := range []struct {
		name  string
		event Event
		state State
	}{
		{"plain", Event{Kind: catalog.VoiceUsage, Destination: "49301234567", Start: start, Quantity: 90}, State{}},
		{"windows", Event{Kind: catalog.VoiceUsage, Destination: "+491701234567", Start: start, Quantity: 90}, State{}},
		{"windows_day", Event{Kind: catalog.VoiceUsage, Destination: "+491701234567", Start: start, Quantity: 86400}, State{}},
		{"piece", Event{Kind: catalog.VoiceUsage, Destination: "+491701234567", Start: start, Offset: 3600, Quantity: 90}, State{}},
		{"money", Event{Kind: catalog.VoiceUsage, Destination: "49301234567", Start: start, Quantity: 90}, State{Buckets: money}},
		{"units_and_money", Event{Kind: catalog.VoiceUsage, Destination: "49301234567", Start: start, Quantity: 90}, State{Buckets: both}},
	} {
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			var r Result
			for b.Loop() {
				if err := tariff.RateInto(&row.event, &row.state, &r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkExplanation_AppendJSON(b *testing.B) {
	r, err := tariff(b, benchUsage, "Europe/Berlin").Rate(Event{Kind: catalog.VoiceUsage, Destination: "491701234567",
		Start: at(b, "2026-05-04T15:59:30Z"), Quantity: 90}, State{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	buffer := make([]byte, 0, 1024)
	for b.Loop() {
		buffer = r.Why.AppendJSON(buffer[:0])
	}
	b.ReportMetric(float64(len(buffer)), "bytes")
}

func TestExplanation_sameAsEncodingJSON(t *testing.T) {
	tariff := tariff(t, benchUsage, "Europe/Berlin")
	r, err := tariff.Rate(Event{Kind: catalog.VoiceUsage, Destination: "491701234567", Start: at(t, "2026-05-04T15:59:30Z").Add(time.Second),
		Offset: 30, Quantity: 90}, State{Buckets: []Bucket{bucket(2, "second", "7", 1), bucket(1, "EUR", "2", 1)}})
	if err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal([]Step(r.Why))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Why.AppendJSON(nil); string(got) != string(want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var back Explanation
	if err := json.Unmarshal(want, &back); err != nil || len(back) != len(r.Why) {
		t.Errorf("read back %v, %v", back, err)
	}
}

// What 90 s over three slots cost, paid from money and explained: the hot path
// makes no memory.
func TestRateInto_hotPathAllocatesNothing(t *testing.T) {
	tariff := tariff(t, voice("connect_fee: 0.15, steps: [{from: 0 s, price: 0.12, per: 1 min, increment: 30 s}, {from: 30 s, price: 0.09, per: 1 min, increment: 10 s}, {from: 60 s, price: 0.05, per: 1 min, increment: 1 s}]"), "Europe/Berlin")
	e := Event{Kind: catalog.VoiceUsage, Destination: "+49301234567", Start: at(t, "2026-05-04T15:59:30Z"), Quantity: 90}
	s := State{Buckets: []Bucket{bucket(1, "EUR", "1000", 2), bucket(2, "second", "7", 1)}}
	var r Result
	n := testing.AllocsPerRun(100, func() {
		if err := tariff.RateInto(&e, &s, &r); err != nil {
			t.Error(err)
		}
	})
	if n != 0 || r.Price.IsZero() || len(r.Debits) != 2 {
		t.Errorf("%v allocations, price %s, debits %v", n, r.Price, r.Debits)
	}
}
