package api

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
	"tollhouse/provisioning/guarantee"
	"tollhouse/provisioning/move"
	"tollhouse/tenants"
)

// movesShown bounds lists of moves, take-outs and runs.
const movesShown = 100

func stackMoveOf(m move.Move) oapi.Move {
	out := oapi.Move{Id: m.ID, Operator: uuid.UUID(m.Operator), Name: m.Name, From: m.From, To: m.To, State: oapi.MoveState(m.State), Wish: optionalText(string(m.Wish)),
		Reason: m.Reason, Table: optionalText(m.Detail.Table), TablesDone: unless(0, m.Detail.Done), LagBytes: m.Detail.LagBytes,
		Rows: unless(0, m.Detail.Rows), Sums: unless(0, m.Detail.Sums), PauseLimitSeconds: int(m.PauseLimit.Seconds()), PauseMs: millis(m.Pause), BackPauseMs: millis(m.BackPause),
		AskedBy: m.AskedBy, AskedAt: m.AskedAt.UTC(), SwitchedAt: m.SwitchedAt, DoneAt: m.DoneAt,
		Tables: unless(0, max(m.Detail.Tables, m.Detail.Total)),
		Steps: mapped(m.Steps, func(s move.Step) oapi.MoveStep {
			return oapi.MoveStep{Name: s.Name, BeganAt: s.BeganAt, EndedAt: s.EndedAt, Detail: optionalText(s.Detail)}
		})}
	return out
}

func millis(d *time.Duration) *int64 {
	if d == nil {
		return nil
	}
	ms := d.Milliseconds()
	return &ms
}

// StartMove implements oapi.StrictServerInterface. What a move would be is no
// command: nothing is stored under its key.
func (s *Server) StartMove(ctx context.Context, r oapi.StartMoveRequestObject) (oapi.StartMoveResponseObject, error) {
	order := move.Order{Operator: tenant.ID(r.Operator), To: r.Body.To, Pause: time.Duration(value(r.Body.PauseLimitSeconds)) * time.Second}
	if value(r.Params.DryRun) {
		preview, err := s.previewMove(ctx, order)
		return oapi.StartMove202JSONResponse{Body: oapi.MoveAnswer{Preview: &preview}}, err
	}
	return nil, staffCommand(ctx, s, oapi.StartMoveResponseObject.VisitStartMoveResponse, func(ctx context.Context, tx tenants.Tx) (oapi.StartMoveResponseObject, error) {
		m, err := move.Start(ctx, tx, callOf(ctx).staff, order)
		if err != nil {
			return nil, err
		}
		tx.AfterCommit(s.control.Mover.Wake)
		shown := stackMoveOf(m)
		return oapi.StartMove202JSONResponse{Body: oapi.MoveAnswer{Move: &shown}}, nil
	})
}

func (s *Server) previewMove(ctx context.Context, order move.Order) (oapi.MovePreview, error) {
	var route move.Route
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		route, err = move.RouteOf(ctx, tx, order)
		return err
	})
	if err != nil {
		return oapi.MovePreview{}, err
	}
	p, err := s.control.Ends.Preview(ctx, route)
	obstacles := p.Obstacles
	if obstacles == nil {
		obstacles = []string{}
	}
	return oapi.MovePreview{From: p.From, To: p.To, SizeBytes: p.SizeBytes, Tables: p.Tables, CopySeconds: int(p.Copy.Seconds()), CompareMs: p.Compare.Milliseconds(), Obstacles: obstacles}, err
}

// ListMovesOf implements oapi.StrictServerInterface.
func (s *Server) ListMovesOf(ctx context.Context, r oapi.ListMovesOfRequestObject) (oapi.ListMovesOfResponseObject, error) {
	var found []move.Move
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		_, err := tenants.GetOperator(ctx, tx, tenant.ID(r.Operator))
		if err == nil {
			found, err = move.Of(ctx, tx, tenant.ID(r.Operator), movesShown)
		}
		return err
	})
	return oapi.ListMovesOf200JSONResponse{Items: mapped(found, stackMoveOf)}, err
}

// ListMoves implements oapi.StrictServerInterface.
func (s *Server) ListMoves(ctx context.Context, _ oapi.ListMovesRequestObject) (oapi.ListMovesResponseObject, error) {
	var found []move.Move
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		found, err = move.List(ctx, tx, movesShown)
		return err
	})
	return oapi.ListMoves200JSONResponse{Items: mapped(found, stackMoveOf)}, err
}

// GetMove implements oapi.StrictServerInterface.
func (s *Server) GetMove(ctx context.Context, r oapi.GetMoveRequestObject) (oapi.GetMoveResponseObject, error) {
	var found move.Move
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		found, err = move.Get(ctx, tx, r.Move)
		return err
	})
	return oapi.GetMove200JSONResponse(stackMoveOf(found)), err
}

