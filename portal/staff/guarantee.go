package staff

import (
	"context"
	"errors"
	"strconv"
	"time"

	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/provisioning"
	"tollhouse/provisioning/guarantee"
	"tollhouse/tenants"
)

// guaranteeView is what of online charging is one operator's.
type guaranteeView struct {
	ui.ConsolePage
	Path     string // of this page
	Operator tenants.Operator
	Host     string
	Facts    []fact
	Stats    []ui.Stat
	State    string // held, or not
	Tone     ui.Tone
	Why      string // why the host does not obey it yet
	Room     string // what is free
	MaySet   bool
	Form     form
	Done     string
}

var guaranteeFields = []string{"rate", "p99_ms", "weight"}

func (p pages) guarantee(v *web.StaffVisit) error { return p.showGuarantee(v, newForm(nil)) }

func (p pages) showGuarantee(v *web.StaffVisit, f form) error {
	id, err := operatorID(v)
	if err != nil {
		return err
	}
	view := guaranteeView{Path: v.URL("operators/" + id.String() + "/guarantee"), MaySet: v.May(tenants.StackWrite), Form: f, Done: v.Query("done")}
	err = p.read(v, func(ctx context.Context, tx tenants.Tx) error { return view.read(ctx, tx, v.Reader, id) })
	if err != nil {
		return err
	}
	if view.ConsolePage, err = p.frame(v, operatorsSection, v.Reader.T("staff.guar.title", "name", view.Operator.DisplayName)); err != nil {
		return err
	}
	return v.Show(f.status(), guaranteePage(view))
}

func (w *guaranteeView) read(ctx context.Context, tx tenants.Tx, r ui.Reader, id tenant.ID) (err error) {
	if w.Operator, err = tenants.GetOperator(ctx, tx, id); err != nil {
		return err
	}
	stack, err := provisioning.Get(ctx, tx, id)
	if err != nil {
		return err
	}
	w.Host = stack.Place.Host
	g, err := guarantee.Of(ctx, tx, id)
	if errors.Is(err, guarantee.ErrNone) {
		g, err = guarantee.Guarantee{Operator: id, Weight: tenant.DefaultWeight, Carried: true}, nil
	}
	if err != nil {
		return err
	}
	w.describe(r, g)
	rooms, err := guarantee.Rooms(ctx, tx)
	w.Room = r.T("staff.guar.unset", "host", w.Host)
	for _, room := range rooms {
		if room.Host == w.Host && room.Carries > 0 {
			w.Room = r.T("staff.guar.room", "host", room.Host, "carries", whole(r, room.Carries), "given", whole(r, room.Guaranteed), "free", whole(r, max(room.Free(), 0)))
		}
	}
	return err
}

func (w *guaranteeView) describe(r ui.Reader, g guarantee.Guarantee) {
	none := r.T("staff.guar.none")
	w.Facts = []fact{{Name: r.T("staff.guar.rate"), Text: none}, {Name: r.T("staff.guar.p99"), Text: none}, {Name: r.T("staff.guar.weight"), Text: whole(r, int64(g.Weight))},
		{Name: r.T("staff.guar.host"), Text: w.Host}}
	if g.Rate > 0 {
		w.Facts[0].Text, w.Facts[1].Text = r.T("staff.guar.persecond", "n", whole(r, g.Rate)), r.T("staff.guar.ms", "n", whole(r, g.P99.Milliseconds()))
	}
	if g.No > 0 {
		w.Facts = append(w.Facts, fact{Name: r.T("staff.guar.changed"), Text: r.DateTime(g.ChangedAt)})
	}
	if w.Form.values == nil {
		w.Form.values = map[string]string{"rate": strconv.FormatInt(g.Rate, 10), "p99_ms": strconv.FormatInt(g.P99.Milliseconds(), 10), "weight": strconv.Itoa(g.Weight)}
	}
	if !g.Carried {
		w.State, w.Tone, w.Why = r.T("staff.guar.carrying"), ui.Info, g.Reason
	}
	a := g.Attained
	if a == nil || g.Rate == 0 {
		return
	}
	if g.Carried {
		w.State, w.Tone = r.T("staff.guar.held"), ui.OK
		if !a.Held() {
			w.State, w.Tone = r.T("staff.guar.missed"), ui.Bad
		}
	}
	minutes := r.T("staff.guar.lately", "at", r.DateTime(a.At))
	w.Stats = []ui.Stat{
		{Key: r.T("staff.guar.seen"), Value: whole(r, a.PerSecond()), More: minutes},
		{Key: r.T("staff.guar.seenp99"), Value: r.T("staff.guar.ms", "n", whole(r, a.P99.Milliseconds())), More: r.T("staff.guar.late", "n", whole(r, a.Late), "of", whole(r, a.Promised))},
		{Key: r.T("staff.guar.refused"), Value: whole(r, a.Refused), More: r.T("staff.guar.refused.more")},
		{Key: r.T("staff.guar.beyond"), Value: whole(r, a.Beyond), More: r.T("staff.guar.beyond.more")},
	}
}

