package api

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// chargingWorld has a subscriber of prepaidNet with money, a machine that asks
// and a source.
type chargingWorld struct {
	*world
	owner, machine, account string
}

func newChargingWorld(t *testing.T, money string) *chargingWorld {
	t.Helper()
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.publish(owner, prepaidNet)
	c := &chargingWorld{world: w, owner: owner, account: w.connectTo(owner, "net", 1)}
	if money != "" {
		w.post(owner, w.path("/accounts/"+c.account+"/top-ups"), map[string]any{"amount": euros(money), "method": "cash"}).want(t, 201)
	}
	w.post(owner, w.path("/usage-sources"), map[string]any{"name": "api", "preset": "json-events"}).want(t, 201)
	c.machine, _ = w.machine(owner, identity.Machine)
	return c
}

// ask sends what needs no Idempotency-Key.
func (c *chargingWorld) ask(token, path string, body any) response {
	c.t.Helper()
	return c.send(request{method: "POST", path: c.path(path), token: token, body: body})
}

// wantMoney compares what is settled, reserved and available.
func (c *chargingWorld) wantMoney(balance, reserved, available string) {
	c.t.Helper()
	got := c.get(c.owner, c.path("/accounts/"+c.account+"/charging-sessions")).want(c.t, 200)
	if got.text("balance", "amount") != balance || got.text("reserved", "amount") != reserved || got.text("available", "amount") != available {
		c.t.Errorf("balance %s, reserved %s, available %s; want %s, %s, %s", got.at("balance"), got.at("reserved"), got.at("available"), balance, reserved, available)
	}
	if sums := c.get(c.owner, c.path("/ledger/control-sums")).want(c.t, 200); sums.text("equal") != "true" {
		c.t.Errorf("control sums: %s", sums.raw)
	}
}

// debited is an event of a message, changed.
func debited(id string, change map[string]any) map[string]any {
	event := map[string]any{"id": id, "kind": "message", "identity": map[string]string{"kind": "msisdn", "value": "+4915510000001"},
		"start": "2026-05-01T10:00:00Z", "quantity": 1, "unit": "event", "destination": "+4930123"}
	maps.Copy(event, change)
	for name, value := range event {
		if value == nil {
			delete(event, name)
		}
	}
	return map[string]any{"source": "api", "event": event}
}

func TestDebit_overHTTP(t *testing.T) {
	c := newChargingWorld(t, "1.20")
	first := c.ask(c.machine, "/charging/events", debited("d1", nil)).want(t, 200)
	if first.text("price") != "0.5" || first.text("paid") != "0.5" || first.text("currency") != "EUR" || first.text("repeat") != "false" {
		t.Errorf("debited: %s", first.raw)
	}
	if first.header.Get("Idempotency-Replayed") != "" || first.header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers: %v", first.header)
	}
	again := c.ask(c.machine, "/charging/events", debited("d1", nil)).want(t, 200)
	if again.text("repeat") != "true" || again.text("charge") != first.text("charge") || again.text("at") != first.text("at") {
		t.Errorf("again: %s", again.raw)
	}
	c.ask(c.machine, "/charging/events", debited("d1", map[string]any{"quantity": 2})).want(t, 409)
	c.wantMoney("0.70", "0.00", "0.70")
	// the same in another form, which is not read plainly
	unusual := c.send(request{method: "POST", path: c.path("/charging/events"), token: c.machine,
		raw: `{"source":"\u0061pi","event":{"id":"d1","kind":"message","identity":{"kind":"msisdn","value":"+4915510000001"},"start":"2026-05-01T10:00:00Z","quantity":1,"unit":"event","destination":"+4930123"}}`}).want(t, 200)
	if string(unusual.raw) != string(again.raw) {
		t.Errorf("read in another way: %s", unusual.raw)
	}
	c.ask(c.machine, "/charging/events", debited("d2", map[string]any{"quantity": 2})).want(t, 422) // 1.00 of 0.70
	c.wantMoney("0.70", "0.00", "0.70")
	c.ask(c.machine, "/charging/events", debited("d2", nil)).want(t, 200) // a refused id is not taken
	c.wantMoney("0.20", "0.00", "0.20")
}

