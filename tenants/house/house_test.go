package house_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/hosting"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/takings"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/tenants"
	"tollhouse/tenants/contract"
	"tollhouse/tenants/house"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var eur = money.MustCurrency("EUR")

func euro(text string) money.Amount { return money.New(money.MustDecimal(text), eur) }

func day(text string) calendar.Date {
	d, err := calendar.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return d
}

type plain struct{}

func (plain) Seal(_ tenant.ID, _ string, clear []byte) ([]byte, error)  { return clear, nil }
func (plain) Open(_ tenant.ID, _ string, sealed []byte) ([]byte, error) { return sealed, nil }

var worlds atomic.Int64

// world is a control plane and the house's stack.
type world struct {
	t       *testing.T
	db      *tenants.DB
	books   *pgtest.TenantDB
	stack   *billing.Stack
	worker  *house.Worker
	missing map[uuid.UUID][]calendar.Date // alarms that are on
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx, server := context.Background(), pgtest.Server(t)
	name := fmt.Sprintf("control_house_%d", worlds.Add(1))
	if err := server.MigrateControl(ctx, name); err != nil {
		t.Fatal(err)
	}
	pool, err := server.Pool(ctx, postgres.RoleControl, name, 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	w := &world{t: t, db: tenants.Open(pool, time.Now), missing: map[uuid.UUID][]calendar.Date{}}
	w.books = pgtest.Tenant(t, pgtest.Options{Currency: "EUR"}) // without tax
	authority := identity.New(nil, plain{}, time.Now)
	w.books.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := tx.Exec(ctx, `insert into secret (name, sealed, created_at) values ($1, $2, $3)`, billing.UsageHashKey, bytes.Repeat([]byte{3}, 32), tx.At)
		return errors.Join(err, authority.SetUp(ctx, tx))
	})
	host := billing.NewHost(billing.Config{DB: w.books.DB, Identity: authority, Seal: plain{}, PublicURL: "https://house.example", Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if w.stack, err = host.Resolve(ctx, w.books.Ref.Name); err != nil {
		t.Fatal(err)
	}
	w.add(w.books.Ref.ID, tenants.HouseName, true)
	w.worker = &house.Worker{DB: w.db, Log: slog.New(slog.DiscardHandler),
		Find: func(_ context.Context, id tenant.ID) (house.Books, error) {
			if id != w.books.Ref.ID {
				return house.Books{}, tenant.ErrUnknown
			}
			return house.Books{DB: w.books.DB, Ref: w.books.Ref}, nil
		},
		Missing: func(_ context.Context, _ tenants.Tx, c contract.Contract, days []calendar.Date) error {
			w.missing[c.ID] = days
			return nil
		},
		Whole: func(_ context.Context, _ tenants.Tx, c contract.Contract) error {
			delete(w.missing, c.ID)
			return nil
		}}
	return w
}

func (w *world) write(fn func(ctx context.Context, tx tenants.Tx) error) {
	w.t.Helper()
	if err := w.db.Write(context.Background(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) add(id tenant.ID, name string, sandbox bool) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx tenants.Tx) error {
		_, err := tx.Exec(ctx, `
			insert into operator (id, name, display_name, legal_name, country, owner_email, owner_password_hash, sandbox, settings, created_by, created_at)
			values ($1, $2::text, $2::text, $2::text || ' GmbH', 'DE', 'owner@' || $2::text || '.example', '', $3,
			        '{"currency": "EUR", "language": "en", "legal_entity": {"address": {"street": "Deich 1", "postcode": "20457", "city": "Hamburg"}}}', 'system', $4)`,
			id, name, sandbox, tx.At)
		return err
	})
}

// agreed is a contract that has begun, of an operator of its own.
func (w *world) agreed(name, from string, model contract.Model, terms contract.Terms) contract.Contract {
	w.t.Helper()
	c := contract.Contract{ID: uuid.Must(uuid.NewV7()), Operator: tenant.NewID(), Model: model, Place: contract.Pooled, Currency: eur, From: day(from), Terms: terms}
	w.add(c.Operator, name, true)
	w.write(func(ctx context.Context, tx tenants.Tx) error {
		if _, err := contract.Put(ctx, tx, tenants.System, c); err != nil {
			return err
		}
		_, err := contract.Begin(ctx, tx, tenants.System, c.ID)
		return err
	})
	return c
}

