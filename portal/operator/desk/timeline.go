package desk

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/desk"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// timelineView is the stream of what happened.
type timelineView struct {
	topics []ui.NavItem
	days   []eventDay
	older  string // address of the page before; empty for none
	all    string // address of the whole stream, from a part of it
}

type eventDay struct {
	day    string
	events []eventView
}

type eventView struct {
	icon, title, more, href, at string
	tone                        ui.Tone
}

func showTimeline(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	var t timelineView
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		t, err = readTimeline(ctx, tx, v, p, rowsAPage)
		return err
	})
	if err != nil {
		return err
	}
	t.all = ""
	page, head := p.framed(v, "timeline")
	return v.Show(http.StatusOK, timelinePage(page, head, t))
}

// readTimeline reads the part of the stream that the address asks for.
func readTimeline(ctx context.Context, tx tenant.Tx, v *web.Visit, p *person, limit int) (timelineView, error) {
	topic := desk.Topic(v.Query("topic"))
	r, at := v.Reader, v.Console(p.path("timeline"))
	t := timelineView{all: at}
	for _, one := range []desk.Topic{desk.AllTopics, desk.Money, desk.Service, desk.Contact} {
		item := ui.NavItem{Href: at, Label: r.T("desk.topic.all"), Current: one == topic}
		if one != desk.AllTopics {
			item.Href, item.Label = v.Console(p.path("timeline"), "topic", string(one)), r.T("desk.topic."+string(one))
		}
		t.topics = append(t.topics, item)
	}
	var before desk.Place
	if instant, err := time.Parse(time.RFC3339Nano, v.Query("at")); err == nil {
		before = desk.Place{At: instant, ID: parseID(v.Query("id")), Kind: desk.Happening(v.Query("kind"))}
	}
	events, err := desk.Timeline(ctx, tx, p.ID, topic, before, limit+1)
	if err != nil {
		return t, err
	}
	if len(events) > limit {
		last := events[limit-1].Place()
		events = events[:limit]
		t.older = v.Console(p.path("timeline"), "topic", string(topic), "at", last.At.Format(time.RFC3339Nano), "id", last.ID.String(), "kind", string(last.Kind))
	}
	names, err := namesOf(ctx, tx, v, events)
	if err != nil {
		return t, err
	}
	for _, e := range events {
		day := r.Date(r.LocalDate(e.At))
		if len(t.days) == 0 || t.days[len(t.days)-1].day != day {
			t.days = append(t.days, eventDay{day: day})
		}
		last := &t.days[len(t.days)-1]
		last.events = append(last.events, p.eventView(v, e, names))
	}
	return t, nil
}

// namesOf finds the people of the operator among the actors, by name.
func namesOf(ctx context.Context, tx tenant.Tx, v *web.Visit, events []desk.Event) (map[string]string, error) {
	names := map[string]string{}
	for _, e := range events {
		id, ours := strings.CutPrefix(e.By, "user:")
		if _, known := names[e.By]; known || !ours {
			continue
		}
		user, err := v.Authority().GetUser(ctx, tx, parseID(id))
		if err != nil {
			continue // a user that is gone is told by its kind
		}
		if names[e.By] = user.Name; user.Name == "" {
			names[e.By] = user.Email
		}
	}
	return names, nil
}

// looks is how what happened is drawn.
var looks = map[desk.Happening]struct {
	icon string
	tone ui.Tone
}{
	desk.BillIssued: {"bill", ""}, desk.PaymentTaken: {"cash", ui.OK}, desk.Refunded: {"undo", ui.Warn}, desk.Adjusted: {"gift", ui.Info},
	desk.OrderTaken: {"plus", ""}, desk.Connected: {"ok", ui.OK}, desk.Disconnected: {"trash", ui.Bad}, desk.ChangePlanned: {"clock", ui.Info},
	desk.ChangeDone: {"swap", ui.OK}, desk.ChangeUndone: {"undo", ui.Warn}, desk.PricedAnew: {"swap", ui.Info}, desk.Suspension: {"stop", ui.Warn}, desk.Resumption: {"play", ui.OK},
	desk.NoteTaken: {"chat", ""}, desk.MessageSent: {"mail", ""}, desk.PartyChanged: {"edit", ""}, desk.StaffActed: {"shield", ui.Warn},
}

