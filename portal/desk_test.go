package portal_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/ledger"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

// works signs somebody of the operator in at its console.
func (w *world) works(role identity.Role) *browser {
	w.t.Helper()
	hash, err := w.passwords.Hash(context.Background(), password)
	if err != nil {
		w.t.Fatal(err)
	}
	email := string(role) + "@office.example"
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := w.authority.AddUser(ctx, tx, identity.NewUser{Email: email, Name: "Rini Hartono", Role: role, Language: "en", Password: hash})
		return err
	})
	b := w.browser()
	door := "/t/" + w.Ref.Name + "/console/sign-in"
	in := b.post(door, b.get(door), "email", email, "password", password)
	if in.status != http.StatusSeeOther {
		w.t.Fatalf("%s signs in: %d %s", role, in.status, in.words())
	}
	return b
}

func (w *world) console(path string) string { return "/t/" + w.Ref.Name + "/console/" + path }

// follow sends a form and gives the page it leads to.
func (b *browser) follow(path string, from page, pairs ...string) page {
	b.t.Helper()
	answer := b.post(path, from, pairs...)
	if answer.status != http.StatusSeeOther {
		b.t.Fatalf("%s answered %d: %s", path, answer.status, answer.words())
	}
	to, err := url.Parse(answer.header.Get("Location"))
	if err != nil {
		b.t.Fatal(err)
	}
	next := b.get(to.RequestURI())
	for next.status == http.StatusSeeOther {
		next = b.get(next.header.Get("Location"))
	}
	return next
}

// sums holds the ledger against the books.
func (w *world) sums() {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		report, err := ledger.ControlSums(ctx, tx)
		if err != nil {
			return err
		}
		return report.Check()
	})
}

func TestDesk_everyPageOfASubscriber(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	may(w, c)
	b := w.works(identity.Owner)
	at := "subscribers/" + c.ID.String()
	for path, words := range map[string][]string{
		"":          {"Jonas Petersen", "Active", "Owes", "Paid, 12 months", "Services", "Use by day", "Contact", "jonas1@example.net", "Timeline"},
		"/services": {"+4915100000001", "Change plan"}, "/usage": {"Usage records"}, "/bills": {"Number", "To pay"},
		"/payments": {"No payment yet"}, "/buckets": {"Order of use"}, "/notes": {"No note yet", "New note"},
		"/ledger": {"Receivable"}, "/timeline": {"Bill of", "Connected"}, "/messages": {"No message yet"},
		"/adjust": {"Credit on the account", "Reason"}, "/cash": {"Amount in"}, "/contact": {"Street and number"}, "/resend": {"Send the bill", "jonas1@example.net"},
	} {
		p := b.get(w.console(at + path))
		if p.status != http.StatusOK {
			t.Errorf("%s answered %d: %s", path, p.status, p.words())
			continue
		}
		if strings.Contains(p.text, "desk.") {
			t.Errorf("%s shows a key: %s", path, p.words())
		}
		for _, word := range words {
			if !strings.Contains(p.words(), word) {
				t.Errorf("%s does not tell %q: %s", path, word, p.words())
			}
		}
	}
	bills := b.get(w.console(at + "/bills"))
	for _, n := range bills.all("a") {
		if href := attribute(n, "href"); strings.Contains(href, "/console/bills/") {
			one := b.get(href)
			contains(t, "bill", one.words(), "Bill", "Lines", "Total", "Document")
			if pdf := b.get(href + "/pdf"); pdf.status != http.StatusOK || pdf.header.Get("Content-Type") != "application/pdf" {
				t.Errorf("PDF: %d", pdf.status)
			}
		}
	}
	use := b.get(w.console(at + "/usage"))
	for _, n := range use.all("a") {
		if href := attribute(n, "href"); strings.Contains(href, at+"/usage/2026") {
			contains(t, "why", b.get(href).words(), "Jonas Petersen")
		}
	}
}

func TestDesk_search(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	b := w.works(identity.Clerk)
	list := b.get(w.console("subscribers?q=petersen"))
	contains(t, "by a later word", list.in("#found"), "Jonas Petersen", c.Number)
	if part := b.partial(w.console("subscribers?q=pet"), "found"); strings.Contains(part.text, "<html") || !strings.Contains(part.text, c.Number) {
		t.Error("typing gives the list alone")
	}
	if straight := b.get(w.console("subscribers?q=" + c.Number)); straight.status != http.StatusSeeOther || !strings.HasSuffix(straight.header.Get("Location"), c.ID.String()) {
		t.Errorf("an account number leads to %s", straight.header.Get("Location"))
	}
	contains(t, "nobody", b.get(w.console("subscribers?q=zebra")).in("#found"), "Nobody found")
	contains(t, "none owes", b.get(w.console("subscribers?owing=90%2B")).in("#found"), "Nobody found")
	sheet := b.get(w.console("subscribers?format=csv&q=jonas"))
	if !strings.HasPrefix(sheet.header.Get("Content-Type"), "text/csv") || !strings.Contains(sheet.text, c.Number) {
		t.Errorf("CSV: %s", sheet.text)
	}
}

