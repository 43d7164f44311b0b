package api

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/billing/transfer"
)

// ListBalanceTransfers implements oapi.StrictServerInterface.
func (s *Server) ListBalanceTransfers(ctx context.Context, r oapi.ListBalanceTransfersRequestObject) (oapi.ListBalanceTransfersResponseObject, error) {
	items := []oapi.BalanceTransfer{}
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		err := accountExists(ctx, tx, r.Account)
		if err != nil {
			return err
		}
		list, err := transfer.List(ctx, tx, r.Account, pageLimit(r.Params.Limit))
		for _, t := range list {
			one, err := balanceTransfer(ctx, tx, r.Account, t)
			if err != nil {
				return err
			}
			items = append(items, one)
		}
		return err
	})
	return oapi.ListBalanceTransfers200JSONResponse{Items: items}, err
}

// balanceTransfer is a transfer as one of both sees it: who the other is, masked.
func balanceTransfer(ctx context.Context, tx tenant.Tx, seenBy uuid.UUID, t transfer.Transfer) (oapi.BalanceTransfer, error) {
	other := t.To
	if seenBy == t.To {
		other = t.From
	}
	name, err := transfer.Receiver(ctx, tx, other)
	return oapi.BalanceTransfer{Id: t.ID, From: t.From, To: t.To, Other: optionalText(name), Amount: t.Amount, Fee: t.Fee, Note: optionalText(t.Note), At: t.At}, err
}

// SendTransfer implements oapi.StrictServerInterface.
func (s *Server) SendTransfer(ctx context.Context, r oapi.SendTransferRequestObject) (oapi.SendTransferResponseObject, error) {
	id := uuid.Must(uuid.NewV7())
	return nil, once(ctx, oapi.SendTransferResponseObject.VisitSendTransferResponse, func(ctx context.Context, tx tenant.Tx) (oapi.SendTransferResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		if err := accountExists(ctx, tx, r.Account); err != nil {
			return nil, err
		}
		to, _, err := transfer.Find(ctx, tx, r.Body.To)
		if err != nil {
			return nil, err
		}
		c.note("amount", r.Body.Amount.String(), "to", to.String())
		sent, err := c.stack.SendMoney(ctx, tx, transfer.Order{ID: id, From: r.Account, To: to, Amount: r.Body.Amount, Note: value(r.Body.Note),
			By: c.who.Actor(), Self: c.who.Role == identity.Subscriber})
		if err != nil {
			return nil, err
		}
		out, err := balanceTransfer(ctx, tx, r.Account, sent)
		return oapi.SendTransfer201JSONResponse{Body: out}, err
	})
}
