package api

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

func depositOf(d bill.Deposit) oapi.Deposit {
	return oapi.Deposit{Id: d.ID, Account: d.AccountID, OpenItem: d.OpenItemID, Number: d.Number, Amount: d.Amount, Open: d.Open, Held: d.Held(),
		Returned: d.Returned, Interest: d.Interest, Months: d.Months, Due: d.DueDate, Reason: d.Reason, AskedAt: d.AskedAt, Order: d.OrderID}
}

// ListDeposits implements oapi.StrictServerInterface.
func (s *Server) ListDeposits(ctx context.Context, r oapi.ListDepositsRequestObject) (oapi.ListDepositsResponseObject, error) {
	c := callOf(ctx)
	if err := c.sees(r.Account); err != nil {
		return nil, err
	}
	var list []bill.Deposit
	err := c.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		if err = accountExists(ctx, tx, r.Account); err == nil {
			list, err = bill.DepositsOf(ctx, tx, r.Account)
		}
		return err
	})
	return oapi.ListDeposits200JSONResponse{Items: mapped(list, depositOf)}, err
}

// CreateDeposit implements oapi.StrictServerInterface.
func (s *Server) CreateDeposit(ctx context.Context, r oapi.CreateDepositRequestObject) (oapi.CreateDepositResponseObject, error) {
	id := uuid.Must(uuid.NewV7())
	return nil, once(ctx, oapi.CreateDepositResponseObject.VisitCreateDepositResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CreateDepositResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		d, err := bill.AskDeposit(ctx, tx, bill.NewDeposit{ID: id, AccountID: r.Account, Amount: r.Body.Amount, DueDate: value(r.Body.Due),
			Interest: r.Body.Interest, Months: r.Body.Months, Reason: r.Body.Reason, By: c.who.Actor()})
		if err != nil {
			return nil, err
		}
		c.note("deposit", d.Number, "amount", d.Amount.String())
		return oapi.CreateDeposit201JSONResponse{Body: depositOf(d)}, nil
	})
}

// ReturnDeposit implements oapi.StrictServerInterface.
func (s *Server) ReturnDeposit(ctx context.Context, r oapi.ReturnDepositRequestObject) (oapi.ReturnDepositResponseObject, error) {
	id := uuid.Must(uuid.NewV7())
	return nil, once(ctx, oapi.ReturnDepositResponseObject.VisitReturnDepositResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ReturnDepositResponseObject, error) {
		c := callOf(ctx)
		c.about("deposit", r.Deposit)
		c.note("to", string(r.Body.To), "reason", r.Body.Reason)
		order := bill.DepositReturn{ID: id, DepositID: r.Deposit, Amount: r.Body.Amount, ToDebt: r.Body.To == oapi.ReturnDepositToDebt, By: c.who.Actor()}
		var back bill.Returned
		var refunds []payment.Refund
		var err error
		if r.Body.To == oapi.ReturnDepositToRefund {
			back, refunds, err = payment.GiveBackDeposit(ctx, tx, order, r.Body.Reason)
		} else {
			back, err = bill.ReturnDeposit(ctx, tx, order)
		}
		if err != nil {
			return nil, err
		}
		return oapi.ReturnDeposit200JSONResponse{Body: oapi.ReturnedDeposit{Deposit: depositOf(back.Deposit), Amount: back.Amount, Interest: back.Interest,
			Applied: back.Applied, Credit: back.Credit, Refunds: mapped(refunds, refundOf)}}, nil
	})
}

// ListAdvanceBills implements oapi.StrictServerInterface.
func (s *Server) ListAdvanceBills(ctx context.Context, r oapi.ListAdvanceBillsRequestObject) (oapi.ListAdvanceBillsResponseObject, error) {
	c := callOf(ctx)
	if err := c.sees(r.Account); err != nil {
		return nil, err
	}
	var list []bill.Bill
	err := c.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		if err = accountExists(ctx, tx, r.Account); err == nil {
			list, err = bill.Advances(ctx, tx, r.Account, maxListed)
		}
		return err
	})
	return oapi.ListAdvanceBills200JSONResponse{Items: mapped(list, billSummary)}, err
}

