package contract_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/takings"
	"tollhouse/billing/tenant"
	"tollhouse/tenants"
	"tollhouse/tenants/contract"
)

func signingKey(t *testing.T) identity.Key {
	t.Helper()
	key, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// says is a statement of a day.
func says(t *testing.T, key identity.Key, stack tenant.ID, on, collected, cumulative string) string {
	t.Helper()
	s := takings.Statement{Stack: stack, Day: day(on), Totals: []takings.Total{{Collected: euro(collected), Cumulative: euro(cumulative)}},
		HeadSeq: 3, HeadHash: []byte("head"), SignedAt: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)}
	text, err := s.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func keep(db *tenants.DB, operator tenant.ID, told contract.Told) error {
	return db.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error { return contract.KeepTold(ctx, tx, operator, told) })
}

// What another key signed, what another stack signed, what says something else
// of a day and what does not follow from the day before is refused, and nothing
// of it is kept.
func TestKeepTold_refusesWhatIsNotTrue(t *testing.T) {
	t.Parallel()
	db, operator := control(t)
	own, other := signingKey(t), signingKey(t)
	first := contract.Told{Keys: [][]byte{own.Public()}, Statements: []string{says(t, own, operator, "2026-04-01", "10.00", "10.00"), says(t, own, operator, "2026-04-02", "5.00", "15.00")}}
	for range 2 { // a repeat changes nothing
		if err := keep(db, operator, first); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"another key":            {says(t, other, operator, "2026-04-03", "5.00", "20.00"), contract.ErrForged},
		"another stack's":        {says(t, own, tenant.NewID(), "2026-04-03", "5.00", "20.00"), contract.ErrForged},
		"another total":          {says(t, own, operator, "2026-04-02", "4.00", "14.00"), contract.ErrTotalDiffers},
		"a gap in what it sums":  {says(t, own, operator, "2026-04-03", "5.00", "19.00"), contract.ErrBroken},
		"no statement":           {"a.b.c", contract.ErrForged},
		"cut":                    {says(t, own, operator, "2026-04-03", "5.00", "20.00")[:80], contract.ErrForged},
		"a day that was fine in": {says(t, own, operator, "2026-03-31", "1.00", "7.00"), contract.ErrBroken},
	} {
		if err := keep(db, operator, contract.Told{Statements: []string{c.text}}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	write(t, db, func(ctx context.Context, tx tenants.Tx) error {
		last, err := contract.LastTotal(ctx, tx, operator)
		if err != nil || last != day("2026-04-02") {
			t.Errorf("last day %s, %v", last, err)
		}
		totals, err := contract.Totals(ctx, tx, operator, contract.Month(day("2026-04-01")))
		if len(totals) != 2 || totals[1].Cumulative.Text() != "15.00" {
			t.Errorf("totals: %+v", totals)
		}
		return err
	})
}

// A seal that was anchored with another hash gives a rewritten stack away.
func TestKeepTold_holdsItAgainstTheAnchors(t *testing.T) {
	t.Parallel()
	db, operator := control(t)
	write(t, db, func(ctx context.Context, tx tenants.Tx) error {
		_, err := tx.Exec(ctx, `insert into chain_anchor (operator, seq, hash, anchored_at) values ($1, 3, $2, $3)`, operator, make([]byte, 32), tx.At)
		return err
	})
	key := signingKey(t)
	err := keep(db, operator, contract.Told{Keys: [][]byte{key.Public()}, Statements: []string{says(t, key, operator, "2026-04-01", "10.00", "10.00")}})
	if !errors.Is(err, contract.ErrBroken) {
		t.Errorf("another chain: %v", err)
	}
}

// told is a stack that signs ten euro a day.
type told struct {
	t   *testing.T
	ids []tenant.ID
	key identity.Key
	bad bool
}

func (s told) Stacks(context.Context) ([]tenant.ID, error) { return s.ids, nil }

func (s told) Told(_ context.Context, id tenant.ID, after calendar.Date) (contract.Told, error) {
	list := contract.Told{Keys: [][]byte{s.key.Public()}}
	all, ten := money.Zero(eur).Decimal(), euro("10.00").Decimal()
	for d := day("2026-02-01"); d.Before(day("2026-05-01")); d = d.AddDays(1) {
		all = all.Add(ten)
		key := s.key
		if s.bad {
			key = signingKey(s.t)
		}
		if d.After(after) && len(list.Statements) < contract.MaxStatements {
			list.Statements = append(list.Statements, says(s.t, key, id, d.String(), "10.00", money.New(all, eur).Text()))
		}
	}
	return list, nil
}

// All days come, however many; a live house leaves sandboxes out, and so does
// none at all; a sandbox house takes them.
func TestGather_leavesSandboxesOut(t *testing.T) {
	t.Parallel()
	db, live := control(t)
	ctx := context.Background()
	sandbox := tenant.NewID()
	add := func(id tenant.ID, name string, sandbox bool) {
		write(t, db, func(ctx context.Context, tx tenants.Tx) error {
			_, err := tx.Exec(ctx, `
				insert into operator (id, name, display_name, legal_name, country, owner_email, owner_password_hash, sandbox, settings, created_by, created_at)
				values ($1, $2, 'X', 'X', 'DE', 'x@x.example', '', $3, '{}', 'system', $4)`, id, name, sandbox, tx.At)
			return err
		})
	}
	add(sandbox, "trial", true)
	counted := func(id tenant.ID) (n int) {
		write(t, db, func(ctx context.Context, tx tenants.Tx) error {
			return tx.QueryRow(ctx, `select count(*) from daily_total where operator_id = $1`, id).Scan(&n)
		})
		return n
	}
	stacks := told{t: t, ids: []tenant.ID{live, sandbox, tenant.NewID()}, key: signingKey(t)}
	house := tenant.NewID()
	for _, step := range []string{"no house", "a live house"} {
		if err := contract.Gather(ctx, db, stacks, nil); err != nil {
			t.Fatal(err)
		}
		if got, left := counted(live), counted(sandbox); got != 28+31+30 || left != 0 {
			t.Errorf("%s: %d days of the live one, %d of the sandbox", step, got, left)
		}
		if step == "no house" {
			add(house, tenants.HouseName, false)
		}
	}
	write(t, db, func(ctx context.Context, tx tenants.Tx) error {
		_, err := tx.Exec(ctx, `update operator set sandbox = true where id = $1`, house)
		return err
	})
	var told []tenant.ID
	forged := stacks
	forged.bad = true
	if err := contract.Gather(ctx, db, forged, func(_ context.Context, _ tenants.Tx, id tenant.ID, why error) error {
		told = append(told, id)
		return nil
	}); !errors.Is(err, contract.ErrForged) || len(told) != 1 || told[0] != sandbox {
		t.Errorf("forged: %v, told of %v", err, told)
	}
	if err := contract.Gather(ctx, db, stacks, nil); err != nil {
		t.Fatal(err)
	}
	if counted(sandbox) != 28+31+30 {
		t.Errorf("%d days of the sandbox", counted(sandbox))
	}
}

// A share is of what the operator collects in its own currency.
func TestPut_sharesInTheOperatorsCurrency(t *testing.T) {
	t.Parallel()
	db, operator := control(t)
	write(t, db, func(ctx context.Context, tx tenants.Tx) error {
		_, err := tx.Exec(ctx, `update operator set settings = '{"currency": "IDR"}' where id = $1`, operator)
		return err
	})
	var invalid *tenants.InvalidError
	if err := begin(db, draft(operator, "2026-01-01")); !errors.As(err, &invalid) || invalid.Fields[0].Field != "currency" {
		t.Errorf("a share in euro of what comes in rupiah: %v", err)
	}
	rent := contract.Contract{ID: uuid.Must(uuid.NewV7()), Operator: operator, Model: contract.Rent, Place: contract.Pooled, Currency: eur, From: day("2026-01-01"),
		Terms: contract.Terms{Rent: &contract.RentTerms{Setup: euro("0.00"), Monthly: euro("10.00")}}}
	if err := begin(db, rent); err != nil {
		t.Errorf("a rent in another currency: %v", err)
	}
}

// A stack that was taken back to an earlier state signs its days otherwise. It
// is refused until it is heard anew; then what was charged by the former days is
// reckoned again, and the difference is given back once.
func TestRenew_hearsARestoredStackAnew(t *testing.T) {
	t.Parallel()
	db, operator := control(t)
	c := draft(operator, "2026-04-01")
	if err := begin(db, c); err != nil {
		t.Fatal(err)
	}
	key := signingKey(t)
	month := contract.Month(day("2026-04-01"))
	tell := func(from string, daily int64) error {
		list := contract.Told{Keys: [][]byte{key.Public()}}
		all := int64(0)
		for d := month.From; d.Before(month.To); d = d.AddDays(1) {
			collected := int64(1000)
			if !d.Before(day(from)) {
				collected = daily
			}
			all += collected
			if !d.Before(day(from)) {
				list.Statements = append(list.Statements, says(t, key, operator, d.String(), fmt.Sprint(collected), fmt.Sprint(all)))
			}
		}
		return keep(db, operator, list)
	}
	closeAndMakeUp := func() {
		write(t, db, func(ctx context.Context, tx tenants.Tx) error {
			c, err := contract.Get(ctx, tx, c.ID)
			if err != nil {
				return err
			}
			return errors.Join(contract.CloseMonth(ctx, tx, c, month, nil), contract.MakeUp(ctx, tx, c, day("2026-06-05")))
		})
	}
	renew := func(r contract.Renewal) (made contract.Renewal, err error) {
		err = db.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) (err error) {
			made, err = contract.Renew(ctx, tx, tenants.System, r)
			return err
		})
		return made, err
	}
	charged := func() map[string]string {
		got := map[string]string{}
		write(t, db, func(ctx context.Context, tx tenants.Tx) error {
			list, err := contract.Waiting(ctx, tx, 10)
			for _, h := range list {
				got[h.Code] += h.Amount.Text() + " "
			}
			return err
		})
		return got
	}
	if err := tell("2026-04-01", 1000); err != nil { // 30,000: 500 and 600
		t.Fatal(err)
	}
	closeAndMakeUp()
	write(t, db, func(ctx context.Context, tx tenants.Tx) error { // the newest seal that a statement names is the third
		_, err := tx.Exec(ctx, `insert into chain_anchor (operator, seq, hash, anchored_at) select $1, n, $2, $3 from unnest(array[2, 9]) n`, operator, make([]byte, 32), tx.At)
		return err
	})
	if err := tell("2026-04-21", 400); !contract.IsRefusal(err) {
		t.Fatalf("a restored stack is believed: %v", err)
	}
	if _, err := renew(contract.Renewal{ID: uuid.New(), Operator: operator}); !errors.As(err, new(*tenants.InvalidError)) {
		t.Errorf("without a day and a reason: %v", err)
	}
	want := contract.Renewal{ID: uuid.New(), Operator: operator, From: day("2026-04-21"), Reason: "restored to 20 April"}
	for range 2 { // a repeat changes nothing
		made, err := renew(want)
		if err != nil || made.Days != 10 || made.Anchors != 1 {
			t.Fatalf("%+v, %v", made, err)
		}
	}
	other := want
	other.Reason = "for another reason"
	if _, err := renew(other); !errors.Is(err, contract.ErrFixed) {
		t.Errorf("another one under its id: %v", err)
	}
	closeAndMakeUp() // nothing is owed while days are missing
	if got := charged(); len(got) != 1 {
		t.Errorf("charged %v", got)
	}
	for range 2 {
		if err := tell("2026-04-21", 400); err != nil { // 24,000: 500 and 420
			t.Fatal(err)
		}
		closeAndMakeUp()
	}
	if got := charged(); got["revenue-share-late"] != "-180.00 " {
		t.Errorf("charged %v", got)
	}
	want.ID = uuid.New()
	if _, err := renew(want); err != nil {
		t.Fatal(err)
	}
	if err := tell("2026-04-21", 700); err != nil { // 27,000: 500 and 510
		t.Fatal(err)
	}
	closeAndMakeUp()
	if got := charged(); got["revenue-share-late"] != "-180.00 90.00 " && got["revenue-share-late"] != "90.00 -180.00 " {
		t.Errorf("charged %v", got)
	}
}
