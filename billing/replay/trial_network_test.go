package replay_test

import (
	"fmt"
	"testing"

	"tollhouse/billing/account"
	"tollhouse/billing/replay"
)

// onNet: calls to numbers of our own cost less.
const onNet = `
code: on-net
names: {en: On net}
billing: postpaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
usage:
  - code: voice
    names: {en: Calls}
    kind: voice
    rules:
      - {code: own, destinations: ["*"], network: own, price: 0.119, per: 1 min}
      - {code: other, destinations: ["*"], network: other, price: %s, per: 1 min}
`

// A trial knows, as charging does, which calls stayed in our own network.
func TestTrial_knowsOwnNumbers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.publish(fmt.Sprintf(onNet, "1.19"))
	for n := range 3 {
		w.customer(v, account.Postpaid, n+1)
	}
	for n := range 3 {
		w.ingest(w.call(n+1, msisdn((n+1)%3+1), w.may(5), 10), w.call(n+1, "+4930123", w.may(6), 1))
	}
	if s := w.try(v, may, replay.Segment{Offering: "on-net"}).Sums; s.Total.Records != 6 || !s.Total.Difference().IsZero() || s.Total.Old.String() != "6" {
		t.Errorf("as it is: %+v", s.Total)
	}
	dearer := w.draft(fmt.Sprintf(onNet, "2.38"))
	if s := w.try(dearer, may, replay.Segment{Offering: "on-net"}).Sums; s.Total.New.String() != "9" || len(s.Unpriced) > 0 {
		t.Errorf("others' numbers dearer: %+v", s)
	}
	w.sums()
}
