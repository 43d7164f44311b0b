package intake_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/intake"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// many is an operator of n subscribers, each with a service, money or units,
// and half of them owing something.
func many(n int, draw func(limit int) int) files {
	var subscribers, services, buckets, items strings.Builder
	subscribers.WriteString("account,kind,party_kind,name,email,street,postcode,city,next_bill,birth_date,id_document,id_verified\n")
	services.WriteString("account,service,offering,activated_on,msisdn,imsi,identity_number\n")
	buckets.WriteString("account,unit,value,origin,expires_on\n")
	items.WriteString("account,number,issue_date,due_date,amount,open\n")
	for i := range n {
		kind, offering := "postpaid", "hanse-postpaid-flex"
		if draw(2) == 0 {
			kind, offering = "prepaid", "hanse-prepaid-200"
		}
		fmt.Fprintf(&subscribers, "M-%d,%s,individual,Ada %d,a%d@post.example,Weg %d,24937,Flensburg,2026-06-01,1990-01-01,Pass C%d,desk\n", i, kind, i, i, i, 10000+i)
		fmt.Fprintf(&services, "M-%d,S-%d,%s,2025-01-01,+49157%08d,26203%010d,C%d\n", i, i, offering, i, i, 10000+i)
		if kind == "prepaid" {
			fmt.Fprintf(&buckets, "M-%d,EUR,%s,main,\n", i, money.DecimalOf(int64(draw(9000)-1000), 2))
		}
		fmt.Fprintf(&buckets, "M-%d,byte,%d,bought,2026-0%d-28\n", i, draw(5_000_000_000), 5+draw(4))
		if draw(2) == 0 {
			amount := 1 + draw(10000)
			fmt.Fprintf(&items, "M-%d,R-%d,2026-04-01,2026-04-15,%s,%s\n", i, i, money.DecimalOf(int64(amount), 2), money.DecimalOf(int64(1+draw(amount)), 2))
		}
	}
	return files{intake.Subscribers: subscribers.String(), intake.Services: services.String(), intake.Buckets: buckets.String(), intake.OpenItems: items.String()}
}

// balances are a batch's totals as a trial balance.
func balances(totals intake.Totals) map[string]string {
	want, opening := map[string]string{}, money.Decimal{}
	put := func(name string, amount money.Decimal) {
		if !amount.IsZero() {
			want[name] = amount.String()
		}
	}
	for currency, open := range totals.OpenItems {
		put("receivable "+currency, open)
		opening = opening.Sub(open)
	}
	for currency, sum := range totals.Money {
		put("prepaid "+currency, sum.Neg())
		opening = opening.Add(sum)
	}
	put("opening EUR", opening)
	for unit, sum := range totals.Units {
		put("unit_bucket "+string(unit), sum.Neg())
		put("unit_issued "+string(unit), sum)
	}
	return want
}

// What the dry run counts is what is committed is what the ledger has, and
// undoing leaves nothing of it.
func TestBatch_totalsAreTheLedgers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rapid.Check(t, func(r *rapid.T) {
		all := many(rapid.IntRange(1, 30).Draw(r, "subscribers"), func(limit int) int { return rapid.IntRange(0, limit-1).Draw(r, "n") })
		b := w.clean(w.batch(all).ID)
		said := b.Totals
		if committed := w.commit(b.ID); !maps.Equal(balances(committed.Totals), balances(said)) {
			r.Fatalf("committed %v, dry run %v", committed.Totals, said)
		}
		w.work()
		if got, want := w.sums(), balances(said); !maps.Equal(got, want) {
			r.Fatalf("ledger %v, dry run %v", got, want)
		}
		if err := w.undo(b.ID); err != nil {
			r.Fatal(err)
		}
		if got := w.sums(); len(got) != 0 {
			r.Fatalf("after undoing: %v", got)
		}
	})
}

