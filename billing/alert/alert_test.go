package alert_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/alert"
	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var eur = money.MustCurrency("EUR")

func d(text string) money.Decimal { return money.MustDecimal(text) }

func newAccount(t *testing.T, db *pgtest.TenantDB) account.Account {
	t.Helper()
	var a account.Account
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		parties, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Individual, Name: "Siti", Language: "id", Email: "siti@example.id"}})
		if err != nil {
			return err
		}
		accounts, err := account.Open(ctx, tx, []account.NewAccount{{PartyID: parties[0].ID, Kind: account.Prepaid}})
		if err != nil {
			return err
		}
		a = accounts[0]
		return balance.CreateMain(ctx, tx, a.ID)
	})
	return a
}

// laidDown loads rules as charging does.
func laidDown(t *testing.T, db *pgtest.TenantDB, rules ...alert.Rule) *alert.Rules {
	t.Helper()
	var loaded *alert.Rules
	db.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		if err := alert.Put(ctx, tx, alert.Policy{Rules: rules}, "user:test"); err != nil {
			return err
		}
		loaded, err = alert.Load(ctx, tx)
		return err
	})
	return loaded
}

func low(value string) alert.Rule {
	return alert.Rule{Code: "low", Measure: alert.Balance, Value: d(value), Currency: "EUR", Action: alert.Notify}
}

func main_(a account.Account, before, after string) alert.Moved {
	return alert.Moved{AccountID: a.ID, BucketID: a.ID, Unit: "EUR", Main: true, Before: d(before), After: d(after)}
}

func TestFind_crossingsAreBetweenWhatWasAndWhatIs(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	rules := laidDown(t, db, low("2"), alert.Rule{Code: "used-80", Measure: alert.Allowance, Value: d("80"), Action: alert.Notify},
		alert.Rule{Code: "used-all", Measure: alert.Allowance, Value: d("100"), Action: alert.Notify})
	a := account.Account{ID: uuid.New()}
	bucket := func(before, after string) alert.Moved {
		return alert.Moved{AccountID: a.ID, BucketID: a.ID, Unit: money.Byte, Allowance: true, Initial: d("10"), Before: d(before), After: d(after)}
	}
	for _, c := range []struct {
		name  string
		moved alert.Moved
		want  string
	}{
		{"above", main_(a, "5", "2"), ""},
		{"crossed", main_(a, "2", "1.999999999"), "low"},
		{"below before", main_(a, "1.9", "1"), ""},
		{"up again", main_(a, "1", "5"), ""},
		{"79 per cent", bucket("10", "2.000000001"), ""},
		{"80 per cent exactly", bucket("2.000000001", "2"), "used-80"},
		{"both at once", bucket("10", "0"), "used-80 used-all"},
		{"the rest", bucket("2", "0"), "used-all"},
	} {
		var got []string
		for _, x := range rules.Find([]alert.Moved{c.moved}, nil, calendar.Date{Year: 2026, Month: 5, Day: 1}) {
			got = append(got, x.Rule.Code)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
	}
}

// Whatever steps an allowance is used in, each threshold is crossed once.
func TestFind_onceInWhateverSteps(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	rules := laidDown(t, db, alert.Rule{Code: "used-80", Measure: alert.Allowance, Value: d("80"), Action: alert.Notify},
		alert.Rule{Code: "used-all", Measure: alert.Allowance, Value: d("100"), Action: alert.Notify})
	rapid.Check(t, func(t *rapid.T) {
		left, crossed := int64(1000), map[string]int{}
		for left > 0 {
			take := rapid.Int64Range(1, left).Draw(t, "take")
			m := alert.Moved{BucketID: uuid.New(), Unit: money.Byte, Allowance: true, Initial: d("1000"), Before: money.NewDecimal(left), After: money.NewDecimal(left - take)}
			for _, x := range rules.Find([]alert.Moved{m}, nil, calendar.Date{}) {
				crossed[x.Rule.Code]++
			}
			left -= take
		}
		if crossed["used-80"] != 1 || crossed["used-all"] != 1 {
			t.Fatalf("%v", crossed)
		}
	})
}

func watch(t *testing.T, db *pgtest.TenantDB, rules *alert.Rules, moved []alert.Moved, charged ...alert.Charged) {
	t.Helper()
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return rules.Watch(ctx, tx, moved, charged, calendar.DateOf(tx.At, db.Zone))
	})
}

// work works all alerts that are due and says how many there were.
func work(t *testing.T, db *pgtest.TenantDB) int {
	t.Helper()
	for n := 0; ; n++ {
		more := false
		db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			item, found, err := agenda.First(ctx, tx, agenda.Messages)
			if err != nil || !found {
				return err
			}
			more = true
			return errors.Join(alert.Act(ctx, tx, item.Ref), agenda.Done(ctx, tx, item.ID))
		})
		if !more {
			return n
		}
	}
}

