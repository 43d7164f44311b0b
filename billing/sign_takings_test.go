package billing

import (
	"context"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/ledger"
	"tollhouse/billing/payment"
	"tollhouse/billing/takings"
	"tollhouse/billing/tenant"
)

// signed lists what the stack has signed, each checked by its public keys.
func (w *world) signed() (list []takings.Statement, texts []string) {
	w.t.Helper()
	keys := map[string]ed25519.PublicKey{}
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		published, err := identity.SigningKeys(ctx, tx)
		if err != nil {
			return err
		}
		for _, k := range published {
			keys[k.ID] = k.Public
		}
		all, err := takings.After(ctx, tx, calendar.Date{}, 1000)
		for _, s := range all {
			read, err := takings.Read(s.Statement, tx.Tenant, func(id string) (ed25519.PublicKey, error) {
				if keys[id] == nil {
					return nil, identity.ErrToken
				}
				return keys[id], nil
			})
			if err != nil {
				return err
			}
			list, texts = append(list, read), append(texts, s.Statement)
		}
		return err
	})
	return list, texts
}

func (w *world) sign() {
	w.t.Helper()
	if err := w.host.SignTakings(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// What came in less what went back, day by day; what is booked late onto a day
// that is signed counts for the next one; a day is signed once.
func TestSignTakings_whatWasCollected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	prepaid, flex := w.connect("prepaid"), w.connect("flex")
	w.advance(w.now().AddDate(0, 0, 3))
	w.sign()
	before, _ := w.signed()
	today := calendar.DateOf(w.now(), w.Zone)
	if len(before) == 0 || before[len(before)-1].Day != today.AddDays(-1) || before[0].Day.Day != 1 {
		t.Fatalf("%d days until %s are signed, want those from the first of a month through yesterday", len(before), today)
	}
	w.pay(prepaid, payment.PurposeTopUp, "20.00")
	paid := w.pay(flex, payment.PurposeBill, "50.00") // more than is owed: kept as credit
	first := today
	w.advance(today.AddDays(1).Start(w.Zone).UTC())
	w.sign()
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := payment.RequestRefund(ctx, tx, payment.NewRefund{PaymentID: paid.ID, Amount: euro("4.50"), Reason: "asked for", By: "clerk"})
		return err
	})
	w.write(func(ctx context.Context, tx tenant.Tx) error { // booked late, for the day before; and a correction by hand
		n := euro("3.00").Decimal()
		p := w.parties(ctx, tx)
		p.At = first.Start(w.Zone).UTC()
		p.Kind, p.ID = ledger.TopUp, uuid.Must(uuid.NewV7())
		if err := ledger.Post(ctx, tx, p, []ledger.Transfer{{Debit: ledger.General(ledger.Cash), Credit: ledger.General(ledger.Deposit), Amount: n, Unit: euro("1").Currency().Unit()}}); err != nil {
			return err
		}
		p.Kind, p.ID, p.At = ledger.Adjustment, uuid.Must(uuid.NewV7()), tx.At
		return ledger.Post(ctx, tx, p, []ledger.Transfer{{Debit: ledger.General(ledger.Bank), Credit: ledger.General(ledger.Deposit), Amount: n, Unit: euro("1").Currency().Unit()}})
	})
	w.advance(today.AddDays(3).Start(w.Zone).UTC())
	w.sign()
	w.sign() // nothing is left
	list, texts := w.signed()
	after := list[len(before):]
	want := []struct{ collected, cumulative string }{{"70.00", "70.00"}, {"-1.50", "68.50"}, {"0.00", "68.50"}}
	if len(after) != len(want) {
		t.Fatalf("%d days are signed, want %d", len(after), len(want))
	}
	for i, s := range after {
		got := s.Totals[0]
		if s.Day != first.AddDays(i) || got.Collected.Text() != want[i].collected || got.Cumulative.Text() != want[i].cumulative {
			t.Errorf("%s: %s, %s in all; want %s, %s", s.Day, got.Collected, got.Cumulative, want[i].collected, want[i].cumulative)
		}
	}
	// Nobody else's, and not with another letter.
	key := func(string) (ed25519.PublicKey, error) { return make([]byte, ed25519.PublicKeySize), nil }
	text := texts[len(texts)-1]
	head, rest, _ := strings.Cut(text, ".")
	for name, forged := range map[string]string{"another key": text, "no signature": head + "." + strings.Split(rest, ".")[0] + "."} {
		if _, err := takings.Read(forged, w.Stack.Ref.ID, key); !errors.Is(err, identity.ErrToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := takings.Read(text, tenant.NewID(), key); !errors.Is(err, identity.ErrToken) {
		t.Errorf("another stack's: %v", err)
	}
}

// parties are the entity and branch that postings name.
func (w *world) parties(ctx context.Context, tx tenant.Tx) (e ledger.Event) {
	w.t.Helper()
	err := tx.QueryRow(ctx, `select (select id from legal_entity limit 1), (select id from branch limit 1)`).Scan(&e.LegalEntity, &e.Branch)
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}
