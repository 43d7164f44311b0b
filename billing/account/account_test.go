package account_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// offering puts a bare offering version there: what one holds is catalog's.
func offering(t *testing.T, db *pgtest.TenantDB) uuid.UUID {
	t.Helper()
	id := uuid.Must(uuid.NewV7())
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := tx.Exec(ctx, `
			insert into offering_version (id, code, version, state, document, currency, available_from, created_at, published_at)
			values ($1, 'home', 1, 'published', '{}', 'EUR', $2, $2, $2)`, id, tx.At)
		return err
	})
	return id
}

func openOne(t *testing.T, db *pgtest.TenantDB, n account.NewAccount) account.Account {
	t.Helper()
	var opened []account.Account
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		parties, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Individual, Name: "Ada Byron", Phone: "+4915112345678", Email: "Ada@example.com"}})
		if err != nil {
			return err
		}
		n.PartyID = parties[0].ID
		opened, err = account.Open(ctx, tx, []account.NewAccount{n})
		return err
	})
	return opened[0]
}

func subscribe(t *testing.T, db *pgtest.TenantDB, acc, off uuid.UUID, identities ...account.Identity) (account.Subscription, error) {
	t.Helper()
	var made []account.Subscription
	err := db.DB.Write(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		made, err = account.Subscribe(ctx, tx, []account.NewSubscription{{AccountID: acc, OfferingID: off,
			Services: []account.NewService{{Kind: account.Internet, Facts: map[string]string{"ont": "A1"}, Identities: identities}}}})
		if err != nil {
			return err
		}
		return account.Activate(ctx, tx, made[0].ID)
	})
	if err != nil {
		return account.Subscription{}, err
	}
	return made[0], nil
}

func TestOpen_cycleFollowsAnchor(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	anchor := calendar.Date{Year: 2026, Month: time.January, Day: 31}
	limit := money.MustDecimal("150.5")
	opened := openOne(t, db, account.NewAccount{Kind: account.Postpaid, Anchor: anchor, CreditLimit: &limit})
	if got := opened.Cycle.String(); got != "2026-04-30/2026-05-31" {
		t.Fatalf("cycle %s", got)
	}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		got, err := account.ByNumber(ctx, tx, opened.Number)
		if err != nil {
			return err
		}
		if got.ID != opened.ID || got.Cycle != opened.Cycle || !got.CreditLimit.Equal(limit) || got.Anchor != anchor {
			t.Errorf("read back %+v, opened %+v", got, opened)
		}
		for _, want := range []string{"2026-05-31/2026-06-30", "2026-06-30/2026-07-31"} {
			ended := got.Cycle.To
			for range 2 { // the second time changes nothing
				if _, err := account.AdvanceCycle(ctx, tx, ended, []uuid.UUID{got.ID}, ledger.Totals{}); err != nil {
					return err
				}
			}
			if got, err = account.Get(ctx, tx, got.ID); err != nil {
				return err
			}
			if got.Cycle.String() != want {
				t.Errorf("cycle %s, want %s", got.Cycle, want)
			}
		}
		return nil
	})
}

