package api

import (
	"context"

	"tollhouse/api/oapi"
	"tollhouse/billing/ledger"
	"tollhouse/billing/tenant"
)

func controlSums(ctx context.Context) (report ledger.Report, err error) {
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		report, err = ledger.ControlSums(ctx, tx)
		return err
	})
	return report, err
}

// GetControlSums implements oapi.StrictServerInterface.
func (s *Server) GetControlSums(ctx context.Context, _ oapi.GetControlSumsRequestObject) (oapi.GetControlSumsResponseObject, error) {
	report, err := controlSums(ctx)
	return oapi.GetControlSums200JSONResponse{Equal: report.Check() == nil, Sums: mapped(report.Rules, func(r ledger.Rule) oapi.ControlSum {
		return oapi.ControlSum{Name: r.Name, Unit: r.Unit, Ledger: r.Ledger, Books: r.Books, Differing: r.Differing, Equal: r.Equal()}
	})}, err
}

// GetTrialBalance implements oapi.StrictServerInterface.
func (s *Server) GetTrialBalance(ctx context.Context, _ oapi.GetTrialBalanceRequestObject) (oapi.GetTrialBalanceResponseObject, error) {
	report, err := controlSums(ctx)
	return oapi.GetTrialBalance200JSONResponse{Items: mapped(report.Trial, func(b ledger.Balance) oapi.TrialLine {
		return oapi.TrialLine{Account: string(b.Kind), Unit: b.Unit, Debit: b.Debit, Credit: b.Credit}
	})}, err
}