func TestDesk_clerksActs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, operator{name: "Hanse Mobil", colour: "#1d4f91", country: "DE", zone: "Europe/Berlin", currency: "EUR", language: "en", included: true,
		plans: []string{"hanse-postpaid-flex", "hanse-prepaid-200"}})
	c := w.customer(1, "hanse-postpaid-flex", "en")
	may(w, c)
	b := w.works(identity.Clerk)
	at := "subscribers/" + c.ID.String()

	// A credit: refused without a reason, told before it is given, given once.
	form := b.get(w.console(at + "/adjust"))
	refused := b.post(w.console(at+"/adjust"), form, "key", form.value("key"), "target", "account", "way", "give", "amount", "5.00")
	if refused.status != http.StatusUnprocessableEntity || refused.in("#reason-e") == "" || refused.value("amount") != "5.00" {
		t.Errorf("without a reason: %d %s", refused.status, refused.words())
	}
	fields := []string{"target", "account", "way", "give", "amount", "5.00", "reason", "line was down"}
	told := b.post(w.console(at+"/adjust"), refused, append(fields, "key", refused.value("key"))...)
	contains(t, "effect", told.words(), "5,00 € goes on the account", "Give 5,00 €")
	sent := append(fields, "key", told.value("key"), "confirmed", "1")
	given := b.follow(w.console(at+"/adjust"), told, sent...)
	contains(t, "given", given.words(), "The credit was given", "Credit of 5,00 € given", "line was down")
	again := b.follow(w.console(at+"/adjust"), told, sent...)
	if strings.Count(again.in(".tl"), "Credit of 5,00 € given") != 1 {
		t.Error("a form sent twice gives twice")
	}

	// Cash: told what it pays, then a receipt.
	cash := b.get(w.console(at + "/cash"))
	told = b.post(w.console(at+"/cash"), cash, "key", cash.value("key"), "amount", "10", "purpose", "bill")
	contains(t, "cash", told.words(), "10,00 € for", "a part of it", "Take 10,00 €")
	receipt := b.follow(w.console(at+"/cash"), told, "key", told.value("key"), "amount", "10", "purpose", "bill", "confirmed", "1")
	contains(t, "receipt", receipt.words(), "Receipt R-", "10,00 €", "What it paid")

	// Notes, pinned on top of every page.
	notes := b.get(w.console(at + "/notes"))
	if empty := b.post(w.console(at+"/notes"), notes, "text", "  "); empty.status != http.StatusUnprocessableEntity || empty.in("#text-e") == "" {
		t.Errorf("an empty note: %d", empty.status)
	}
	b.follow(w.console(at+"/notes"), notes, "key", notes.value("key"), "text", "Calls back after six", "pinned", "on")
	contains(t, "overview", b.get(w.console(at)).words(), "Calls back after six", "Rini Hartono")

	// Suspend with a reason, resume, terminate.
	services := b.get(w.console(at + "/services"))
	var one string
	for _, n := range services.all("a") {
		if href := attribute(n, "href"); strings.HasSuffix(href, "/suspend") {
			one = strings.TrimSuffix(href, "suspend")
		}
	}
	form = b.get(one + "suspend")
	contains(t, "suspend", form.words(), "stops working at once", "Recurring fees go on")
	if no := b.post(one+"suspend", form); no.status != http.StatusUnprocessableEntity || no.in("#reason-e") == "" {
		t.Errorf("suspended without a reason: %d", no.status)
	}
	contains(t, "suspended", b.follow(one+"suspend", form, "reason", "lost phone").words(), "is suspended", "Suspended", "Resume")
	contains(t, "resumed", b.follow(one+"resume", b.get(one+"resume"), "reason", "found it").words(), "works again")
	contains(t, "stream", b.get(w.console(at+"/timeline?topic=service")).words(), "Resumed", "found it", "Rini Hartono", "Suspended", "lost phone")
	form = b.get(one + "terminate")
	contains(t, "terminate", form.words(), c.identity.Value, "It cannot be undone")
	contains(t, "terminated", b.follow(one+"terminate", form, "reason", "moves away").words(), "has ended")

	// Contact: what is wrong stands beside its field and is kept.
	contact := b.get(w.console(at + "/contact"))
	wrong := b.post(w.console(at+"/contact"), contact, "party-name", "Jonas P.", "party-email", "nonsense", "party-language", "en", "address-street", "Weg 2", "address-postcode", "1", "address-city", "Hamburg", "address-country", "DE")
	if wrong.status != http.StatusUnprocessableEntity || wrong.in("#party-email-e") == "" || wrong.in("#address-postcode-e") == "" || wrong.value("party-email") != "nonsense" {
		t.Errorf("wrong contact: %d %s", wrong.status, wrong.words())
	}
	changed := b.follow(w.console(at+"/contact"), contact, "party-name", "Jonas Petersen", "party-email", c.email, "party-phone", "040 1234567", "party-language", "en",
		"address-street", "Weg 2", "address-postcode", "20259", "address-city", "Hamburg", "address-country", "DE")
	contains(t, "contact", changed.words(), "The contact was changed", "Weg 2")

	// The bill again, and help to sign in.
	resend := b.get(w.console(at + "/resend"))
	var bill string
	for _, n := range resend.all("option") {
		bill = attribute(n, "value")
	}
	contains(t, "sent", b.follow(w.console(at+"/resend"), resend, "key", resend.value("key"), "what", "bill", "bill", bill).words(), "The message was sent", "Still to pay")
	w.sums()
}