// Killed anywhere, a commit goes on, and every line counts once; meanwhile
// nothing of it lives.
func TestCommit_killedAnywhereGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.clean(w.batch(many(4500, rand.IntN)).ID)
	w.commit(b.ID)
	kills := 0
	for more := true; more; {
		patience := time.Duration(20+rand.IntN(400)) * time.Millisecond
		switch {
		case kills == 0:
			patience = 20 * time.Millisecond
		case kills > 12:
			patience = time.Minute
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		var err error
		more, err = w.portion(ctx)
		cancel()
		if err != nil {
			if ctx.Err() == nil {
				t.Fatal(err)
			}
			kills, more = kills+1, true
		}
		if w.get(b.ID).State == intake.Committing {
			if n := w.text(`select count(*)::text from subscription where state <> 'pending'`); n != "0" {
				t.Fatalf("%s subscriptions live in a batch that does not", n)
			}
		}
	}
	if got := w.get(b.ID); got.State != intake.Committed || got.Done != 4500 {
		t.Fatalf("%+v", got)
	}
	if n := w.text(`select count(*)::text from subscription where state = 'active'`); n != "4500" {
		t.Errorf("%s subscriptions live", n)
	}
	if got, want := w.sums(), balances(b.Totals); !maps.Equal(got, want) {
		t.Errorf("ledger %v, dry run %v", got, want)
	}
	if kills == 0 {
		t.Error("it was never killed")
	}
}

// Somebody takes a number of a later portion while the first ones are stored:
// everything is taken back, and the batch says why.
func TestCommit_aRefusedPortionTakesAllBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.clean(w.batch(many(2500, rand.IntN)).ID)
	w.commit(b.ID)
	if _, err := w.portion(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.get(b.ID); got.Done != 2000 {
		t.Fatalf("%+v", got)
	}
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error { return take(ctx, tx, w, "+4915700002400") })
	w.work()
	got := w.get(b.ID)
	if got.State != intake.Draft || !strings.Contains(got.Failure, "+4915700002400") || got.Done != 0 {
		t.Errorf("%+v", got)
	}
	if n := w.text(`select count(*)::text from billing_account where number like 'M-%'`); n != "0" {
		t.Errorf("%s accounts are left", n)
	}
	w.sums()
	if checked, found := w.check(b.ID); checked.Errors != 1 || found[0].Column != "msisdn" || found[0].Line != 2402 {
		t.Errorf("%+v %v", checked, found)
	}
}

// take gives a number to another customer.
func take(ctx context.Context, tx tenant.Tx, w *world, msisdn string) error {
	sold, err := catalog.Current(ctx, tx, "hanse-postpaid-flex", tx.At)
	if err != nil {
		return err
	}
	parties, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Individual, Name: "Eva"}})
	if err != nil {
		return err
	}
	opened, err := account.Open(ctx, tx, []account.NewAccount{{PartyID: parties[0].ID, Kind: account.Postpaid}})
	if err != nil {
		return err
	}
	_, err = account.Subscribe(ctx, tx, []account.NewSubscription{{AccountID: opened[0].ID, OfferingID: sold.ID, Services: []account.NewService{{
		Kind: account.Mobile, Identities: []account.Identity{{Kind: account.MSISDN, Value: msisdn}}}}}})
	return err
}

// Ten thousand subscribers are there in well under a minute, and gone again.
func TestBatch_tenThousandInUnderAMinute(t *testing.T) {
	w := newWorld(t)
	begun := time.Now()
	b := w.clean(w.batch(many(10_000, rand.IntN)).ID)
	checked := time.Since(begun)
	w.commit(b.ID)
	w.work()
	committed := time.Since(begun)
	if got := w.get(b.ID); got.State != intake.Committed {
		t.Fatalf("%+v", got)
	}
	if err := w.undo(b.ID); err != nil {
		t.Fatal(err)
	}
	t.Logf("checked after %v, committed after %v, undone after %v", checked, committed, time.Since(begun))
	if committed > time.Minute {
		t.Errorf("took %v", committed)
	}
	w.sums()
}
