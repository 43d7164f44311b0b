package charging_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// paygPlan has no fee; data is 1.00 a GB.
const paygPlan = `
code: payg
names: {en: Payg}
billing: prepaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
usage:
  - {code: data, names: {en: Data}, kind: data, rules: [{code: anydata, destinations: ["*"], price: 1, per: 1 GB}]}
`

// give grants one bucket.
func (w *world) give(n balance.NewBucket) uuid.UUID {
	w.t.Helper()
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		a, err := account.Get(ctx, tx, n.AccountID)
		if err != nil {
			return err
		}
		n.ID, n.LegalEntity, n.Branch = uuid.Must(uuid.NewV7()), a.LegalEntity, a.Branch
		if n.ValidFrom.IsZero() {
			n.ValidFrom = tx.At
		}
		_, err = balance.Grant(ctx, tx, []balance.NewBucket{n})
		return err
	})
	return n.ID
}

// values are an account's buckets by code, ended ones as well.
func (w *world) values(a account.Account) map[string]string {
	w.t.Helper()
	values := map[string]string{}
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		rows, err := tx.Query(ctx, `select code || case when origin = 'main' then ' ' || unit else '' end || case when rolled_from is null then '' else ' rolled' end, value
			from bucket where account_id = $1 order by created_at, id`, a.ID)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var code string
			var value money.Decimal
			if err := rows.Scan(&code, &value); err != nil {
				return err
			}
			values[code] = value.String()
		}
		return rows.Err()
	})
	return values
}

func (w *world) wantValues(a account.Account, want map[string]string) {
	w.t.Helper()
	got := w.values(a)
	for code, value := range want {
		if got[code] != value {
			w.t.Errorf("%s holds %q, want %q (%v)", code, got[code], value, got)
		}
	}
	w.sums()
}

// expire works the agenda's ends of buckets due at an instant.
func (w *world) expire(at time.Time) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := balance.Expire(ctx, tx, at, 1000)
		return err
	})
}

// Semantics B: order, and neighbours with other numbers.
func TestOrder_bundleThenPromotionThenMain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name               string
		bundleGB           int64
		promo, main        string
		useGB              int64
		bundle, left, rest string // after the use
		lateGB             int64
		promoAfter         string // after the late use of Jun 10 on Jun 12
		expired            string // what promotions have got back at last
		mainAfter          string
	}{
		{"the case", 10, "5.00", "20.00", 12, "0", "3", "20", 2, "0", "4", "20"},
		{"late use beyond the promotion", 10, "5.00", "20.00", 12, "0", "3", "20", 7, "0", "5", "16"},
		{"promotion used up", 10, "5.00", "20.00", 17, "0", "0", "18", 1, "0", "5", "17"},
		{"bundle is enough", 10, "4.00", "1.00", 9, "1000000000", "4", "1", 3, "0", "2", "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, paygPlan)
			a := w.customers("payg", account.Prepaid, 1, 1)[0]
			june10 := time.Date(2026, 6, 10, 12, 0, 0, 0, w.Zone).UTC()
			end := calendar.Date{Year: 2026, Month: 6, Day: 11}.Start(w.Zone).UTC()
			w.topUp(a, c.main)
			w.give(balance.NewBucket{AccountID: a.ID, Code: "bundle", Unit: money.Byte, Origin: balance.Allowance, Amount: money.NewDecimal(c.bundleGB * 1e9), Priority: 1, ExpiresAt: end})
			w.give(balance.NewBucket{AccountID: a.ID, Code: "promo", Unit: "EUR", Origin: balance.Promotion, Amount: money.MustDecimal(c.promo), Priority: 10, ExpiresAt: end})
			w.SetClock(t, june10)
			if _, err := w.debit(w.data("use", 1, june10, c.useGB*1e9)); err != nil {
				t.Fatal(err)
			}
			w.wantValues(a, map[string]string{"bundle": c.bundle, "promo": c.left, "main EUR": c.rest})

			w.SetClock(t, end)
			w.expire(end)
			w.wantValues(a, map[string]string{"promo": "0", "main EUR": c.rest})
			if sums := w.sums(); sums["breakage EUR"] != "" {
				t.Errorf("promotional money became breakage: %s", sums["breakage EUR"])
			}

			w.SetClock(t, june10.AddDate(0, 0, 2))
			wantStatuses(t, w.ingest(w.data("late", 1, june10, c.lateGB*1e9)), charging.Accepted)
			w.wantValues(a, map[string]string{"promo": c.promoAfter, "main EUR": c.mainAfter})
			w.wantSums(map[string]string{"promotion EUR": c.expired})
			w.expire(end) // nothing is left to expire
			w.wantSums(map[string]string{"promotion EUR": c.expired})
		})
	}
}

// Semantics B: order. Only bought money that expires is breakage.
func TestExpire_boughtMoneyIsBreakage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, paygPlan)
	a := w.customers("payg", account.Prepaid, 1, 1)[0]
	end := w.noon(20)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		one := func(code string, origin balance.Origin, amount string) balance.Imported {
			d := money.MustDecimal(amount)
			return balance.Imported{Value: d, NewBucket: balance.NewBucket{ID: uuid.Must(uuid.NewV7()), AccountID: a.ID, Code: code, Unit: "EUR", Origin: origin, Amount: d,
				Priority: 5, ValidFrom: tx.At, ExpiresAt: end, LegalEntity: a.LegalEntity, Branch: a.Branch}}
		}
		return balance.Import(ctx, tx, []balance.Imported{one("bought", balance.Bought, "7.50"), one("gift", balance.Promotion, "2.50")})
	})
	w.SetClock(t, end)
	w.expire(end)
	w.wantValues(a, map[string]string{"bought": "0", "gift": "0"})
	w.wantSums(map[string]string{"breakage EUR": "-7.5", "promotion EUR": "-2.5", "prepaid EUR": "0"})
}

