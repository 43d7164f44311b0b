package programs

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"tollhouse/billing/calendar"
	"tollhouse/billing/event"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// Register adds the addresses of these pages below a tenant's console.
func Register(console *echo.Group, site *web.Site) {
	console.GET("/webhooks", site.Console(identity.APIKeyWrite, all))
	console.POST("/webhooks", site.Console(identity.APIKeyWrite, add))
	console.POST("/webhooks/settings", site.Console(identity.APIKeyWrite, saveSettings))
	console.GET("/webhooks/:endpoint", site.Console(identity.APIKeyWrite, one))
	console.POST("/webhooks/:endpoint", site.Console(identity.APIKeyWrite, change))
	console.POST("/webhooks/:endpoint/rotate", site.Console(identity.APIKeyWrite, rotate))
	console.POST("/webhooks/:endpoint/replay", site.Console(identity.APIKeyWrite, replay))
	for verb := range acts {
		console.POST("/webhooks/:endpoint/"+verb, site.Console(identity.APIKeyWrite, act(verb)))
	}
}

func idOf(v *web.Visit) (uuid.UUID, error) {
	id, err := uuid.Parse(v.Param("endpoint"))
	if err != nil {
		return uuid.Nil, event.ErrNotFound
	}
	return id, nil
}

// wishForm is what an operator says of an endpoint.
type wishForm struct {
	action, key string
	url, about  ui.Field
	types       []ticked
	typesError  string
	faults      []ui.Fault
}

type ticked struct {
	field ui.Field
	on    bool
}

func newWishForm(r ui.Reader, action string, w event.Wish, field *event.FieldError) wishForm {
	f := wishForm{action: action, key: command.NewKey(),
		url:   ui.Field{ID: "url", Label: r.T("hook.url"), Hint: r.T("hook.url.hint"), Value: w.URL, Kind: "url", MaxLength: "500", Autocomplete: "off"},
		about: ui.Field{ID: "description", Label: r.T("hook.about"), Value: w.Description, Optional: true, MaxLength: "200", Autocomplete: "off"}}
	for _, k := range event.Kinds {
		f.types = append(f.types, ticked{ui.Field{ID: "type-" + strings.ReplaceAll(string(k.Type), ".", "-"), Name: "types", Label: string(k.Type), Value: string(k.Type)}, slices.Contains(w.Types, k.Type)})
	}
	if field == nil {
		return f
	}
	words := r.T("hook.want." + field.Field)
	switch field.Field {
	case "url", "url.many":
		f.url.Error = words
	case "description":
		f.about.Error = words
	default:
		f.typesError = words
	}
	f.faults = ui.FaultsOf(f.url, f.about)
	if f.typesError != "" {
		f.faults = append(f.faults, ui.Fault{Field: "types", Message: words})
	}
	return f
}

func sent(v *web.Visit) event.Wish {
	w := event.Wish{URL: v.Form("url"), Description: v.Form("description")}
	for _, t := range v.Forms("types") {
		w.Types = append(w.Types, event.Type(t))
	}
	return w
}

var tones = map[event.State]ui.Tone{event.Active: ui.OK, event.Off: ui.Off, event.Disabled: ui.Bad}

func stateOf(r ui.Reader, e event.Endpoint) (ui.Tone, string) {
	if e.State == event.Active && e.FailingSince != nil {
		return ui.Warn, r.T("hook.failing", "at", r.Short(*e.FailingSince))
	}
	return tones[e.State], r.T("hook.state." + string(e.State))
}

type allView struct {
	rows     []row
	form     wishForm
	settings settingsForm
	done     string
	sandbox  bool
}

type row struct {
	href, url, about, types, state, waiting, last string
	tone                                          ui.Tone
}

type settingsForm struct {
	action, key string
	networks    ui.Field
	kept        ticked
	faults      []ui.Fault
}

func all(v *web.Visit) error {
	return answerAll(v, http.StatusOK, event.Wish{}, nil, nil)
}