// at moves the house's clock to an hour of a day; what falls due on the way is done.
func (w *world) at(on string) {
	w.t.Helper()
	if err := w.stack.Advance(context.Background(), day(on).Start(w.books.Zone).Add(9*time.Hour).UTC(), nil); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) work() {
	w.t.Helper()
	if err := w.worker.Work(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

// billed are the lines of an operator's bills, the oldest bill first.
func (w *world) billed(operator tenant.ID) (lines []string) {
	w.t.Helper()
	w.books.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		rows, err := tx.Query(ctx, `
			select b.issue_date::text, l.code, l.net::text
			  from billing_account a join bill b on b.account_id = a.id join bill_line l on l.bill_id = b.id
			 where $1 = any (a.tags) order by b.number, l.code`, "operator:"+operator.String())
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var issued, code, net string
			if err := rows.Scan(&issued, &code, &net); err != nil {
				return err
			}
			lines = append(lines, fmt.Sprintf("%s %s %s", issued[5:7], code, euroText(net)))
		}
		return rows.Err()
	})
	return lines
}

func euroText(text string) string { return euro(strings.TrimSpace(text)).RoundToDocument().Text() }

func (w *world) expect(c contract.Contract, want ...string) {
	w.t.Helper()
	if got := w.billed(c.Operator); !slices.Equal(got, want) {
		w.t.Errorf("%s is billed\n%s\nwant\n%s", c.Model, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// says has an operator's stack tell its days.
func (w *world) says(key identity.Key, operator tenant.ID, from, to string, leaveOut string) {
	w.t.Helper()
	told, all := contract.Told{Keys: [][]byte{key.Public()}}, euro("0.00")
	daily := euro("500.00")
	for d := day(from); d.Before(day(to)); d = d.AddDays(1) {
		all = money.New(all.Decimal().Add(daily.Decimal()), eur)
		if d.String() == leaveOut {
			continue
		}
		text, err := takings.Statement{Stack: operator, Day: d, Totals: []takings.Total{{Collected: daily, Cumulative: all}}, HeadSeq: 1, HeadHash: []byte{1}, SignedAt: time.Now()}.Sign(key)
		if err != nil {
			w.t.Fatal(err)
		}
		told.Statements = append(told.Statements, text)
	}
	w.write(func(ctx context.Context, tx tenants.Tx) error { return contract.KeepTold(ctx, tx, operator, told) })
}

// From what was agreed to the lines of the house's bills, to the cent.
func TestHouse_fromContractToBill(t *testing.T) {
	w := newWorld(t)
	upTo := euro("10000.00")
	rent := w.agreed("rented", "2026-05-11", contract.Rent, contract.Terms{Rent: &contract.RentTerms{Setup: euro("500.00"), Monthly: euro("300.00")}})
	lease := w.agreed("leased", "2026-05-01", contract.Lease, contract.Terms{Lease: &contract.LeaseTerms{Price: euro("12000.00"), Upfront: euro("2000.00"), Months: 24,
		Yearly: money.NewDecimal(6), EarlyFee: money.NewDecimal(1)}})
	share := w.agreed("shared", "2026-05-01", contract.RevenueShare, contract.Terms{Share: &contract.ShareTerms{Minimum: euro("200.00"),
		Tiers: []contract.Tier{{UpTo: &upTo, Percent: money.NewDecimal(5)}, {Percent: money.NewDecimal(3)}}}})
	own := w.agreed("licensed", "2026-05-04", contract.OwnLicence, contract.Terms{Licence: &contract.LicenceTerms{Price: euro("5000.00"), Support: euro("600.00")}})
	key, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	w.says(key, share.Operator, "2026-05-01", "2026-06-01", "2026-05-20")

	w.at("2026-06-01") // the month is over, but its last day's total may still be on its way
	w.work()
	if got := w.billed(rent.Operator); len(got) > 0 {
		t.Errorf("billed too early: %v", got)
	}
	w.at("2026-06-02")
	// Killed between the house's books and ours: the charges wait still, and are entered again.
	w.work()
	w.write(func(ctx context.Context, tx tenants.Tx) error {
		done, err := tx.Exec(ctx, `update house_charge set carried_at = null`)
		if done.RowsAffected() != 6 {
			t.Errorf("%d charges, want 6", done.RowsAffected())
		}
		return err
	})
	w.work()
	w.work()
	if days := w.missing[share.ID]; len(days) != 1 || days[0] != day("2026-05-20") {
		t.Errorf("missing: %v", days)
	}
	w.at("2026-06-04")
	w.expect(rent, "06 rent 203.23", "06 setup 500.00")
	w.expect(lease, "06 lease-upfront 2000.00")
	w.expect(share, "06 revenue-share 200.00")
	w.expect(own, "06 licence 5000.00", "06 licence-support 600.00")

	// The day that was missing comes, the lease is bought out; June brings nothing in.
	w.says(key, share.Operator, "2026-05-01", "2026-07-01", "")
	w.write(func(ctx context.Context, tx tenants.Tx) error {
		_, price, err := contract.EndLease(ctx, tx, tenants.System, lease.ID, day("2026-06-15"))
		if price.Price().Text() != "9725.27" {
			t.Errorf("buy-out at %s", price.Price())
		}
		return err
	})
	w.write(func(ctx context.Context, tx tenants.Tx) error { // staff give something back
		return contract.GiveBack(ctx, tx, tenants.System, contract.Credit{Key: uuid.MustParse("01900000-0000-7000-8000-000000000001"), Contract: rent.ID, Amount: euro("50.00"), Reason: "An hour's outage on 12 June"}, day("2026-06-12"))
	})
	w.at("2026-07-02")
	w.work()
	w.work()
	if len(w.missing) > 0 {
		t.Errorf("still missing: %v", w.missing)
	}
	w.at("2026-07-04")
	w.expect(rent, "06 rent 203.23", "06 setup 500.00", "07 credit -50.00", "07 rent 300.00")
	w.expect(lease, "06 lease-upfront 2000.00", "07 lease-buy-out 9725.27", "07 lease-instalment 443.21")
	// May: 31 days of 500.00: 5 % of 10000.00 and 3 % of 5500.00 less the 200.00; June: 30 days.
	w.expect(share, "06 revenue-share 200.00", "07 revenue-share 650.00", "07 revenue-share-late 465.00")
	w.expect(own, "06 licence 5000.00", "06 licence-support 600.00")

	w.books.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		accounts, err := house.AccountsOf(ctx, tx, rent.Operator)
		if err != nil || len(accounts) != 1 {
			t.Fatalf("accounts: %v, %v", accounts, err)
		}
		page, err := bill.List(ctx, tx, accounts[0], bill.Cursor{}, 10)
		if len(page.Bills) != 2 {
			t.Errorf("%d bills, want one a month", len(page.Bills))
		}
		return err
	})
	w.tells(rent)
	w.answers(rent, lease)
}

// tells has an operator's own stack told of its contract, twice, and reads it there.
func (w *world) tells(c contract.Contract) {
	w.t.Helper()
	theirs, find := pgtest.Tenant(w.t), w.worker.Find
	w.worker.Find = func(ctx context.Context, id tenant.ID) (house.Books, error) {
		if id == c.Operator {
			return house.Books{DB: theirs.DB, Ref: theirs.Ref}, nil
		}
		return find(ctx, id)
	}
	for range 2 {
		if err := w.worker.Tell(context.Background()); err != nil {
			w.t.Fatal(err)
		}
	}
	// 703.23 and 19 % of tax
	theirs.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		told, at, err := hosting.Get(ctx, tx)
		if err != nil || at.IsZero() || len(told.Contracts) != 1 || len(told.Charges) != 4 {
			w.t.Fatalf("told at %s of %d contracts and %d charges: %v", at, len(told.Contracts), len(told.Charges), err)
		}
		if seen := told.Contracts[0]; seen.ID != c.ID || seen.Model != "rent" || len(seen.Terms) != 2 || seen.Terms[1].Code != "rent_monthly" || seen.Terms[1].Amount.Text() != "300.00" {
			w.t.Errorf("told of %+v", seen)
		}
		bills, err := hosting.Bills(ctx, tx)
		if err != nil || len(bills) != 2 || bills[1].Total.RoundToDocument().Text() != "836.84" || bills[1].Open.RoundToDocument().Text() != "836.84" {
			w.t.Fatalf("told of bills %+v: %v", bills, err)
		}
		number, document, err := hosting.Document(ctx, tx, bills[0].ID)
		if number != bills[0].Number || !bytes.HasPrefix(document, []byte("%PDF-")) {
			w.t.Errorf("document of %s: %.20q", number, document)
		}
		return err
	})
}

// A house that has gone live has no business with sandboxes.
func TestHouse_liveLeavesSandboxesOut(t *testing.T) {
	house := tenants.Operator{ID: tenant.NewID(), Name: tenants.HouseName}
	sandbox := tenants.Operator{ID: tenant.NewID(), Sandbox: true}
	live := tenants.Operator{ID: tenant.NewID()}
	if contract.Counts(house, sandbox) || !contract.Counts(house, live) || contract.Counts(house, house) {
		t.Error("a live house bills live operators, not sandboxes, and not itself")
	}
	house.Sandbox = true
	if !contract.Counts(house, sandbox) {
		t.Error("the demo's house bills sandboxes")
	}
}
