package charging_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"tollhouse/billing/account"
	"tollhouse/billing/charging"
)

// netPlan: calls to numbers of our own cost less.
const netPlan = `
code: net
names: {en: Net}
billing: postpaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
usage:
  - code: voice
    names: {en: Calls}
    kind: voice
    rules:
      - {code: own, destinations: ["*"], network: own, price: 0.01, per: 1 min}
      - {code: other, destinations: ["*"], network: other, price: 0.20, per: 1 min}
`

func TestOwnNetwork_isWhoeverHasTheNumberThen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, netPlan)
	w.SetClock(t, w.noon(1))
	w.customers("net", account.Postpaid, 1, 2) // +4915100000001 and …2
	if got := w.price("not yet a number of ours", w.noon(1), msisdn(3)); got != "0.2" {
		t.Errorf("before anybody has the number: %s", got)
	}
	w.SetClock(t, w.noon(10))
	w.customers("net", account.Postpaid, 3, 1)
	w.SetClock(t, w.noon(20))
	o := w.online()
	for _, row := range []struct {
		name, destination string
		at                time.Time
		want              string
	}{
		{"ours", msisdn(2), w.noon(11), "0.01"},
		{"ours without the plus", strings.TrimPrefix(msisdn(2), "+"), w.noon(12), "0.01"},
		{"a stranger's", "+4930123456", w.noon(11), "0.2"},
		{"ours since then", msisdn(3), w.noon(11), "0.01"},
		{"not ours at that time", msisdn(3), w.noon(9), "0.2"},
	} {
		if got := w.price(row.name, row.at, row.destination); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
		for _, key := range []string{"online ", "online again "} { // from the database, then from memory
			record := w.call(key+row.name, 1, row.at, 60)
			record.Destination = row.destination
			got, err := o.Debit(t.Context(), w.Ref, w.feed.ID, record)
			if err != nil || got.Price.String() != row.want {
				t.Errorf("%s%s: %s, %v, want %s", key, row.name, got.Price, err, row.want)
			}
		}
	}
	w.sums()
}

func TestOwnNetwork_ofSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, strings.Replace(netPlan, "postpaid", "prepaid", 1))
	a := w.customers("net", account.Prepaid, 1, 2)[0]
	w.topUp(a, "10.00")
	for destination, want := range map[string]string{msisdn(2): "0.01", "+4930123456": "0.2"} {
		step := start("s"+destination, 1)
		step.Reports[0].Destination = destination
		id := w.one(w.noon(2), step).Session
		if got := w.one(w.noon(2).Add(time.Minute), terminate(id, 1, 60)).Services[0].Price.String(); got != want {
			t.Errorf("to %s: %s, want %s", destination, got, want)
		}
	}
	o := w.online()
	for destination, want := range map[string]string{msisdn(2): "0.01", "+4930123456": "0.2"} {
		step := start("o"+destination, 1)
		step.Reports[0].Destination = destination
		begun, err := o.Step(t.Context(), w.Ref, step)
		if err != nil {
			t.Fatal(err)
		}
		ended, err := o.Step(t.Context(), w.Ref, terminate(begun.Session, 1, 60))
		if err != nil || ended.Services[0].Price.String() != want {
			t.Errorf("online to %s: %+v, %v, want %s", destination, ended, err, want)
		}
	}
	w.sums()
}

// A deck may mark numbers as our own that are nobody's service here.
func TestOwnNetwork_byADeck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.SetClock(t, w.noon(1))
	w.deckLive("49 de  no, 4930 de  yes", time.Time{})
	w.publish(strings.NewReplacer(`tax: {`, "destinations: [{code: de, deck: world, zones: [de]}]\ntax: {", `["*"]`, "[de]").Replace(netPlan))
	w.customers("net", account.Postpaid, 1, 1)
	for destination, want := range map[string]string{"+4930123": "0.01", "+4940123": "0.2"} {
		if got := w.price(destination, w.noon(2), destination); got != want {
			t.Errorf("to %s: %s, want %s", destination, got, want)
		}
	}
	w.sums()
}

// dial is a debit of a call of a minute: its price, or why there is none.
func (w *world) dial(o *charging.Online, key string, at time.Time, destination string) string {
	w.t.Helper()
	record := w.call(key, 1, at, 60)
	record.Destination = destination
	got, err := o.Debit(context.Background(), w.Ref, w.feed.ID, record)
	if err != nil {
		return err.Error()
	}
	return got.Price.String()
}