func (s *Server) decideMove(ctx context.Context, tx tenants.Tx, id uuid.UUID, wish move.Wish) (oapi.Move, error) {
	m, err := move.Decide(ctx, tx, callOf(ctx).staff, id, wish)
	if err != nil {
		return oapi.Move{}, err
	}
	tx.AfterCommit(s.control.Mover.Wake)
	return stackMoveOf(m), nil
}

// ConfirmMove implements oapi.StrictServerInterface.
func (s *Server) ConfirmMove(ctx context.Context, r oapi.ConfirmMoveRequestObject) (oapi.ConfirmMoveResponseObject, error) {
	return nil, staffCommand(ctx, s, oapi.ConfirmMoveResponseObject.VisitConfirmMoveResponse, func(ctx context.Context, tx tenants.Tx) (oapi.ConfirmMoveResponseObject, error) {
		m, err := s.decideMove(ctx, tx, r.Move, move.Confirm)
		return oapi.ConfirmMove200JSONResponse{Body: m}, err
	})
}

// GoBack implements oapi.StrictServerInterface.
func (s *Server) GoBack(ctx context.Context, r oapi.GoBackRequestObject) (oapi.GoBackResponseObject, error) {
	return nil, staffCommand(ctx, s, oapi.GoBackResponseObject.VisitGoBackResponse, func(ctx context.Context, tx tenants.Tx) (oapi.GoBackResponseObject, error) {
		m, err := s.decideMove(ctx, tx, r.Move, move.Back)
		return oapi.GoBack200JSONResponse{Body: m}, err
	})
}

// CancelMove implements oapi.StrictServerInterface.
func (s *Server) CancelMove(ctx context.Context, r oapi.CancelMoveRequestObject) (oapi.CancelMoveResponseObject, error) {
	return nil, staffCommand(ctx, s, oapi.CancelMoveResponseObject.VisitCancelMoveResponse, func(ctx context.Context, tx tenants.Tx) (oapi.CancelMoveResponseObject, error) {
		m, err := s.decideMove(ctx, tx, r.Move, move.Cancel)
		return oapi.CancelMove200JSONResponse{Body: m}, err
	})
}

func hostDatabaseOf(h provisioning.HostDatabase) oapi.HostDatabase {
	return oapi.HostDatabase{Name: h.Name, Kind: string(h.Kind), Database: h.Database, ServesAt: h.ServesAt, Capacity: h.Capacity, Open: h.Open, Stacks: h.Stacks, AddedAt: h.AddedAt.UTC(),
		ChargesPerSecond: h.ChargesPerSecond}
}

// measured adds what of a host database is guaranteed, and what it was seen to
// charge.
func measured(out oapi.HostDatabase, rooms []guarantee.Room) oapi.HostDatabase {
	for _, r := range rooms {
		if r.Host == out.Name {
			out.Guaranteed, out.Guaranteeable, out.ChargesNow, out.ChargesMost, out.MeasuredAt = r.Guaranteed, r.Free(), r.Now, r.Most, r.MeasuredAt
		}
	}
	return out
}

// ListHostDatabases implements oapi.StrictServerInterface.
func (s *Server) ListHostDatabases(ctx context.Context, _ oapi.ListHostDatabasesRequestObject) (oapi.ListHostDatabasesResponseObject, error) {
	var found []provisioning.HostDatabase
	var rooms []guarantee.Room
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		if found, err = provisioning.HostDatabases(ctx, tx); err == nil {
			rooms, err = guarantee.Rooms(ctx, tx)
		}
		return err
	})
	return oapi.ListHostDatabases200JSONResponse{Items: mapped(found, func(h provisioning.HostDatabase) oapi.HostDatabase { return measured(hostDatabaseOf(h), rooms) })}, err
}

// PutHostDatabase implements oapi.StrictServerInterface.
func (s *Server) PutHostDatabase(ctx context.Context, r oapi.PutHostDatabaseRequestObject) (oapi.PutHostDatabaseResponseObject, error) {
	open := r.Body.Open == nil || *r.Body.Open
	n := provisioning.NewHostDatabase{Name: r.Host, Kind: provisioning.HostKind(r.Body.Kind), Database: value(r.Body.Database), URL: r.Body.Url,
		ServesAt: value(r.Body.ServesAt), Capacity: r.Body.Capacity, Open: open, ChargesPerSecond: r.Body.ChargesPerSecond}
	var found provisioning.HostDatabase
	var rooms []guarantee.Room
	err := s.control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		if found, err = provisioning.PutHostDatabase(ctx, tx, callOf(ctx).staff, s.control.Seal, n); err == nil {
			rooms, err = guarantee.Rooms(ctx, tx)
		}
		return err
	})
	return oapi.PutHostDatabase200JSONResponse(measured(hostDatabaseOf(found), rooms)), err
}
