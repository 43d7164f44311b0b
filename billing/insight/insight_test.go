package insight_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/insight"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const plan = `
code: flat
names: {en: Flat}
billing: postpaid
services: [internet]
currency: EUR
tax: {category: standard, included: true}
prices:
  recurring:
  - {code: monthly, names: {en: Monthly}, amount: "30.00", months: 1, timing: advance, prorate: day}
  - {code: yearly, names: {en: Yearly}, amount: "24.00", months: 12, timing: advance, prorate: none}
`

// connect opens an account with a subscription, now.
func connect(t *testing.T, w *pgtest.TenantDB, n int, to uuid.UUID) (accountID, subscription uuid.UUID) {
	t.Helper()
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		offering, err := catalog.Current(ctx, tx, "flat", tx.At)
		if err != nil {
			return err
		}
		if accountID = to; to == uuid.Nil {
			parties, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Individual, Name: fmt.Sprint("P ", n), Address: account.Address{Street: "W 1", Postcode: "1", City: "H", Country: "DE"}}})
			if err != nil {
				return err
			}
			opened, err := account.Open(ctx, tx, []account.NewAccount{{PartyID: parties[0].ID, Kind: account.Postpaid}})
			if err != nil {
				return err
			}
			accountID = opened[0].ID
		}
		made, err := account.Subscribe(ctx, tx, []account.NewSubscription{{AccountID: accountID, OfferingID: offering.ID,
			Services: []account.NewService{{Kind: account.Internet, Identities: []account.Identity{{Kind: account.Login, Value: fmt.Sprintf("p%d@example", n)}}}}}})
		if err != nil {
			return err
		}
		subscription = made[0].ID
		return account.Activate(ctx, tx, subscription)
	})
	return accountID, subscription
}

func TestWeeks_anAccountJoinsWithItsFirstAndLeavesWithItsLast(t *testing.T) {
	t.Parallel()
	w := pgtest.Tenant(t)
	day := func(d int) time.Time { return time.Date(2026, 5, d, 10, 0, 0, 0, w.Zone).UTC() }
	w.SetClock(t, day(4)) // a Monday
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		offering, err := catalog.Parse([]byte(plan))
		if err != nil {
			return err
		}
		draft, err := catalog.SaveDraft(ctx, tx, offering)
		if err == nil {
			_, err = catalog.Publish(ctx, tx, draft.ID, tx.At)
		}
		return err
	})
	both, first := connect(t, w, 1, uuid.Nil)
	_, alone := connect(t, w, 2, uuid.Nil)
	w.SetClock(t, day(12))
	connect(t, w, 3, both) // a second one of the same account: nobody joins
	connect(t, w, 4, uuid.Nil)
	w.SetClock(t, day(19))
	for _, id := range []uuid.UUID{first, alone} {
		w.Write(t, func(ctx context.Context, tx tenant.Tx) error { return account.Terminate(ctx, tx, id) })
	}
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		weeks, err := insight.Weeks(ctx, tx, w.Zone, calendar.Date{Year: 2026, Month: 5, Day: 20}, 3)
		if err != nil {
			return err
		}
		got := fmt.Sprint(weeks[0].Joined, weeks[0].Left, weeks[1].Joined, weeks[1].Left, weeks[2].Joined, weeks[2].Left)
		if want := "2 0 1 0 0 1"; got != want {
			t.Errorf("joined and left by week: %s, want %s", got, want)
		}
		now, err := insight.ActiveSubscribers(ctx, tx)
		if err != nil {
			return err
		}
		then, err := insight.SubscribersAt(ctx, tx, day(15))
		if now != 2 || then != 3 {
			t.Errorf("%d now, %d in the second week", now, then)
		}
		sold, err2 := insight.SoldSince(ctx, tx, day(1))
		if len(sold) != 1 || sold[0].Active != 2 || sold[0].New != 4 || sold[0].Left != 2 || sold[0].Recurring.String() != "64" {
			t.Errorf("sold: %+v", sold)
		}
		if err == nil {
			err = err2
		}
		return err
	})
}
