package staff

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/provisioning/hardware"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

// pieceView is one piece of hardware.
type pieceView struct {
	ui.ConsolePage
	Path, Serial, Model string
	State, Clock, Next  string
	Tone                ui.Tone
	Facts               []fact
	Form                form
	Act                 form // of what is done about a failure
	Choices             pieceChoices
	Spares              []ui.Choice
	MayWrite            bool
	Standing            hardware.State
	Done                string
}

func pieceID(v *web.StaffVisit) (uuid.UUID, error) {
	id, err := uuid.Parse(v.Param("hardware"))
	if err != nil {
		return uuid.Nil, tenants.ErrNotFound
	}
	return id, nil
}

func (p pages) piece(v *web.StaffVisit) error {
	return p.showPiece(v, pieceView{Done: v.Query("done")}, http.StatusOK)
}

func (p pages) showPiece(v *web.StaffVisit, view pieceView, status int) error {
	id, err := pieceID(v)
	if err != nil {
		return err
	}
	var piece hardware.Piece
	err = p.read(v, func(ctx context.Context, tx tenants.Tx) (err error) {
		if piece, err = hardware.Get(ctx, tx, id); err != nil {
			return err
		}
		if view.Form.values == nil {
			view.Form = pieceForm(piece)
		}
		names, err := view.Choices.fill(ctx, tx, view.Form)
		if err != nil {
			return err
		}
		if !piece.Operator.IsZero() {
			view.Facts = append(view.Facts, fact{Name: v.Reader.T("hardware.field.operator"), Text: nameOf(names, piece.Operator)})
		}
		if piece.State != hardware.Failed {
			return nil
		}
		spares, err := hardware.List(ctx, tx, hardware.Query{State: hardware.Spare, Limit: maxSparesOffered})
		for _, s := range spares {
			if s.Model == piece.Model && s.Kind == piece.Kind {
				view.Spares = append(view.Spares, ui.Choice{Value: s.ID.String(), Label: strings.Join(some(s.Serial, s.Location), ", ")})
			}
		}
		return err
	})
	if errors.Is(err, hardware.ErrNotFound) {
		return tenants.ErrNotFound
	}
	if err != nil {
		return err
	}
	r := v.Reader
	if view.ConsolePage, err = p.frame(v, hardwareSection, piece.Model+" "+piece.Serial); err != nil {
		return err
	}
	view.Path, view.Serial, view.Model, view.Standing, view.MayWrite = v.URL("hardware/"+id.String()), piece.Serial, piece.Model, piece.State, v.May(tenants.HardwareWrite)
	view.State, view.Tone, view.Clock = pieceState(r, piece, v.At())
	view.Next = r.T("hardware.next." + string(piece.State))
	if piece.State == hardware.Failed && len(view.Spares) == 0 {
		view.Next = r.T("hardware.next.nospare")
	}
	view.Facts = append(view.Facts, factsOfPiece(r, piece)...)
	return v.Show(status, piecePage(view))
}

// maxSparesOffered bounds the spares that are looked through.
const maxSparesOffered = 500

func factsOfPiece(r ui.Reader, p hardware.Piece) []fact {
	facts := []fact{{Name: r.T("hardware.field.kind"), Text: r.T("hardware.kind." + string(p.Kind))}}
	add := func(key, value string) {
		if value != "" {
			facts = append(facts, fact{Name: r.T("hardware.field." + key), Text: value})
		}
	}
	add("location", p.Location)
	if p.Slot != nil {
		add("first_unit", whole(r, int64(p.Slot.First))+"–"+whole(r, int64(p.Slot.First+p.Slot.Units-1)))
	}
	if p.PowerW > 0 {
		add("power_w", whole(r, int64(p.PowerW)))
	}
	add("bought_on", r.Date(p.BoughtOn))
	add("warranty_until", r.Date(p.WarrantyUntil))
	add("support_until", r.Date(p.SupportUntil))
	add("fault", p.Fault)
	if p.FailedAt != nil {
		add("failed", r.DateTime(*p.FailedAt))
	}
	if p.ReplacedAt != nil {
		add("replaced", r.DateTime(*p.ReplacedAt))
	}
	return facts
}