func (p *person) eventView(v *web.Visit, e desk.Event, names map[string]string) eventView {
	r, look := v.Reader, looks[e.Kind]
	view := eventView{icon: look.icon, tone: look.tone, at: r.Clock(e.At), title: r.T("desk.event." + string(e.Kind))}
	amount := ""
	if e.Amount != nil && e.Unit.IsCurrency() {
		amount = r.Money(p.amount(*e.Amount))
	} else if e.Amount != nil {
		amount = r.Quantity(*e.Amount, e.Unit)
	}
	by := ""
	if e.By != "" {
		by = actorWords(r, e.By, names)
	}
	view.href = p.eventAddress(v, e)
	switch e.Kind {
	case desk.BillIssued:
		view.title, view.more = r.T("desk.event.bill.of", "amount", amount), joined(e.Text, dueWords(r, e))
	case desk.PaymentTaken:
		view.title, view.more = r.T("desk.event.payment.of", "amount", amount), joined(methodWords(r, e.Text), e.More, by)
		if e.Text == "goodwill" {
			view.title, view.more = r.T("desk.event.credit.of", "amount", amount), joined(e.More, by)
		}
	case desk.Refunded:
		view.title, view.more = r.T("desk.event.refund.of", "amount", amount), joined(e.Text, by)
	case desk.Adjusted:
		view.title, view.more = r.T("desk.event.adjustment.of", "amount", amount), joined(e.Text, by)
	case desk.ChangePlanned, desk.ChangeDone, desk.ChangeUndone:
		view.more = joined(p.planName(r, e.Text), r.Date(e.Day), by)
	case desk.PricedAnew:
		view.title, view.more = r.T("desk.event.priced_anew.of", "amount", amount), e.Text
	case desk.OrderTaken, desk.Connected, desk.Disconnected:
		view.more = joined(p.planName(r, e.Text), by)
	case desk.MessageSent:
		view.more = joined(r.T("desk.message."+e.Text), e.More)
	case desk.NoteTaken:
		view.more = joined(short(e.Text), e.More)
	default:
		view.more = joined(e.Text, by)
	}
	return view
}

func dueWords(r ui.Reader, e desk.Event) string {
	if e.Day.IsZero() || e.More == "statement" {
		return ""
	}
	return r.T("desk.due", "date", r.Date(e.Day))
}

// planName is what people call an offering that the account has or had.
func (p *person) planName(r ui.Reader, code string) string {
	for _, o := range p.offerings {
		if o.Code == code {
			return o.Names.In(r.Locale.Language)
		}
	}
	return code
}

// short cuts a text for a line.
func short(text string) string {
	const most = 120
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most]) + "…"
}

// eventAddress leads to the thing that an event is about.
func (p *person) eventAddress(v *web.Visit, e desk.Event) string {
	id := e.Ref.String()
	switch e.Kind {
	case desk.BillIssued:
		return v.ConsoleFor(identity.BillRead, "bills/"+id)
	case desk.PaymentTaken, desk.Refunded:
		return v.ConsoleFor(identity.PaymentRead, "payments/"+id)
	case desk.Adjusted:
		return v.Console(p.path("buckets"))
	case desk.OrderTaken:
		return v.ConsoleFor(identity.OrderRead, "orders/"+id)
	case desk.NoteTaken:
		return v.Console(p.path("notes")) + "#n-" + id
	case desk.MessageSent:
		return v.Console(p.path("messages")) + "#m-" + id
	case desk.StaffActed:
		return v.ConsoleFor(identity.VisitWrite, "staff-access")
	case desk.PartyChanged:
		return v.Console(p.path(""))
	}
	if e.Ref == uuid.Nil {
		return ""
	}
	return v.Console(p.path("services")) + "#s-" + id
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// counted writes a small number.
func counted(r ui.Reader, n int) string { return r.Number(money.NewDecimal(int64(n))) }