// maxListed bounds lists of one account's rare documents.
const maxListed = 500

// CreateAdvanceBill implements oapi.StrictServerInterface.
func (s *Server) CreateAdvanceBill(ctx context.Context, r oapi.CreateAdvanceBillRequestObject) (oapi.CreateAdvanceBillResponseObject, error) {
	id := uuid.Must(uuid.NewV7())
	return nil, once(ctx, oapi.CreateAdvanceBillResponseObject.VisitCreateAdvanceBillResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CreateAdvanceBillResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		order := bill.NewAdvance{ID: id, AccountID: r.Account, Period: calendar.Period(r.Body.Period), By: c.who.Actor()}
		for _, l := range r.Body.Lines {
			order.Lines = append(order.Lines, bill.AdvanceLine{Description: l.Description, Amount: l.Amount, Category: value(l.Category)})
		}
		made, err := bill.BillAhead(ctx, tx, order)
		if err != nil {
			return nil, err
		}
		c.note("bill", made.Number, "total", made.Total.String())
		return oapi.CreateAdvanceBill201JSONResponse{Body: billSummary(made)}, nil
	})
}

func commitmentOf(m bill.Commitment) oapi.Commitment {
	return oapi.Commitment{Id: m.ID, Account: m.AccountID, Amount: m.Amount, From: m.From, To: optionalDate(m.To)}
}

func commitments(ctx context.Context, tx tenant.Tx, account uuid.UUID) (oapi.CommitmentList, error) {
	list, err := bill.CommitmentsOf(ctx, tx, account)
	return oapi.CommitmentList{Items: mapped(list, commitmentOf)}, err
}

// ListCommitments implements oapi.StrictServerInterface.
func (s *Server) ListCommitments(ctx context.Context, r oapi.ListCommitmentsRequestObject) (oapi.ListCommitmentsResponseObject, error) {
	var list oapi.CommitmentList
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		if err = accountExists(ctx, tx, r.Account); err == nil {
			list, err = commitments(ctx, tx, r.Account)
		}
		return err
	})
	return oapi.ListCommitments200JSONResponse(list), err
}

// CreateCommitment implements oapi.StrictServerInterface.
func (s *Server) CreateCommitment(ctx context.Context, r oapi.CreateCommitmentRequestObject) (oapi.CreateCommitmentResponseObject, error) {
	id := uuid.Must(uuid.NewV7())
	return nil, once(ctx, oapi.CreateCommitmentResponseObject.VisitCreateCommitmentResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CreateCommitmentResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		made, err := bill.Commit(ctx, tx, bill.Commitment{ID: id, AccountID: r.Account, Amount: r.Body.Amount, From: r.Body.From, To: value(r.Body.To), By: c.who.Actor()})
		if err != nil {
			return nil, err
		}
		c.note("commitment", made.Amount.String())
		return oapi.CreateCommitment201JSONResponse{Body: commitmentOf(made)}, nil
	})
}

// EndCommitment implements oapi.StrictServerInterface.
func (s *Server) EndCommitment(ctx context.Context, r oapi.EndCommitmentRequestObject) (oapi.EndCommitmentResponseObject, error) {
	return nil, once(ctx, oapi.EndCommitmentResponseObject.VisitEndCommitmentResponse, func(ctx context.Context, tx tenant.Tx) (oapi.EndCommitmentResponseObject, error) {
		callOf(ctx).about("account", r.Account)
		if err := bill.EndCommitment(ctx, tx, r.Account, r.Commitment, r.Body.Before); err != nil {
			return nil, err
		}
		list, err := commitments(ctx, tx, r.Account)
		return oapi.EndCommitment200JSONResponse{Body: list}, err
	})
}
