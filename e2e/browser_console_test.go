package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"tollhouse/e2e/tour"
)

// What an operator's people do in their console, each with the rights of their
// own role, at a demo's operator in Germany.
func TestBrowser_console(t *testing.T) {
	d := newDemo(t, small...) // its own: new subscribers change the totals others compare
	d.start(t)
	for _, story := range []struct {
		name, who string
		tell      func(h hand)
	}{
		{"clerk connects a subscriber", ", clerk", connectsASubscriber},
		{"marketer publishes an offer", ", marketer", publishesAnOffer},
		{"accountant runs the bills", ", accountant", runsTheBills},
	} {
		t.Run(story.name, func(t *testing.T) { story.tell(d.at(t, "/t/hanse/console/", story.who, tour.Desktop)) })
	}
}

const (
	send = `main section form button.btn-primary[type="submit"]` // of the one form on a page
	flex = "Hanse Flex"
)

// connectsASubscriber goes through the steps, is refused where something is
// missing, completes it, and sees what a call cost, and why.
func connectsASubscriber(h hand) {
	h.open("orders/new")
	h.choose(flex)
	h.press(send, `[name="party-name"]`)
	h.fill("party-name", "Ada Byron")
	h.fill("party-email", "ada@post.example")
	h.press(send, `[name="address-street"]`)

	h.fill("address-street", "Kaiserstrasse 1")
	h.fill("address-postcode", "20457")
	h.press(send, `#address-city-e`) // the city is missing
	if street, told := h.value("address-street"), h.read(`.alert, [role="alert"]`); street != "Kaiserstrasse 1" || told == "" {
		h.t.Errorf("after the refusal the street is %q, and the summary says %q", street, told)
	}
	h.fill("address-city", "Hamburg")
	h.press(send, `[name="party-birth_date"]`)
	h.set("party-birth_date", "1990-12-10")
	h.fill("party-id_document", "passport C01X00T47")
	h.set("party-id_verified", "desk")
	h.fill("identity_number", "L01X00T471")
	h.press(send, `[name="mobile-msisdn"]`)
	h.fill("mobile-msisdn", "0151 99887766")
	h.fill("mobile-imsi", "262010000099887")
	h.press(send, `[name="login"]`) // what it costs, in words
	h.says("12,99")
	h.press(send, `#h-result`)
	h.says("is connected")

	c := h.d.owner(h.t, "hanse")
	began := c.now(h.t).Add(time.Minute)
	c.advance(h.t, began.Add(time.Hour).Format(time.RFC3339))
	var outcome struct{ Accepted int }
	c.post(h.t, "/usage-events", map[string]any{"source": "events", "events": []any{map[string]any{"id": "ada-1", "kind": "voice",
		"identity": map[string]string{"kind": "msisdn", "value": "+4915199887766"}, "destination": "12125550100",
		"start": began.Format(time.RFC3339), "end": began.Add(61 * time.Second).Format(time.RFC3339), "quantity": 61, "unit": "second"}}}, &outcome)
	if outcome.Accepted != 1 {
		h.t.Fatalf("the call: %+v", outcome)
	}
	h.press(`section[aria-labelledby="h-result"] a[href*="/subscribers/"]`, `main a[href$="/usage"]`)
	h.press(`main a[href$="/usage"]`, `#h-uses`)
	cost := `table.uses a[aria-expanded="false"]`
	if said := h.read(cost); !strings.Contains(said, "1,93") { // 0.15 and two minutes begun at 0.89
		h.t.Errorf("the call cost %q", said)
	}
	h.press(cost, `.why-steps`)
	for _, words := range []string{"Calls abroad", "1,93"} {
		if why := h.read(`.why-row`); !strings.Contains(why, words) {
			h.t.Errorf("why it cost that lacks %q: %s", words, why)
		}
	}
}

// choose picks the radio button with a label.
func (h hand) choose(label string) {
	h.t.Helper()
	h.do(chromedp.WaitVisible(chromedp.CSS(`main input[type="radio"]`)))
	picked := h.ask(fmt.Sprintf(`(() => { for (const l of document.querySelectorAll("main .form-check label")) if (l.textContent.includes(%q)) { l.click(); return l.textContent } return "" })()`, label))
	if picked == "" {
		h.t.Fatalf("%q cannot be chosen:\n%s", label, h.text())
	}
}

// now is an operator's own time.
func (c caller) now(t *testing.T) time.Time {
	t.Helper()
	var clock struct{ At time.Time }
	c.get(t, "/clock", &clock)
	return clock.At.Truncate(time.Second)
}