// Semantics B: currencies.
func TestDebit_otherCurrenciesAtTheDaysRate(t *testing.T) {
	t.Parallel()
	usd := money.MustCurrency("USD")
	for _, c := range []struct {
		name             string
		rate             string
		eur, dollars     string
		gigabytes        int64
		refused          bool
		eurAfter, usdNow string

		clearing, dollarsCleared string // FX clearing has given and got
	}{
		{"without a rate", "", "4.00", "10.00", 6, true, "4", "10", "", ""},
		{"at 1.10", "1.10", "4.00", "10.00", 6, false, "0", "7.8", "2", "-2.2"},
		{"at 1.10, only dollars", "1.10", "", "10.00", 6, false, "0", "3.4", "6", "-6.6"},
		{"not enough of both", "1.10", "4.00", "2.19", 6, true, "4", "2.19", "", ""},
		{"exactly enough of both", "1.10", "4.00", "2.20", 6, false, "0", "0", "2", "-2.2"},
		{"euros are enough", "1.10", "6.00", "10.00", 6, false, "0", "10", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, paygPlan)
			a := w.customers("payg", account.Prepaid, 1, 1)[0]
			if c.eur != "" {
				w.topUp(a, c.eur)
			}
			w.give(balance.NewBucket{AccountID: a.ID, Code: "dollars", Unit: usd.Unit(), Origin: balance.Promotion, Amount: money.MustDecimal(c.dollars), Priority: 1})
			if c.rate != "" {
				w.write(func(ctx context.Context, tx tenant.Tx) error {
					_, err := catalog.PutRates(ctx, tx, catalog.NewRatesEntry{Past: true, Source: "test", Rates: []catalog.ExchangeRate{{From: a.Currency, To: usd, Day: calendar.Date{Year: 2026, Month: 1, Day: 1}, Value: money.MustDecimal(c.rate)}}})
					return err
				})
			}
			_, err := w.debit(w.data("use", 1, w.noon(2), c.gigabytes*1e9))
			if c.refused != errors.Is(err, charging.ErrInsufficient) || (!c.refused && err != nil) {
				t.Fatalf("debit: %v", err)
			}
			want := map[string]string{"dollars": c.usdNow}
			if c.eurAfter != "0" || c.eur != "" {
				want["main EUR"] = c.eurAfter
			}
			w.wantValues(a, want)
			if !c.refused {
				w.wantSums(map[string]string{"revenue EUR": "-5.042016807", "tax EUR": "-0.957983193", "fx_clearing EUR": c.clearing, "fx_clearing USD": c.dollarsCleared})
			}
		})
	}
}

func TestDebit_creditLimitCountsWhatIsOwed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, postpaidPlan)
	a := w.customers("talk", account.Postpaid, 1, 1)[0]
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return account.PutLimits(ctx, tx, a.ID, account.Limits{Credit: decimal("2.50")})
	})
	for i, c := range []struct {
		gb   int64
		want error
	}{{1, nil}, {1, nil}, {1, charging.ErrCreditLimit}} { // each is 1.00 net
		if _, err := w.debit(w.data(string(rune('a'+i)), 1, w.noon(2), c.gb*1e9)); !errors.Is(err, c.want) {
			t.Errorf("debit %d: %v, want %v", i, err, c.want)
		}
	}
	// use that has happened is never refused
	wantStatuses(t, w.ingest(w.data("offline", 1, w.noon(2), 1e9)), charging.Accepted)
	w.wantSums(map[string]string{"unbilled EUR": "3"})
}

func TestDebit_debtLimitOfAccountAndOffering(t *testing.T) {
	t.Parallel()
	w := newWorld(t, paygPlan+"debt_limit: 2.00\n")
	both := w.customers("payg", account.Prepaid, 1, 2)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return account.PutLimits(ctx, tx, both[1].ID, account.Limits{Debt: decimal("0")})
	})
	for i, a := range both {
		w.topUp(a, "1.00")
		_, err := w.debit(w.data(a.Number, i+1, w.noon(2), 3e9))
		if i == 0 && err != nil || i == 1 && !errors.Is(err, charging.ErrInsufficient) {
			t.Errorf("customer %d: %v", i, err)
		}
	}
	if _, err := w.debit(w.data("two", 1, w.noon(2), 1)); !errors.Is(err, charging.ErrInsufficient) {
		t.Errorf("beyond the debt limit: %v", err)
	}
	w.wantValues(both[0], map[string]string{"main EUR": "-2"})
	w.wantValues(both[1], map[string]string{"main EUR": "1"})
}

func TestIncluded_moneyLowersThePriceOfPostpaidUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, postpaidPlan+"allowances: [{code: credit, names: {en: Credit}, amount: 3.00 EUR, validity: cycle, priority: 1}]\n")
	a := w.customers("talk", account.Postpaid, 1, 1)[0]
	w.grantCycle(a)
	wantStatuses(t, w.ingest(w.data("one", 1, w.noon(2), 2e9), w.data("two", 1, w.noon(3), 2e9)), charging.Accepted, charging.Accepted)
	// 2.38 of 3.00, then 0.62 of 2.38: 1.76 with tax is 1.478991597 without
	w.wantValues(a, map[string]string{"credit": "0"})
	w.wantSums(map[string]string{"unbilled EUR": "1.478991597", "promotion EUR": "0", "prepaid EUR": "0"})
}

func decimal(s string) *money.Decimal {
	d := money.MustDecimal(s)
	return &d
}