func answerAll(v *web.Visit, status int, w event.Wish, field *event.FieldError, networks *event.FieldError) error {
	r := v.Reader
	var list []event.Endpoint
	var settings event.Settings
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if list, err = event.Endpoints(ctx, tx); err != nil {
			return err
		}
		settings, err = event.GetSettings(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	p := &allView{form: newWishForm(r, v.Console("webhooks"), w, field), sandbox: v.Stack.Ref.Sandbox}
	if done := v.Query("done"); done == "removed" || done == "settings" {
		p.done = r.T("hook.done." + done)
	}
	for _, e := range list {
		one := row{href: v.Console("webhooks/" + e.ID.String()), url: e.URL, about: e.Description, types: r.T("hook.types.all"), waiting: r.Number(money.NewDecimal(int64(e.Waiting)))}
		one.tone, one.state = stateOf(r, e)
		if len(e.Types) > 0 {
			one.types = r.N("hook.types.n", int64(len(e.Types)))
		}
		if e.DeliveredAt != nil {
			one.last = r.Short(*e.DeliveredAt)
		}
		p.rows = append(p.rows, one)
	}
	var texts []string
	for _, n := range settings.Networks {
		texts = append(texts, n.String())
	}
	p.settings = settingsForm{action: v.Console("webhooks/settings"), key: command.NewKey(),
		networks: ui.Field{ID: "networks", Label: r.T("hook.networks"), Hint: r.T("hook.networks.hint"), Value: strings.Join(texts, ", "), Optional: true, Autocomplete: "off"},
		kept:     ticked{ui.Field{ID: "kept", Label: r.T("hook.kept"), Hint: r.T("hook.kept.hint")}, settings.Kept}}
	if networks != nil {
		p.settings.networks.Value, p.settings.networks.Error = v.Form("networks"), r.T("hook.want.networks")+" "+networks.Want
		p.settings.faults = ui.FaultsOf(p.settings.networks)
	}
	return v.Show(status, allPage(frame.Of(v, frame.Webhooks, r.T("con.nav.webhooks")), p))
}

// secretView shows a secret, this once.
type secretView struct {
	back, url, secret string // secret is empty if the form came a second time
	rotated           bool
}

func add(v *web.Visit) error {
	w, id, secret := sent(v), uuid.Must(uuid.NewV7()), ""
	c := &command.Command{Action: "webhook.add", Object: "webhook_endpoint", ID: id, Part: v.Sent(), Detail: map[string]any{"url": w.URL}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		e, text, err := event.Add(ctx, tx, v.Stack.Sealer(), id, w, v.Who.Actor())
		secret = text
		return v.Console("webhooks/" + e.ID.String()), err
	}
	next, err := command.CarryOut(v, c)
	var field *event.FieldError
	switch {
	case errors.As(err, &field):
		return answerAll(v, http.StatusUnprocessableEntity, w, field, nil)
	case errors.Is(err, event.ErrTooMany):
		return answerAll(v, http.StatusUnprocessableEntity, w, &event.FieldError{Field: "url.many"}, nil)
	case err != nil:
		return err
	case !c.Fresh:
		secret = ""
	}
	return v.Show(http.StatusOK, secretPage(frame.Of(v, frame.Webhooks, v.Reader.T("hook.secret")), secretView{next, w.URL, secret, false}))
}

func rotate(v *web.Visit) error {
	id, err := idOf(v)
	if err != nil {
		return err
	}
	secret, url := "", ""
	c := &command.Command{Action: "webhook.rotate", Object: "webhook_endpoint", ID: id}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		e, text, err := event.Rotate(ctx, tx, v.Stack.Sealer(), id)
		secret, url = text, e.URL
		return v.Console("webhooks/" + id.String()), err
	}
	next, err := command.CarryOut(v, c)
	if err != nil {
		return err
	}
	if !c.Fresh {
		secret = ""
	}
	return v.Show(http.StatusOK, secretPage(frame.Of(v, frame.Webhooks, v.Reader.T("hook.secret")), secretView{next, url, secret, true}))
}

func saveSettings(v *web.Visit) error {
	networks, err := event.ParseNetworks(v.Form("networks"), v.Stack.Reachable())
	var field *event.FieldError
	if errors.As(err, &field) {
		return answerAll(v, http.StatusUnprocessableEntity, event.Wish{}, nil, field)
	}
	if err != nil {
		return err
	}
	c := &command.Command{Action: "webhook.settings", Object: "operator", Part: v.Sent(), Detail: map[string]any{"networks": v.Form("networks"), "kept": v.Form("kept") != ""}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		return v.Console("webhooks", "done", "settings"), event.PutSettings(ctx, tx, event.Settings{Kept: v.Form("kept") != "", Networks: networks})
	}
	next, err := command.CarryOut(v, c)
	if err != nil {
		return err
	}
	return v.Lead(next)
}