func TestDesk_changesThePlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	b := w.works(identity.Clerk)
	var subscription uuid.UUID
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		s, err := account.Subscriptions(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		subscription = s[0].ID
		p, err := account.GetParty(ctx, tx, c.PartyID)
		if err != nil {
			return err
		}
		o, err := catalog.Current(ctx, tx, "hanse-postpaid-flex", tx.At)
		if err != nil {
			return err
		}
		p.BirthDate, p.IDDocument = &c.Anchor, "passport C01X00T47"
		if err := account.PutParty(ctx, tx, p); err != nil {
			return err
		}
		larger := o.Offering
		larger.Code, larger.Names = "flex-plus", catalog.Names{"en": "Flex Plus"}
		draft, err := catalog.SaveDraft(ctx, tx, larger)
		if err == nil {
			_, err = catalog.Publish(ctx, tx, draft.ID, tx.At)
		}
		return err
	})
	at := w.console("subscribers/" + c.ID.String() + "/subscriptions/" + subscription.String() + "/")
	form := b.get(at + "plan")
	contains(t, "choice", form.words(), "Flex Plus", "On a day")
	var version string
	for _, n := range form.all("input[name=plan]") {
		version = attribute(n, "value")
	}
	if none := b.post(at+"plan", form); none.status != http.StatusUnprocessableEntity || none.in("#plan-e") == "" {
		t.Errorf("no plan chosen: %d", none.status)
	}
	// The law wants to know how the document was checked: the gate names it.
	refused := b.post(at+"plan", form, "plan", version)
	contains(t, "gate", refused.words(), "Facts are missing")
}

