package api

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/tenant"
	"tollhouse/provisioning/hardware"
	"tollhouse/tenants"
)

func hardwareOf(p hardware.Piece) oapi.Hardware {
	out := oapi.Hardware{Id: p.ID, Serial: p.Serial, Model: p.Model, Kind: oapi.HardwareKind(p.Kind), State: oapi.HardwareState(p.State),
		Operator: optionalID(uuid.UUID(p.Operator)), Machine: optionalID(p.Machine), Location: p.Location, PowerW: p.PowerW, BoughtOn: p.BoughtOn,
		WarrantyUntil: p.WarrantyUntil, SupportUntil: p.SupportUntil, FailedAt: p.FailedAt, Fault: optionalText(p.Fault), ReplaceBy: p.ReplaceBy,
		ReplacedAt: p.ReplacedAt, ReplacedBy: optionalID(p.ReplacedBy), ChangedAt: p.ChangedAt,
		Owner: optionalID(uuid.UUID(p.Owner)), OwnerSince: optionalDate(p.OwnerSince)}
	if p.Slot != nil {
		out.Slot = &oapi.RackSlot{Rack: p.Slot.Rack, FirstUnit: p.Slot.First, Units: p.Slot.Units}
	}
	return out
}

// ListHardware implements oapi.StrictServerInterface.
func (s *Server) ListHardware(ctx context.Context, r oapi.ListHardwareRequestObject) (oapi.ListHardwareResponseObject, error) {
	after, err := afterID(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var out oapi.ListHardware200JSONResponse
	err = s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		found, err := hardware.List(ctx, tx, hardware.Query{Text: value(r.Params.Q), State: hardware.State(value(r.Params.State)),
			Operator: tenant.ID(value(r.Params.Operator)), After: after, Limit: pageLimit(r.Params.Limit) + 1})
		page, next := cut(found, r.Params.Limit, func(p hardware.Piece) []string { return []string{p.ID.String()} })
		out.Items, out.Next = mapped(page, hardwareOf), next
		return err
	})
	return out, err
}

// GetHardware implements oapi.StrictServerInterface.
func (s *Server) GetHardware(ctx context.Context, r oapi.GetHardwareRequestObject) (oapi.GetHardwareResponseObject, error) {
	var p hardware.Piece
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		p, err = hardware.Get(ctx, tx, r.Hardware)
		return err
	})
	return oapi.GetHardware200JSONResponse(hardwareOf(p)), err
}

// actOnHardware carries out a command that a repeat of changes nothing.
func (s *Server) actOnHardware(ctx context.Context, act func(ctx context.Context, tx tenants.Tx, by tenants.Actor) (hardware.Piece, error)) (oapi.Hardware, error) {
	var p hardware.Piece
	err := s.control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		p, err = act(ctx, tx, callOf(ctx).staff)
		return err
	})
	return hardwareOf(p), err
}

// PutHardware implements oapi.StrictServerInterface.
func (s *Server) PutHardware(ctx context.Context, r oapi.PutHardwareRequestObject) (oapi.PutHardwareResponseObject, error) {
	b := r.Body
	want := hardware.Wanted{ID: r.Hardware, Serial: b.Serial, Model: b.Model, Kind: hardware.Kind(b.Kind), State: hardware.State(b.State),
		Operator: tenant.ID(value(b.Operator)), Machine: value(b.Machine), Location: value(b.Location), PowerW: value(b.PowerW),
		BoughtOn: b.BoughtOn, WarrantyUntil: b.WarrantyUntil, SupportUntil: b.SupportUntil}
	if b.Slot != nil {
		want.Slot = &hardware.Slot{Rack: b.Slot.Rack, First: b.Slot.FirstUnit, Units: b.Slot.Units}
	}
	out, err := s.actOnHardware(ctx, func(ctx context.Context, tx tenants.Tx, by tenants.Actor) (hardware.Piece, error) {
		return hardware.Put(ctx, tx, by, want)
	})
	return oapi.PutHardware200JSONResponse(out), err
}

// FailHardware implements oapi.StrictServerInterface.
func (s *Server) FailHardware(ctx context.Context, r oapi.FailHardwareRequestObject) (oapi.FailHardwareResponseObject, error) {
	out, err := s.actOnHardware(ctx, func(ctx context.Context, tx tenants.Tx, by tenants.Actor) (hardware.Piece, error) {
		since := tx.At
		if r.Body.Since != nil {
			since = r.Body.Since.UTC()
		}
		return hardware.Fail(ctx, tx, by, r.Hardware, since, r.Body.Fault)
	})
	return oapi.FailHardware200JSONResponse(out), err
}

// RepairHardware implements oapi.StrictServerInterface.
func (s *Server) RepairHardware(ctx context.Context, r oapi.RepairHardwareRequestObject) (oapi.RepairHardwareResponseObject, error) {
	out, err := s.actOnHardware(ctx, func(ctx context.Context, tx tenants.Tx, by tenants.Actor) (hardware.Piece, error) {
		return hardware.Repair(ctx, tx, by, r.Hardware)
	})
	return oapi.RepairHardware200JSONResponse(out), err
}

// ReplaceHardware implements oapi.StrictServerInterface.
func (s *Server) ReplaceHardware(ctx context.Context, r oapi.ReplaceHardwareRequestObject) (oapi.ReplaceHardwareResponseObject, error) {
	out, err := s.actOnHardware(ctx, func(ctx context.Context, tx tenants.Tx, by tenants.Actor) (hardware.Piece, error) {
		return hardware.Replace(ctx, tx, by, r.Hardware, r.Body.Spare)
	})
	return oapi.ReplaceHardware200JSONResponse(out), err
}

func rackOf(r hardware.Rack) oapi.Rack {
	return oapi.Rack{Id: r.ID, Name: r.Name, Site: r.Site, Units: r.Units, PowerW: r.PowerW, UsedUnits: r.UsedUnits, UsedW: r.UsedW}
}

// ListRacks implements oapi.StrictServerInterface.
func (s *Server) ListRacks(ctx context.Context, _ oapi.ListRacksRequestObject) (oapi.ListRacksResponseObject, error) {
	var racks []hardware.Rack
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		racks, err = hardware.Racks(ctx, tx)
		return err
	})
	return oapi.ListRacks200JSONResponse{Items: mapped(racks, rackOf)}, err
}

// PutRack implements oapi.StrictServerInterface.
func (s *Server) PutRack(ctx context.Context, r oapi.PutRackRequestObject) (oapi.PutRackResponseObject, error) {
	var rack hardware.Rack
	err := s.control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		rack, err = hardware.PutRack(ctx, tx, callOf(ctx).staff, hardware.Rack{ID: r.Rack, Name: r.Body.Name, Site: r.Body.Site, Units: r.Body.Units, PowerW: r.Body.PowerW})
		return err
	})
	return oapi.PutRack200JSONResponse(rackOf(rack)), err
}