// Whatever is wrong is refused with its field, changes nothing and takes no id.
func TestDebit_refusesOverHTTP(t *testing.T) {
	c := newChargingWorld(t, "5.00")
	for name, s := range map[string]struct {
		body   any
		raw    string
		status int
		field  string
	}{
		"no source of this name": {body: map[string]any{"source": "none", "event": debited("x", nil)["event"]}, status: 404},
		"no source":              {body: map[string]any{"event": debited("x", nil)["event"]}, status: 400, field: "source"},
		"no event":               {body: map[string]any{"source": "api"}, status: 400, field: "event"},
		"a list":                 {raw: "[]", status: 400, field: "body"},
		"half a JSON":            {raw: `{"source":`, status: 400, field: "body"},
		"nothing":                {raw: " ", status: 400, field: "body"},
		"a field twice":          {raw: `{"source":"api","source":"api","event":{}}`, status: 400, field: "source"},
		"an unknown field":       {body: debited("x", map[string]any{"units": 1}), status: 400, field: "event.units"},
		"no id":                  {body: debited("", nil), status: 400, field: "event.id"},
		"no kind":                {body: debited("x", map[string]any{"kind": "fax"}), status: 400, field: "event.kind"},
		"no quantity":            {body: debited("x", map[string]any{"quantity": nil}), status: 400, field: "event.quantity"},
		"a negative quantity":    {body: debited("x", map[string]any{"quantity": -1}), status: 400, field: "event.quantity"},
		"half a message":         {body: debited("x", map[string]any{"quantity": 0.5}), status: 400, field: "event.quantity"},
		"no unit":                {body: debited("x", map[string]any{"unit": "litre"}), status: 400, field: "event.unit"},
		"no time":                {body: debited("x", map[string]any{"start": "noon"}), status: 400, field: "event.start"},
		"long ago":               {body: debited("x", map[string]any{"start": "1999-05-01T10:00:00Z"}), status: 400, field: "event.start"},
		"an id too long":         {body: debited(fmt.Sprintf("%0300d", 1), nil), status: 400, field: "event.id"},
		"a zero byte":            {body: debited("a\x00b", nil), status: 400, field: "event.id"},
		"a stranger":             {body: debited("x", map[string]any{"identity": map[string]string{"kind": "msisdn", "value": "+491999"}}), status: 422, field: "identity"},
		"no price":               {body: debited("x", map[string]any{"kind": "voice", "unit": "second"}), status: 422},
	} {
		for _, path := range []string{"/charging/events", "/charging/authorize"} {
			got := c.send(request{method: "POST", path: c.path(path), token: c.machine, body: s.body, raw: s.raw})
			if s.raw != "" {
				got = c.send(request{method: "POST", path: c.path(path), token: c.machine, raw: s.raw})
			}
			fields, err := got.faults()
			if got.status != s.status || err != nil || s.field != "" && (len(fields) == 0 || fields[0] != s.field) {
				t.Errorf("%s to %s: %d %s (%v), want %d at %s", name, path, got.status, got.raw, err, s.status, s.field)
			}
		}
	}
	other := c.db.Place(t, 1)
	c.setUp(other)
	foreign := c.user(other, identity.Owner, nil)
	for token, status := range map[string]int{"": 401, "nonsense": 401, foreign: 401, c.user(c.db, identity.Marketer, nil): 403} {
		for _, path := range []string{"/charging/events", "/charging/authorize"} {
			c.ask(token, path, debited("x", nil)).want(t, status)
		}
	}
	c.wantMoney("5.00", "0.00", "5.00")
	c.ask(c.machine, "/charging/events", debited("x", nil)).want(t, 200)
}

func TestAuthorize_overHTTPChangesNothing(t *testing.T) {
	c := newChargingWorld(t, "1.20")
	enough := c.ask(c.machine, "/charging/authorize", debited("a1", map[string]any{"quantity": 2})).want(t, 200)
	if enough.text("enough") != "true" || enough.text("granted") != "2" || enough.text("price") != "1" {
		t.Errorf("enough: %s", enough.raw)
	}
	little := c.ask(c.machine, "/charging/authorize", debited("a1", map[string]any{"quantity": 3})).want(t, 200)
	if little.text("enough") != "false" || little.text("granted") != "2" || little.text("price") != "1.5" {
		t.Errorf("not enough: %s", little.raw)
	}
	c.wantMoney("1.20", "0.00", "1.20")
	c.ask(c.machine, "/charging/events", debited("a1", nil)).want(t, 200) // its id was not taken
}