func TestDesk_rightsAndForeignThings(t *testing.T) {
	t.Parallel()
	h := pgtest.NewHost(t)
	w, other := worldIn(t, h, 0, hanse), worldIn(t, h, 1, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	stranger := other.customer(2, "hanse-postpaid-flex", "en")
	may(w, c)
	at := "subscribers/" + c.ID.String()
	marketer, clerk := w.works(identity.Marketer), w.works(identity.Clerk)
	for path, want := range map[string]int{at: 200, at + "/usage": 200, at + "/bills": 200, at + "/payments": 403, at + "/ledger": 403, at + "/adjust": 403, at + "/cash": 403,
		at + "/contact": 403, "orders": 403, "orders/new": 403} {
		if p := marketer.get(w.console(path)); p.status != want {
			t.Errorf("a marketer at %s: %d, want %d", path, p.status, want)
		}
	}
	page := clerk.get(w.console(at + "/notes"))
	if p := marketer.post(w.console(at+"/notes"), marketer.get(w.console(at)), "text", "x"); p.status != http.StatusForbidden {
		t.Errorf("a marketer notes: %d", p.status)
	}
	if p := clerk.post(w.console(at+"/notes"), page, "text", "x", "csrf", "guessed"); p.status != http.StatusForbidden {
		t.Errorf("without our own token: %d", p.status)
	}
	for _, path := range []string{"subscribers/" + stranger.ID.String(), "subscribers/" + stranger.ID.String() + "/adjust", "subscribers/nonsense", at + "/subscriptions/" + uuid.NewString() + "/suspend",
		"bills/" + uuid.NewString(), "orders/" + uuid.NewString(), at + "/receipts/" + uuid.NewString(), at + "/usage/2026-05-01/" + uuid.NewString()} {
		if p := clerk.get(w.console(path)); p.status != http.StatusNotFound {
			t.Errorf("%s answered %d", path, p.status)
		}
	}
	if p := w.browser().get(w.console(at)); p.status != http.StatusSeeOther || !strings.Contains(p.header.Get("Location"), "sign-in") {
		t.Errorf("a stranger: %d", p.status)
	}
}

func TestConnect_refusedAtTheMissingFieldThenCompleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	b := w.works(identity.Clerk)
	form := b.get(w.console("orders/new"))
	if none := b.post(w.console("orders/new"), form); none.status != http.StatusUnprocessableEntity || none.in("#offering-e") == "" {
		t.Errorf("no offering chosen: %d", none.status)
	}
	var version string
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		o, err := catalog.Current(ctx, tx, "hanse-postpaid-flex", tx.At)
		version = o.ID.String()
		return err
	})
	person := b.follow(w.console("orders/new"), form, "key", form.value("key"), "offering", version)
	contains(t, "first step", person.words(), "Person", "Address", "Check and connect")
	var order string
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		orders, err := w.host.Desk().List(ctx, tx, onboarding.Acknowledged, uuid.Nil, 1)
		order = w.console("orders/" + orders[0].ID.String() + "/")
		return err
	})
	// No step opens before those before it.
	if early := b.get(order + "network"); early.status != http.StatusSeeOther || !strings.HasSuffix(early.header.Get("Location"), "/person") {
		t.Errorf("the network opens early: %d %s", early.status, early.header.Get("Location"))
	}
	// Left out: refused there, with what was typed kept, here and on the order.
	wrong := b.post(order+"person", person, "party-kind", "individual", "party-name", "Ada Byron", "party-email", "ada@", "party-language", "en")
	if wrong.status != http.StatusUnprocessableEntity || wrong.in("#party-email-e") == "" || wrong.value("party-name") != "Ada Byron" || wrong.value("party-email") != "ada@" {
		t.Errorf("a wrong address: %d %s", wrong.status, wrong.words())
	}
	address := b.follow(order+"person", wrong, "party-kind", "individual", "party-name", "Ada Byron", "party-email", "ada@example.com", "party-phone", "040 901820", "party-language", "en")
	contains(t, "address", address.words(), "Bills name it", "+4940901820")
	missing := b.post(order+"address", address, "address-street", "Kaiserstr. 1", "address-postcode", "20457", "address-city", "", "address-country", "DE")
	if missing.status != http.StatusUnprocessableEntity || missing.in("#address-city-e") == "" || missing.value("address-street") != "Kaiserstr. 1" {
		t.Errorf("a missing city: %d %s", missing.status, missing.words())
	}
	law := b.follow(order+"address", missing, "address-street", "Kaiserstr. 1", "address-postcode", "20457", "address-city", "Hamburg", "address-country", "DE")
	contains(t, "law", law.words(), "Date of birth", "Identity document")
	network := b.follow(order+"law", law, "party-birth_date", "1990-12-10", "party-id_document", "passport C01X00T47", "party-id_verified", "desk", "identity_number", "L01X00T471")
	contains(t, "network", network.words(), "Mobile number", "IMSI")
	taken := w.customer(7, "hanse-prepaid-200", "en")
	busy := b.post(order+"network", network, "mobile-msisdn", taken.identity.Value, "mobile-imsi", "262010000000001")
	if busy.status != http.StatusUnprocessableEntity || !strings.Contains(busy.in("#mobile-msisdn-e"), "another service") {
		t.Errorf("a number in use: %d %s", busy.status, busy.words())
	}
	review := b.follow(order+"network", busy, "mobile-msisdn", "0151 23456789", "mobile-imsi", "262010000000001")
	contains(t, "review", review.words(), "ada@example.com", "begins at once", "a month", "Connect Hanse Flex")
	result := b.follow(order+"review", review, "key", review.value("key"), "login", "on")
	contains(t, "result", result.words(), "is connected", "invitation", "Ada Byron")
	contains(t, "list", b.get(w.console("orders")).words(), "Connected", "Ada Byron")
	found := b.get(w.console("subscribers?q=ada"))
	contains(t, "found", found.in("#found"), "Ada Byron", "+49 151 234 567 89")
	if over := b.get(order + "person"); over.status == http.StatusOK {
		t.Error("a completed order can still be changed")
	}
	w.sums()
}
