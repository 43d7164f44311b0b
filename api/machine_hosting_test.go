package api

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/hosting"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/infra/enrolment"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/provisioning/enrol"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

// houseBooks are a house that bills one operator.
type houseBooks struct {
	operator tenant.ID
	news     hosting.News
	asked    chan tenant.ID
	drawn    int
}

func (h *houseBooks) News(_ context.Context, operator tenant.ID) (hosting.News, bool, error) {
	h.asked <- operator
	return h.news, operator == h.operator, nil
}

func (h *houseBooks) Document(_ context.Context, operator tenant.ID, bill uuid.UUID) ([]byte, error) {
	if operator != h.operator || bill != h.news.Bills[0].ID {
		return nil, hosting.ErrNotFound
	}
	h.drawn++
	return []byte("%PDF-1.7 a bill"), nil
}

// machineOf enrols a machine of a new operator's and gives what it keeps.
func machineOf(t *testing.T, control *Control, address, name string, role machine.Role) (tenant.ID, *enrolment.Store) {
	t.Helper()
	ctx := context.Background()
	admission, err := control.Registry.Admit(ctx, tenants.Application{
		Name: name, DisplayName: "Nordnetz", LegalName: "Nordnetz Telekom GmbH", Country: "DE", Zone: "Europe/Berlin",
		Currency: "EUR", Language: "en", OwnerEmail: "owner@nordnetz.example",
		LegalEntity: tenants.LegalEntity{Address: tenants.Address{Street: "Hafenstraße 5", Postcode: "20457", City: "Hamburg"}, TaxID: "DE123456789"}})
	if err != nil {
		t.Fatal(err)
	}
	var made tenants.Created
	var issued enrol.Issued
	err = control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		if made, err = control.Registry.Create(ctx, tx, tenants.System, admission); err != nil {
			return err
		}
		issued, err = control.Desk.Issue(ctx, tx, tenants.System, enrol.NewInvitation{Operator: made.ID, Role: role, Place: machine.Customer, Name: "box"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	store, err := enrolment.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := enrolment.Enrol(ctx, store, enrolment.Application{Control: address, Operator: name, Role: role, Token: issued.Token, Wait: 10 * time.Second}, time.Now); err != nil {
		t.Fatal(err)
	}
	return made.ID, store
}

// A host asks what its operator has agreed and owes, keeps it in its stack, and
// asks for a bill's document once. Another operator's host hears nothing of it.
func TestMachine_isToldOfItsHostingContract(t *testing.T) {
	control, _ := newControl(t)
	e, err := New(Config{Control: control, Log: slog.New(slog.DiscardHandler), Now: time.Now, Ready: func(context.Context) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	mine, store := machineOf(t, control, server.URL, "nordnetz", machine.Host)
	theirs, others := machineOf(t, control, server.URL, "suednetz", machine.Host)
	euro := func(text string) money.Amount { return money.New(money.MustDecimal(text), money.MustCurrency("EUR")) }
	from := calendar.Date{Year: 2026, Month: 5, Day: 1}
	books := &houseBooks{operator: mine, asked: make(chan tenant.ID, 10), news: hosting.News{At: time.Now().UTC().Truncate(time.Second),
		Told: hosting.Told{Contracts: []hosting.Contract{{ID: uuid.New(), Model: "rent", Place: "dedicated", State: "active", From: from}},
			Charges: []hosting.Charge{{Words: map[string]string{"en": "Hosting"}, From: from, To: from.AddMonths(1), Amount: euro("300.00")}}},
		Bills: []hosting.Bill{{ID: uuid.New(), Number: "H-1", Kind: "bill", Issued: from.AddMonths(1), Due: from.AddMonths(1).AddDays(14), Total: euro("357.00"), Open: euro("357.00")}}}}
	control.Desk.Hosting = books

	stack := pgtest.Tenant(t)
	// ask has a machine start, until it was told something.
	ask := func(store *enrolment.Store, of tenant.ID, patience time.Duration) (told bool) {
		t.Helper()
		ctx, stop := context.WithCancel(t.Context())
		heard := make(chan error, 10)
		keeper, err := enrolment.NewKeeper(store, enrolment.KeeperConfig{Data: t.TempDir(), Version: "v1", Now: time.Now, Log: slog.New(slog.DiscardHandler),
			Hosting: func(ctx context.Context, news hosting.News, document func(context.Context, hosting.Bill) ([]byte, error)) error {
				err := hosting.Take(ctx, stack.DB, stack.Ref, news, document)
				heard <- err
				return err
			}})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() { defer close(done); keeper.Keep(ctx) }()
		if asked := <-books.asked; asked != of {
			t.Errorf("told of operator %s, want %s", asked, of)
		}
		select {
		case err = <-heard:
			told = true
		case <-time.After(patience):
		}
		stop()
		<-done
		if err != nil {
			t.Error(err)
		}
		return told
	}
	if ask(others, theirs, time.Second/2) {
		t.Error("another operator's host was told")
	}
	for range 2 {
		if !ask(store, mine, time.Minute) {
			t.Error("it was not told at a start")
		}
	}
	if books.drawn != 1 {
		t.Errorf("the document was asked for %d times, want once", books.drawn)
	}
	stack.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		told, at, err := hosting.Get(ctx, tx)
		if err != nil || !at.Equal(books.news.At) || len(told.Contracts) != 1 || len(told.Charges) != 1 || told.Charges[0].Amount.Text() != "300.00" {
			t.Fatalf("told at %s: %+v, %v", at, told, err)
		}
		bills, err := hosting.Bills(ctx, tx)
		if err != nil || len(bills) != 1 || bills[0].Number != "H-1" || bills[0].Open.RoundToDocument().Text() != "357.00" {
			t.Fatalf("bills: %+v, %v", bills, err)
		}
		_, document, err := hosting.Document(ctx, tx, bills[0].ID)
		if string(document) != "%PDF-1.7 a bill" {
			t.Errorf("document: %q", document)
		}
		return err
	})
}
