package api

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/provisioning/hardware"
	"tollhouse/provisioning/leaving"
	"tollhouse/tenants"
	"tollhouse/tenants/contract"
)

// previewMonths is how many months a contract is shown for: its first year, and
// the month after it.
const previewMonths = 13

func contractOf(c contract.Contract) oapi.Contract {
	return oapi.Contract{Id: c.ID, Operator: uuid.UUID(c.Operator), Model: oapi.ContractModel(c.Model), Place: oapi.ContractPlace(c.Place), Currency: c.Currency,
		From: c.From, Until: optionalDate(c.Until), PassedOn: optionalDate(c.PassedOn), Reference: c.Reference, Terms: c.Terms, State: oapi.ContractState(c.State), Reason: c.Reason,
		CreatedBy: c.CreatedBy, CreatedAt: c.CreatedAt}
}

func contractDetail(c contract.Contract, dry bool, collected *money.Decimal) oapi.ContractDetail {
	var assumed *money.Amount
	if collected != nil {
		amount := money.New(*collected, c.Currency)
		assumed = &amount
	}
	p := c.Preview(previewMonths, assumed)
	return oapi.ContractDetail{Contract: contractOf(c), DryRun: dry, Plan: mapped(p.Plan, instalmentOf), Months: mapped(p.Months, func(m contract.MonthPreview) oapi.ContractMonth {
		return oapi.ContractMonth{Month: m.Month.From, Charges: mapped(m.Charges, contractCharge), Total: m.Total}
	})}
}

func instalmentOf(i contract.Instalment) oapi.LeaseInstalment {
	return oapi.LeaseInstalment{No: i.No, Due: i.Due, Interest: i.Interest, Principal: i.Principal, Amount: i.Amount(), Outstanding: i.Outstanding}
}

func contractCharge(c contract.Charge) oapi.ContractCharge {
	return oapi.ContractCharge{Id: c.Key, Code: c.Code, Words: c.Words, From: c.Period.From, To: c.Period.To, Amount: c.Amount, Detail: c.Detail}
}

func houseCharge(h contract.HouseCharge) oapi.HouseCharge {
	return oapi.HouseCharge{Charge: contractCharge(h.Charge), Contract: h.Contract, MadeAt: h.MadeAt.UTC(), CarriedAt: h.CarriedAt, Reason: optionalText(h.Reason)}
}

func buyOutOf(b contract.BuyOut) oapi.BuyOut {
	return oapi.BuyOut{On: b.On, Outstanding: b.Outstanding, Interest: b.Interest, Fee: b.Fee, Price: b.Price()}
}

// ListContracts implements oapi.StrictServerInterface.
func (s *Server) ListContracts(ctx context.Context, r oapi.ListContractsRequestObject) (oapi.ListContractsResponseObject, error) {
	after, err := afterID(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var out oapi.ListContracts200JSONResponse
	err = s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		found, err := contract.List(ctx, tx, contract.State(value(r.Params.State)), after, pageLimit(r.Params.Limit)+1)
		page, next := cut(found, r.Params.Limit, func(c contract.Contract) []string { return []string{c.ID.String()} })
		out.Items, out.Next = mapped(page, contractOf), next
		return err
	})
	return out, err
}

// GetContract implements oapi.StrictServerInterface.
func (s *Server) GetContract(ctx context.Context, r oapi.GetContractRequestObject) (oapi.GetContractResponseObject, error) {
	var c contract.Contract
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		c, err = contract.Get(ctx, tx, r.Contract)
		return err
	})
	if err != nil {
		return nil, err
	}
	return oapi.GetContract200JSONResponse(contractDetail(c, false, nil)), nil
}

