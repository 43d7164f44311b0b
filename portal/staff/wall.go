package staff

import (
	"context"
	"slices"
	"strings"

	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// wallView is what runs, where, and what needs a person.
type wallView struct {
	ui.ConsolePage
	Live     string // address that gives this part again
	Stats    []ui.Stat
	Requests []request
	Trouble  []trouble
	Making   []tile
	Places   []wallPlace
	More     string // told where not all are shown
}

// wallPlace is a host with its stacks.
type wallPlace struct {
	Name, Count string
	Tiles       []tile
}

// tile is one stack as seen from three metres.
type tile struct {
	Href, Name  string
	Tone        ui.Tone
	State       string
	Left, Right string
	rank        int // the worst first
}

// trouble is something that waits for a person.
type trouble struct {
	Href, Title, More string
	Tone              ui.Tone
}

// wallStacks bounds how many stacks one wall shows: the newest.
const wallStacks = 100

func (p pages) wall(v *web.StaffVisit) error {
	if !v.May(tenants.OperatorRead) {
		return v.Redirect(v.URL(string(securitySection)))
	}
	frame, err := p.frame(v, wallSection, v.Reader.T("staff.nav.wall"))
	if err != nil {
		return err
	}
	view := wallView{ConsolePage: frame, Live: v.URL("")}
	if err := p.fillWall(v, &view); err != nil {
		return err
	}
	if v.Part("wall") {
		return v.Show(200, wallPart(view))
	}
	return v.Show(200, wallPage(view))
}

func (p pages) fillWall(v *web.StaffVisit, view *wallView) error {
	var operators []tenants.Operator
	var stacks map[tenant.ID]provisioning.Stack
	var sites ownSites
	var waiting []tenants.BreakGlass
	var byState map[tenants.State]int
	err := p.read(v, func(ctx context.Context, tx tenants.Tx) (err error) {
		if operators, err = tenants.FindOperators(ctx, tx, tenants.OperatorQuery{Limit: wallStacks + 1}); err != nil {
			return err
		}
		if stacks, err = provisioning.Of(ctx, tx, idsOf(operators)); err != nil {
			return err
		}
		if sites, err = ownSitesOf(ctx, tx, stacks); err != nil {
			return err
		}
		if byState, _, err = tenants.CountOperators(ctx, tx); err != nil {
			return err
		}
		waiting, err = tenants.BreakGlassQueue(ctx, tx, maxRequests)
		return err
	})
	if err != nil {
		return err
	}
	if len(operators) > wallStacks {
		operators, view.More = operators[:wallStacks], v.Reader.T("staff.wall.more")
	}
	readings := p.Watch.Of(v.Context(), placedOf(operators, stacks))
	names := map[tenant.ID]string{}
	for _, o := range operators {
		names[o.ID] = o.DisplayName
	}
	view.Requests = requestsOf(v, waiting, names)
	view.sort(v, operators, stacks, readings, sites)
	view.Stats = wallStats(v.Reader, view, byState, readings)
	return nil
}

func idsOf(operators []tenants.Operator) []tenant.ID {
	ids := make([]tenant.ID, len(operators))
	for i, o := range operators {
		ids[i] = o.ID
	}
	return ids
}

// placedOf are the operators whose stacks stand where we reach them.
func placedOf(operators []tenants.Operator, stacks map[tenant.ID]provisioning.Stack) []provisioning.Placed {
	var placed []provisioning.Placed
	for _, o := range operators {
		if s, known := stacks[o.ID]; known && s.State == provisioning.Ready && !s.Own {
			placed = append(placed, provisioning.Placed{Operator: o, Place: s.Place, Epoch: s.Epoch})
		}
	}
	return placed
}

// sort puts stacks under their places, the worst first, and gathers what needs
// a person.
func (w *wallView) sort(v *web.StaffVisit, operators []tenants.Operator, stacks map[tenant.ID]provisioning.Stack, readings map[tenant.ID]provisioning.Reading, sites ownSites) {
	places := map[string][]tile{}
	for _, o := range operators {
		s := stacks[o.ID]
		if s.Own {
			places[v.Reader.T("staff.own.place")] = append(places[v.Reader.T("staff.own.place")], ownTile(v, o, s, sites))
			continue
		}
		t := tileOf(v, o, s, readings[o.ID])
		if s.State != provisioning.Ready {
			w.Making = append(w.Making, t)
		} else {
			places[s.Place.Host] = append(places[s.Place.Host], t)
		}
		w.Trouble = append(w.Trouble, troubleOf(v, o, s, readings[o.ID])...)
	}
	for host, tiles := range places {
		slices.SortStableFunc(tiles, func(a, b tile) int {
			if a.rank != b.rank {
				return b.rank - a.rank
			}
			return strings.Compare(a.Name, b.Name)
		})
		w.Places = append(w.Places, wallPlace{Name: host, Count: v.Reader.N("staff.stacks", int64(len(tiles))), Tiles: tiles})
	}
	slices.SortFunc(w.Places, func(a, b wallPlace) int { return strings.Compare(a.Name, b.Name) })
}

// ownTile is a stack on machines of its own; the sites' page tells of its troubles.
func ownTile(v *web.StaffVisit, o tenants.Operator, s provisioning.Stack, sites ownSites) tile {
	word, tone := ownHealth(v, s, sites)
	t := tile{Href: v.URL("operators/" + o.ID.String()), Name: o.DisplayName, Tone: tone, State: word, rank: 1}
	switch tone {
	case ui.OK:
		t.rank = 0
	case ui.Bad:
		t.rank = 3
	}
	if site, known := sites[o.ID]; known {
		t.Left = site.Want.Size
	}
	return t
}

func tileOf(v *web.StaffVisit, o tenants.Operator, s provisioning.Stack, reading provisioning.Reading) tile {
	r := v.Reader
	t := tile{Href: v.URL("operators/" + o.ID.String()), Name: o.DisplayName}
	switch {
	case s.State == provisioning.Failed:
		t.Tone, t.State, t.Left, t.rank = ui.Warn, r.T("staff.stack.failed"), s.Reason, 2
	case s.State != provisioning.Ready:
		t.Tone, t.State, t.Left = "off", r.T("staff.stack."+string(s.State)), r.T("staff.attempt", "n", whole(r, int64(s.Attempts)))
	case reading.Err != nil:
		t.Tone, t.State, t.Left, t.rank = ui.Bad, r.T("staff.health.silent"), r.T("staff.health.silent.more"), 3
	case o.Standing.State != tenants.Active:
		t.Tone, t.State, t.Left, t.rank = "off", r.T("staff.state."+string(o.Standing.State)), took(r, reading), 1
	case !reading.Healthy():
		t.Tone, t.State, t.Left, t.rank = ui.Warn, r.T("staff.health.wants"), took(r, reading), 2
	default:
		t.Tone, t.Left = ui.OK, took(r, reading)
	}
	if reading.Err == nil && s.State == provisioning.Ready {
		t.Right = r.T("staff.load", "n", whole(r, reading.Charges))
	}
	return t
}

func troubleOf(v *web.StaffVisit, o tenants.Operator, s provisioning.Stack, reading provisioning.Reading) []trouble {
	r, href := v.Reader, v.URL("operators/"+o.ID.String())
	var list []trouble
	add := func(tone ui.Tone, key, more string) {
		list = append(list, trouble{Href: href, Tone: tone, Title: o.DisplayName + ": " + r.T(key), More: more})
	}
	switch {
	case s.State == provisioning.Failed:
		add(ui.Warn, "staff.stack.failed", s.Reason)
	case s.State != provisioning.Ready:
	case reading.Err != nil:
		add(ui.Bad, "staff.health.silent", r.T("staff.health.silent.more"))
	default:
		if reading.Failed > 0 {
			add(ui.Warn, "staff.health.failed", r.N("staff.items", reading.Failed))
		}
		if reading.Late() {
			add(ui.Warn, "staff.health.late", r.T("staff.health.late.more", "at", r.DateTime(*reading.OldestDue)))
		}
	}
	return list
}

func wallStats(r ui.Reader, w *wallView, byState map[tenants.State]int, readings map[tenant.ID]provisioning.Reading) []ui.Stat {
	var silent, wants, healthy, subscribers, charges, size int64
	for _, reading := range readings {
		switch {
		case reading.Err != nil:
			silent++
			continue
		case reading.Healthy():
			healthy++
		default:
			wants++
		}
		subscribers, charges, size = subscribers+reading.Subscribers, charges+reading.Charges, size+reading.SizeBytes
	}
	tone := func(n int64, tone ui.Tone) ui.Tone {
		if n == 0 {
			return ""
		}
		return tone
	}
	return []ui.Stat{
		{Key: r.T("staff.stat.healthy"), Value: whole(r, healthy), More: r.N("staff.of", int64(len(readings)))},
		{Key: r.T("staff.stat.silent"), Value: whole(r, silent), More: r.T("staff.stat.silent.more"), Tone: tone(silent, ui.Bad)},
		{Key: r.T("staff.stat.wants"), Value: whole(r, wants), More: r.T("staff.stat.wants.more"), Tone: tone(wants, ui.Warn)},
		{Key: r.T("staff.stat.subscribers"), Value: whole(r, subscribers), More: r.T("staff.stat.subscribers.more")},
		{Key: r.T("staff.stat.load"), Value: whole(r, charges), After: r.T("staff.perminute"), More: r.T("staff.stat.load.more")},
		{Key: r.T("staff.stat.size"), Value: bytes(r, size), More: r.T("staff.stat.suspended", "n", whole(r, int64(byState[tenants.Suspended])))},
	}
}
