package portal_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/collection"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// An operator lays its ladders down, sees who is followed and what comes, and
// agrees with an account; words of messages are changed, and what is wrong
// stands beside its field.
func TestCollection_onThePages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, operator{name: "Hanse Mobil", colour: "#1d4f91", country: "DE", zone: "Europe/Berlin", currency: "EUR", language: "en", included: true,
		plans: []string{"hanse-postpaid-flex"}})
	c := w.customer(1, "hanse-postpaid-flex", "en")
	b, at := w.works(identity.Owner), w.console("collection/ladders")
	contains(t, "nothing laid down", b.get(w.console("collection")).words(), "No ladders are laid down yet")

	text := strings.TrimSpace(b.get(at).find("#document").FirstChild.Data) + "\n"
	wrong := b.post(at, b.get(at), "document", strings.Replace(text, "action: wall", "action: shout", 1), "act", "save")
	if wrong.status != http.StatusUnprocessableEntity || !strings.Contains(wrong.in("#document-e"), "action") {
		t.Errorf("an unknown action: %d %s", wrong.status, wrong.in("#document-e"))
	}
	tried := b.post(at, b.get(at), "document", text, "act", "preview", "account", c.Number, "due", "2026-06-15", "amount", "30")
	contains(t, "what would happen", tried.in("#outlook"), "18 Jun 2026", "Reminder", "End of the contract")
	if done := b.follow(at, b.get(at), "document", text, "act", "save"); done.status != http.StatusOK {
		t.Fatalf("%d %s", done.status, done.words())
	}

	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		owner, err := account.Get(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		today, err := calendar.ParseDate("2026-04-20")
		if err != nil {
			return err
		}
		amount := money.New(money.MustDecimal("30"), money.MustCurrency("EUR"))
		return payment.ImportItems(ctx, tx, []payment.ImportedItem{{ID: uuid.New(), AccountID: c.ID, Number: "OLD-7", Issued: today.AddDays(-14), DueDate: today, Amount: amount, Open: amount,
			LegalEntity: owner.LegalEntity, Branch: owner.Branch}})
	})
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return collection.New(collection.Hooks{}).Review(ctx, tx, c.ID)
	})
	contains(t, "the board", b.get(w.console("collection")).in("#cases"), "30,00 €", "Reminder")
	here := w.console("subscribers/" + c.ID.String() + "/collection")
	contains(t, "what comes", b.get(here).in("#planned"), "Reminder", "OLD-7")
	if missing := b.post(here+"/hold", b.get(here), "item", "", "hold_reason", ""); missing.status != http.StatusUnprocessableEntity {
		t.Errorf("a hold without a reason: %d", missing.status)
	}
	contains(t, "held", b.follow(here+"/hold", b.get(here), "item", "", "hold_reason", "in hospital").in("#arrangements"), "active", "in hospital")
	contains(t, "tags", b.follow(here+"/standing", b.get(here), "tags", "school, vip", "risk", "low").words(), "school, vip")

	words := w.console("message-templates/dunning_wall")
	unknown := b.post(words, b.get(words), "channel", "sms", "language", "en", "body", "Pay {amonut}", "act", "save")
	contains(t, "an unknown variable", unknown.in("#body-e"), "{amonut}")
	contains(t, "as it reads", b.post(words, b.get(words), "channel", "sms", "language", "en", "body", "Pay {amount}, {name}", "account", c.Number, "act", "preview").in("#said"), "Pay €49.90")
	if done := b.follow(words, b.get(words), "channel", "sms", "language", "en", "body", "Pay {amount}", "act", "save"); done.status != http.StatusOK {
		t.Errorf("%d %s", done.status, done.words())
	}
	contains(t, "changed", b.get(w.console("message-templates")).words(), "1 changed")

	settings := w.console("message-settings")
	bad := b.post(settings, b.get(settings), "quiet_from", "late", "quiet_to", "08:00")
	if bad.status != http.StatusUnprocessableEntity || bad.in("#quiet_from-e") == "" {
		t.Errorf("quiet hours: %d %s", bad.status, bad.in("#quiet_from-e"))
	}
}

// The button that holds all holds what the filter finds, also what is on no
// page of the list, and asks for a reason.
func TestCollection_holdsAllThatTheFilterFinds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, operator{name: "Hanse Mobil", colour: "#1d4f91", country: "DE", zone: "Europe/Berlin", currency: "EUR", language: "en", included: true,
		plans: []string{"hanse-postpaid-flex"}})
	school, other := w.customer(1, "hanse-postpaid-flex", "en"), w.customer(2, "hanse-postpaid-flex", "en")
	b, at := w.works(identity.Owner), w.console("collection/ladders")
	b.follow(at, b.get(at), "document", strings.TrimSpace(b.get(at).find("#document").FirstChild.Data)+"\n", "act", "save")
	for _, c := range []customer{school, other} {
		w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			due, amount := calendar.Date{Year: 2026, Month: 4, Day: 20}, money.New(money.MustDecimal("30"), c.Currency)
			return payment.ImportItems(ctx, tx, []payment.ImportedItem{{ID: uuid.New(), AccountID: c.ID, Number: "OLD-" + c.Number, Issued: due.AddDays(-14), DueDate: due, Amount: amount, Open: amount,
				LegalEntity: c.LegalEntity, Branch: c.Branch}})
		})
		w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			return collection.New(collection.Hooks{}).Review(ctx, tx, c.ID)
		})
	}
	here := w.console("subscribers/" + school.ID.String() + "/collection")
	b.follow(here+"/standing", b.get(here), "tags", "school", "risk", "low")
	all := w.console("collection")
	board := b.get(all + "?tag=school")
	contains(t, "how many", board.words(), "Hold the 1 case found")
	form := board.find("form[action=" + all + "/hold-all]")
	hold := board.sheet(form, map[string]string{"all_reason": ""})
	if none := b.post(all+"/hold-all", board, hold...); none.status != http.StatusUnprocessableEntity || none.in("#all_reason-e") == "" {
		t.Errorf("without a reason: %d %s", none.status, none.words())
	}
	if past := b.post(all+"/hold-all", board, board.sheet(form, map[string]string{"all_reason": "a flood", "all_until": "2020-01-01"})...); past.status != http.StatusUnprocessableEntity {
		t.Errorf("until a day that is past: %d %s", past.status, past.words())
	}
	hold = board.sheet(form, map[string]string{"all_reason": "a flood", "all_until": "2026-05-20"})
	for range 2 { // a second tap changes nothing more
		contains(t, "held", b.follow(all+"/hold-all", board, hold...).words(), "The accounts are held.")
	}
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		for _, c := range []customer{school, other} {
			held := 0
			if err := tx.QueryRow(ctx, `select count(*) from dunning_arrangement where account_id = $1 and state = 'active'`, c.ID).Scan(&held); err != nil {
				return err
			}
			if want := c.ID == school.ID; (held == 1) != want {
				t.Errorf("%s is held %d times", c.Number, held)
			}
		}
		return nil
	})
}
