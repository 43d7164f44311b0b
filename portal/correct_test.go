package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"tollhouse/billing/identity"
)

// A bill is credited at the desk with its effect in words first; the note
// stands with its bill, for the desk and for its subscriber.
func TestDesk_correctsABill(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	may(w, c)
	b := w.browser()
	b.signIn(w, c)
	address := attribute(b.get("/t/test-1/bills").find("a[class=strong num]"), "href")
	id := address[strings.LastIndex(address, "/")+1:]
	at := w.console("bills/" + id)
	accountant := w.works(identity.Accountant)
	bill := accountant.get(at)
	contains(t, "the bill", bill.words(), "Correct", "Credit note", "Debit note", "Instalments", "Write off", "Void")
	form := accountant.get(at + "/credit")
	contains(t, "the form", form.words(), "40,11 € of this bill can still be credited", "Chosen lines")
	send := func(send func(string, page, ...string) page, pairs ...string) page {
		form := accountant.get(at + "/credit")
		return send(at+"/credit", form, append([]string{"key", form.value("key"), "rest", "credit"}, pairs...)...)
	}
	if no := send(accountant.post, "what", "amount", "amount", "40,12", "reason", "Line was down", "confirmed", "1"); no.status != http.StatusUnprocessableEntity || no.in("#amount-e") == "" {
		t.Errorf("too much: %d %s", no.status, no.words())
	}
	if early := send(accountant.post, "what", "amount", "amount", "40,12", "reason", "Line was down"); early.status != http.StatusUnprocessableEntity || strings.Contains(early.words(), "A credit note over") {
		t.Errorf("too much is promised before it is refused: %d %s", early.status, early.words())
	}
	if no := send(accountant.post, "what", "amount", "amount", "10", "reason", " "); no.status != http.StatusUnprocessableEntity || no.in("#reason-e") == "" {
		t.Errorf("no reason: %d", no.status)
	}
	contains(t, "the effect", send(accountant.post, "what", "amount", "amount", "10", "reason", "Line was down").words(), "A credit note over 10,00 €", "Write the credit note")
	note := send(accountant.follow, "what", "amount", "amount", "10", "reason", "Line was down", "confirmed", "1")
	contains(t, "the note", note.words(), "HMC-2026/000001", "Corrects", "Line was down")
	contains(t, "the bill after", accountant.get(at).words(), "HMC-2026/000001", "30,11 €")
	if held := accountant.get(at + "/void"); !strings.Contains(held.words(), "Money has moved") || strings.Contains(held.words(), "Continue") {
		t.Errorf("a credited bill can be voided: %s", held.words())
	}
	instal := accountant.get(at + "/instalments")
	parted := accountant.follow(at+"/instalments", instal, "key", instal.value("key"), "count", "3", "from", "2026-07-01", "confirmed", "1")
	contains(t, "the parts", parted.words(), "The instalments are agreed", "Part 1", "Part 3")
	contains(t, "for the subscriber", b.get(address).words(), "open until 1 Jul 2026", "Instalments", "Part 2", "Corrections of this bill", "Credit note HMC-2026/000001", "Line was down")
	if clerk := w.works(identity.Clerk).get(at + "/credit"); clerk.status != http.StatusForbidden {
		t.Errorf("a clerk gets the form: %d", clerk.status)
	}
}

// A deposit is asked for and given back, and a minimum agreed, on one page.
func TestDesk_deposits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	owner := w.works(identity.Owner)
	at := w.console("subscribers/" + c.ID.String())
	contains(t, "empty", owner.get(at+"/security").words(), "Ask for a deposit", "No deposit", "No minimum")
	act := func(path string, pairs ...string) page {
		form := owner.get(at + path)
		return owner.follow(at+path, form, append([]string{"key", form.value("key"), "confirmed", "1"}, pairs...)...)
	}
	contains(t, "asked", act("/deposit", "amount", "100", "months", "12", "reason", "New customer").words(), "The deposit is asked for", "HMP-2026/000001", "100,00 €")
	contains(t, "agreed", act("/commitment", "amount", "25", "from", "2026-06-01").words(), "The minimum is saved", "25,00 €")
	contains(t, "billed ahead", act("/advance", "description", "Fair", "from", "2026-07-01", "to", "2026-07-31", "amount", "59,50").words(), "HMA-2026/000001")
}

// The format of numbers shows the next one; a bad one is told beside its
// field; a step of late payment is added and taken away.
func TestSettings_numbersAndLatePayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	owner := w.works(identity.Owner)
	at := w.console("settings/numbers")
	form := owner.get(at)
	contains(t, "the page", form.words(), "How documents are numbered", "Next: HM-2026/000001", "Nothing is asked for late payment")
	seller := w.LegalEntity.String()
	send := func(send func(string, page, ...string) page, path string, pairs ...string) page {
		page := owner.get(at)
		return send(at+path, page, append([]string{"key", page.value("key")}, pairs...)...)
	}
	contains(t, "looked at", send(owner.follow, "/format", "legal_entity", seller, "document", "bill", "template", "R{yyyy}-{no:4}", "show", "1").words(), "Next: R2026-0001")
	if no := send(owner.post, "/format", "legal_entity", seller, "document", "bill", "template", "R{no:4}"); no.status != http.StatusUnprocessableEntity || no.in("#template-e") == "" {
		t.Errorf("no year: %d", no.status)
	}
	contains(t, "saved", send(owner.follow, "/format", "legal_entity", seller, "document", "bill", "template", "R{yyyy}-{no:4}").words(), "The format is saved")
	contains(t, "continued", send(owner.follow, "/continue", "c_entity", seller, "c_document", "bill", "year", "2026", "next", "42", "last_issue", "2026-01-31").words(), "R2026-0042")
	step := []string{"code", "reminder", "name_en", "Late fee", "grace_days", "5", "kind", "fixed", "value", "2,50", "day_count", "act/365", "category", "standard"}
	contains(t, "a step", send(owner.follow, "/late", step...).words(), "Late fee", "2,50 €", "A fixed fee")
	if no := send(owner.post, "/late", append(step[:0:0], "code", "Bad!", "name_en", "x", "grace_days", "5", "kind", "fixed", "value", "2", "category", "standard")...); no.status != http.StatusUnprocessableEntity || no.in("#code-e") == "" {
		t.Errorf("a bad code: %d", no.status)
	}
	contains(t, "base rates", send(owner.follow, "/base", "base_rates", "2026-07-01 2,27").words(), "2026-07-01 2.27")
	contains(t, "rules", send(owner.follow, "/rules", "void", "never", "tax_relief", "on").words(), "None: a credit note corrects")
	contains(t, "taken away", send(owner.follow, "/late/remove", "code", "reminder").words(), "Nothing is asked for late payment")
}