func pieceForm(p hardware.Piece) form {
	values := map[string]string{"id": p.ID.String(), "serial": p.Serial, "model": p.Model, "kind": string(p.Kind), "state": string(p.State), "location": p.Location,
		"power_w": strconv.Itoa(p.PowerW), "bought_on": p.BoughtOn.String(), "warranty_until": p.WarrantyUntil.String(), "support_until": p.SupportUntil.String()}
	if !p.Operator.IsZero() {
		values["operator"] = p.Operator.String()
	}
	if p.Machine != uuid.Nil {
		values["machine"] = p.Machine.String()
	}
	if p.State == hardware.Failed {
		values["state"] = string(hardware.InUse)
	}
	if p.Slot != nil {
		values["rack"], values["first_unit"], values["units"] = p.Slot.Rack.String(), strconv.Itoa(p.Slot.First), strconv.Itoa(p.Slot.Units)
	}
	return newForm(values)
}

func (p pages) changePiece(v *web.StaffVisit) error {
	id, err := pieceID(v)
	if err != nil {
		return err
	}
	f := sent(v, pieceFields...)
	w := f.wanted(v.Reader)
	w.ID = id
	if !f.wrong() {
		err = p.write(v, func(ctx context.Context, tx tenants.Tx) error {
			_, err := hardware.Put(ctx, tx, v.Who, w)
			return err
		})
		f.refusedHardware(v.Reader, err)
	}
	if f.wrong() {
		return p.showPiece(v, pieceView{Form: f}, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("hardware/"+id.String(), "done", "put"))
}

// actOnPiece does something about a piece's failure.
func (p pages) actOnPiece(done string, act func(ctx context.Context, tx tenants.Tx, v *web.StaffVisit, id uuid.UUID, f form) error) func(*web.StaffVisit) error {
	return func(v *web.StaffVisit) error {
		id, err := pieceID(v)
		if err != nil {
			return err
		}
		f := sent(v, "fault", "spare")
		err = p.write(v, func(ctx context.Context, tx tenants.Tx) error { return act(ctx, tx, v, id, f) })
		f.refusedHardware(v.Reader, err)
		if f.wrong() {
			return p.showPiece(v, pieceView{Act: f}, http.StatusUnprocessableEntity)
		}
		if errors.Is(err, hardware.ErrNotFound) {
			return tenants.ErrNotFound
		}
		if err != nil {
			return err
		}
		return v.Redirect(v.URL("hardware/"+id.String(), "done", done))
	}
}

func failPiece(ctx context.Context, tx tenants.Tx, v *web.StaffVisit, id uuid.UUID, f form) error {
	_, err := hardware.Fail(ctx, tx, v.Who, id, tx.At, f.value("fault"))
	return err
}

func repairPiece(ctx context.Context, tx tenants.Tx, v *web.StaffVisit, id uuid.UUID, _ form) error {
	_, err := hardware.Repair(ctx, tx, v.Who, id)
	return err
}

func replacePiece(ctx context.Context, tx tenants.Tx, v *web.StaffVisit, id uuid.UUID, f form) error {
	spare, err := uuid.Parse(f.value("spare"))
	if err != nil {
		return hardware.ErrNoSpare
	}
	_, err = hardware.Replace(ctx, tx, v.Who, id, spare)
	return err
}

func machineRoles(r ui.Reader, chosen string) []ui.Choice {
	return choicesOf(r, "machine.role.", chosen, machine.Host, machine.Agent, machine.Worker, machine.Standby)
}

func machinePlaces(r ui.Reader, chosen string) []ui.Choice {
	return choicesOf(r, "machine.place.", chosen, machine.Customer, machine.Appliance, machine.Colocation, machine.Dedicated)
}

func pieceKinds(r ui.Reader, chosen string) []ui.Choice {
	return choicesOf(r, "hardware.kind.", chosen, hardware.Appliance, hardware.Server, hardware.Part)
}

func pieceStates(r ui.Reader, chosen string) []ui.Choice {
	return choicesOf(r, "hardware.state.", chosen, hardware.Spare, hardware.InUse, hardware.Retired)
}
