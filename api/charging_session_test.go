package api

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
)

// started is the start of a session of subscriber 1 with one service.
func started(session, service string, number int, kind string) map[string]any {
	return map[string]any{"session": session, "number": number, "identity": map[string]string{"kind": "msisdn", "value": "+4915510000001"},
		"services": []any{map[string]any{"service": service, "kind": kind, "destination": "internet"}}}
}

// reported is a later request of a session about its service a.
func reported(number int, used int64) map[string]any {
	return map[string]any{"number": number, "services": []any{map[string]any{"service": "a", "used": used}}}
}

// A session from its start to its end, each request twice: data at 1.00 a GB,
// granted by 100 MB.
func TestSessions_overHTTP(t *testing.T) {
	c := newChargingWorld(t, "10.00")
	var begun response
	for n := range 2 {
		begun = c.ask(c.machine, "/charging/sessions", started("s1", "a", 0, "data")).want(t, 200)
		if begun.text("repeat") != map[int]string{0: "false", 1: "true"}[n] || begun.text("state") != "open" ||
			begun.text("services", 0, "result") != "granted" || begun.number("services", 0, "granted") != 100_000_000 || begun.number("services", 0, "valid_seconds") <= 0 {
			t.Errorf("started: %s", begun.raw)
		}
	}
	c.wantMoney("10.00", "0.10", "9.90")
	path := "/charging/sessions/" + begun.text("id")
	for n := range 2 {
		got := c.ask(c.machine, path+"/update", reported(1, 2_000_000_000)).want(t, 200)
		if got.text("repeat") != map[int]string{0: "false", 1: "true"}[n] || got.text("services", 0, "price", "amount") != "2.00" || got.number("services", 0, "granted") != 100_000_000 {
			t.Errorf("updated: %s", got.raw)
		}
		c.wantMoney("8.00", "0.10", "7.90")
	}
	c.ask(c.machine, path+"/update", reported(1, 2_000_000_001)).want(t, 409)
	c.ask(c.machine, "/charging/sessions", started("s1", "b", 0, "data")).want(t, 409)
	c.wantMoney("8.00", "0.10", "7.90")
	shown := c.get(c.owner, c.path(path)).want(t, 200)
	if shown.text("session") != "s1" || shown.text("state") != "open" || shown.text("account") != c.account || shown.number("services", 0, "used") != 2_000_000_000 ||
		shown.text("services", 0, "held", 0, "amount") != "0.1" || shown.number("number") != 1 {
		t.Errorf("shown: %s", shown.raw)
	}
	for n := range 2 {
		got := c.ask(c.machine, path+"/terminate", reported(3, 500_000_000)).want(t, 200)
		if got.text("repeat") != map[int]string{0: "false", 1: "true"}[n] || got.text("state") != "closed" || got.text("services", 0, "price", "amount") != "0.50" {
			t.Errorf("terminated: %s", got.raw)
		}
		c.wantMoney("7.50", "0.00", "7.50")
	}
	// a report that comes late is charged, and nothing granted
	late := c.ask(c.machine, path+"/update", reported(2, 1_000_000_000)).want(t, 200)
	if late.text("state") != "closed" || late.number("services", 0, "granted") > 0 {
		t.Errorf("late: %s", late.raw)
	}
	c.wantMoney("6.50", "0.00", "6.50")
}

// Two services of one session, one of which ends before it; another session
// shares the balance.
func TestSessions_severalServicesAndParallelOnes(t *testing.T) {
	c := newChargingWorld(t, "0.65")
	both := started("s1", "a", 0, "data")
	both["services"] = append(both["services"].([]any), map[string]any{"service": "sms", "kind": "message", "destination": "+4930123"})
	begun := c.ask(c.machine, "/charging/sessions", both).want(t, 200)
	if begun.number("services", 0, "granted") != 100_000_000 || begun.number("services", 1, "granted") != 1 {
		t.Errorf("started: %s", begun.raw)
	}
	c.wantMoney("0.65", "0.60", "0.05")
	path := "/charging/sessions/" + begun.text("id")
	ended := map[string]any{"number": 1, "services": []any{map[string]any{"service": "sms", "used": 1, "ended": true}}}
	c.ask(c.machine, path+"/update", ended).want(t, 200)
	c.wantMoney("0.15", "0.10", "0.05")
	other := c.ask(c.machine, "/charging/sessions", started("s2", "a", 0, "data")).want(t, 200)
	if other.number("services", 0, "granted") != 50_000_000 || other.text("services", 0, "final", "action") != "terminate" {
		t.Errorf("the rest of the balance, with a final unit: %s", other.raw)
	}
	c.wantMoney("0.15", "0.15", "0.00")
	c.ask(c.machine, "/charging/events", debited("d", nil)).want(t, 422) // reserved for sessions
	refused := c.ask(c.machine, "/charging/sessions", started("s3", "a", 0, "data"))
	if refused.status == 200 && refused.number("services", 0, "granted") > 0 {
		t.Errorf("a third session: %s", refused.raw)
	}
	c.ask(c.machine, "/charging/sessions/"+other.text("id")+"/terminate", map[string]any{"number": 1}).want(t, 200)
	c.wantMoney("0.15", "0.10", "0.05")
}

