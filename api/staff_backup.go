package api

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/tenant"
	"tollhouse/provisioning/backup"
	"tollhouse/tenants"
)

func takeOutOf(t backup.TakenOut) oapi.TakeOut {
	return oapi.TakeOut{Id: t.ID, Operator: uuid.UUID(t.Operator), Final: t.Purpose == backup.Final, Secrets: t.Secrets, State: oapi.TakeOutState(t.State), Reason: t.Reason,
		Step: t.Step, SizeBytes: t.Size, Sha256: t.SHA256, Tables: t.Tables, Rows: t.Rows, AskedBy: t.AskedBy, AskedAt: t.AskedAt.UTC(), DoneAt: t.DoneAt}
}

// BeginTakeOut implements oapi.StrictServerInterface.
func (s *Server) BeginTakeOut(ctx context.Context, r oapi.BeginTakeOutRequestObject) (oapi.BeginTakeOutResponseObject, error) {
	return nil, staffCommand(ctx, s, oapi.BeginTakeOutResponseObject.VisitBeginTakeOutResponse, func(ctx context.Context, tx tenants.Tx) (oapi.BeginTakeOutResponseObject, error) {
		purpose := backup.Asked
		if value(r.Body.Final) {
			purpose = backup.Final
		}
		begun, err := s.control.TakeOuts.Begin(ctx, tx, callOf(ctx).staff, tenant.ID(r.Operator), purpose, value(r.Body.Secrets) || value(r.Body.Final))
		if err != nil {
			return nil, err
		}
		tx.AfterCommit(func() { s.control.TakeOuts.Go(begun.ID) })
		return oapi.BeginTakeOut202JSONResponse{Body: takeOutOf(begun)}, nil
	})
}

// ListTakeOuts implements oapi.StrictServerInterface.
func (s *Server) ListTakeOuts(ctx context.Context, r oapi.ListTakeOutsRequestObject) (oapi.ListTakeOutsResponseObject, error) {
	var found []backup.TakenOut
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		_, err := tenants.GetOperator(ctx, tx, tenant.ID(r.Operator))
		if err == nil {
			found, err = backup.ListTakeOuts(ctx, tx, tenant.ID(r.Operator), movesShown)
		}
		return err
	})
	return oapi.ListTakeOuts200JSONResponse{Items: mapped(found, takeOutOf)}, err
}

// GetTakeOut implements oapi.StrictServerInterface.
func (s *Server) GetTakeOut(ctx context.Context, r oapi.GetTakeOutRequestObject) (oapi.GetTakeOutResponseObject, error) {
	found, err := s.control.TakeOuts.Get(ctx, r.Takeout)
	return oapi.GetTakeOut200JSONResponse(takeOutOf(found)), err
}

// FetchTakeOut implements oapi.StrictServerInterface.
func (s *Server) FetchTakeOut(ctx context.Context, r oapi.FetchTakeOutRequestObject) (oapi.FetchTakeOutResponseObject, error) {
	found, file, err := s.control.TakeOuts.Fetch(ctx, callOf(ctx).staff, r.Takeout)
	return oapi.FetchTakeOut200ApplicationzipResponse{Body: file, ContentLength: found.Size}, err
}

func backupRunOf(r backup.Run) oapi.BackupRun {
	out := oapi.BackupRun{Id: r.ID, Server: r.Server, Kind: oapi.BackupRunKind(r.Kind), State: oapi.BackupRunState(r.State), Reason: r.Reason, At: r.At, Result: r.Result,
		AskedBy: r.AskedBy, AskedAt: r.AskedAt.UTC(), DoneAt: r.DoneAt, Steps: mapped(r.Steps, func(s backup.Step) oapi.MoveStep {
			return oapi.MoveStep{Name: s.Name, BeganAt: s.BeganAt, EndedAt: s.EndedAt}
		})}
	if r.Operator != nil {
		id := uuid.UUID(*r.Operator)
		out.Operator = &id
	}
	return out
}

// ListBackups implements oapi.StrictServerInterface.
func (s *Server) ListBackups(ctx context.Context, _ oapi.ListBackupsRequestObject) (oapi.ListBackupsResponseObject, error) {
	var found []backup.Status
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		found, err = backup.Statuses(ctx, tx)
		return err
	})
	return oapi.ListBackups200JSONResponse{Items: mapped(found, func(b backup.Status) oapi.BackupServer {
		out := oapi.BackupServer{Server: b.Server, LastBackup: b.LastBackup, LastFull: b.LastFull, LastArchived: b.LastArchived, Earliest: b.Earliest, ArchiveFault: b.ArchiveFault,
			SizeBytes: b.SizeBytes, Encrypted: b.Encrypted, ReportedAt: b.ReportedAt.UTC(), Faults: mapped(b.Faults, func(f backup.Fault) string { return f.Words() })}
		if b.Drill != nil {
			drill := backupRunOf(*b.Drill)
			out.LastDrill = &drill
		}
		return out
	})}, err
}

// AskBackupRun implements oapi.StrictServerInterface.
func (s *Server) AskBackupRun(ctx context.Context, r oapi.AskBackupRunRequestObject) (oapi.AskBackupRunResponseObject, error) {
	return nil, staffCommand(ctx, s, oapi.AskBackupRunResponseObject.VisitAskBackupRunResponse, func(ctx context.Context, tx tenants.Tx) (oapi.AskBackupRunResponseObject, error) {
		wanted := backup.Run{Server: r.Server, Kind: backup.Kind(r.Body.Kind), At: r.Body.At}
		if r.Body.Operator != nil {
			id := tenant.ID(*r.Body.Operator)
			wanted.Operator = &id
		}
		run, err := backup.Ask(ctx, tx, callOf(ctx).staff, wanted)
		return oapi.AskBackupRun202JSONResponse{Body: backupRunOf(run)}, err
	})
}

// ListBackupRuns implements oapi.StrictServerInterface.
func (s *Server) ListBackupRuns(ctx context.Context, r oapi.ListBackupRunsRequestObject) (oapi.ListBackupRunsResponseObject, error) {
	var found []backup.Run
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		found, err = backup.Runs(ctx, tx, r.Server, movesShown)
		return err
	})
	return oapi.ListBackupRuns200JSONResponse{Items: mapped(found, backupRunOf)}, err
}