func TestOpen_manyAtOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	off := offering(t, db)
	const many = 1000
	start := time.Now()
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		parties := make([]account.Party, many)
		for i := range parties {
			parties[i] = account.Party{Kind: account.Individual, Name: fmt.Sprintf("Person %04d", i)}
		}
		parties, err := account.AddParties(ctx, tx, parties)
		if err != nil {
			return err
		}
		accounts := make([]account.NewAccount, many)
		for i := range accounts {
			accounts[i] = account.NewAccount{PartyID: parties[i].ID, Kind: account.Prepaid}
		}
		opened, err := account.Open(ctx, tx, accounts)
		if err != nil {
			return err
		}
		wanted, ids := make([]account.NewSubscription, many), make([]uuid.UUID, many)
		for i, a := range opened {
			if a.PartyID != parties[i].ID || !account.ValidNumber(a.Number) {
				return fmt.Errorf("account %d is of another party or has a bad number: %+v", i, a)
			}
			wanted[i] = account.NewSubscription{AccountID: a.ID, OfferingID: off, Services: []account.NewService{{
				Kind: account.Mobile, Identities: []account.Identity{{Kind: account.MSISDN, Value: fmt.Sprintf("+49151%07d", i)}}}}}
		}
		made, err := account.Subscribe(ctx, tx, wanted)
		for i := range made {
			ids[i] = made[i].ID
		}
		if err != nil {
			return err
		}
		return account.Activate(ctx, tx, ids...)
	})
	t.Logf("%d accounts connected in %v", many, time.Since(start))
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		seen, after := 0, uuid.Nil
		for {
			page, err := account.List(ctx, tx, account.Query{Limit: 150, After: after})
			if err != nil {
				return err
			}
			seen += len(page.Accounts)
			if after = page.Next; after == uuid.Nil {
				break
			}
		}
		if seen != many {
			t.Errorf("pages hold %d accounts", seen)
		}
		return nil
	})
}

func TestSubscribe_identityBelongsToOne(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	off, acc := offering(t, db), openOne(t, db, account.NewAccount{Kind: account.Postpaid})
	login := account.Identity{Kind: account.Login, Value: "ada@isp"}
	first, err := subscribe(t, db, acc.ID, off, login)
	if err != nil {
		t.Fatal(err)
	}
	_, err = subscribe(t, db, acc.ID, off, account.Identity{Kind: account.Line, Value: "+49301"}, login)
	var used *account.IdentityInUseError
	if !errors.As(err, &used) || used.Identity != login || !errors.Is(err, account.ErrIdentityInUse) {
		t.Fatalf("got %v", err)
	}
	if _, err = subscribe(t, db, acc.ID, off, account.Identity{Kind: account.STB, Value: "S"}, account.Identity{Kind: account.STB, Value: "S"}); !errors.Is(err, account.ErrIdentityInUse) {
		t.Fatalf("the same identity twice: %v", err)
	}
	// The clock stands still: released and taken again at one instant, twice.
	for range 2 {
		db.Write(t, func(ctx context.Context, tx tenant.Tx) error { return account.Terminate(ctx, tx, first.ID) })
		if first, err = subscribe(t, db, acc.ID, off, login); err != nil {
			t.Fatal(err)
		}
	}
	db.SetClock(t, time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error { return account.Terminate(ctx, tx, first.ID) })
	second, err := subscribe(t, db, acc.ID, off, login)
	if err != nil {
		t.Fatal(err)
	}
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		before, err := account.ServiceAt(ctx, tx, login, tx.At.Add(-time.Microsecond))
		if err != nil || before != first.Services[0].ID {
			t.Errorf("before: %v, %v", before, err)
		}
		after, err := account.ServiceAt(ctx, tx, login, tx.At)
		if err != nil || after != second.Services[0].ID {
			t.Errorf("after: %v, %v", after, err)
		}
		return nil
	})
}

func TestMove_neverLeavesTheTable(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	off, acc := offering(t, db), openOne(t, db, account.NewAccount{Kind: account.Postpaid})
	type mover = func(context.Context, tenant.Tx, ...uuid.UUID) error
	moves := map[string]mover{"activate": account.Activate, "suspend": account.Suspend, "resume": account.Resume, "terminate": account.Terminate}
	allowed := map[string]map[string]string{
		"active":     {"suspend": "suspended", "terminate": "terminated"},
		"suspended":  {"resume": "active", "terminate": "terminated"},
		"terminated": {},
	}
	rapid.Check(t, func(r *rapid.T) {
		s, err := subscribe(t, db, acc.ID, off)
		if err != nil {
			r.Fatal(err)
		}
		state := "active"
		for _, name := range rapid.SliceOfN(rapid.SampledFrom([]string{"activate", "suspend", "resume", "terminate"}), 1, 5).Draw(r, "moves") {
			err := db.DB.Write(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) error { return moves[name](ctx, tx, s.ID) })
			next, ok := allowed[state][name]
			if ok != (err == nil) || (err != nil && !errors.Is(err, account.ErrMove)) {
				r.Fatalf("%s from %s: %v", name, state, err)
			}
			if ok {
				state = next
			}
			var got account.Subscription
			db.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
				got, err = account.GetSubscription(ctx, tx, s.ID)
				return err
			})
			if string(got.State) != state || string(got.Services[0].State) != state {
				r.Fatalf("after %s: %s, service %s, want %s", name, got.State, got.Services[0].State, state)
			}
		}
	})
}

