package contract_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/tenants"
	"tollhouse/tenants/contract"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var databases atomic.Int64

var (
	eur = money.MustCurrency("EUR")
	by  = tenants.Actor{ID: uuid.MustParse("01900000-0000-7000-8000-0000000000aa")}
)

func euro(text string) money.Amount {
	a, err := money.Parse(text, eur)
	if err != nil {
		panic(err)
	}
	return a
}

func day(text string) calendar.Date {
	d, err := calendar.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return d
}

// control is a control plane with one operator.
func control(t *testing.T) (*tenants.DB, tenant.ID) {
	t.Helper()
	ctx := context.Background()
	server := pgtest.Server(t)
	name := fmt.Sprintf("contracts_%d", databases.Add(1))
	if err := server.MigrateControl(ctx, name); err != nil {
		t.Fatal(err)
	}
	pool, err := server.Pool(ctx, postgres.RoleControl, name, 8)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	db := tenants.Open(pool, func() time.Time { return time.Date(2026, 5, 2, 3, 0, 0, 0, time.UTC) })
	operator := tenant.NewID()
	write(t, db, func(ctx context.Context, tx tenants.Tx) error {
		_, err := tx.Exec(ctx, `
			insert into operator (id, name, display_name, legal_name, country, owner_email, owner_password_hash, sandbox, settings, created_by, created_at)
			values ($1, 'hanse', 'Hanse Mobil', 'Hanse Mobil GmbH', 'DE', 'owner@hanse.example', '', false, '{}', 'system', $2)`, operator, tx.At)
		return err
	})
	return db, operator
}

func write(t *testing.T, db *tenants.DB, fn func(ctx context.Context, tx tenants.Tx) error) {
	t.Helper()
	if err := db.Write(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func draft(operator tenant.ID, from string) contract.Contract {
	up := euro("10000.00")
	return contract.Contract{ID: uuid.Must(uuid.NewV7()), Operator: operator, Model: contract.RevenueShare, Place: contract.Pooled, Currency: eur, From: day(from),
		Reference: "C-17", Terms: contract.Terms{Share: &contract.ShareTerms{Minimum: euro("200.00"),
			Tiers: []contract.Tier{{UpTo: &up, Percent: money.NewDecimal(5)}, {Percent: money.NewDecimal(3)}}}}}
}

func begin(db *tenants.DB, c contract.Contract) error {
	return db.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
		if _, err := contract.Put(ctx, tx, by, c); err != nil {
			return err
		}
		_, err := contract.Begin(ctx, tx, by, c.ID)
		return err
	})
}

// A put may be repeated; once the contract has begun it can say nothing new.
func TestPut_untilItHasBegun(t *testing.T) {
	t.Parallel()
	db, operator := control(t)
	c := draft(operator, "2026-01-01")
	if err := begin(db, c); err != nil {
		t.Fatal(err)
	}
	write(t, db, func(ctx context.Context, tx tenants.Tx) error {
		again, err := contract.Put(ctx, tx, by, c)
		if again.State != contract.Active {
			t.Errorf("the same again: %s", again.State)
		}
		return err
	})
	c.Terms.Share.Minimum = euro("100.00")
	err := db.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
		_, err := contract.Put(ctx, tx, by, c)
		return err
	})
	if !errors.Is(err, contract.ErrFixed) {
		t.Errorf("other terms: %v", err)
	}
}

// Of contracts that begin at the same time for the same days, one does.
func TestBegin_oneAtATime(t *testing.T) {
	t.Parallel()
	db, operator := control(t)
	const rivals = 6
	results := make([]error, rivals)
	var wait sync.WaitGroup
	for i := range rivals {
		c := draft(operator, "2026-01-01")
		wait.Go(func() { results[i] = begin(db, c) })
	}
	wait.Wait()
	begun := 0
	for _, err := range results {
		switch {
		case err == nil:
			begun++
		case !errors.Is(err, contract.ErrOverlap):
			t.Error(err)
		}
	}
	if begun != 1 {
		t.Errorf("%d have begun", begun)
	}
	write(t, db, func(ctx context.Context, tx tenants.Tx) error {
		list, err := contract.Of(ctx, tx, operator)
		for _, c := range list {
			if c.State != contract.Active {
				continue
			}
			if _, err := contract.End(ctx, tx, by, c.ID, day("2026-03-01"), "another follows"); err != nil {
				return err
			}
		}
		return err
	})
	if err := begin(db, draft(operator, "2026-02-28")); !errors.Is(err, contract.ErrOverlap) {
		t.Errorf("on its last day: %v", err)
	}
	if err := begin(db, draft(operator, "2026-03-01")); err != nil {
		t.Errorf("on the day after: %v", err)
	}
}