func TestRefund_overHTTPNeverMoreThanIsLeft(t *testing.T) {
	c := newChargingWorld(t, "5.00")
	charge := c.ask(c.machine, "/charging/events", debited("d1", map[string]any{"quantity": 2})).want(t, 200).text("charge")
	path := c.path("/charging/events/" + charge + "/refund")
	part := request{method: "POST", path: path, token: c.machine, key: uuid.NewString(), body: map[string]any{"amount": "0.25", "reason": "broke off"}}
	first := c.send(part).want(t, 200)
	if first.text("price") != "0.25" || first.text("left") != "0.75" || first.text("refunded") != charge {
		t.Errorf("a part: %s", first.raw)
	}
	if again := c.send(part).want(t, 200); string(again.raw) != string(first.raw) || again.header.Get(replayedHeader) != "true" {
		t.Errorf("again: %s", again.raw)
	}
	c.wantMoney("4.25", "0.00", "4.25")
	c.post(c.machine, path, map[string]any{"amount": "0.76", "reason": "too much"}).want(t, 422)
	c.post(c.machine, path, map[string]any{"reason": "all that is left"}).want(t, 200)
	c.post(c.machine, path, map[string]any{"reason": "nothing is left"}).want(t, 422)
	c.post(c.machine, path, map[string]any{"amount": "0.01"}).refusedAt(c.world, 400, "reason")
	c.post(c.machine, path, map[string]any{"amount": "x", "reason": "y"}).want(t, 400)
	c.post(c.machine, c.path("/charging/events/"+uuid.NewString()+"/refund"), map[string]any{"reason": "nothing"}).want(t, 404)
	c.post(c.machine, c.path("/charging/events/x/refund"), map[string]any{"reason": "nothing"}).refusedAt(c.world, 400, "charge")
	c.send(request{method: "POST", path: path, token: c.machine, body: map[string]any{"reason": "no key"}}).refusedAt(c.world, 400, idempotencyKey)
	c.post(c.user(c.db, identity.Marketer, nil), path, map[string]any{"reason": "may not"}).want(t, 403)
	c.wantMoney("5.00", "0.00", "5.00")
}

// A full queue is a 503 that says when to come again; what was asked under the
// same id then goes through, once. Others of the tenant fill it, who wait for an
// account that somebody has locked.
func TestDebit_backPressureIsA503(t *testing.T) {
	c := newChargingWorld(t, "20.00")
	slow := c.connectTo(c.owner, "net", 2)
	theirs := debited("first", map[string]any{"identity": map[string]string{"kind": "msisdn", "value": "+4915510000002"}})
	c.ask(c.machine, "/charging/events", theirs).want(t, 422) // they have no money; who they are is known from now on
	release, locked, unlocked := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(unlocked)
		_ = c.db.DB.Write(context.Background(), c.db.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, err := tx.Exec(ctx, `select from billing_account where id = $1 for update`, slow)
			close(locked)
			<-release
			return err
		})
	}()
	<-locked
	stack, err := c.host.Resolve(t.Context(), c.db.Ref.Name)
	if err != nil {
		t.Fatal(err)
	}
	feed, err := stack.Online().Source(t.Context(), stack.Ref, "api")
	if err != nil {
		t.Fatal(err)
	}
	waiting, leave := context.WithCancel(t.Context())
	var flood sync.WaitGroup
	at := time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)
	ask := func(n int) {
		_, _ = stack.Online().Debit(waiting, stack.Ref, feed.ID, usage.Record{Key: fmt.Sprint("flood-", n), Kind: usage.Message,
			Identity: usage.Identity{Kind: usage.MSISDN, Value: "+4915510000002"}, Start: at, End: at, Quantity: 1, Unit: "event", Destination: "+4930123"})
	}
	flood.Go(func() { ask(-1) }) // alone with a committer, which waits for the lock
	time.Sleep(200 * time.Millisecond)
	var busy response
	probe := 0
	for busy.status != 503 && probe < 30 {
		first := probe * 1_000
		for n := range 500 {
			flood.Go(func() { ask(first + n) })
		}
		time.Sleep(20 * time.Millisecond)
		probe++
		busy = c.ask(c.machine, "/charging/events", debited(fmt.Sprint("probe-", probe), nil))
	}
	if _, err := busy.faults(); busy.status != 503 || busy.header.Get("Retry-After") == "" || err != nil {
		t.Errorf("a full queue: %d %v %s (%v)", busy.status, busy.header, busy.raw, err)
	}
	for path, body := range map[string]any{"/charging/sessions": started("call", "a", 0, "message"), "/charging/events": debited("other", nil)} {
		if got := c.ask(c.machine, path, body); got.status != 503 || got.header.Get("Retry-After") == "" {
			t.Errorf("%s while the queue is full: %d %v", path, got.status, got.raw)
		}
	}
	leave()
	flood.Wait()
	close(release)
	<-unlocked
	if done := c.ask(c.machine, "/charging/events", debited(fmt.Sprint("probe-", probe), nil)).want(t, 200); done.text("repeat") != "false" {
		t.Errorf("asked again: %s", done.raw)
	}
	left := fmt.Sprintf("%.2f", 20-0.5*float64(probe))
	c.wantMoney(left, "0.00", left)
}
