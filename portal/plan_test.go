package portal_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/notice"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tell"
	"tollhouse/billing/tenant"
)

// otherPlan puts a dearer plan on sale beside one, and gives its version.
func (w *world) otherPlan(like, code, amount string) (id uuid.UUID) {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		old, err := catalog.Current(ctx, tx, like, tx.At)
		if err != nil {
			return err
		}
		o := old.Offering
		o.Code, o.Names = code, catalog.Names{"en": "Max"}
		o.RequiredFacts = nil
		o.Prices.Recurring[0].Amount = money.MustDecimal(amount)
		draft, err := catalog.SaveDraft(ctx, tx, o)
		if err == nil {
			_, err = catalog.Publish(ctx, tx, draft.ID, tx.At)
		}
		id = draft.ID
		return err
	})
	return id
}

// connected is a customer whom the desk has connected, with all papers.
func (w *world) connected(n int) (c customer) {
	w.t.Helper()
	c.email = fmt.Sprintf("jonas%d@example.net", n)
	hash, err := w.passwords.Hash(context.Background(), password)
	if err != nil {
		w.t.Fatal(err)
	}
	stack, err := w.host.Resolve(context.Background(), w.Ref.Name)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		offering, err := catalog.Current(ctx, tx, "hanse-postpaid-flex", tx.At)
		if err != nil {
			return err
		}
		placed, err := stack.Desk().Place(ctx, tx, []onboarding.NewOrder{{OfferingID: offering.ID, CreatedBy: "test", Facts: onboarding.Facts{
			"party.kind": "individual", "party.name": "Jonas Petersen", "party.email": c.email, "party.birth_date": "1988-07-14",
			"party.id_document": fmt.Sprintf("L%08d", n), "party.id_verified": "desk", "identity_number": fmt.Sprintf("L%08d", n),
			"address.street": "Weg 1", "address.postcode": "20259", "address.city": "Hamburg", "address.country": "DE",
			"mobile.msisdn": fmt.Sprintf("+49151%08d", n), "mobile.imsi": fmt.Sprintf("26277%010d", n),
		}}})
		if err != nil {
			return err
		}
		done, err := stack.Desk().Activate(ctx, tx, placed[0].ID)
		if err != nil {
			return err
		}
		if c.Account, err = account.Get(ctx, tx, *done[0].AccountID); err != nil {
			return err
		}
		_, err = w.authority.AddUser(ctx, tx, identity.NewUser{Email: c.email, Name: "Jonas Petersen", Role: identity.Subscriber, AccountID: &c.ID, Language: "en", Password: hash})
		return err
	})
	return c
}