func TestEpoch_risesWithEveryChange(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	off, acc := offering(t, db), openOne(t, db, account.NewAccount{Kind: account.Postpaid})
	epoch := func() (n int64) {
		db.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) { n, err = account.Epoch(ctx, tx); return err })
		return n
	}
	before := epoch()
	s, err := subscribe(t, db, acc.ID, off)
	if err != nil {
		t.Fatal(err)
	}
	connected := epoch()
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error { return account.Suspend(ctx, tx, s.ID) })
	if suspended := epoch(); before >= connected || connected >= suspended {
		t.Errorf("epochs %d, %d, %d", before, connected, suspended)
	}
}

func TestClose_waitsForSubscriptions(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	off, acc := offering(t, db), openOne(t, db, account.NewAccount{Kind: account.Postpaid})
	s, err := subscribe(t, db, acc.ID, off)
	if err != nil {
		t.Fatal(err)
	}
	closing := func() error {
		return db.DB.Write(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) error { return account.Close(ctx, tx, acc.ID) })
	}
	if err := closing(); !errors.Is(err, account.ErrSubscribed) {
		t.Fatalf("with a subscription: %v", err)
	}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error { return account.Terminate(ctx, tx, s.ID) })
	if err := closing(); err != nil {
		t.Fatal(err)
	}
	if err := closing(); !errors.Is(err, account.ErrMove) {
		t.Fatalf("closed twice: %v", err)
	}
	if _, err := subscribe(t, db, acc.ID, off); !errors.Is(err, account.ErrClosed) {
		t.Fatalf("subscribed to a closed account: %v", err)
	}
}

func TestList_findsByWhatPeopleKnow(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	off, acc := offering(t, db), openOne(t, db, account.NewAccount{Kind: account.Postpaid})
	if _, err := subscribe(t, db, acc.ID, off, account.Identity{Kind: account.Login, Value: "ada@isp"}); err != nil {
		t.Fatal(err)
	}
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		for text, want := range map[string]int{
			"": 1, acc.Number: 1, "ada": 1, "BYR": 1, "yron": 0, "%": 0, "_da": 0, "+49 151 1234-5678": 1, "ada@EXAMPLE.com": 1, "ada@isp": 1, "nobody": 0,
		} {
			page, err := account.List(ctx, tx, account.Query{Text: text, Limit: 10})
			if err != nil {
				return err
			}
			if len(page.Accounts) != want {
				t.Errorf("%q finds %d accounts, want %d", text, len(page.Accounts), want)
			}
			if want == 1 && (page.Accounts[0].PartyName != "Ada Byron" || page.Accounts[0].Subscriptions != 1) {
				t.Errorf("%q finds %+v", text, page.Accounts[0])
			}
		}
		return nil
	})
}

func TestValidNumber_noticesOneWrongDigit(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	number := openOne(t, db, account.NewAccount{Kind: account.Prepaid}).Number
	for i := range number {
		for d := byte('0'); d <= '9'; d++ {
			changed := []byte(number)
			changed[i] = d
			if account.ValidNumber(string(changed)) != (d == number[i]) {
				t.Errorf("%s with digit %d made %c", number, i, d)
			}
		}
	}
}
