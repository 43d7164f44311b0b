package staff

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/provisioning"
	"tollhouse/provisioning/backup"
	"tollhouse/provisioning/guarantee"
	"tollhouse/provisioning/move"
	"tollhouse/tenants"
)

// movePage is one operator's place: where its stack stands, where it could go,
// and how a move gets on; beside it what it takes along.
type movePage struct {
	ui.ConsolePage
	Path       string // of this page
	Operator   tenants.Operator
	Stack      provisioning.Stack
	Hosts      []ui.Choice
	MayMove    bool
	MayTakeOut bool
	Current    *moveView
	Earlier    []moveView
	Forms      moveForms
	Preview    *previewView
	TakeOuts   []takeOutView
	Refused    string // why the last command was not taken, as a text's key
	MovingOut  bool   // a take-out is being written
}

type moveForms struct{ To, Pause, ToError, PauseError string }

// moveView is a move as staff see it.
type moveView struct {
	move.Move
	Tone                    ui.Tone
	Words, Next             string // state; what to do next
	Pause, Back             string
	Steps                   []stepView
	MayConfirm, MayCancel   bool
	Lag, Rows, Began, Ended string
	Done, Total             int
}

type stepView struct{ Name, At, Took, Detail string }

type previewView struct {
	To, Size, Copy, Compare string
	Pause                   string
	Obstacles               []string
}

type takeOutView struct {
	backup.TakenOut
	Tone                    ui.Tone
	Words, Size, When, Href string
}

// earlierMoves bounds what a page tells of former moves.
const earlierMoves = 20

func (p pages) movePage(v *web.StaffVisit) error {
	return p.showMove(v, moveForms{Pause: "10"}, nil, "", http.StatusOK)
}

func (p pages) showMove(v *web.StaffVisit, forms moveForms, preview *previewView, refused string, status int) error {
	id, err := operatorID(v)
	if err != nil {
		return err
	}
	view := movePage{Path: v.URL("operators/" + id.String() + "/place"), Forms: forms, Preview: preview, Refused: refused,
		MayMove: v.May(tenants.StackMove), MayTakeOut: v.May(tenants.TakeOutWrite)}
	err = p.read(v, func(ctx context.Context, tx tenants.Tx) (err error) {
		if view.Operator, err = tenants.GetOperator(ctx, tx, id); err != nil {
			return err
		}
		if view.Stack, err = provisioning.Get(ctx, tx, id); err != nil {
			return err
		}
		hosts, err := provisioning.HostDatabases(ctx, tx)
		if err != nil {
			return err
		}
		for _, h := range hosts {
			if h.Name != view.Stack.Place.Host {
				view.Hosts = append(view.Hosts, ui.Choice{Value: h.Name, Label: v.Reader.T("staff.move.host", "name", h.Name, "stacks", strconv.Itoa(h.Stacks), "capacity", strconv.Itoa(h.Capacity)), Chosen: h.Name == forms.To})
			}
		}
		all, err := move.Of(ctx, tx, id, earlierMoves)
		if err != nil {
			return err
		}
		for _, m := range all {
			shown := describeMove(v, m)
			if m.State.Over() {
				view.Earlier = append(view.Earlier, shown)
			} else {
				view.Current = &shown
			}
		}
		outs, err := backup.ListTakeOuts(ctx, tx, id, earlierMoves)
		for _, o := range outs {
			view.MovingOut = view.MovingOut || o.State == backup.Working
			view.TakeOuts = append(view.TakeOuts, describeTakeOut(v, o))
		}
		return err
	})
	if err != nil {
		return err
	}
	if view.ConsolePage, err = p.frame(v, operatorsSection, v.Reader.T("staff.move.title", "name", view.Operator.DisplayName)); err != nil {
		return err
	}
	if v.Part("place") {
		return v.Show(http.StatusOK, placePart(view))
	}
	return v.Show(status, moveScreen(view))
}

func describeMove(v *web.StaffVisit, m move.Move) moveView {
	r := v.Reader
	shown := moveView{Move: m, Words: r.T("staff.move.state." + string(m.State)), Next: r.T("staff.move.next." + string(m.State)), Tone: ui.Info,
		Began: r.DateTime(m.AskedAt), Ended: when(r, m.DoneAt), Lag: bytes(r, m.Detail.LagBytes), Rows: whole(r, m.Detail.Rows),
		Done: m.Detail.Done, Total: m.Detail.Total, MayConfirm: v.May(tenants.StackMove) && m.State == move.Moved && m.Wish == move.None,
		MayCancel: v.May(tenants.StackMove) && m.State.May(move.Cancelling) && m.Wish == move.None}
	switch {
	case m.Failures > 0:
		shown.Tone = ui.Warn
	case m.State == move.Done || m.State == move.Returned || m.State == move.Moved:
		shown.Tone = ui.OK
	}
	if m.Pause != nil {
		shown.Pause = r.T("staff.move.seconds", "n", seconds(*m.Pause))
	}
	if m.BackPause != nil {
		shown.Back = r.T("staff.move.seconds", "n", seconds(*m.BackPause))
	}
	for _, s := range m.Steps {
		step := stepView{Name: r.T("staff.move.state." + s.Name), At: r.DateTime(s.BeganAt), Detail: s.Detail}
		if s.EndedAt != nil {
			step.Took = r.T("staff.move.seconds", "n", seconds(s.EndedAt.Sub(s.BeganAt)))
		}
		shown.Steps = append(shown.Steps, step)
	}
	return shown
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) }

