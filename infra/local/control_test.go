package local_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing"
	"tollhouse/billing/account"
	"tollhouse/billing/audit"
	"tollhouse/billing/catalog"
	"tollhouse/billing/charging"
	"tollhouse/billing/identity"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/notice"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/payment"
	"tollhouse/billing/sandbox"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
	"tollhouse/billing/visit"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// resolve is a made operator's stack on a host of billing.
func (h *house) resolve(t *testing.T, name string) *billing.Stack {
	t.Helper()
	host := billing.NewHost(billing.Config{DB: h.db, Identity: h.authority, Seal: h.box.Tenants(), Inbox: t.TempDir(),
		PublicURL: "https://tollhouse.example", Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	stack, err := host.Resolve(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	return stack
}

func write(t *testing.T, s *billing.Stack, fn func(ctx context.Context, tx tenant.Tx) error) {
	t.Helper()
	if err := s.Write(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func (h *house) staffUser(t *testing.T, email string) tenants.Actor {
	t.Helper()
	ctx := context.Background()
	staff := tenants.NewStaff(h.control, h.passwords, h.box, time.Now)
	n, err := staff.Admit(ctx, email, "", string(tenants.Engineer))
	if err != nil {
		t.Fatal(err)
	}
	var user tenants.StaffUser
	err = h.control.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		user, _, err = staff.Create(ctx, tx, tenants.System, n)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tenants.Actor{ID: user.ID, Email: user.Email, Role: tenants.Engineer}
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come to be", what)
		}
	}
}

// What the registry says arrives in the stack, which from then on needs nobody.
func TestStand_reachesTheStack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.reconciler(t, h.cloud, provisioning.Config{Poll: 20 * time.Millisecond})
	made := h.create(t, r, "nordnetz")
	h.await(t, made.ID)
	registry := tenants.NewRegistry(r, h.passwords, knownTaxes, time.Now)
	stack := h.resolve(t, "nordnetz")
	standing := func() (s account.Standing) {
		write(t, stack, func(ctx context.Context, tx tenant.Tx) (err error) { s, err = account.GetStanding(ctx, tx); return err })
		return s
	}
	change := func(fn func(context.Context, tenants.Tx) (tenants.Operator, error)) {
		t.Helper()
		err := h.control.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error { _, err := fn(ctx, tx); return err })
		if err != nil {
			t.Fatal(err)
		}
	}
	change(func(ctx context.Context, tx tenants.Tx) (tenants.Operator, error) {
		return registry.Suspend(ctx, tx, tenants.System, made.ID, "unpaid")
	})
	eventually(t, "the suspension", func() bool { return standing().State == account.OperatorSuspended })
	if s := standing(); s.ServiceUntil.Sub(s.Since) < 13*24*time.Hour {
		t.Errorf("service ends %s after the suspension", s.ServiceUntil.Sub(s.Since))
	}
	change(func(ctx context.Context, tx tenants.Tx) (tenants.Operator, error) {
		return registry.Resume(ctx, tx, tenants.System, made.ID)
	})
	eventually(t, "the resumption", func() bool { return standing().State == account.OperatorActive })
}

// Both books tell of a visit: how it began, who approved, and that it ended.
func TestVisits_areInBothBooks(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.reconciler(t, h.cloud, provisioning.Config{Poll: 20 * time.Millisecond})
	made := h.create(t, r, "nordnetz")
	h.await(t, made.ID)
	ctx := context.Background()
	jo, kim := h.staffUser(t, "jo@tollhouse.example"), h.staffUser(t, "kim@tollhouse.example")
	visits := provisioning.NewVisits(h.control, h.cloud, h.log())
	stack := h.resolve(t, "nordnetz")

	if _, err := visits.Enter(ctx, jo, made.ID); !errors.Is(err, visit.ErrNoConsent) {
		t.Errorf("without consent: %v", err)
	}
	var b tenants.BreakGlass
	err := h.control.Write(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		b, err = tenants.AskBreakGlass(ctx, tx, jo, made.ID, "charging stands still", true)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := visits.EnterApproved(ctx, jo, b.ID); !errors.Is(err, tenants.ErrNotApproved) {
		t.Errorf("before the approval: %v", err)
	}
	if _, err := visits.Approve(ctx, jo, b.ID); !errors.Is(err, tenants.ErrOwnRequest) {
		t.Errorf("approved by oneself: %v", err)
	}
	if _, err := visits.Approve(ctx, kim, b.ID); err != nil {
		t.Fatal(err)
	}
	told := func() (n int) {
		write(t, stack, func(ctx context.Context, tx tenant.Tx) error {
			list, err := notice.List(ctx, tx, notice.Query{Limit: 10})
			n = len(list)
			return err
		})
		return n
	}
	if told() != 1 {
		t.Error("the owner was not told at once")
	}
	entry, err := visits.EnterApproved(ctx, jo, b.ID)
	if err != nil || entry.Tenant != "nordnetz" || entry.Ticket == "" {
		t.Fatalf("%+v, %v", entry, err)
	}
	if told() != 1 {
		t.Error("the owner was told twice")
	}
	if err := visits.Leave(ctx, kim, made.ID, entry.ID); !errors.Is(err, tenants.ErrNotApproved) {
		t.Errorf("another ended the visit: %v", err)
	}
	// the operator shows the visitor out; we hear of it
	write(t, stack, func(ctx context.Context, tx tenant.Tx) error {
		return visit.End(ctx, tx, audit.Caller{Actor: "user:owner", WallAt: time.Now()}, entry.ID)
	})
	eventually(t, "the end in our book", func() bool {
		var ended bool
		err := h.control.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
			list, err := tenants.VisitsOf(ctx, tx, made.ID, 10)
			ended = len(list) == 1 && list[0].EndedAt != nil && list[0].Approver.Email == kim.Email
			return err
		})
		return err == nil && ended
	})
}