func (p pages) setGuarantee(v *web.StaffVisit) error {
	id, err := operatorID(v)
	if err != nil {
		return err
	}
	f := sent(v, guaranteeFields...)
	number := func(name string) int64 {
		n, err := strconv.ParseInt(f.value(name), 10, 64)
		if err != nil {
			f.fault(name, wanted(v.Reader, name))
		}
		return n
	}
	terms := guarantee.Terms{Rate: number("rate"), P99: time.Duration(number("p99_ms")) * time.Millisecond, Weight: int(number("weight"))}
	if f.wrong() {
		return p.showGuarantee(v, f)
	}
	err = p.write(v, func(ctx context.Context, tx tenants.Tx) error {
		_, err := guarantee.Set(ctx, tx, v.Who, id, terms)
		return err
	})
	if name := guaranteeFault(err); name != "" {
		f.fault(name, guaranteeRefusal(v.Reader, name, err))
		return p.showGuarantee(v, f)
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("operators/"+id.String()+"/guarantee", "done", "set"))
}

// guaranteeFault is the field that a refusal is about; empty: none.
func guaranteeFault(err error) string {
	switch {
	case errors.Is(err, guarantee.ErrRoom), errors.Is(err, guarantee.ErrRate), errors.Is(err, provisioning.ErrNotReady):
		return "rate"
	case errors.Is(err, guarantee.ErrP99):
		return "p99_ms"
	case errors.Is(err, guarantee.ErrWeight):
		return "weight"
	}
	return ""
}

func guaranteeRefusal(r ui.Reader, field string, err error) string {
	if e, is := errors.AsType[*guarantee.RoomError](err); is {
		return r.T("staff.guar.full", "host", e.Room.Host, "free", whole(r, max(e.Room.Free(), 0)), "n", whole(r, e.Rate))
	}
	if errors.Is(err, provisioning.ErrNotReady) {
		return r.T("staff.move.refused.ready")
	}
	return wanted(r, field)
}

// hostRow is a host database on the page of capacity.
type hostRow struct {
	Name, Carries, Given, Free, Now, Most, Stacks string
	Set                                           string // as it stands in the form
	Tone                                          ui.Tone
}

// readHosts tells what host databases carry of online charging.
func (w *capacityView) readHosts(ctx context.Context, tx tenants.Tx, r ui.Reader) error {
	hosts, err := provisioning.HostDatabases(ctx, tx)
	if err != nil {
		return err
	}
	pool, err := provisioning.PoolOf(ctx, tx)
	if err != nil {
		return err
	}
	w.Pool = r.T("staff.cap.pool", "free", whole(r, int64(pool.Free())), "has", whole(r, int64(pool.Has)), "open", whole(r, int64(pool.Databases)))
	if pool.Buy() > 0 {
		w.PoolBuy = r.T("staff.cap.pool.buy", "n", whole(r, int64(pool.Buy())))
	}
	rooms, err := guarantee.Rooms(ctx, tx)
	for i, room := range rooms { // both by name
		row := hostRow{Name: room.Host, Carries: r.T("staff.cap.host.unset"), Given: whole(r, room.Guaranteed), Free: whole(r, max(room.Free(), 0)), Now: "–", Most: "–",
			Set: strconv.FormatInt(room.Carries, 10)}
		if room.Carries > 0 {
			row.Carries = whole(r, room.Carries)
		}
		if room.MeasuredAt != nil {
			row.Now, row.Most = whole(r, room.Now), whole(r, room.Most)
		}
		if room.Free() < 0 {
			row.Tone = ui.Warn
		}
		if i < len(hosts) {
			row.Stacks = r.T("staff.cap.host.stacks", "n", strconv.Itoa(hosts[i].Stacks), "of", strconv.Itoa(hosts[i].Capacity))
			if !hosts[i].Open {
				row.Stacks = r.T("staff.cap.host.closed", "stacks", row.Stacks)
			}
		}
		w.Hosts = append(w.Hosts, row)
	}
	return err
}

// carries is the field of a row's form: what was sent for it, where it was refused.
func (w capacityView) carries(row hostRow) ui.Field {
	f := newForm(map[string]string{"charges_per_second": row.Set})
	if w.Form.value("host") == row.Name {
		f = w.Form
	}
	return f.field(w.Reader, "charges_per_second")
}

// setCarries sets what a host database carries.
func (p pages) setCarries(v *web.StaffVisit) error {
	f := sent(v, "charges_per_second")
	n, err := strconv.ParseInt(f.value("charges_per_second"), 10, 64)
	if err == nil {
		err = p.write(v, func(ctx context.Context, tx tenants.Tx) error {
			return provisioning.Carries(ctx, tx, v.Who, v.Param("host"), n)
		})
	} else {
		err = provisioning.ErrHostCharges
	}
	if errors.Is(err, provisioning.ErrHostCharges) {
		f.fault("charges_per_second", wanted(v.Reader, "charges_per_second"))
		f.values["host"] = v.Param("host")
		return p.showCapacity(v, f)
	}
	if errors.Is(err, provisioning.ErrNoHost) {
		return v.Redirect(v.URL("capacity"))
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("capacity", "done", "host"))
}
