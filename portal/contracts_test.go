package portal_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"tollhouse/tenants"
)

// A lease from its form to its buy-out: what it comes to is shown before it is
// put in force, and the price before it is bought.
func TestContracts_fromDraftToBuyOut(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.works("boss@tollhouse.example", tenants.Admin)
	made := h.operator("nordnetz")
	empty := b.get("/staff/contracts")
	contains(t, "no contract yet", empty.words(), "There is no house yet", "No contracts")
	blank := b.get("/staff/contracts/new?model=lease&operator=" + made.ID.String())
	if blank.value("currency") != "EUR" {
		t.Errorf("the operator's currency is proposed, not %q", blank.value("currency"))
	}
	id := blank.value("id")
	form := []string{"id", id, "operator", made.ID.String(), "model", "lease", "place", "appliance", "currency", "EUR", "from", "2026-05-01",
		"lease_price", "12000", "lease_upfront", "2000", "lease_months", "24", "lease_yearly", "6", "lease_early_fee", "1"}
	wrong := slices.Clone(form)
	wrong[slices.Index(wrong, "lease_months")+1] = "99"
	refused := b.post("/staff/contracts", blank, wrong...)
	if refused.status != http.StatusUnprocessableEntity || refused.find("#contract-lease_months-e") == nil {
		t.Errorf("99 months answer %d: %s", refused.status, refused.words())
	}
	saved := b.post("/staff/contracts", blank, form...)
	to := saved.header.Get("Location")
	if saved.status != http.StatusSeeOther || !strings.HasPrefix(to, "/staff/contracts/"+id) {
		t.Fatalf("saving answers %d to %s: %s", saved.status, to, saved.words())
	}
	draft := b.get(to)
	contains(t, "the draft", draft.words(), "Nothing is billed before", "Draft", "€443.21")
	contains(t, "its first month", draft.card("ahead"), "€2,000.00")
	begun := b.post("/staff/contracts/"+id+"/begin", draft)
	page := b.get(begun.header.Get("Location"))
	contains(t, "in force", page.words(), "In force", "Nothing was charged yet")
	if again := b.post("/staff/contracts/"+id+"/begin", draft); again.status != http.StatusUnprocessableEntity {
		t.Errorf("beginning twice answers %d", again.status)
	}
	priced := b.get("/staff/contracts/" + id + "?on=2026-06-15")
	contains(t, "the price", priced.card("buyout"), "€9,725.27")
	late := b.get("/staff/contracts/" + id + "?on=2029-06-15")
	contains(t, "after its last instalment", late.card("buyout"), "before its last instalment")
	if other := b.post("/staff/contracts/"+id+"/buy-out", priced, "on", "2026-06-15", "price", "1.00"); other.status != http.StatusUnprocessableEntity {
		t.Errorf("another price answers %d", other.status)
	}
	bought := b.post("/staff/contracts/"+id+"/buy-out", priced, "on", "2026-06-15", "price", priced.value("price"))
	contains(t, "bought out", b.get(bought.header.Get("Location")).words(), "Bought out", "An archive was asked for")

	owned := b.get("/staff/contracts/" + id)
	key := owned.value("key")
	unsaid := b.post("/staff/contracts/"+id+"/renew-totals", owned, "key", key, "from", "soon", "reason", "")
	if unsaid.status != http.StatusUnprocessableEntity {
		t.Errorf("hearing it anew from no day answers %d", unsaid.status)
	}
	anew := b.post("/staff/contracts/"+id+"/renew-totals", owned, "key", key, "from", "2026-06-01", "reason", "Restored to 31 May")
	contains(t, "heard anew", b.get(anew.header.Get("Location")).words(), "tells its days again", "Heard anew from", "Restored to 31 May")

	looks := h.works("looks@tollhouse.example", tenants.Engineer)
	seen := looks.get("/staff/contracts/" + id)
	if seen.status != http.StatusOK || len(seen.formsTo("/credit")) > 0 {
		t.Errorf("an engineer sees it (%d) and changes nothing", seen.status)
	}
}