func TestSessions_refuseOverHTTP(t *testing.T) {
	c := newChargingWorld(t, "5.00")
	id := c.ask(c.machine, "/charging/sessions", started("s1", "a", 0, "data")).want(t, 200).text("id")
	change := func(name string, value any) map[string]any {
		body := started("x", "a", 0, "data")
		if maps.Copy(body, map[string]any{name: value}); value == nil {
			delete(body, name)
		}
		return body
	}
	service := func(name string, value any) map[string]any {
		one := map[string]any{"service": "a", "kind": "data", "destination": "internet", name: value}
		if value == nil {
			delete(one, name)
		}
		return change("services", []any{one})
	}
	update := "/charging/sessions/" + id + "/update"
	for name, s := range map[string]struct {
		path   string
		body   any
		raw    string
		status int
		field  string
	}{
		"no name":                   {body: change("session", nil), status: 400, field: "session"},
		"an empty name":             {body: change("session", ""), status: 400, field: "session"},
		"nobody":                    {body: change("identity", nil), status: 400, field: "identity"},
		"a kind of nobody":          {body: change("identity", map[string]string{"kind": "fax", "value": "1"}), status: 400, field: "identity.kind"},
		"a stranger":                {body: change("identity", map[string]string{"kind": "msisdn", "value": "+491999"}), status: 422, field: "identity"},
		"no service":                {body: change("services", []any{}), status: 400, field: "services"},
		"a negative number":         {body: change("number", -1), status: 400, field: "number"},
		"half a number":             {body: change("number", 0.5), status: 400, field: "number"},
		"an unknown field":          {body: change("colour", "red"), status: 400, field: "colour"},
		"no time":                   {body: change("at", "noon"), status: 400, field: "at"},
		"a kind of no service":      {body: service("kind", "fax"), status: 400, field: "services[0].kind"},
		"a negative use":            {body: service("used", -1), status: 400, field: "services[0].used"},
		"no JSON":                   {raw: "{", status: 400, field: "body"},
		"a session that is none":    {path: "/charging/sessions/" + uuid.NewString() + "/update", body: reported(1, 1), status: 404},
		"an end of none":            {path: "/charging/sessions/" + uuid.NewString() + "/terminate", body: reported(1, 1), status: 404},
		"no id":                     {path: "/charging/sessions/s1/update", body: reported(1, 1), status: 400, field: "session"},
		"no number":                 {path: update, body: map[string]any{"services": []any{}}, status: 400, field: "number"},
		"a use that is no number":   {path: update, body: map[string]any{"number": 1, "services": []any{map[string]any{"service": "a", "used": "1"}}}, status: 400, field: "services[0].used"},
		"a new service of no kind":  {path: update, body: map[string]any{"number": 1, "services": []any{map[string]any{"service": "new"}}}, status: 400, field: "services[0].kind"},
		"a service that is no name": {path: update, body: map[string]any{"number": 1, "services": []any{map[string]any{"service": ""}}}, status: 400, field: "services[0].service"},
	} {
		if s.path == "" {
			s.path = "/charging/sessions"
		}
		got := c.send(request{method: "POST", path: c.path(s.path), token: c.machine, body: s.body, raw: s.raw})
		fields, err := got.faults()
		if got.status != s.status || err != nil || s.field != "" && (len(fields) == 0 || fields[0] != s.field) {
			t.Errorf("%s: %d %s (%v), want %d at %s", name, got.status, got.raw, err, s.status, s.field)
		}
	}
	c.wantMoney("5.00", "0.10", "4.90")
	c.ask(c.machine, update, reported(1, 1_000_000_000)).want(t, 200) // its number was not taken by what was refused
	c.wantMoney("4.00", "0.10", "3.90")
}

// Who is of another tenant sees no session, and who has no right asks for none.
func TestSessions_wantTheRightTenantAndPermission(t *testing.T) {
	c := newChargingWorld(t, "5.00")
	id := c.ask(c.machine, "/charging/sessions", started("s1", "a", 0, "data")).want(t, 200).text("id")
	other := c.db.Place(t, 1)
	c.setUp(other)
	foreign := c.user(other, identity.Owner, nil)
	accountID := c.accountOf(c.account)
	subscriber := c.user(c.db, identity.Subscriber, &accountID)
	for path, body := range map[string]any{"/charging/sessions": started("s2", "a", 0, "data"),
		"/charging/sessions/" + id + "/update": reported(1, 1), "/charging/sessions/" + id + "/terminate": reported(1, 1)} {
		for token, status := range map[string]int{"": 401, "nonsense": 401, foreign: 401, c.user(c.db, identity.Marketer, nil): 403, subscriber: 403} {
			c.ask(token, path, body).want(t, status)
		}
	}
	there := "/t/" + other.Ref.Name + "/v1/charging/sessions/" + id
	c.send(request{method: "POST", path: there + "/update", token: foreign, body: reported(1, 1)}).want(t, 404)
	c.get(foreign, there).want(t, 404)
	c.get(subscriber, c.path("/charging/sessions/"+id)).want(t, 403)
	c.get(c.owner, c.path("/charging/sessions/"+uuid.NewString())).want(t, 404)
	c.wantMoney("5.00", "0.10", "4.90")
}

// Where the process is about to end, another takes the request: 503.
func TestSessions_aProcessThatEndsIsA503(t *testing.T) {
	c := newChargingWorld(t, "5.00")
	id := c.ask(c.machine, "/charging/sessions", started("s1", "a", 0, "data")).want(t, 200).text("id")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := c.host.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	for path, body := range map[string]any{"/charging/sessions": started("s2", "a", 0, "data"), "/charging/sessions/" + id + "/update": reported(1, 1),
		"/charging/sessions/" + id + "/terminate": reported(1, 1), "/charging/events": debited("d", nil)} {
		got := c.ask(c.machine, path, body)
		if _, err := got.faults(); got.status != 503 || got.header.Get("Retry-After") == "" || err != nil {
			t.Errorf("%s: %d %v %s (%v)", path, got.status, got.header, got.raw, err)
		}
	}
	c.wantMoney("5.00", "0.10", "4.90")
}
