package api

import (
	"context"
	"time"

	"tollhouse/api/oapi"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// ListPayments implements oapi.StrictServerInterface.
func (s *Server) ListPayments(ctx context.Context, r oapi.ListPaymentsRequestObject) (oapi.ListPaymentsResponseObject, error) {
	at, id, err := placeInTime(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	wanted := payment.Search{From: value(r.Params.From), To: value(r.Params.To), Method: payment.Method(value(r.Params.Method)),
		Branch: value(r.Params.Branch), Kept: payment.Kept(value(r.Params.Kept))}
	var out oapi.ListPayments200JSONResponse
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		listed, err := payment.Find(ctx, tx, wanted, payment.Cursor{At: at, ID: id}, pageLimit(r.Params.Limit)+1)
		if err != nil {
			return err
		}
		page, next := cut(listed, r.Params.Limit, func(l payment.Listed) []string {
			return []string{l.ReceivedAt.Format(time.RFC3339Nano), l.ID.String()}
		})
		payments, err := allPaid(ctx, tx, mapped(page, func(l payment.Listed) payment.Payment { return l.Payment }))
		if err != nil {
			return err
		}
		out.Next, out.Items = next, make([]oapi.ReceivedPayment, len(page))
		for i, l := range page {
			out.Items[i] = oapi.ReceivedPayment{Payment: payments[i], Number: l.AccountNumber, Name: l.Name}
		}
		return nil
	})
	return out, err
}
