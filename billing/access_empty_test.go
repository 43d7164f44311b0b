package billing

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/access"
	"tollhouse/billing/balance"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// A prepaid plan without a fee: its services live by the balance alone.
var payAsYouGo = strings.NewReplacer("code: prepaid", "code: payg", `prices: {recurring: [{code: monthly, names: {en: Monthly}, amount: "7.99", months: 1, timing: advance, prorate: none}]}
allowances: [{code: package, names: {en: 2 GB}, amount: 2 GB, kinds: [data], validity_months: 1, priority: 1}]
`, "", "price: \"2.50\", per: 1 GB", "price: \"1.00\", per: 1 GB").Replace(prepaidPlan)

// intended is what the network was last told of an account's service, and how
// many looks at it are written down.
func (w *world) intended(id uuid.UUID) (level string) {
	w.t.Helper()
	return w.text(`select coalesce((select i.level || ' ' || i.state from access_intent i where i.account_id = $1 order by i.generation desc limit 1), 'never asked')`, id)
}

func (w *world) looks(id uuid.UUID) string {
	w.t.Helper()
	return w.text(`select count(*)::text from agenda where kind = 'access_turn' and ref = $1`, id)
}

// A charge that takes the last of a prepaid balance walls the service at once,
// whichever way it came; money of any kind gives it back. Charges in between
// write nothing.
func TestAccess_anEmptiedBalanceIsWalledAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(payAsYouGo)
	const gigabyte = 1_000_000_000
	charge := map[string]func(c customer, key string, bytes int64){
		"online": func(c customer, key string, bytes int64) { w.mustDebit(c.data(key, w.soon(), bytes)) },
		"usage":  func(c customer, key string, bytes int64) { w.ingest(c.data(key, w.now(), bytes)) },
	}
	give := map[string]func(c customer){
		"payment": func(c customer) { w.pay(c, payment.PurposeTopUp, "3.00") },
		"adjustment": func(c customer) {
			w.write(func(ctx context.Context, tx tenant.Tx) error {
				main, err := balance.LockMain(ctx, tx, c.ID)
				if err == nil {
					_, err = balance.Adjust(ctx, tx, balance.Adjustment{ID: uuid.New(), BucketID: main.ID, Amount: money.NewDecimal(3), Reason: "sorry"})
				}
				return err
			})
		},
		"gift": func(c customer) {
			w.write(func(ctx context.Context, tx tenant.Tx) error {
				_, err := balance.Give(ctx, tx, balance.Gift{ID: uuid.New(), AccountID: c.ID, Code: "sorry", Unit: money.MustCurrency("EUR").Unit(), Amount: money.NewDecimal(3), Reason: "sorry"})
				return err
			})
		},
	}
	for by, use := range charge {
		for with, fill := range give {
			c := w.connect("payg")
			w.pay(c, payment.PurposeTopUp, "3.00")
			w.drain()
			before := w.looks(c.ID)
			use(c, w.key(), gigabyte) // of 3
			if got := w.looks(c.ID); got != before {
				t.Errorf("%s: %s looks after a charge that leaves something, %s before", by, got, before)
			}
			use(c, w.key(), 2*gigabyte)
			w.drain()
			if got := w.intended(c.ID); got != "walled confirmed" {
				t.Errorf("%s: emptied: the network was told %s", by, got)
			}
			fill(c)
			w.drain()
			if got := w.intended(c.ID); got != "allowed confirmed" {
				t.Errorf("%s, %s: filled again: the network was told %s", by, with, got)
			}
		}
	}
	w.mustSums()
}

// Points are no means: who has nothing else is empty.
func TestAccess_pointsDoNotKeepAServiceUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(payAsYouGo)
	c := w.connect("payg")
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := balance.IssuePoints(ctx, tx, balance.Points{ID: uuid.New(), AccountID: c.ID, Total: money.NewDecimal(50), ExpiresAt: tx.At.AddDate(1, 0, 0)})
		return err
	})
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		rights, err := access.OfAccounts(ctx, tx, c.ID)
		if len(rights) != 1 || rights[0].Level != access.Walled {
			t.Errorf("%+v", rights)
		}
		return err
	})
}

// A member without a cent of its own lives from what its group's owner shares,
// as long as there is something and its limit reaches; the network is told
// when that turns, whatever turned it.
func TestAccess_aMemberLivesFromWhatItsGroupShares(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(familyPlan)
	w.publish(goPlan)
	const gigabyte = 1_000_000_000
	owner, member := w.connect("family"), w.connect("go")
	w.pay(owner, payment.PurposeTopUp, "30.00")
	group := func(fn func(ctx context.Context, tx tenant.Tx) error) {
		w.write(fn)
		w.drain()
	}
	want := func(when string, level access.Level) {
		t.Helper()
		w.drain()
		w.read(func(ctx context.Context, tx tenant.Tx) error {
			rights, err := access.OfAccounts(ctx, tx, member.ID)
			if len(rights) != 1 || rights[0].Level != level {
				t.Errorf("%s: %+v, want %s", when, rights, level)
			}
			return err
		})
		if got := w.intended(member.ID); got != string(level)+" confirmed" {
			t.Errorf("%s: the network was told %s", when, got)
		}
	}
	w.pay(member, payment.PurposeTopUp, "0.97")
	w.mustDebit(member.data(w.key(), w.soon(), gigabyte))
	want("alone", access.Walled)
	group(func(ctx context.Context, tx tenant.Tx) error {
		if _, err := balance.Found(ctx, tx, owner.ID, "The family"); err != nil {
			return err
		}
		return balance.Join(ctx, tx, owner.ID, member.ID)
	})
	want("joined", access.Allowed)
	w.ingest(member.data(w.key(), w.now(), 2*gigabyte))
	want("used some", access.Allowed)
	w.ingest(member.data(w.key(), w.now(), gigabyte))
	want("used its 3 GB", access.Walled)
	limit := money.NewDecimal(5 * gigabyte)
	group(func(ctx context.Context, tx tenant.Tx) error {
		return balance.Limit(ctx, tx, owner.ID, member.ID, money.Byte, &limit)
	})
	want("may use 5 GB", access.Allowed)
	w.mustDebit(owner.data(w.key(), w.soon(), 7*gigabyte))
	want("the owner has used the rest", access.Walled)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := balance.Grant(ctx, tx, []balance.NewBucket{{ID: id7(), AccountID: owner.ID, Code: "more", Unit: money.Byte, Origin: balance.Promotion,
			Amount: money.NewDecimal(gigabyte), Priority: 3, ValidFrom: tx.At, Shared: true,
			LegalEntity: owner.LegalEntity, Branch: owner.Branch}})
		return err
	})
	want("the owner shares more", access.Allowed)
	w.mustDebit(member.data(w.key(), w.soon(), gigabyte))
	want("used that as well", access.Walled)
	w.advance(w.now().AddDate(0, 1, 1))
	want("the owner's next month", access.Allowed)
	group(func(ctx context.Context, tx tenant.Tx) error { return balance.Leave(ctx, tx, owner.ID, member.ID) })
	want("left", access.Walled)
	w.mustSums()
}