// oneView is an endpoint with its deliveries.
type oneView struct {
	list, here, key   string
	state             string
	tone              ui.Tone
	reason, old, done string
	refused           string
	active, sandbox   bool
	form              wishForm
	from, to          ui.Field
	replayFaults      []ui.Fault
	filters           []ui.NavItem
	rows              []delivery
	more              string
}

type delivery struct {
	id, at, kind, object, state, attempts, answer, next string
	tone                                                ui.Tone
	body                                                string
	log                                                 []attempt
}

type attempt struct{ at, took, answer, response string }

var deliveryTones = map[event.DeliveryState]ui.Tone{event.Due: ui.Info, event.Delivered: ui.OK, event.GivenUp: ui.Bad, event.Recorded: ui.Off}

// perPage is how many deliveries stand on a page.
const perPage = 25

func one(v *web.Visit) error { return answerOne(v, http.StatusOK, nil, nil, nil, "") }

func answerOne(v *web.Visit, status int, typed *event.Wish, field, span *event.FieldError, refused string) error {
	id, err := idOf(v)
	if err != nil {
		return err
	}
	r := v.Reader
	q := event.DeliveryQuery{EndpointID: id, Limit: perPage + 1}
	if s := event.DeliveryState(v.Query("state")); slices.Contains(event.DeliveryStates, s) {
		q.State = s
	}
	q.Before, _ = uuid.Parse(v.Query("before"))
	var e event.Endpoint
	var list []event.Delivery
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if e, err = event.Get(ctx, tx, id); err != nil {
			return err
		}
		list, err = event.Deliveries(ctx, tx, q)
		return err
	})
	if err != nil {
		return err
	}
	wish := event.Wish{URL: e.URL, Description: e.Description, Types: e.Types}
	if typed != nil {
		wish = *typed
	}
	path := "webhooks/" + id.String()
	p := &oneView{list: v.Console("webhooks"), here: v.Console(path), key: command.NewKey(), reason: e.Reason, active: e.State == event.Active, sandbox: v.Stack.Ref.Sandbox, refused: refused,
		form: newWishForm(r, v.Console(path), wish, field), from: ui.Field{ID: "from", Label: r.T("books.from"), Kind: "date", Value: v.Form("from")},
		to: ui.Field{ID: "to", Label: r.T("books.to"), Kind: "date", Value: v.Form("to")}}
	p.tone, p.state = stateOf(r, e)
	if e.OldUntil != nil {
		p.old = r.T("hook.old", "at", r.DateTime(*e.OldUntil))
	}
	if done := v.Query("done"); slices.Contains([]string{"saved", "tried", "on", "off", "replayed"}, done) {
		p.done = r.T("hook.done." + done)
	}
	if span != nil {
		words := r.T("hook.want." + span.Field)
		if span.Field == "from" {
			p.from.Error = words
		} else {
			p.to.Error = words
		}
		p.replayFaults = ui.FaultsOf(p.from, p.to)
	}
	p.filters = append(p.filters, ui.NavItem{Href: v.Console(path), Label: r.T("books.all"), Current: q.State == ""})
	for _, s := range event.DeliveryStates {
		p.filters = append(p.filters, ui.NavItem{Href: v.Console(path, "state", string(s)), Label: r.T("hook.delivery." + string(s)), Current: q.State == s})
	}
	if len(list) > perPage {
		list = list[:perPage]
		p.more = v.Console(path, "state", string(q.State), "before", list[perPage-1].Event.ID.String())
	}
	for _, d := range list {
		p.rows = append(p.rows, deliveryOf(r, d))
	}
	return v.Show(status, onePage(frame.Of(v, frame.Webhooks, e.URL), p))
}

