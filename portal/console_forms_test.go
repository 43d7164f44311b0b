package portal_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/net/html"

	"tollhouse/billing/collection"
	"tollhouse/billing/debit"
	"tollhouse/billing/identity"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// sheet is a form as a browser would send it: every field that is named within
// an element, with others in the place of some.
func (p page) sheet(within *html.Node, instead map[string]string) (pairs []string) {
	for n := range within.Descendants() {
		name := attribute(n, "name")
		if n.Type != html.ElementNode || name == "" || n.Data == "button" || attribute(n, "type") == "file" {
			continue
		}
		value, send := attribute(n, "value"), true
		switch {
		case n.Data == "select":
			value = ""
			for o := range n.Descendants() {
				if o.Data == "option" && hasAttribute(o, "selected") {
					value = attribute(o, "value")
				}
			}
		case attribute(n, "type") == "checkbox":
			send = hasAttribute(n, "checked")
		}
		if _, other := instead[name]; send && !other {
			pairs = append(pairs, name, value)
		}
	}
	for name, value := range instead {
		pairs = append(pairs, name, value)
	}
	return pairs
}

func hasAttribute(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func TestLadders_areEditedAsAForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	b := w.works(identity.Owner)
	at := w.console("collection/ladders/form")
	shown := b.get(at)
	if shown.find("#h-ladders[0].steps[3]") == nil && !strings.Contains(shown.text, "ladders[0].steps[3]") {
		t.Fatalf("the form: %d %s", shown.status, shown.words())
	}
	longer := b.post(at, shown, shown.sheet(shown.find("main"), map[string]string{"act": "add-step.0", "ladders[0].names.en": "Households"})...)
	if longer.status != http.StatusOK || !strings.Contains(longer.text, "ladders[0].steps[4].after_days") || !strings.Contains(longer.text, "Households") {
		t.Fatalf("a step more: %d %s", longer.status, longer.words())
	}
	// What is wrong is told beside its field, and what was typed stays.
	wrong := b.post(at, longer, longer.sheet(longer.find("main"), map[string]string{"act": "save", "ladders[0].steps[4].after_days": "2", "ladders[0].steps[0].fee": "3,50"})...)
	if wrong.status != http.StatusUnprocessableEntity || !strings.Contains(wrong.text, `id="ladders[0].steps[4].after_days-e"`) || !strings.Contains(wrong.text, `value="3.50"`) && !strings.Contains(wrong.text, `value="3.5"`) {
		t.Fatalf("days out of order: %d %s", wrong.status, wrong.words())
	}
	saved := b.follow(at, wrong, wrong.sheet(wrong.find("main"), map[string]string{"act": "save", "ladders[0].steps[4].after_days": "60", "ladders[0].steps[4].action": "agency",
		"ladders[0].steps[4].code": "agency", "ladders[0].reconnect_fee": "7,50"})...)
	if !strings.Contains(saved.words(), "Households") {
		t.Errorf("after saving: %s", saved.words())
	}
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		e, err := collection.Current(ctx, tx)
		if err != nil {
			return err
		}
		l := e.Ladders[0]
		if l.Names["en"] != "Households" || len(l.Steps) != 5 || l.Steps[4].AfterDays != 60 || l.Steps[4].Action != collection.Agency || l.ReconnectFee["EUR"].String() != "7.5" && l.ReconnectFee["EUR"].String() != "7.50" {
			t.Errorf("laid down: %+v", l)
		}
		if l.Promise == nil || l.Promise.Days != 7 || !l.Promise.BySubscriber {
			t.Errorf("the rule of promises got lost: %+v", l.Promise)
		}
		return nil
	})
	// Steps trade places, and a step goes.
	shown = b.get(at)
	less := b.post(at, shown, shown.sheet(shown.find("main"), map[string]string{"act": "remove-step.0.4"})...)
	if less.status != http.StatusOK || strings.Contains(less.text, "ladders[0].steps[4].after_days") {
		t.Errorf("a step less: %d", less.status)
	}
	up := b.post(at, less, less.sheet(less.find("main"), map[string]string{"act": "up.0.1"})...)
	if !strings.Contains(up.text, `name="ladders[0].steps[0].code" type="text" value="wall"`) || !strings.Contains(up.text, `name="ladders[0].steps[1].code" type="text" value="reminder"`) {
		t.Errorf("the steps have not traded places: %d", up.status)
	}
}

func TestBank_formsAreTriedBeforeTheyAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	b := w.works(identity.Owner)
	at := w.console("bank/forms")
	file := []byte("Tag;Betrag;Name;Zweck\n03.05.2026;12,50;Jonas;Rechnung 1\n04.05.2026;-3,00;Bank;Gebühr\n")
	looked := b.upload(at, b.get(at), "sample", map[string][]byte{"april.csv": file}, "act", "look")
	if looked.status != http.StatusOK || !strings.Contains(looked.words(), "Column 2: Betrag") || !strings.Contains(looked.words(), "Rechnung 1") {
		t.Fatalf("the file's lines: %d %s", looked.status, looked.words())
	}
	sheet := func(p page, instead map[string]string) []string {
		return p.sheet(p.find("#h-form").Parent.Parent, instead)
	}
	columns := map[string]string{"act": "try", "name": "My bank", "bank_account": "DE89370400440532013000", "column_date": "1", "column_amount": "2", "column_party": "3", "column_text": "4"}
	wrong := b.upload(at, looked, "sample", nil, sheet(looked, columns)...)
	if strings.Contains(wrong.in("#h-tried"), "12.50") || wrong.find("#h-form") == nil {
		t.Errorf("without the comma: %d %s", wrong.status, wrong.words())
	}
	columns["date_form"] = "2006-01-02"
	if dates := b.upload(at, wrong, "sample", nil, sheet(wrong, columns)...); dates.status != http.StatusUnprocessableEntity || !strings.Contains(dates.words(), "can't be read so") {
		t.Errorf("other dates: %d %s", dates.status, dates.words())
	}
	delete(columns, "date_form")
	columns["comma"] = "on"
	tried := b.upload(at, wrong, "sample", nil, sheet(wrong, columns)...)
	if tried.status != http.StatusOK || !strings.Contains(tried.words(), "−3,00") || !strings.Contains(tried.words(), "Save the format") {
		t.Fatalf("tried: %d %s", tried.status, tried.words())
	}
	columns["act"] = "save"
	if kept := b.upload(at, tried, "sample", nil, sheet(tried, columns)...); kept.status != http.StatusSeeOther {
		t.Fatalf("kept: %d %s", kept.status, kept.words())
	}
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		laid, err := payment.GetPolicy(ctx, tx)
		if form := laid.Delimited["My bank"]; err == nil && (form.Columns.Amount != 2 || !form.Comma || form.Separator != ";" || form.Skip != 1) {
			t.Errorf("kept as %+v", form)
		}
		return err
	})
	list := b.get(at)
	if !strings.Contains(list.words(), "My bank") || !strings.Contains(b.get(w.console("bank")).text, `value="My bank"`) {
		t.Errorf("the forms: %s", list.words())
	}
	if gone := b.follow(w.console("bank/forms/remove"), list, "name", "My bank", "key", list.value("key")); strings.Contains(gone.in("#h-forms"), "My bank") {
		t.Error("a form that was removed is still there")
	}
}

func TestMandates_areAmendedAtTheDesk(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	stack, err := w.host.Resolve(context.Background(), w.Ref.Name)
	if err != nil {
		t.Fatal(err)
	}
	var signed payment.StoredMethod
	w.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		signed, err = stack.Debits().Sign(ctx, tx, debit.NewMandate{ID: uuid.Must(uuid.NewV7()), AccountID: c.ID, Holder: "Jonas Petersen", IBAN: "DE89370400440532013000", Signed: debit.OnPaper})
		return err
	})
	b := w.works(identity.Accountant)
	at := w.console("debits/mandates")
	if no := b.get(at + "?number=nobody"); no.status != http.StatusUnprocessableEntity || no.find("#number-e") == nil {
		t.Errorf("nobody's mandates: %d %s", no.status, no.words())
	}
	shown := b.get(at + "?number=" + c.Number)
	if !strings.Contains(shown.words(), "Jonas Petersen") || !strings.Contains(shown.words(), signed.MandateReference) {
		t.Fatalf("the mandates: %d %s", shown.status, shown.words())
	}
	one := at + "/" + signed.ID.String()
	wrong := b.post(one, shown, "of", c.Number, "iban", "DE00", "holder", "Jonas Petersen", "key", shown.value("key"))
	if wrong.status != http.StatusUnprocessableEntity || wrong.find("#iban-e") == nil {
		t.Errorf("a wrong IBAN: %d %s", wrong.status, wrong.words())
	}
	after := b.follow(one, shown, "of", c.Number, "iban", "DE02120300000000202051", "holder", "Ada Petersen", "reference", signed.MandateReference, "key", uuid.Must(uuid.NewV7()).String())
	if !strings.Contains(after.words(), "Ada Petersen") || !strings.Contains(after.words(), "2051") {
		t.Errorf("after the change: %s", after.words())
	}
	if ended := b.follow(one+"/end", after, "of", c.Number, "key", after.value("key")); !strings.Contains(ended.words(), "Ended") {
		t.Errorf("after the end: %s", ended.words())
	}
}

func TestCash_refusalsAreToldInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	b := w.works(identity.Accountant)
	at := w.console("cash-desk")
	none := b.get(at + "?lang=id")
	if early := b.post(at, none, "act", "put_in", "amount", "5", "key", none.value("key")); !strings.Contains(early.words(), "Belum ada sif") {
		t.Errorf("without a shift: %d %s", early.status, early.words())
	}
	open := b.follow(at, none, "act", "begin", "amount", "100", "key", uuid.NewString())
	wrong := b.post(at, open, "act", "take", "number", "nobody", "amount", "12,50", "note", "cash", "key", open.value("key"))
	if wrong.status != http.StatusUnprocessableEntity || !strings.Contains(wrong.in("#take-number-e"), "Tidak ada akun dengan nomor ini") {
		t.Fatalf("a payer whom nobody knows: %d %s", wrong.status, wrong.words())
	}
	if kept := attribute(wrong.find("#take-amount"), "value"); kept != "12,50" {
		t.Errorf("the form that was sent holds %q", kept)
	}
	if leaked := attribute(wrong.find("#put_in-amount"), "value"); leaked != "" {
		t.Errorf("the form beside it holds %q", leaked)
	}
}
