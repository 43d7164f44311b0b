package staff

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/provisioning/hardware"
	"tollhouse/tenants"
)

// hardwarePage is how many pieces stand on one page.
const hardwarePage = 50

// hardwareView is the register: pieces and racks.
type hardwareView struct {
	ui.ConsolePage
	Stats       []ui.Stat
	Rows        []pieceRow
	Racks       []rackRow
	First, Next string
	MayWrite    bool
	Add, Rack   form
	Choices     pieceChoices
	Searched    string
	Done        string
}

type pieceRow struct {
	Href, Serial, Model, Where string
	State                      string
	Tone                       ui.Tone
	Clock                      string // of its replacement
	Warranty, Support          string
}

type rackRow struct {
	Name, Site, Units, Power string
	UnitShare, PowerShare    string
	UnitsSpoken, PowerSpoken string
}

// pieceChoices are what a form of a piece offers.
type pieceChoices struct{ Operators, Racks []ui.Choice }

func (p pages) hardware(v *web.StaffVisit) error {
	return p.showHardware(v, hardwareView{Add: newPieceForm(), Rack: newForm(nil), Done: v.Query("done")}, http.StatusOK)
}

// newPieceForm is an empty form with an id of its own: sent twice it is one piece.
func newPieceForm() form {
	return newForm(map[string]string{"id": uuid.NewString(), "kind": string(hardware.Appliance), "state": string(hardware.Spare)})
}