func TestInspect_tellsWhatIsThere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.reconciler(t, h.cloud, provisioning.Config{Poll: 20 * time.Millisecond})
	made := h.create(t, r, "nordnetz")
	s := h.await(t, made.ID)
	watch := provisioning.NewWatch(h.cloud, time.Now)
	at := provisioning.Placed{Operator: made.Operator, Place: s.Place, Epoch: s.Epoch}
	broken := at
	broken.Operator.ID = tenant.NewID()
	var err error
	if broken.Place.Slot, err = tenant.ParseSlot("nowhere"); err != nil {
		t.Fatal(err)
	}
	read := watch.Of(context.Background(), []provisioning.Placed{at, broken})
	if one := read[made.ID]; one.Err != nil || one.SizeBytes == 0 || one.Standing != "active" || !one.Healthy() {
		t.Errorf("%+v", one)
	}
	if read[broken.Operator.ID].Err == nil {
		t.Error("a stack that is nowhere answers")
	}
}

const copiedPlan = `
code: flex
names: {en: Flex}
billing: postpaid
services: [mobile]
currency: EUR
tax: {category: standard, included: false}
prices: {recurring: [{code: monthly, names: {en: Monthly fee}, amount: "12.99", months: 1, timing: advance, prorate: day}]}
usage:
  - {code: calls, names: {en: Calls}, kind: voice, rules: [{code: all, destinations: ["*"], price: "0.0999", per: 1 min, increments: {first: 60 s, next: 1 s}}]}
`

// originals is what must not be found in a copy.
var originals = []string{"Jonas Petersen", "jonas@post.example", "+4915100000001", "262771000000001", "L88000123", "Deichstraße 17", "1988-07-14",
	"+4930123456789", "owes us a favour", "bank text of Jonas", "thk_"}

