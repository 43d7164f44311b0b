package api

import (
	"context"
	"io"
	"strconv"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/intake"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// ListImportColumns implements oapi.StrictServerInterface.
func (s *Server) ListImportColumns(context.Context, oapi.ListImportColumnsRequestObject) (oapi.ListImportColumnsResponseObject, error) {
	return oapi.ListImportColumns200JSONResponse{Items: mapped(intake.Kinds, func(k intake.Kind) oapi.ImportKind {
		return oapi.ImportKind{Kind: string(k), Columns: mapped(intake.Columns(k), func(c intake.Column) oapi.ImportColumn {
			return oapi.ImportColumn{Name: c.Name, Required: c.Required, Want: c.Want}
		})}
	})}, nil
}

// CreateImport implements oapi.StrictServerInterface.
func (s *Server) CreateImport(ctx context.Context, r oapi.CreateImportRequestObject) (oapi.CreateImportResponseObject, error) {
	return nil, once(ctx, oapi.CreateImportResponseObject.VisitCreateImportResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CreateImportResponseObject, error) {
		c := callOf(ctx)
		batch, err := c.stack.Intake().Open(ctx, tx, intake.NewBatch{Name: r.Body.Name, PendingOrders: value(r.Body.PendingOrders),
			Expected: totalsFrom(value(r.Body.Expected)), By: c.who.Actor()})
		c.about("import", batch.ID)
		return oapi.CreateImport201JSONResponse{Body: importOf(batch)}, err
	})
}

func totalsFrom(t oapi.ImportTotals) intake.Totals {
	out := intake.Totals{Counts: map[intake.Kind]int{}, OpenItems: value(t.OpenItems), Money: value(t.Money), Units: map[money.Unit]money.Decimal{}}
	for kind, lines := range value(t.Counts) {
		out.Counts[intake.Kind(kind)] = lines
	}
	for unit, left := range value(t.Units) {
		out.Units[money.Unit(unit)] = left
	}
	return out
}

func totalsOf(t intake.Totals) oapi.ImportTotals {
	counts, units := map[string]int{}, map[string]money.Decimal{}
	for kind, lines := range t.Counts {
		counts[string(kind)] = lines
	}
	for unit, left := range t.Units {
		units[string(unit)] = left
	}
	out := oapi.ImportTotals{Counts: &counts, Units: &units, OpenItems: &t.OpenItems, Money: &t.Money}
	for _, sums := range []*map[string]money.Decimal{out.OpenItems, out.Money} {
		if *sums == nil {
			*sums = map[string]money.Decimal{}
		}
	}
	return out
}

func importOf(b intake.Batch) oapi.Import {
	return oapi.Import{Id: b.ID, Name: b.Name, State: oapi.ImportState(b.State), PendingOrders: b.PendingOrders, Expected: totalsOf(b.Expected), Totals: totalsOf(b.Totals),
		Errors: b.Errors, Pending: b.Pending, Accounts: b.Accounts, Done: b.Done, Failure: optionalText(b.Failure), CreatedBy: b.CreatedBy,
		CreatedAt: b.CreatedAt, CheckedAt: b.CheckedAt, CommittedAt: b.CommittedAt, UndoneAt: b.UndoneAt}
}

// ListImports implements oapi.StrictServerInterface.
func (s *Server) ListImports(ctx context.Context, r oapi.ListImportsRequestObject) (oapi.ListImportsResponseObject, error) {
	before, err := afterID(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var batches []intake.Batch
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		batches, err = intake.List(ctx, tx, before, pageLimit(r.Params.Limit)+1)
		return err
	})
	page, next := cut(batches, r.Params.Limit, func(b intake.Batch) []string { return []string{b.ID.String()} })
	return oapi.ListImports200JSONResponse{Items: mapped(page, importOf), Next: next}, err
}

// GetImport implements oapi.StrictServerInterface.
func (s *Server) GetImport(ctx context.Context, r oapi.GetImportRequestObject) (oapi.GetImportResponseObject, error) {
	var batch intake.Batch
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		batch, err = intake.Get(ctx, tx, r.Import)
		return err
	})
	return oapi.GetImport200JSONResponse(importOf(batch)), err
}

// ChangeImport implements oapi.StrictServerInterface.
func (s *Server) ChangeImport(ctx context.Context, r oapi.ChangeImportRequestObject) (oapi.ChangeImportResponseObject, error) {
	return nil, once(ctx, oapi.ChangeImportResponseObject.VisitChangeImportResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ChangeImportResponseObject, error) {
		c := callOf(ctx)
		c.about("import", r.Import)
		before, err := intake.Get(ctx, tx, r.Import)
		if err != nil {
			return nil, err
		}
		wanted := intake.NewBatch{Name: before.Name, PendingOrders: before.PendingOrders, Expected: before.Expected, By: c.who.Actor()}
		replace(&wanted.Name, r.Body.Name)
		replace(&wanted.PendingOrders, r.Body.PendingOrders)
		if r.Body.Expected != nil {
			wanted.Expected = totalsFrom(*r.Body.Expected)
		}
		after, err := c.stack.Intake().Change(ctx, tx, r.Import, wanted)
		return oapi.ChangeImport200JSONResponse{Body: importOf(after)}, err
	})
}

