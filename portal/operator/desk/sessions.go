package desk

import (
	"context"
	"strings"

	"tollhouse/billing/charging"
	"tollhouse/billing/charging/session"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// readSessions lists what is charged while it runs, and what that holds back;
// nothing if there is none.
func (o *overviewView) readSessions(ctx context.Context, tx tenant.Tx, v *web.Visit, p *person) error {
	open, err := charging.OpenSessions(ctx, tx, p.ID)
	if err != nil || len(open) == 0 {
		return err
	}
	standing, err := charging.Available(ctx, tx, p.ID, tx.At)
	if err != nil {
		return err
	}
	r := v.Reader
	t := table{id: "h-sessions", title: r.T("desk.sessions"), head: heads(r.T("desk.sessions.col.since"), r.T("desk.sessions.col.what"),
		r.T("desk.sessions.col.used")+"#", r.T("desk.sessions.col.cost")+"#", r.T("desk.sessions.col.state"))}
	for _, s := range open {
		what, used := sessionWords(r, s)
		cost := money.Decimal{}
		for i := range s.Services {
			cost = cost.Add(s.Services[i].Charged)
		}
		tone := ui.OK
		if s.State == session.Abandoned {
			tone = ui.Warn
		}
		t.rows = append(t.rows, []cell{{text: r.DateTime(s.StartedAt), sub: s.Consumer}, {text: what, sub: s.Identity.Value}, num(used),
			num(r.Money(money.New(cost, standing.Currency))), state(tone, r.T("desk.sessions.state."+string(s.State)))})
	}
	t.told = r.T("desk.sessions.told", "balance", r.Money(money.New(standing.Value, standing.Currency)),
		"reserved", r.Money(money.New(standing.Reserved, standing.Currency)), "available", r.Money(money.New(standing.Available(), standing.Currency)))
	o.sessions = &t
	return nil
}

// sessionWords says what a session uses, and how much of it.
func sessionWords(r ui.Reader, s *session.Session) (what, used string) {
	var kinds, amounts []string
	for i := range s.Services {
		service := &s.Services[i]
		kinds = append(kinds, r.T("desk.sessions.kind."+string(service.Kind)))
		amounts = append(amounts, r.Quantity(money.NewDecimal(service.Used), service.Unit()))
	}
	return strings.Join(kinds, ", "), strings.Join(amounts, ", ")
}