// PutContract implements oapi.StrictServerInterface.
func (s *Server) PutContract(ctx context.Context, r oapi.PutContractRequestObject) (oapi.PutContractResponseObject, error) {
	b := r.Body
	c := contract.Contract{ID: r.Contract, Operator: tenant.ID(b.Operator), Model: contract.Model(b.Model), Place: contract.Place(b.Place), Currency: b.Currency,
		From: b.From, Until: value(b.Until), Reference: value(b.Reference), Terms: b.Terms, State: contract.Draft}
	dry := value(r.Params.DryRun)
	put := func(ctx context.Context, tx tenants.Tx) (err error) {
		if dry {
			return contract.Check(ctx, tx, c)
		}
		c, err = contract.Put(ctx, tx, callOf(ctx).staff, c)
		return err
	}
	run := s.control.DB.Write
	if dry {
		run = s.control.DB.Read
	}
	if err := run(ctx, put); err != nil {
		return nil, err
	}
	return oapi.PutContract200JSONResponse(contractDetail(c, dry, r.Params.Collected)), nil
}

// BeginContract implements oapi.StrictServerInterface.
func (s *Server) BeginContract(ctx context.Context, r oapi.BeginContractRequestObject) (oapi.BeginContractResponseObject, error) {
	var c contract.Contract
	err := s.control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		c, err = contract.Begin(ctx, tx, callOf(ctx).staff, r.Contract)
		return err
	})
	return oapi.BeginContract200JSONResponse(contractOf(c)), err
}

// WithdrawContract implements oapi.StrictServerInterface.
func (s *Server) WithdrawContract(ctx context.Context, r oapi.WithdrawContractRequestObject) (oapi.WithdrawContractResponseObject, error) {
	var c contract.Contract
	err := s.control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		c, err = contract.Withdraw(ctx, tx, callOf(ctx).staff, r.Contract)
		return err
	})
	return oapi.WithdrawContract200JSONResponse(contractOf(c)), err
}

func (s *Server) leave(ctx context.Context, end func(ctx context.Context, tx tenants.Tx, by tenants.Actor, with leaving.Leaver) (leaving.Left, error)) (oapi.ContractLeft, error) {
	var left leaving.Left
	err := s.control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		left, err = end(ctx, tx, callOf(ctx).staff, leaving.Leaver{TakeOuts: s.control.TakeOuts})
		return err
	})
	if err != nil {
		return oapi.ContractLeft{}, err
	}
	out := oapi.ContractLeft{Contract: contractOf(left.Contract), TakeOut: optionalID(left.TakeOut),
		Passed: mapped(left.Passed, func(p hardware.Piece) uuid.UUID { return p.ID })}
	if left.BuyOut != nil {
		price := buyOutOf(*left.BuyOut)
		out.BuyOut = &price
	}
	return out, nil
}

// EndContract implements oapi.StrictServerInterface.
func (s *Server) EndContract(ctx context.Context, r oapi.EndContractRequestObject) (oapi.EndContractResponseObject, error) {
	out, err := s.leave(ctx, func(ctx context.Context, tx tenants.Tx, by tenants.Actor, with leaving.Leaver) (leaving.Left, error) {
		return with.End(ctx, tx, by, r.Contract, r.Body.Until, r.Body.Reason)
	})
	return oapi.EndContract200JSONResponse(out), err
}

// PriceBuyOut implements oapi.StrictServerInterface.
func (s *Server) PriceBuyOut(ctx context.Context, r oapi.PriceBuyOutRequestObject) (oapi.PriceBuyOutResponseObject, error) {
	var price contract.BuyOut
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		c, err := contract.Get(ctx, tx, r.Contract)
		if err == nil {
			price, err = c.BuyOutOn(r.Params.On)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return oapi.PriceBuyOut200JSONResponse(buyOutOf(price)), nil
}

// BuyOutContract implements oapi.StrictServerInterface.
func (s *Server) BuyOutContract(ctx context.Context, r oapi.BuyOutContractRequestObject) (oapi.BuyOutContractResponseObject, error) {
	out, err := s.leave(ctx, func(ctx context.Context, tx tenants.Tx, by tenants.Actor, with leaving.Leaver) (leaving.Left, error) {
		return with.BuyOut(ctx, tx, by, r.Contract, r.Body.On, r.Body.Price)
	})
	return oapi.BuyOutContract200JSONResponse(out), err
}

// PutContractCredit implements oapi.StrictServerInterface.
func (s *Server) PutContractCredit(ctx context.Context, r oapi.PutContractCreditRequestObject) (oapi.PutContractCreditResponseObject, error) {
	var all []contract.HouseCharge
	err := s.control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		c, err := contract.Get(ctx, tx, r.Contract)
		if err != nil {
			return err
		}
		credit := contract.Credit{Key: r.Credit, Contract: c.ID, Amount: r.Body.Amount, Reason: r.Body.Reason}
		if err := contract.GiveBack(ctx, tx, callOf(ctx).staff, credit, calendar.DateOf(tx.At, tx.At.Location())); err != nil {
			return err
		}
		all, err = contract.Charges(ctx, tx, c.Operator)
		return err
	})
	return oapi.PutContractCredit200JSONResponse{Items: mapped(all, houseCharge)}, err
}

