package api

import (
	"context"

	"tollhouse/api/oapi"
	"tollhouse/billing/history"
	"tollhouse/billing/ledger"
	"tollhouse/billing/tenant"
)

// place is where a page of history begins.
func place(cursor *oapi.Cursor) (history.Place, error) {
	at, id, err := placeInTime(cursor)
	return history.Place{At: at, ID: id}, err
}

func placeKey(p history.Place) []string { return timeKey(p.At, p.ID) }

// ListCharges implements oapi.StrictServerInterface.
func (s *Server) ListCharges(ctx context.Context, r oapi.ListChargesRequestObject) (oapi.ListChargesResponseObject, error) {
	after, err := place(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var charges []history.Charge
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		err := accountExists(ctx, tx, r.Account)
		if err == nil {
			charges, err = history.Charges(ctx, tx, r.Account, after, pageLimit(r.Params.Limit)+1)
		}
		return err
	})
	page, next := cut(charges, r.Params.Limit, func(c history.Charge) []string { return placeKey(c.Place()) })
	return oapi.ListCharges200JSONResponse{Items: mapped(page, chargeOf), Next: next}, err
}

func chargeOf(c history.Charge) oapi.Charge {
	return oapi.Charge{Id: c.ID, Kind: oapi.ChargeKind(c.Kind), Usage: c.UsageID, Subscription: c.SubscriptionID, At: c.At, RatedAt: c.RatedAt,
		LineCode: c.LineCode, Charged: quantity(c.Quantity, c.Unit), Allowance: c.Allowance, Price: c.Price, Net: c.Net, Tax: c.Tax, Why: c.Why}
}

// ListUsage implements oapi.StrictServerInterface.
func (s *Server) ListUsage(ctx context.Context, r oapi.ListUsageRequestObject) (oapi.ListUsageResponseObject, error) {
	after, err := place(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var uses []history.Use
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		err := accountExists(ctx, tx, r.Account)
		if err == nil {
			uses, err = history.Uses(ctx, tx, r.Account, after, pageLimit(r.Params.Limit)+1)
		}
		return err
	})
	page, next := cut(uses, r.Params.Limit, func(u history.Use) []string { return placeKey(u.Place()) })
	return oapi.ListUsage200JSONResponse{Items: mapped(page, useOf), Next: next}, err
}

func useOf(u history.Use) oapi.UsageRecord {
	record := oapi.UsageRecord{Id: u.ID, Kind: oapi.UsageRecordKind(u.Kind), Service: u.ServiceID, StartedAt: u.Start, EndedAt: u.End,
		Destination: optionalText(u.Destination), Origin: optionalText(u.Origin), Quality: optionalText(u.Quality), Used: quantity(u.Quantity, u.Unit), Price: u.Price}
	if u.Amount != nil {
		record.Amount = optionalText(u.Amount.String())
	}
	return record
}

// ListTransfers implements oapi.StrictServerInterface.
func (s *Server) ListTransfers(ctx context.Context, r oapi.ListTransfersRequestObject) (oapi.ListTransfersResponseObject, error) {
	after, err := place(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var transfers []history.Transfer
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		transfers, err = history.Transfers(ctx, tx, value(r.Params.Account), after, pageLimit(r.Params.Limit)+1)
		return err
	})
	page, next := cut(transfers, r.Params.Limit, func(t history.Transfer) []string { return placeKey(t.Place()) })
	return oapi.ListTransfers200JSONResponse{Items: mapped(page, transferOf), Next: next}, err
}

func transferOf(t history.Transfer) oapi.Transfer {
	return oapi.Transfer{Id: t.ID, At: t.At, Debit: ledgerAccount(t.Debit), Credit: ledgerAccount(t.Credit), Amount: quantity(t.Amount, t.Unit),
		Event: string(t.Event), EventId: t.EventID, Account: t.AccountID}
}

func ledgerAccount(a ledger.Account) oapi.LedgerAccount {
	return oapi.LedgerAccount{Kind: string(a.Kind), Id: optionalID(a.ID)}
}
