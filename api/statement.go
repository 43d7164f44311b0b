package api

import (
	"bytes"
	"context"

	"tollhouse/api/oapi"
	"tollhouse/billing/bill"
	"tollhouse/billing/tenant"
)

// GetStatement implements oapi.StrictServerInterface.
func (s *Server) GetStatement(ctx context.Context, r oapi.GetStatementRequestObject) (oapi.GetStatementResponseObject, error) {
	var out bill.AccountStatement
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		span, err := bill.SpanNamed(ctx, tx, r.Account, r.Params.Period)
		if err == nil {
			out, err = bill.Statement(ctx, tx, r.Account, span)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return oapi.GetStatement200JSONResponse{From: out.Span.From, To: out.Span.To, Opening: out.Opening, Closing: out.Closing, Unbilled: out.Unbilled,
		Entries: mapped(out.Entries, func(e bill.Entry) oapi.StatementEntry {
			return oapi.StatementEntry{Kind: oapi.StatementEntryKind(e.Kind), Day: e.Day, At: e.At, Id: optionalID(e.ID), Number: optionalText(e.Number),
				Count: e.Count, Amount: e.Amount, Unbilled: e.Unbilled}
		})}, nil
}

// GetStatementPdf implements oapi.StrictServerInterface.
func (s *Server) GetStatementPdf(ctx context.Context, r oapi.GetStatementPdfRequestObject) (oapi.GetStatementPdfResponseObject, error) {
	_, file, err := callOf(ctx).stack.StatementFile(ctx, r.Account, r.Params.Period, "pdf")
	return oapi.GetStatementPdf200ApplicationpdfResponse{Body: bytes.NewReader(file), ContentLength: int64(len(file))}, err
}

// GetStatementCsv implements oapi.StrictServerInterface.
func (s *Server) GetStatementCsv(ctx context.Context, r oapi.GetStatementCsvRequestObject) (oapi.GetStatementCsvResponseObject, error) {
	_, file, err := callOf(ctx).stack.StatementFile(ctx, r.Account, r.Params.Period, "csv")
	return oapi.GetStatementCsv200TextcsvResponse{Body: bytes.NewReader(file), ContentLength: int64(len(file))}, err
}