// lite is an offer with two faults: no document has a key called bonus, and a
// euro has no third digit.
const lite = `
code: hanse-lite
names: {en: Hanse Lite}
billing: postpaid
services: [mobile]
currency: EUR
bonus: yes
tax: {category: standard, included: true}
prices:
  recurring:
  - {code: lite-monthly, names: {en: Monthly fee}, amount: "7.999", months: 1, timing: advance, prorate: day}
usage:
- code: lite-data
  names: {en: Data}
  kind: data
  rules:
  - {code: lite-data-any, destinations: ["*"], price: "2.00", per: 1 GB}
`

// publishesAnOffer imports a document with faults, mends it, and puts it on
// sale from tomorrow.
func publishesAnOffer(h hand) {
	h.open("offers/import")
	h.set("text", lite)
	h.press(`main form button[type="submit"]`, `#findings`)
	if found := h.read(`#findings tbody`); !strings.Contains(found, "bonus") || !strings.Contains(found, "7") {
		h.t.Errorf("what was found: %q", found)
	}
	h.set("text", strings.Replace(lite, "bonus: yes\n", "", 1))
	const amount = "prices.recurring[0].amount"
	h.press(`main form button[type="submit"]`, `[id="`+amount+`-e"]`)
	if fault := h.read(`[id="` + amount + `-e"]`); !strings.Contains(fault, "digits") {
		h.t.Errorf("beside the amount: %q", fault)
	}
	h.do(chromedp.WaitVisible(chromedp.CSS(`button[aria-disabled="true"][aria-describedby="why-publish"]`)))
	h.fill(amount, "7.99")
	h.press(`#design .form-foot button[value="save"]`, `button[popovertarget="publish"]`)

	c := h.d.owner(h.t, "hanse")
	tomorrow := c.now(h.t).Add(24 * time.Hour)
	h.press(`button[popovertarget="publish"]`, `#publish [name="from"]`)
	h.do(chromedp.SetValue(chromedp.CSS(`#publish [name="from"]`), tomorrow.Format(time.DateOnly)))
	h.press(`#publish button[type="submit"]`, `#h-versions`)
	h.says("Hanse Lite")

	clerk := h.d.at(h.t, "/t/hanse/console/", ", clerk", tour.Desktop)
	clerk.open("orders/new")
	clerk.says(flex)
	if strings.Contains(clerk.text(), "Hanse Lite") {
		h.t.Error("it is sold before its day")
	}
	c.advance(h.t, tomorrow.Format(time.RFC3339))
	clerk.open("orders/new")
	clerk.choose("Hanse Lite")
	clerk.press(send, `[name="party-name"]`)
}

// runsTheBills previews the next run, lets the sandbox's time go on past its
// day by the room's control, and reads what the run came to.
func runsTheBills(h hand) {
	c := h.d.owner(h.t, "hanse")
	h.open("bill-runs/preview")
	h.press(`main form button[name="which"][value="all"]`, `#h-pf`)
	if sums := h.read(`section[aria-labelledby="h-totals"] tbody`); sums == "" {
		h.t.Errorf("the preview has no totals:\n%s", h.text())
	}
	h.open("bill-runs")
	before := h.read(`section[aria-labelledby="h-runs"] tbody tr`)
	owner := h.d.at(h.t, "/t/hanse/console/", "owner", tour.Desktop)
	owner.open("bill-runs")
	owner.press(`button[popovertarget="clock"]`, `#clock [name="to"]`)
	owner.do(chromedp.SetValue(chromedp.CSS(`#clock [name="to"]`), c.now(h.t).AddDate(0, 1, 1).Format(time.DateOnly)))
	owner.do(chromedp.Click(chromedp.CSS(`#clock button[type="submit"]`)))
	owner.until("the clock moves", func() bool { return strings.HasSuffix(owner.address(), "done=clock") })

	h.until("a run is done", func() bool {
		h.open("bill-runs")
		newest := h.read(`section[aria-labelledby="h-runs"] tbody tr`)
		return newest != before && strings.Contains(newest, "Done")
	})
	h.press(`section[aria-labelledby="h-runs"] tbody a`, `#h-totals`)
	for _, part := range []string{`section[aria-labelledby="h-totals"] tbody tr`, `section[aria-labelledby="bills"] tbody a`} {
		if h.read(part) == "" {
			h.t.Errorf("the run's page lacks %s:\n%s", part, h.text())
		}
	}
	c.wantControlSums(h.t)
}