func describeTakeOut(v *web.StaffVisit, o backup.TakenOut) takeOutView {
	shown := takeOutView{TakenOut: o, Tone: ui.Info, Words: v.Reader.T("staff.takeout.state." + string(o.State)), Size: bytes(v.Reader, o.Size), When: v.Reader.DateTime(o.AskedAt)}
	switch o.State {
	case backup.Done:
		shown.Tone, shown.Href = ui.OK, v.URL("take-outs/"+o.ID.String())
	case backup.Failed:
		shown.Tone = ui.Bad
	}
	return shown
}

// moveOrder reads the form.
func (p pages) moveOrder(v *web.StaffVisit) (move.Order, moveForms, error) {
	forms := moveForms{To: v.Form("to"), Pause: v.Form("pause")}
	id, err := operatorID(v)
	if err != nil {
		return move.Order{}, forms, err
	}
	n, err := strconv.Atoi(forms.Pause)
	if err != nil || n < 1 || n > 60 {
		forms.PauseError = v.Reader.T("staff.move.pause.wrong")
	}
	if forms.To == "" {
		forms.ToError = v.Reader.T("staff.move.to.wrong")
	}
	return move.Order{Operator: id, To: forms.To, Pause: time.Duration(n) * time.Second}, forms, nil
}

func (p pages) startMove(v *web.StaffVisit) error {
	order, forms, err := p.moveOrder(v)
	if err != nil {
		return err
	}
	if forms.PauseError != "" || forms.ToError != "" {
		return p.showMove(v, forms, nil, "", http.StatusUnprocessableEntity)
	}
	if v.Form("do") != "move" {
		return p.previewMove(v, order, forms)
	}
	err = p.write(v, func(ctx context.Context, tx tenants.Tx) error {
		_, err := move.Start(ctx, tx, v.Who, order)
		return err
	})
	if key := moveRefusal(err); key != "" {
		return p.showMove(v, forms, nil, key, http.StatusConflict)
	}
	if err != nil {
		return err
	}
	p.Mover.Wake()
	return v.Redirect(v.URL("operators/" + order.Operator.String() + "/place"))
}

// moveRefusal is the text's key of a refusal that staff can do something about.
func moveRefusal(err error) string {
	switch {
	case errors.Is(err, move.ErrOpen):
		return "staff.move.refused.open"
	case errors.Is(err, move.ErrSameHost):
		return "staff.move.refused.same"
	case errors.Is(err, move.ErrState):
		return "staff.move.refused.state"
	case errors.Is(err, guarantee.ErrRoom):
		return "staff.move.refused.guarantee"
	case errors.Is(err, provisioning.ErrHostFull):
		return "staff.move.refused.full"
	case errors.Is(err, provisioning.ErrNoHost):
		return "staff.move.refused.host"
	case errors.Is(err, provisioning.ErrOwnMachines):
		return "staff.move.refused.own"
	case errors.Is(err, provisioning.ErrNotReady):
		return "staff.move.refused.ready"
	case errors.Is(err, backup.ErrUnderWay):
		return "staff.takeout.refused.runs"
	}
	return ""
}

func (p pages) previewMove(v *web.StaffVisit, order move.Order, forms moveForms) error {
	var route move.Route
	err := p.read(v, func(ctx context.Context, tx tenants.Tx) (err error) {
		route, err = move.RouteOf(ctx, tx, order)
		return err
	})
	if key := moveRefusal(err); key != "" {
		return p.showMove(v, forms, nil, key, http.StatusConflict)
	}
	if err != nil {
		return err
	}
	looked, err := p.Ends.Preview(v.Context(), route)
	if err != nil {
		return p.showMove(v, forms, nil, "staff.move.refused.unreachable", http.StatusServiceUnavailable)
	}
	r := v.Reader
	return p.showMove(v, forms, &previewView{To: order.To, Size: bytes(r, looked.SizeBytes), Copy: r.T("staff.move.seconds", "n", seconds(looked.Copy)),
		Compare: r.T("staff.move.seconds", "n", seconds(looked.Compare)), Pause: forms.Pause, Obstacles: looked.Obstacles}, "", http.StatusOK)
}

// decideMove takes what staff want of the move that is under way.
func (p pages) decideMove(v *web.StaffVisit) error {
	operator, err := operatorID(v)
	if err != nil {
		return err
	}
	id, err := uuid.Parse(v.Param("move"))
	if err != nil {
		return tenants.ErrNotFound
	}
	wish := move.Wish(v.Form("wish"))
	if wish != move.Confirm && wish != move.Back && wish != move.Cancel {
		return tenants.ErrNotFound
	}
	err = p.write(v, func(ctx context.Context, tx tenants.Tx) error {
		_, err := move.Decide(ctx, tx, v.Who, id, wish)
		return err
	})
	if key := moveRefusal(err); key != "" {
		return p.showMove(v, moveForms{Pause: "10"}, nil, key, http.StatusConflict)
	}
	if err != nil {
		return err
	}
	p.Mover.Wake()
	return v.Redirect(v.URL("operators/" + operator.String() + "/place"))
}

func (p pages) beginTakeOut(v *web.StaffVisit) error {
	operator, err := operatorID(v)
	if err != nil {
		return err
	}
	var begun backup.TakenOut
	err = p.write(v, func(ctx context.Context, tx tenants.Tx) (err error) {
		begun, err = p.TakeOuts.Begin(ctx, tx, v.Who, operator, backup.Asked, v.Form("secrets") != "")
		return err
	})
	if key := moveRefusal(err); key != "" {
		return p.showMove(v, moveForms{Pause: "10"}, nil, key, http.StatusConflict)
	}
	if err != nil {
		return err
	}
	p.TakeOuts.Go(begun.ID)
	return v.Redirect(v.URL("operators/" + operator.String() + "/place"))
}
