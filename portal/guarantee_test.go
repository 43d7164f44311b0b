package portal_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/provisioning"
	"tollhouse/provisioning/pair"
	"tollhouse/tenants"
)

type noSeal struct{}

func (noSeal) Seal(_ string, clear []byte) ([]byte, error)  { return clear, nil }
func (noSeal) Open(_ string, sealed []byte) ([]byte, error) { return sealed, nil }

// What a host database carries is set on the page of capacity, an operator's
// guarantee on its own; what doesn't fit is refused with what is free.
func TestGuarantee_setAsFarAsItFits(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	made := h.operator("nordnetz")
	var host string
	err := h.control.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
		stack, err := provisioning.Get(ctx, tx, made.ID)
		if err != nil {
			return err
		}
		host = stack.Place.Host
		_, err = provisioning.PutHostDatabase(ctx, tx, tenants.System, noSeal{}, provisioning.NewHostDatabase{Name: host, URL: "postgres://db/postgres", Kind: provisioning.Pooled, Capacity: 10, Open: true})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	b := h.works("ada@tollhouse.example", tenants.Admin)
	page := "/staff/operators/" + made.ID.String() + "/guarantee"
	want := []string{"rate", "100", "p99_ms", "250", "weight", "100"}
	if got := b.post(page, b.get(page), want...); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.words(), "has only 0 charges a second free") {
		t.Errorf("where nobody has said what is carried: %d %s", got.status, got.words())
	}
	if got := b.post("/staff/capacity/hosts/"+host, b.get("/staff/capacity"), "charges_per_second", "many"); got.status != http.StatusUnprocessableEntity {
		t.Errorf("no number: %d %s", got.status, got.words())
	}
	if got := b.post("/staff/capacity/hosts/"+host, b.get("/staff/capacity"), "charges_per_second", "1000"); got.status != http.StatusSeeOther {
		t.Fatalf("carries: %d %s", got.status, got.words())
	}
	for _, wrong := range [][]string{{"rate", "801", "p99_ms", "250", "weight", "100"}, {"rate", "100", "p99_ms", "5", "weight", "100"}, {"rate", "x", "p99_ms", "250", "weight", "100"}} {
		if got := b.post(page, b.get(page), wrong...); got.status != http.StatusUnprocessableEntity {
			t.Errorf("%v: %d %s", wrong, got.status, got.words())
		}
	}
	if got := b.post(page, b.get(page), want...); got.status != http.StatusSeeOther {
		t.Fatalf("set: %d %s", got.status, got.words())
	}
	words := b.get(page).words()
	for _, word := range []string{"100 charges a second", "250 ms", "On its way to the host", "700 are free"} {
		if !strings.Contains(words, word) {
			t.Errorf("the page says nothing of %q: %s", word, words)
		}
	}
	if words := b.get("/staff/capacity").words(); !strings.Contains(words, host) || !strings.Contains(words, "700") {
		t.Errorf("capacity: %s", words)
	}
	viewer := h.works("vera@tollhouse.example", tenants.Viewer)
	if got := viewer.post(page, b.get(page), want...); got.status == http.StatusSeeOther {
		t.Errorf("a viewer set it: %d", got.status)
	}
}

// A site's two database servers stand on its page.
func TestSite_showsItsPair(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	made := h.operator("nordnetz")
	site := provisioning.SiteID(uuid.New())
	err := h.control.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
		_, err := tx.Exec(ctx, `
			insert into site (id, operator_id, cloud, want, shape, sized, monthly, currency, revision, state, state_at, due_at, asked_at, ready_at)
			values ($1, $2, 'memory', '{"size": "ha"}', '{"standby": true}', 'ha', 0, 'EUR', 1, 'ready', $3, $4, $3, $3)`, site.UUID(), made.ID, tx.At, tx.At.Add(time.Hour))
		if err != nil {
			return err
		}
		return pair.Begin(ctx, tx, site)
	})
	if err != nil {
		t.Fatal(err)
	}
	words := h.works("ada@tollhouse.example", tenants.Admin).get("/staff/sites/" + site.String()).words()
	for _, word := range []string{"Database servers", "The standby is being made", "database-a", "What was decided"} {
		if !strings.Contains(words, word) {
			t.Errorf("the page says nothing of %q: %s", word, words)
		}
	}
}
