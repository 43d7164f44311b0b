package portal_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
)

// A marketer says in the designer which plans subscribers may take by
// themselves, and when; subscribers are offered these and no others.
func TestDesigner_saysWhichPlansSubscribersTakeThemselves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	w.otherPlan("hanse-postpaid-flex", "hanse-max", "22.99")
	w.otherPlan("hanse-postpaid-flex", "hanse-huge", "32.99")
	b, at := w.works(identity.Marketer), w.console("offers/hanse-postpaid-flex")
	offer := b.get(at)
	draft := b.follow(at+"/draft", offer, offer.sheet(offer.find("form[action="+at+"/draft]"), nil)...)
	form := sentWhole(draft)
	if when := form["own_change.when"]; !slices.Contains(when, "now") || !slices.Contains(when, "period_end") {
		t.Fatalf("the form says %v", when)
	}
	contains(t, "in words", draft.words(), "Subscribers may change from this plan", "At the end of what is paid for", "To these offers only")
	form["own_change.when"], form["own_change.to"] = []string{"period_end"}, []string{"hanse-postpaid-flex"}
	itself := b.sends(at+"/edit", form)
	if itself.status == http.StatusSeeOther { // a draft is kept with what is wrong in it
		itself = b.get(itself.header.Get("Location"))
	}
	contains(t, "to itself", itself.words(), "names the offering itself")
	if answer := b.post(at+"/publish", itself, "from", "2026-05-01"); answer.status != http.StatusUnprocessableEntity {
		t.Errorf("one with a fault is put on sale: %d %s", answer.status, answer.words())
	}
	form = sentWhole(itself) // the key of a form is good for one content
	form["own_change.when"], form["own_change.to"] = []string{"period_end"}, []string{"hanse-max"}
	saved := b.sends(at+"/edit", form)
	if saved.status != http.StatusSeeOther {
		t.Fatalf("saving: %d %s", saved.status, saved.words())
	}
	saved = b.get(saved.header.Get("Location"))
	b.follow(at+"/publish", saved, "from", "2026-05-01")
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		now, err := catalog.Current(ctx, tx, "hanse-postpaid-flex", tx.At)
		if own := now.Offering.OwnChange; err == nil && (own == nil || !slices.Equal(own.When, []catalog.ChangeTime{"period_end"}) || !slices.Equal(own.To, []string{"hanse-max"})) {
			t.Errorf("on sale with %+v", own)
		}
		return err
	})
	c := w.connected(1)
	w.clock("2026-05-11 12:00")
	s := w.browser()
	s.signIn(w, c)
	list := s.get(w.my("plan"))
	if said := list.words(); !strings.Contains(said, "10,00 € more a month") || strings.Contains(said, "20,00 € more a month") {
		t.Errorf("offered: %s", said)
	}
	to := attribute(list.find("a[href]"), "href")
	for _, n := range list.all("a") {
		if href := attribute(n, "href"); strings.Contains(href, "/to/") {
			to = href
		}
	}
	question := s.get(to)
	contains(t, "only at the end", question.words(), "Change on 1 Jun 2026")
	if strings.Contains(question.words(), "Change now") {
		t.Errorf("at once is offered too: %s", question.words())
	}
}

// sentWhole is a page's form as a browser would send it, with every value of a
// group of boxes.
func sentWhole(p page) url.Values {
	form := url.Values{}
	pairs := p.sheet(p.find("main"), nil)
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	for _, n := range p.all("textarea") {
		text := ""
		if n.FirstChild != nil {
			text = n.FirstChild.Data
		}
		form[attribute(n, "name")] = []string{text}
	}
	form["csrf"], form["act"] = form["csrf"][:1], []string{"save"}
	return form
}

// sends sends such a form.
func (b *browser) sends(path string, form url.Values) page {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodPost, b.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(r)
}