func (w *world) subscriptionOf(c customer) (id string) {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select id::text from subscription where account_id = $1 and part is null and state = 'active'`, c.ID).Scan(&id)
	})
	return id
}

func TestPlan_isChangedByItsSubscriber(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.connected(1)
	dear := w.otherPlan("hanse-postpaid-flex", "hanse-max", "22.99")
	w.clock("2026-05-11 12:00")
	b := w.browser()
	if home := b.signIn(w, c); !strings.Contains(home.text, w.my("plan")) {
		t.Error("the home page does not lead to the plans")
	}
	list := b.get(w.my("plan"))
	if said := list.words(); !strings.Contains(said, "Hanse Flex") || !strings.Contains(said, "Max") || !strings.Contains(said, "10,00 € more a month") {
		t.Fatalf("the list: %d %s", list.status, said)
	}
	at := w.my("plan/" + w.subscriptionOf(c) + "/to/" + dear.String())
	sure := b.get(at)
	// May is not billed yet: 12.99 for 10 of its 31 days, 22.99 for 21.
	for _, want := range []string{"Monthly fee, 1 May 2026 to 10 May 2026 4,19 €", "15,57 €", "The first bill with it is of 1 Jun 2026", "On your next bill, 1 Jun 2026", "Change now", "Change on 1 Jun 2026", "The change itself costs nothing"} {
		if !strings.Contains(sure.words(), want) {
			t.Errorf("the question lacks %q: %s", want, sure.words())
		}
	}
	if got := b.post(at, sure, "when", "yesterday", "key", uuid.NewString()); got.status != http.StatusUnprocessableEntity {
		t.Errorf("a time that is not offered is answered %d", got.status)
	}
	for range 2 { // a second tap changes nothing more
		if got := b.post(at, sure, "when", "now", "key", sure.value("key")); got.status != http.StatusSeeOther {
			t.Fatalf("changing: %d %s", got.status, got.words())
		}
	}
	if list = b.get(w.my("plan?done=changed")); !strings.Contains(list.words(), "Your plan has changed") || !strings.Contains(list.words(), "10,00 € less a month") {
		t.Errorf("after the change: %s", list.words())
	}
	w.closeCycles("2026-06-01")
	if bills := b.get(w.my("bills")); !strings.Contains(bills.words(), "Period") {
		t.Errorf("the bills: %s", bills.words())
	}
	w.controlSums()
}

func TestPlan_changeToComeIsTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c, stranger := w.connected(1), w.connected(2)
	dear := w.otherPlan("hanse-postpaid-flex", "hanse-max", "22.99")
	w.clock("2026-05-11 12:00")
	b, other := w.browser(), w.browser()
	b.signIn(w, c)
	other.signIn(w, stranger)
	mine := w.subscriptionOf(c)
	at := w.my("plan/" + mine + "/to/" + dear.String())
	if got := other.get(at); got.status != http.StatusNotFound {
		t.Errorf("another's plan is answered %d", got.status)
	}
	sure := b.get(at)
	if got := other.post(at, other.get(w.my("plan")), "when", "now", "key", uuid.NewString()); got.status != http.StatusNotFound {
		t.Errorf("changing another's plan is answered %d", got.status)
	}
	if got := b.post(at, sure, "when", "period_end", "key", sure.value("key")); got.status != http.StatusSeeOther {
		t.Fatalf("planning: %d %s", got.status, got.words())
	}
	list := b.get(w.my("plan"))
	if !strings.Contains(list.words(), "You change to “Max” on 1 Jun 2026") {
		t.Fatalf("the list: %s", list.words())
	}
	if again := b.get(at); again.status != http.StatusUnprocessableEntity || !strings.Contains(again.words(), "A change is to come already") {
		t.Errorf("a second change is answered %d %s", again.status, again.words())
	}
	if got := b.post(w.my("plan/"+mine+"/cancel"), list, "key", list.value("key")); got.status != http.StatusSeeOther {
		t.Fatalf("taking back: %d %s", got.status, got.words())
	}
	w.closeCycles("2026-06-01")
	if list = b.get(w.my("plan")); !strings.Contains(list.words(), "Hanse Flex") || strings.Contains(list.words(), "You change to") {
		t.Errorf("after it was taken back: %s", list.words())
	}
}

func TestDeposits_areTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	b := w.browser()
	b.signIn(w, c)
	if none := b.get(w.my("deposits")); !strings.Contains(none.words(), "No deposits") {
		t.Errorf("without one: %s", none.words())
	}
	months := 6
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := bill.AskDeposit(ctx, tx, bill.NewDeposit{AccountID: c.ID, Amount: money.New(money.MustDecimal("50.00"), c.Currency), Months: &months, Reason: "a new customer", By: "test"})
		return err
	})
	got := b.get(w.my("deposits")).words()
	for _, want := range []string{"50,00 €", "a new customer", "Waits for payment", "To pay by", "Pay it"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing: %s", want, got)
		}
	}
	w.controlSums()
}

func TestMarketing_isDeclinedAtTheDesk(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	clerk := w.works(identity.Clerk)
	form := clerk.get(w.console("subscribers/" + c.ID.String() + "/marketing"))
	if got := clerk.post(w.console("subscribers/"+c.ID.String()+"/marketing"), form, "wanted", "no", "way_sms", "on", "key", form.value("key")); got.status != http.StatusSeeOther {
		t.Fatalf("the desk: %d %s", got.status, got.words())
	}
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		got, err := tell.ChoiceOf(ctx, tx, c.ID)
		if err == nil && (got.News || len(got.Channels) != 1 || got.Channels[0] != notice.SMS) {
			t.Errorf("noted as %+v", got)
		}
		return err
	})
}

// controlSums holds what the ledger must hold after every scenario.
func (w *world) controlSums() {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		report, err := ledger.ControlSums(ctx, tx)
		if err != nil {
			return err
		}
		return report.Check()
	})
}