// fill lives a month of one subscriber.
func (h *house) fill(t *testing.T, stack *billing.Stack) {
	t.Helper()
	var feed usage.Feed
	var subscriber uuid.UUID
	write(t, stack, func(ctx context.Context, tx tenant.Tx) error {
		offering, err := catalog.Parse([]byte(copiedPlan))
		if err != nil {
			return err
		}
		draft, err := catalog.SaveDraft(ctx, tx, offering)
		if err != nil {
			return err
		}
		if _, err := catalog.Publish(ctx, tx, draft.ID, tx.At); err != nil {
			return err
		}
		placed, err := stack.Desk().Place(ctx, tx, []onboarding.NewOrder{{OfferingID: draft.ID, CreatedBy: "desk", Facts: onboarding.Facts{
			"party.kind": "individual", "party.name": "Jonas Petersen", "party.email": "jonas@post.example", "party.birth_date": "1988-07-14",
			"party.id_document": "L88000123", "party.id_verified": "desk", "address.street": "Deichstraße 17", "address.postcode": "20459",
			"address.city": "Hamburg", "address.country": "DE", "mobile.msisdn": "+4915100000001", "mobile.imsi": "262771000000001"}}})
		if err != nil {
			return err
		}
		done, err := stack.Desk().Activate(ctx, tx, placed[0].ID)
		if err != nil {
			return err
		}
		subscriber = *done[0].AccountID
		mapping, err := usage.FindPreset("json-events", "Europe/Berlin")
		if err != nil {
			return err
		}
		if feed, err = usage.CreateSource(ctx, tx, "switch", mapping); err != nil {
			return err
		}
		hash, err := h.passwords.Hash(ctx, "correct horse battery")
		if err != nil {
			return err
		}
		if _, err := h.authority.AddUser(ctx, tx, identity.NewUser{Email: "jonas@post.example", Name: "Jonas Petersen", Role: identity.Subscriber, AccountID: &subscriber, Password: hash}); err != nil {
			return err
		}
		return notice.Send(ctx, tx, notice.Message{Kind: notice.ServiceNews, Channel: notice.Mail, To: "jonas@post.example", Subject: "Welcome", Body: "Dear Jonas Petersen"})
	})
	if err := stack.Advance(context.Background(), time.Date(2026, 5, 20, 0, 0, 0, 0, time.UTC), nil); err != nil {
		t.Fatal(err)
	}
	write(t, stack, func(ctx context.Context, tx tenant.Tx) error {
		end := tx.At
		call := usage.Record{Key: "call 1 of +4915100000001", Kind: usage.Voice, Identity: usage.Identity{Kind: usage.MSISDN, Value: "+4915100000001"},
			Destination: "+4930123456789", Start: end.Add(-3 * time.Minute), End: end, Quantity: 180, Unit: money.Second}
		stranger := call
		stranger.Key, stranger.Identity.Value = "call 2", "+4915199999999"
		_, err := stack.Charging().Ingest(ctx, tx, charging.Batch{Source: feed.ID, Items: []usage.Item{{Line: 1, Record: &call}, {Line: 2, Record: &stranger}}})
		return err
	})
	if err := stack.Advance(context.Background(), time.Date(2026, 6, 3, 0, 0, 0, 0, time.UTC), nil); err != nil {
		t.Fatal(err)
	}
	write(t, stack, func(ctx context.Context, tx tenant.Tx) error {
		_, err := stack.RecordPayment(ctx, tx, payment.NewPayment{ID: uuid.Must(uuid.NewV7()), AccountID: subscriber, Purpose: payment.PurposeBill, Method: payment.Bank,
			Amount: money.New(money.MustDecimal("5.00"), money.MustCurrency("EUR")), Reference: "bank text of Jonas", By: "clerk"})
		return err
	})
}

// everything is all that stands in a schema, as text.
func (h *house) everything(t *testing.T, schema string) string {
	t.Helper()
	ctx := context.Background()
	rows, err := h.host.Admin.Query(ctx, `select tablename from pg_tables where schemaname = $1`, schema)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, table := range tables {
		rows, err := h.host.Admin.Query(ctx, fmt.Sprintf(`select to_jsonb(t)::text from %s.%s t`, schema, table))
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			fmt.Fprintln(&all, table, line)
		}
	}
	return all.String()
}