func deliveryOf(r ui.Reader, d event.Delivery) delivery {
	one := delivery{id: d.Event.ID.String(), at: r.Short(d.Event.At), kind: string(d.Event.Type), object: string(d.Event.Object) + " " + d.Event.ObjectID.String(),
		state: r.T("hook.delivery." + string(d.State)), tone: deliveryTones[d.State], attempts: r.Number(money.NewDecimal(int64(d.Attempts)))}
	if d.NextAt != nil {
		one.next = r.Short(*d.NextAt)
	}
	if body, err := d.Event.Body(); err == nil {
		one.body = string(body)
	}
	for _, a := range d.Log {
		one.log = append(one.log, attempt{r.DateTime(a.At), r.T("hook.ms", "n", r.Number(money.NewDecimal(a.TookMilli))), answerOf(a), a.Response})
	}
	if n := len(d.Log); n > 0 {
		one.answer = answerOf(d.Log[n-1])
	}
	return one
}

func answerOf(a event.Attempt) string {
	if a.Error != "" {
		return a.Error
	}
	return http.StatusText(a.Status)
}

func change(v *web.Visit) error {
	id, err := idOf(v)
	if err != nil {
		return err
	}
	w := sent(v)
	c := &command.Command{Action: "webhook.change", Object: "webhook_endpoint", ID: id, Part: v.Sent(), Detail: map[string]any{"url": w.URL}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		_, err := event.Change(ctx, tx, id, w)
		return v.Console("webhooks/"+id.String(), "done", "saved"), err
	}
	next, err := command.CarryOut(v, c)
	var field *event.FieldError
	if errors.As(err, &field) {
		return answerOne(v, http.StatusUnprocessableEntity, &w, field, nil, "")
	}
	if err != nil {
		return err
	}
	return v.Lead(next)
}

// acts are what a button does with an endpoint.
var acts = map[string]func(ctx context.Context, tx tenant.Tx, id uuid.UUID) error{
	"try": func(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
		_, err := event.Try(ctx, tx, id)
		return err
	},
	"on": func(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
		_, err := event.Switch(ctx, tx, id, event.Active)
		return err
	},
	"off": func(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
		_, err := event.Switch(ctx, tx, id, event.Off)
		return err
	},
	"remove": event.Remove,
}

var after = map[string]string{"try": "tried", "on": "on", "off": "off"}

func act(verb string) func(*web.Visit) error {
	return func(v *web.Visit) error {
		id, err := idOf(v)
		if err != nil {
			return err
		}
		c := &command.Command{Action: "webhook." + verb, Object: "webhook_endpoint", ID: id}
		c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
			if verb == "remove" {
				return v.Console("webhooks", "done", "removed"), event.Remove(ctx, tx, id)
			}
			return v.Console("webhooks/"+id.String(), "done", after[verb]), acts[verb](ctx, tx, id)
		}
		next, err := command.CarryOut(v, c)
		if errors.Is(err, event.ErrNotActive) || errors.Is(err, event.ErrMove) {
			return answerOne(v, http.StatusConflict, nil, nil, nil, v.Reader.T("hook.refused.active"))
		}
		if err != nil {
			return err
		}
		return v.Lead(next)
	}
}

// replay sends the events of a span of days again, or one event.
func replay(v *web.Visit) error {
	id, err := idOf(v)
	if err != nil {
		return err
	}
	var span event.Range
	span.Event, _ = uuid.Parse(v.Form("event"))
	if from, err := calendar.ParseDate(v.Form("from")); err == nil {
		span.From = from.Start(v.Profile.Zone)
	}
	if to, err := calendar.ParseDate(v.Form("to")); err == nil {
		span.To = to.AddDays(1).Start(v.Profile.Zone)
	}
	c := &command.Command{Action: "webhook.replay", Object: "webhook_endpoint", ID: id, Part: v.Sent(), Detail: map[string]any{"from": v.Form("from"), "to": v.Form("to"), "event": v.Form("event")}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		_, err := event.Replay(ctx, tx, id, span)
		return v.Console("webhooks/"+id.String(), "done", "replayed"), err
	}
	next, err := command.CarryOut(v, c)
	var field *event.FieldError
	switch {
	case errors.As(err, &field):
		return answerOne(v, http.StatusUnprocessableEntity, nil, nil, field, "")
	case errors.Is(err, event.ErrNotActive):
		return answerOne(v, http.StatusConflict, nil, nil, nil, v.Reader.T("hook.refused.active"))
	case err != nil:
		return err
	}
	return v.Lead(next)
}
