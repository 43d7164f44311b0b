package api

import (
	"context"
	"strings"

	"tollhouse/api/oapi"
	"tollhouse/api/problem"
	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// GetStatement implements oapi.StrictServerInterface.
func (s *Server) GetStatement(ctx context.Context, r oapi.GetStatementRequestObject) (oapi.GetStatementResponseObject, error) {
	var out bill.AccountStatement
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		span, err := spanOf(ctx, tx, r.Account, r.Params.Period)
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

// spanOf reads month:2026-05, year:2026 or since-last-payment.
func spanOf(ctx context.Context, tx tenant.Tx, id oapi.AccountId, period string) (bill.Span, error) {
	kind, text, _ := strings.Cut(period, ":")
	if kind == "since-last-payment" {
		return bill.SinceLastPayment(ctx, tx, id)
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return bill.Span{}, err
	}
	first, turn := text+"-01", bill.MonthOf
	if kind == "year" {
		first, turn = text+"-01-01", bill.YearOf
	}
	day, err := calendar.ParseDate(first)
	if err != nil || day.Year < 1 { // there is no year 0, and the database knows none
		return bill.Span{}, problem.InvalidRequest.New("", problem.Fault{Field: "period", Reason: "is no month or year", Want: "such as month:2026-05 or year:2026"})
	}
	return turn(day, profile.Zone), nil
}