func (p pages) showHardware(v *web.StaffVisit, view hardwareView, status int) error {
	r := v.Reader
	var err error
	if view.ConsolePage, err = p.frame(v, hardwareSection, r.T("staff.nav.hardware")); err != nil {
		return err
	}
	view.MayWrite, view.Searched = v.May(tenants.HardwareWrite), v.Query("find")
	if view.Rack.values == nil {
		view.Rack = newForm(nil)
	}
	if view.Rack.value("id") == "" {
		view.Rack.values = map[string]string{"id": uuid.NewString()}
	}
	if view.Add.values == nil {
		view.Add = newPieceForm()
	}
	after, err := uuid.Parse(v.Query("after"))
	if err == nil {
		view.First = v.URL("hardware", "find", view.Searched)
	}
	err = p.read(v, func(ctx context.Context, tx tenants.Tx) error {
		names, err := view.Choices.fill(ctx, tx, view.Add)
		if err != nil {
			return err
		}
		found, err := hardware.List(ctx, tx, hardware.Query{Text: view.Searched, State: hardware.State(v.Query("state")), After: after, Limit: hardwarePage + 1})
		if err != nil {
			return err
		}
		if len(found) > hardwarePage {
			found = found[:hardwarePage]
			view.Next = v.URL("hardware", "find", view.Searched, "state", v.Query("state"), "after", found[hardwarePage-1].ID.String())
		}
		for _, piece := range found {
			view.Rows = append(view.Rows, pieceRowOf(v, piece, names))
		}
		racks, err := hardware.Racks(ctx, tx)
		for _, rack := range racks {
			view.Racks = append(view.Racks, rackRowOf(r, rack))
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.Show(status, hardwareList(view))
}

// fill reads what a form offers, and gives operators' names.
func (c *pieceChoices) fill(ctx context.Context, tx tenants.Tx, f form) (map[tenant.ID]string, error) {
	names := map[tenant.ID]string{}
	operators, err := tenants.FindOperators(ctx, tx, tenants.OperatorQuery{Limit: maxOperatorsOffered})
	if err != nil {
		return nil, err
	}
	racks, err := hardware.Racks(ctx, tx)
	if err != nil {
		return nil, err
	}
	c.Operators, c.Racks = []ui.Choice{{Label: "–"}}, []ui.Choice{{Label: "–"}}
	for _, o := range operators {
		names[o.ID] = o.DisplayName
		c.Operators = append(c.Operators, ui.Choice{Value: o.ID.String(), Label: o.DisplayName, Chosen: f.value("operator") == o.ID.String()})
	}
	for _, rack := range racks {
		c.Racks = append(c.Racks, ui.Choice{Value: rack.ID.String(), Label: rack.Name + ", " + rack.Site, Chosen: f.value("rack") == rack.ID.String()})
	}
	return names, nil
}

func pieceRowOf(v *web.StaffVisit, p hardware.Piece, names map[tenant.ID]string) pieceRow {
	r := v.Reader
	row := pieceRow{Href: v.URL("hardware/" + p.ID.String()), Serial: p.Serial, Model: p.Model, Where: p.Location, Warranty: r.Date(p.WarrantyUntil), Support: r.Date(p.SupportUntil)}
	if !p.Operator.IsZero() {
		row.Where = nameOf(names, p.Operator)
		if p.Location != "" {
			row.Where += ", " + p.Location
		}
	}
	row.State, row.Tone, row.Clock = pieceState(r, p, v.At())
	return row
}

func pieceState(r ui.Reader, p hardware.Piece, at time.Time) (state string, tone ui.Tone, clock string) {
	tones := map[hardware.State]ui.Tone{hardware.Spare: ui.Info, hardware.InUse: ui.OK, hardware.Failed: ui.Warn, hardware.Replaced: ui.Info, hardware.Retired: ui.Info}
	state, tone = r.T("hardware.state."+string(p.State)), tones[p.State]
	switch {
	case p.Overdue(at):
		return state, ui.Bad, r.T("hardware.clock.missed", "by", r.DateTime(*p.ReplaceBy))
	case p.State == hardware.Failed && p.ReplaceBy != nil:
		left := p.ReplaceBy.Sub(at)
		return state, tone, r.T("hardware.clock.left", "hours", whole(r, int64(left/time.Hour)), "minutes", whole(r, int64(left%time.Hour/time.Minute)), "by", r.DateTime(*p.ReplaceBy))
	case p.Missed():
		return state, tone, r.T("hardware.clock.late")
	case p.State == hardware.Replaced && p.ReplaceBy != nil:
		return state, tone, r.T("hardware.clock.kept")
	}
	return state, tone, ""
}

func rackRowOf(r ui.Reader, rack hardware.Rack) rackRow {
	row := rackRow{Name: rack.Name, Site: rack.Site, UnitShare: whole(r, int64(rack.UsedUnits*100/rack.Units)), PowerShare: whole(r, int64(rack.UsedW*100/rack.PowerW))}
	row.Units = r.T("hardware.rack.units", "used", whole(r, int64(rack.UsedUnits)), "of", whole(r, int64(rack.Units)))
	row.Power = r.T("hardware.rack.power", "used", whole(r, int64(rack.UsedW)), "of", whole(r, int64(rack.PowerW)))
	return row
}

func (p pages) putRack(v *web.StaffVisit) error {
	f := sent(v, "id", "name", "site", "units", "power_w")
	id, err := uuid.Parse(f.value("id"))
	if err != nil {
		return tenants.ErrNotFound
	}
	rack := hardware.Rack{ID: id, Name: f.value("name"), Site: f.value("site"), Units: f.number(v.Reader, "hardware", "units"), PowerW: f.number(v.Reader, "hardware", "power_w")}
	if !f.wrong() {
		err = p.write(v, func(ctx context.Context, tx tenants.Tx) error {
			_, err := hardware.PutRack(ctx, tx, v.Who, rack)
			return err
		})
		f.refusedHardware(v.Reader, err)
	}
	if f.wrong() {
		return p.showHardware(v, hardwareView{Rack: f}, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("hardware", "done", "rack"))
}

// refusedHardware tells beside its field what the register refused.
func (f *form) refusedHardware(r ui.Reader, err error) {
	for _, refused := range []struct {
		err   error
		field string
		words string
	}{
		{hardware.ErrSerialTaken, "serial", "hardware.taken.serial"}, {hardware.ErrNameTaken, "name", "hardware.taken.name"},
		{hardware.ErrUnitsTaken, "first_unit", "hardware.taken.units"}, {hardware.ErrPower, "power_w", "hardware.taken.power"},
		{hardware.ErrRackUsed, "units", "hardware.taken.rack"}, {hardware.ErrNoSpare, "spare", "hardware.want.spare"}, {hardware.ErrState, "state", "hardware.taken.state"},
	} {
		if errors.Is(err, refused.err) {
			f.fault(refused.field, r.T(refused.words))
			return
		}
	}
	f.refusedBy(r, "hardware", err)
}

// wanted reads the form of a piece.
func (f *form) wanted(r ui.Reader) hardware.Wanted {
	w := hardware.Wanted{Serial: f.value("serial"), Model: f.value("model"), Kind: hardware.Kind(f.value("kind")), State: hardware.State(f.value("state")),
		Location: f.value("location"), PowerW: f.number(r, "hardware", "power_w")}
	w.ID, _ = uuid.Parse(f.value("id"))
	w.Operator, _ = tenant.ParseID(f.value("operator"))
	w.Machine, _ = uuid.Parse(f.value("machine"))
	if rack, err := uuid.Parse(f.value("rack")); err == nil {
		w.Slot = &hardware.Slot{Rack: rack, First: f.number(r, "hardware", "first_unit"), Units: max(f.number(r, "hardware", "units"), 1)}
	}
	date := func(name string) calendar.Date {
		d, err := calendar.ParseDate(f.value(name))
		if err != nil {
			f.fault(name, r.T("hardware.want."+name))
		}
		return d
	}
	w.BoughtOn, w.WarrantyUntil = date("bought_on"), date("warranty_until")
	if f.value("support_until") != "" {
		until := date("support_until")
		w.SupportUntil = &until
	}
	return w
}

// pieceFields are the fields of a piece's form.
var pieceFields = []string{"id", "serial", "model", "kind", "state", "operator", "machine", "location", "rack", "first_unit", "units", "power_w", "bought_on", "warranty_until", "support_until"}

func (p pages) putHardware(v *web.StaffVisit) error {
	f := sent(v, pieceFields...)
	w := f.wanted(v.Reader)
	var err error
	if !f.wrong() {
		err = p.write(v, func(ctx context.Context, tx tenants.Tx) error {
			_, err := hardware.Put(ctx, tx, v.Who, w)
			return err
		})
		f.refusedHardware(v.Reader, err)
	}
	if f.wrong() {
		return p.showHardware(v, hardwareView{Add: f}, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("hardware/"+w.ID.String(), "done", "put"))
}

// choicesOf offers values in an area's words.
func choicesOf[T ~string](r ui.Reader, words, chosen string, values ...T) []ui.Choice {
	var list []ui.Choice
	for _, value := range values {
		list = append(list, ui.Choice{Value: string(value), Label: r.T(words + string(value)), Chosen: chosen == string(value)})
	}
	return list
}