func total(operator tenant.ID, d calendar.Date, collected string) contract.DailyTotal {
	return contract.DailyTotal{Operator: operator, Day: d, Collected: euro(collected), HeadSeq: 7, HeadHash: []byte{1, 2, 3}, Statement: "signed"}
}

// A stack that signs another total for a day is not believed.
func TestKeepTotal_onceForGood(t *testing.T) {
	t.Parallel()
	db, operator := control(t)
	keep := func(collected string) error {
		return db.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
			return contract.KeepTotal(ctx, tx, total(operator, day("2026-04-01"), collected))
		})
	}
	if err := keep("10.00"); err != nil {
		t.Fatal(err)
	}
	if err := keep("10.00"); err != nil {
		t.Errorf("the same again: %v", err)
	}
	if err := keep("9.00"); !errors.Is(err, contract.ErrTotalDiffers) {
		t.Errorf("less: %v", err)
	}
}

// April lacks a day: it is charged at the minimum and somebody is told. In
// June's closing the day is there, and what is owed of April is made up for,
// whoever closes how often.
func TestCloseMonth_makesUpOnce(t *testing.T) {
	t.Parallel()
	db, operator := control(t)
	c := draft(operator, "2026-04-01")
	if err := begin(db, c); err != nil {
		t.Fatal(err)
	}
	days := func(month calendar.Period, but string) {
		write(t, db, func(ctx context.Context, tx tenants.Tx) error {
			for d := month.From; d.Before(month.To); d = d.AddDays(1) {
				if d.String() == but {
					continue
				}
				if err := contract.KeepTotal(ctx, tx, total(operator, d, "1000.00")); err != nil {
					return err
				}
			}
			return nil
		})
	}
	var told []calendar.Date
	close := func(month calendar.Period) {
		var wait sync.WaitGroup
		for range 3 {
			wait.Go(func() {
				err := db.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
					c, err := contract.Get(ctx, tx, c.ID)
					if err != nil {
						return err
					}
					return contract.CloseMonth(ctx, tx, c, month, func(_ context.Context, _ tenants.Tx, _ contract.Contract, missing []calendar.Date) error {
						told = append(told, missing...)
						return nil
					})
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
	}
	april, may, june := contract.Month(day("2026-04-01")), contract.Month(day("2026-05-01")), contract.Month(day("2026-06-01"))
	days(april, "2026-04-12")
	close(april)
	days(may, "")
	close(may)
	days(april, "")
	days(june, "")
	close(june)
	if len(told) != 1 || told[0] != day("2026-04-12") {
		t.Errorf("told of %v", told)
	}
	write(t, db, func(ctx context.Context, tx tenants.Tx) error {
		list, err := contract.Waiting(ctx, tx, 10)
		got := map[string]string{}
		for _, h := range list {
			got[h.Code+" "+h.Period.From.String()] = h.Amount.Text()
		}
		for key, want := range map[string]string{
			"revenue-share 2026-04-01": "200.00", "revenue-share-late 2026-04-01": "900.00", // 30,000: 500 and 600
			"revenue-share 2026-05-01": "1130.00", "revenue-share 2026-06-01": "1100.00",
		} {
			if got[key] != euro(want).Text() {
				t.Errorf("%s is %s, want %s", key, got[key], want)
			}
		}
		if len(list) != 4 {
			t.Errorf("%d charges: %v", len(list), got)
		}
		for _, h := range list {
			if err := contract.Carried(ctx, tx, h); err != nil {
				return err
			}
		}
		left, err2 := contract.Waiting(ctx, tx, 10)
		if len(left) != 0 {
			t.Errorf("%d still wait", len(left))
		}
		return errors.Join(err, err2)
	})
}

// A lease that is bought out ends on that day, at the price that was reckoned.
func TestEndLease_theirsFromThenOn(t *testing.T) {
	t.Parallel()
	db, operator := control(t)
	c := draft(operator, "2026-01-31")
	c.Model, c.Place = contract.Lease, contract.Appliance
	c.Terms = contract.Terms{Lease: &contract.LeaseTerms{Price: euro("6000.00"), Upfront: euro("0.00"), Months: 24, Yearly: money.NewDecimal(4)}}
	if err := begin(db, c); err != nil {
		t.Fatal(err)
	}
	write(t, db, func(ctx context.Context, tx tenants.Tx) error {
		ended, price, err := contract.EndLease(ctx, tx, by, c.ID, day("2026-05-10"))
		if ended.State != contract.BoughtOut || price.Outstanding.Sign() <= 0 {
			t.Errorf("%+v for %+v", ended, price)
		}
		return err
	})
	err := db.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
		_, _, err := contract.EndLease(ctx, tx, by, c.ID, day("2026-05-10"))
		return err
	})
	if !errors.Is(err, contract.ErrState) {
		t.Errorf("twice: %v", err)
	}
}