func TestWatch_tellsOnceADay(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	rules, a := laidDown(t, db, low("2")), newAccount(t, db)
	for range 3 {
		watch(t, db, rules, []alert.Moved{main_(a, "3", "1.50")})
	}
	if n := work(t, db); n != 1 {
		t.Errorf("%d alerts were worked, want 1", n)
	}
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		told, err := notice.List(ctx, tx, notice.Query{Limit: 10})
		if err != nil || len(told) != 1 || told[0].To != "siti@example.id" || !strings.Contains(told[0].Body, "saldo Anda") {
			t.Errorf("%+v, %v", told, err)
		}
		list, err := alert.List(ctx, tx, a.ID, 10)
		if err != nil || len(list) != 1 || list[0].State != alert.Told {
			t.Errorf("%+v, %v", list, err)
		}
		return err
	})
}

func TestWatch_moneySpentAddsUpOverTransactions(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	a := newAccount(t, db)
	rules := laidDown(t, db, alert.Rule{Code: "roaming-limit", Measure: alert.Spend, Value: d("59.50"), Currency: "EUR", Lines: []string{"roaming"}, Action: alert.Notify})
	for _, c := range []struct {
		amount string
		raised int
	}{{"50", 0}, {"9.499999999", 0}, {"0.000000001", 1}, {"10", 0}} {
		watch(t, db, rules, nil, alert.Charged{AccountID: a.ID, Line: "roaming", Cycle: calendar.Date{Year: 2026, Month: 5, Day: 1}, Amount: d(c.amount), Currency: eur},
			alert.Charged{AccountID: a.ID, Line: "home", Cycle: calendar.Date{Year: 2026, Month: 5, Day: 1}, Amount: d("100"), Currency: eur})
		if n := work(t, db); n != c.raised {
			t.Errorf("after %s: %d alerts, want %d", c.amount, n, c.raised)
		}
	}
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		list, err := alert.List(ctx, tx, a.ID, 10)
		if err != nil || len(list) != 1 || !list[0].Reached.Equal(d("69.5")) {
			t.Errorf("%+v, %v", list, err)
		}
		return err
	})
}

func TestConfirm_onlyWhatIsHeld(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	a, other := newAccount(t, db), newAccount(t, db)
	cut := low("2")
	cut.Action = alert.Cut
	watch(t, db, laidDown(t, db, cut), []alert.Moved{main_(a, "3", "1")})
	work(t, db)
	var held alert.Alert
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		list, err := alert.List(ctx, tx, a.ID, 10)
		if err != nil || len(list) != 1 || list[0].State != alert.Held {
			t.Fatalf("%+v, %v", list, err)
		}
		held = list[0]
		return nil
	})
	for _, c := range []struct {
		by   uuid.UUID
		want error
	}{{other.ID, alert.ErrNotFound}, {a.ID, nil}, {a.ID, alert.ErrEnded}} {
		err := db.DB.Write(t.Context(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, err := alert.Confirm(ctx, tx, c.by, held.ID, "user:siti")
			return err
		})
		if !errors.Is(err, c.want) {
			t.Errorf("%v, want %v", err, c.want)
		}
	}
}

func TestCheck_namesTheFieldThatIsWrong(t *testing.T) {
	t.Parallel()
	for field, spoil := range map[string]func(*alert.Rule){
		"rules.0.code":       func(r *alert.Rule) { r.Code = "Low!" },
		"rules.0.measure":    func(r *alert.Rule) { r.Measure = "mood" },
		"rules.0.action":     func(r *alert.Rule) { r.Action = "shout" },
		"rules.0.value":      func(r *alert.Rule) { r.Value = d("-1") },
		"rules.0.currency":   func(r *alert.Rule) { r.Currency = "XXX1" },
		"rules.0.offer":      func(r *alert.Rule) { r.Action = alert.Offer },
		"rules.0.lines":      func(r *alert.Rule) { r.Lines = []string{"roaming"} },
		"rules.0.allowances": func(r *alert.Rule) { r.Allowances = []string{"data"} },
	} {
		rule := low("2")
		spoil(&rule)
		err := alert.Policy{Rules: []alert.Rule{rule}}.Check()
		if e, is := errors.AsType[*account.FieldError](err); !is || e.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if err := (alert.Policy{Rules: []alert.Rule{low("1"), low("2")}}).Check(); err == nil {
		t.Error("two rules of one code")
	}
}
