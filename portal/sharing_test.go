package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"tollhouse/billing/identity"
)

func TestSharing_foundedJoinedLimitedAndLeftAtTheDesk(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	owner, member := w.customer(1, "hanse-postpaid-flex", "en"), w.customer(2, "hanse-postpaid-flex", "en")
	b := w.works(identity.Owner)
	at := w.console("subscribers/" + owner.ID.String() + "/sharing")
	page := b.get(at)
	page = b.follow(at, page, "group", "Family", "key", page.value("key"))
	if got := b.post(at+"/join", page, "who", "000", "key", page.value("key")); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.words(), "No account has this number") {
		t.Errorf("a stranger joins: %d %s", got.status, got.words())
	}
	page = b.follow(at+"/join", page, "who", member.Number, "key", page.value("key"))
	page = b.follow(at+"/limit", page, "member", member.ID.String(), "amount", "5 GB", "key", page.value("key"))
	if got := page.words(); !strings.Contains(got, member.Number) || !strings.Contains(got, "5 GB") {
		t.Errorf("the group: %s", got)
	}
	page = b.follow(at+"/"+member.ID.String()+"/leave", page, "key", page.value("key"))
	if !strings.Contains(page.words(), "No members yet") {
		t.Errorf("after leaving: %s", page.words())
	}
}