// A copy has the business of its original to the cent, nobody of its people and
// none of its secrets; its owner signs in, its clock moves, and nothing leaves it.
func TestCopy(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.reconciler(t, h.cloud, provisioning.Config{Poll: 20 * time.Millisecond})
	made := h.create(t, r, "nordnetz")
	place := h.await(t, made.ID).Place
	stack := h.resolve(t, "nordnetz")
	h.fill(t, stack)
	before := h.everything(t, place.Slot.Schema())
	if n := h.count(t, `select count(*) from `+place.Slot.Schema()+`.agenda where state = 'failed'`); n > 0 {
		t.Fatalf("the original has failed work: %s", before)
	}
	for _, original := range originals[:len(originals)-1] {
		if original != "owes us a favour" && !strings.Contains(before, original) {
			t.Fatalf("the original has no %q", original)
		}
	}
	ask := func() {
		t.Helper()
		write(t, stack, func(ctx context.Context, tx tenant.Tx) error {
			_, err := sandbox.Ask(ctx, tx, audit.Caller{Actor: "user:owner", WallAt: time.Now()}, "nordnetz")
			return err
		})
		eventually(t, "the copy", func() bool {
			var c sandbox.Copy
			write(t, stack, func(ctx context.Context, tx tenant.Tx) (err error) { c, err = sandbox.Latest(ctx, tx); return err })
			if c.State == sandbox.Failed || c.Reason != "" {
				t.Fatalf("the copy failed: %s", c.Reason)
			}
			return c.State == sandbox.Done
		})
	}
	ask()
	copied := h.resolve(t, "nordnetz-sandbox")
	first := copied.Ref
	after := h.everything(t, first.Slot.Schema())
	for _, original := range originals {
		if at := strings.Index(after, original); at >= 0 {
			t.Errorf("the copy tells %q: %.300s", original, after[max(0, at-200):])
		}
	}
	if !strings.Contains(after, "subscriber-000001@example.invalid") {
		t.Error("the copy has nobody in the place of Jonas")
	}
	ctx := context.Background()
	trial := func(s *billing.Stack) (text string) {
		write(t, s, func(ctx context.Context, tx tenant.Tx) error {
			report, err := ledger.ControlSums(ctx, tx)
			if err != nil {
				return err
			}
			if err := report.Check(); err != nil {
				return err
			}
			return tx.QueryRow(ctx, `select string_agg(debit || credit || amount, ',' order by id) from ledger_transfer`).Scan(&text)
		})
		return text
	}
	if trial(stack) != trial(copied) {
		t.Error("the books of the copy are others")
	}
	if _, err := h.authority.SignIn(ctx, h.db, copied.Ref, identity.Credentials{Email: made.OwnerEmail, Password: made.OwnerPassword}); err != nil {
		t.Errorf("the owner can't sign in to the copy: %v", err)
	}
	if err := copied.Advance(ctx, time.Date(2026, 7, 3, 0, 0, 0, 0, time.UTC), nil); err != nil {
		t.Errorf("the copy's clock: %v", err)
	}
	if trial(stack) == trial(copied) {
		t.Error("a month in the copy changed nothing")
	}
	if n := h.count(t, `select count(*) from `+first.Slot.Schema()+`.notice where state <> 'recorded'`); n != 0 {
		t.Errorf("%d messages of the copy would leave", n)
	}
	ask() // again: in the place of the first
	second := h.resolve(t, "nordnetz-sandbox").Ref
	if second.ID != first.ID || second.Slot == first.Slot || second.Epoch != first.Epoch+1 {
		t.Errorf("first %+v, then %+v", first, second)
	}
	if n := h.count(t, `select count(*) from pg_namespace where nspname = $1`, first.Slot.Schema()); n != 0 {
		t.Error("the first copy is still there")
	}
	if !bytes.Contains([]byte(h.everything(t, second.Slot.Schema())), []byte("2026-06-03")) {
		t.Error("the second copy's clock is not the original's")
	}
	err := copied.Write(ctx, func(ctx context.Context, tx tenant.Tx) error { return nil })
	if err == nil {
		write(t, h.resolve(t, "nordnetz-sandbox"), func(ctx context.Context, tx tenant.Tx) error {
			_, err := sandbox.Ask(ctx, tx, audit.Caller{Actor: "user:owner", WallAt: time.Now()}, "nordnetz-sandbox")
			if !errors.Is(err, sandbox.ErrCopyOfCopy) {
				t.Errorf("a copy of a copy: %v", err)
			}
			return nil
		})
	}
}