// ListHouseCharges implements oapi.StrictServerInterface.
func (s *Server) ListHouseCharges(ctx context.Context, r oapi.ListHouseChargesRequestObject) (oapi.ListHouseChargesResponseObject, error) {
	var all []contract.HouseCharge
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		o, err := tenants.GetOperator(ctx, tx, tenant.ID(r.Operator))
		if err == nil {
			all, err = contract.Charges(ctx, tx, o.ID)
		}
		return err
	})
	return oapi.ListHouseCharges200JSONResponse{Items: mapped(all, houseCharge)}, err
}

// ListDailyTotals implements oapi.StrictServerInterface.
func (s *Server) ListDailyTotals(ctx context.Context, r oapi.ListDailyTotalsRequestObject) (oapi.ListDailyTotalsResponseObject, error) {
	var out oapi.ListDailyTotals200JSONResponse
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		o, err := tenants.GetOperator(ctx, tx, tenant.ID(r.Operator))
		if err != nil {
			return err
		}
		month, err := contract.ReadMonth(ctx, tx, o, contract.Month(r.Params.Month))
		out.Items = mapped(month.Totals, func(t contract.DailyTotal) oapi.DailyTotal {
			return oapi.DailyTotal{Day: t.Day, Collected: t.Collected, Cumulative: t.Cumulative, HeadSeq: t.HeadSeq, Statement: t.Statement, ReceivedAt: t.ReceivedAt}
		})
		out.Missing = mapped(month.Missing, func(d calendar.Date) calendar.Date { return d })
		return err
	})
	return out, err
}

func totalRenewal(r contract.Renewal) oapi.TotalRenewal {
	return oapi.TotalRenewal{Id: r.ID, From: r.From, Reason: r.Reason, Days: r.Days, Anchors: r.Anchors, By: r.By, At: r.At.UTC()}
}

// ListTotalRenewals implements oapi.StrictServerInterface.
func (s *Server) ListTotalRenewals(ctx context.Context, r oapi.ListTotalRenewalsRequestObject) (oapi.ListTotalRenewalsResponseObject, error) {
	var all []contract.Renewal
	err := s.control.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		o, err := tenants.GetOperator(ctx, tx, tenant.ID(r.Operator))
		if err == nil {
			all, err = contract.Renewals(ctx, tx, o.ID)
		}
		return err
	})
	return oapi.ListTotalRenewals200JSONResponse{Items: mapped(all, totalRenewal)}, err
}

// PutTotalRenewal implements oapi.StrictServerInterface.
func (s *Server) PutTotalRenewal(ctx context.Context, r oapi.PutTotalRenewalRequestObject) (oapi.PutTotalRenewalResponseObject, error) {
	want := contract.Renewal{ID: r.Renewal, Operator: tenant.ID(r.Operator), From: r.Body.From, Reason: r.Body.Reason}
	var renewed contract.Renewal
	err := s.control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		if renewed, err = contract.Renew(ctx, tx, callOf(ctx).staff, want); err == nil && value(r.Params.DryRun) {
			err = errDry
		}
		return err
	})
	if err != nil && !errors.Is(err, errDry) {
		return nil, err
	}
	return oapi.PutTotalRenewal200JSONResponse(totalRenewal(renewed)), nil
}