// UploadImportFile implements oapi.StrictServerInterface. A file is at most as
// large as the guard lets in, and is sealed as a whole.
func (s *Server) UploadImportFile(ctx context.Context, r oapi.UploadImportFileRequestObject) (oapi.UploadImportFileResponseObject, error) {
	body, name, err := uploaded(r.Body, r.MultipartBody, value(r.Params.Name))
	if err != nil {
		return nil, err
	}
	c := callOf(ctx)
	if c.body, err = io.ReadAll(body); err != nil {
		return nil, err
	}
	return nil, once(ctx, oapi.UploadImportFileResponseObject.VisitUploadImportFileResponse, func(ctx context.Context, tx tenant.Tx) (oapi.UploadImportFileResponseObject, error) {
		c.about("import", r.Import)
		c.note("file", name, "kind", string(r.Params.Kind))
		file, err := c.stack.Intake().Upload(ctx, tx, r.Import, intake.Upload{Kind: intake.Kind(r.Params.Kind), Name: name, Content: c.body})
		return oapi.UploadImportFile201JSONResponse{Body: importFile(file)}, err
	})
}

func importFile(f intake.File) oapi.ImportFile {
	return oapi.ImportFile{Id: f.ID, Kind: string(f.Kind), Name: f.Name, SizeBytes: f.SizeBytes, CreatedAt: f.CreatedAt}
}

// ListImportFiles implements oapi.StrictServerInterface.
func (s *Server) ListImportFiles(ctx context.Context, r oapi.ListImportFilesRequestObject) (oapi.ListImportFilesResponseObject, error) {
	var files []intake.File
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		_, err := intake.Get(ctx, tx, r.Import)
		if err == nil {
			files, err = intake.Files(ctx, tx, r.Import)
		}
		return err
	})
	return oapi.ListImportFiles200JSONResponse{Items: mapped(files, importFile)}, err
}

// RemoveImportFile implements oapi.StrictServerInterface.
func (s *Server) RemoveImportFile(ctx context.Context, r oapi.RemoveImportFileRequestObject) (oapi.RemoveImportFileResponseObject, error) {
	return nil, once(ctx, oapi.RemoveImportFileResponseObject.VisitRemoveImportFileResponse, func(ctx context.Context, tx tenant.Tx) (oapi.RemoveImportFileResponseObject, error) {
		c := callOf(ctx)
		c.about("import", r.Import)
		c.note("removed", r.File.String())
		return oapi.RemoveImportFile204Response{}, c.stack.Intake().Remove(ctx, tx, r.Import, r.File)
	})
}

// work takes a batch a step further.
func (c *call) work(ctx context.Context, tx tenant.Tx, id uuid.UUID, step func(im *intake.Importer, ctx context.Context, tx tenant.Tx, id uuid.UUID) (intake.Batch, error)) (oapi.Import, error) {
	c.about("import", id)
	after, err := step(c.stack.Intake(), ctx, tx, id)
	return importOf(after), err
}

// CheckImport implements oapi.StrictServerInterface.
func (s *Server) CheckImport(ctx context.Context, r oapi.CheckImportRequestObject) (oapi.CheckImportResponseObject, error) {
	return nil, once(ctx, oapi.CheckImportResponseObject.VisitCheckImportResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CheckImportResponseObject, error) {
		after, err := callOf(ctx).work(ctx, tx, r.Import, (*intake.Importer).Check)
		return oapi.CheckImport200JSONResponse{Body: after}, err
	})
}

// CommitImport implements oapi.StrictServerInterface.
func (s *Server) CommitImport(ctx context.Context, r oapi.CommitImportRequestObject) (oapi.CommitImportResponseObject, error) {
	return nil, once(ctx, oapi.CommitImportResponseObject.VisitCommitImportResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CommitImportResponseObject, error) {
		after, err := callOf(ctx).work(ctx, tx, r.Import, (*intake.Importer).Commit)
		return oapi.CommitImport200JSONResponse{Body: after}, err
	})
}

// UndoImport implements oapi.StrictServerInterface.
func (s *Server) UndoImport(ctx context.Context, r oapi.UndoImportRequestObject) (oapi.UndoImportResponseObject, error) {
	return nil, once(ctx, oapi.UndoImportResponseObject.VisitUndoImportResponse, func(ctx context.Context, tx tenant.Tx) (oapi.UndoImportResponseObject, error) {
		after, err := callOf(ctx).work(ctx, tx, r.Import, (*intake.Importer).Undo)
		return oapi.UndoImport200JSONResponse{Body: after}, err
	})
}

// ListImportFindings implements oapi.StrictServerInterface. Findings are
// numbered from 1: the cursor is the number of the last one seen.
func (s *Server) ListImportFindings(ctx context.Context, r oapi.ListImportFindingsRequestObject) (oapi.ListImportFindingsResponseObject, error) {
	after, err := afterNumber(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var findings []intake.Finding
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		_, err := intake.Get(ctx, tx, r.Import)
		if err == nil {
			findings, err = intake.Findings(ctx, tx, r.Import, after, pageLimit(r.Params.Limit)+1)
		}
		return err
	})
	page, next := cut(findings, r.Params.Limit, func(intake.Finding) []string { return []string{strconv.Itoa(after + pageLimit(r.Params.Limit))} })
	return oapi.ListImportFindings200JSONResponse{Items: mapped(page, importFinding), Next: next}, err
}

// afterNumber is the number a page begins after; 0 for the first page.
func afterNumber(cursor *oapi.Cursor) (int, error) {
	parts, err := cursorParts(cursor, 1)
	if err != nil || parts == nil {
		return 0, err
	}
	number, err := strconv.ParseUint(parts[0], 10, 31)
	if err != nil {
		return 0, errCursor()
	}
	return int(number), nil
}

func importFinding(f intake.Finding) oapi.ImportFinding {
	return oapi.ImportFinding{File: optionalText(f.File), Line: f.Line, Column: optionalText(f.Column), Code: oapi.ImportFindingCode(f.Code),
		Value: optionalText(f.Value), Want: optionalText(f.Want), Pending: f.Pending}
}
