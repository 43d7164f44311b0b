package api

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/desk"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

func quoteLine(l bill.QuoteLine) oapi.QuoteLine {
	return oapi.QuoteLine{Code: l.Code, Name: l.Name, Period: oapi.Period(l.Period), Price: l.Price}
}

func restingSince(s account.Subscription) *time.Time {
	if p := s.Resting(); p != nil {
		return &p.From
	}
	return nil
}

func nextCycle(a account.Account) *oapi.NewCycle {
	if a.Changes == nil || a.Changes.Next == nil {
		return nil
	}
	next := a.Changes.Next
	return &oapi.NewCycle{Anchor: next.Anchor, Months: unless(0, next.Months), Days: unless(0, next.Days)}
}

// PauseSubscription implements oapi.StrictServerInterface.
func (s *Server) PauseSubscription(ctx context.Context, r oapi.PauseSubscriptionRequestObject) (oapi.PauseSubscriptionResponseObject, error) {
	return nil, once(ctx, oapi.PauseSubscriptionResponseObject.VisitPauseSubscriptionResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PauseSubscriptionResponseObject, error) {
		after, err := moved(ctx, tx, r.Subscription, r.Body.Reason, func(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
			p := desk.NewPause{SubscriptionID: id, Reason: r.Body.Reason, By: callOf(ctx).who.Actor()}
			if r.Body.Day != nil {
				p.Day = *r.Body.Day
			}
			return callOf(ctx).stack.Pause(ctx, tx, p)
		})
		return oapi.PauseSubscription200JSONResponse{Body: after}, err
	})
}

// ChangeCycle implements oapi.StrictServerInterface.
func (s *Server) ChangeCycle(ctx context.Context, r oapi.ChangeCycleRequestObject) (oapi.ChangeCycleResponseObject, error) {
	return nil, once(ctx, oapi.ChangeCycleResponseObject.VisitChangeCycleResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ChangeCycleResponseObject, error) {
		next := account.Every{Anchor: r.Body.Anchor, Months: value(r.Body.Months), Days: value(r.Body.Days)}
		after, err := billedBy(ctx, tx, r.Account, &next)
		return oapi.ChangeCycle200JSONResponse{Body: after}, err
	})
}

// CancelCycleChange implements oapi.StrictServerInterface.
func (s *Server) CancelCycleChange(ctx context.Context, r oapi.CancelCycleChangeRequestObject) (oapi.CancelCycleChangeResponseObject, error) {
	return nil, once(ctx, oapi.CancelCycleChangeResponseObject.VisitCancelCycleChangeResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CancelCycleChangeResponseObject, error) {
		after, err := billedBy(ctx, tx, r.Account, nil)
		return oapi.CancelCycleChange200JSONResponse{Body: after}, err
	})
}

// billedBy lets an account be billed by another series, and gives it as it stands then.
func billedBy(ctx context.Context, tx tenant.Tx, id uuid.UUID, next *account.Every) (oapi.Account, error) {
	c := callOf(ctx)
	c.about("account", id)
	if next != nil {
		c.note("anchor", next.Anchor.String(), "months", strconv.Itoa(next.Months), "days", strconv.Itoa(next.Days))
	}
	a, err := account.ChangeCycle(ctx, tx, id, next, c.who.Actor())
	if err != nil {
		return oapi.Account{}, err
	}
	return accountOut(ctx, tx, a)
}

// accountOut is an account with its holder and subscriptions.
func accountOut(ctx context.Context, tx tenant.Tx, a account.Account) (oapi.Account, error) {
	party, err := account.GetParty(ctx, tx, a.PartyID)
	if err != nil {
		return oapi.Account{}, err
	}
	subscriptions, err := account.Subscriptions(ctx, tx, a.ID)
	return accountOf(a, party, subscriptions), err
}

// BillToParent implements oapi.StrictServerInterface.
func (s *Server) BillToParent(ctx context.Context, r oapi.BillToParentRequestObject) (oapi.BillToParentResponseObject, error) {
	return nil, once(ctx, oapi.BillToParentResponseObject.VisitBillToParentResponse, func(ctx context.Context, tx tenant.Tx) (oapi.BillToParentResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		c.note("on", strconv.FormatBool(r.Body.On))
		if r.Body.Parent != nil {
			c.note("parent", r.Body.Parent.String())
			if _, err := account.PutParent(ctx, tx, r.Account, r.Body.Parent); err != nil {
				return nil, err
			}
		}
		a, err := account.BillToParent(ctx, tx, r.Account, r.Body.On)
		if err != nil {
			return nil, err
		}
		after, err := accountOut(ctx, tx, a)
		return oapi.BillToParent200JSONResponse{Body: after}, err
	})
}

// BillNow implements oapi.StrictServerInterface.
func (s *Server) BillNow(ctx context.Context, r oapi.BillNowRequestObject) (oapi.BillNowResponseObject, error) {
	return nil, once(ctx, oapi.BillNowResponseObject.VisitBillNowResponse, func(ctx context.Context, tx tenant.Tx) (oapi.BillNowResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		c.note("scope", string(r.Body.Scope))
		d, err := c.stack.BillNow(ctx, tx, r.Account, bill.Scope(r.Body.Scope))
		if err != nil {
			return nil, err
		}
		b, err := bill.Get(ctx, tx, d.ID)
		return oapi.BillNow201JSONResponse{Body: billSummary(b)}, err
	})
}

// ListBillItems implements oapi.StrictServerInterface.
func (s *Server) ListBillItems(ctx context.Context, r oapi.ListBillItemsRequestObject) (oapi.ListBillItemsResponseObject, error) {
	var items []bill.Item
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		err := accountExists(ctx, tx, r.Account)
		if err == nil {
			items, err = bill.ItemsOf(ctx, tx, r.Account, false, maxFailures)
		}
		return err
	})
	return oapi.ListBillItems200JSONResponse{Items: mapped(items, billItem)}, err
}

// CreateBillItem implements oapi.StrictServerInterface.
func (s *Server) CreateBillItem(ctx context.Context, r oapi.CreateBillItemRequestObject) (oapi.CreateBillItemResponseObject, error) {
	id := uuid.Must(uuid.NewV7())
	return nil, once(ctx, oapi.CreateBillItemResponseObject.VisitCreateBillItemResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CreateBillItemResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		c.note("price", r.Body.Price, "description", r.Body.Description)
		a, err := account.Lock(ctx, tx, r.Account)
		if err != nil {
			return nil, err
		}
		price, err := money.Parse(r.Body.Price, a.Currency)
		if err != nil {
			return nil, err
		}
		item := bill.Item{
			ID: id, Account: a.ID, Kind: bill.ItemCharge, Code: "charge", Words: map[string]string{"en": r.Body.Description}, Price: price,
			Category: value(r.Body.TaxCategory), Cause: bill.Cause{Kind: "person", ID: id}, By: c.who.Actor(),
		}
		if price.Sign() < 0 {
			item.Kind, item.Code = bill.ItemCredit, "credit"
		}
		if r.Body.Code != nil {
			item.Code = *r.Body.Code
		}
		if r.Body.Subscription != nil {
			item.Subscription = *r.Body.Subscription
		}
		if r.Body.DueFrom != nil {
			item.DueFrom = *r.Body.DueFrom
		}
		made, err := bill.AddItem(ctx, tx, item)
		return oapi.CreateBillItem201JSONResponse{Body: billItem(made)}, err
	})
}

func billItem(i bill.Item) oapi.BillItem {
	out := oapi.BillItem{Id: i.ID, Kind: string(i.Kind), Code: i.Code, Description: i.Words["en"], Price: i.Price, DueFrom: &i.DueFrom, CreatedAt: i.CreatedAt}
	if i.Subscription != uuid.Nil {
		out.Subscription = &i.Subscription
	}
	if i.Bill != uuid.Nil {
		out.Bill = &i.Bill
	}
	return out
}

// ApproveBillRun implements oapi.StrictServerInterface.
func (s *Server) ApproveBillRun(ctx context.Context, r oapi.ApproveBillRunRequestObject) (oapi.ApproveBillRunResponseObject, error) {
	return nil, once(ctx, oapi.ApproveBillRunResponseObject.VisitApproveBillRunResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ApproveBillRunResponseObject, error) {
		c := callOf(ctx)
		c.about("bill_run", r.Run)
		run, err := bill.Approve(ctx, tx, r.Run, c.who.Actor())
		return oapi.ApproveBillRun200JSONResponse{Body: billRun(run)}, err
	})
}

// PauseBillRun implements oapi.StrictServerInterface.
func (s *Server) PauseBillRun(ctx context.Context, r oapi.PauseBillRunRequestObject) (oapi.PauseBillRunResponseObject, error) {
	return nil, once(ctx, oapi.PauseBillRunResponseObject.VisitPauseBillRunResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PauseBillRunResponseObject, error) {
		c := callOf(ctx)
		c.about("bill_run", r.Run)
		run, err := bill.PauseRun(ctx, tx, r.Run, c.who.Actor())
		return oapi.PauseBillRun200JSONResponse{Body: billRun(run)}, err
	})
}

// ResumeBillRun implements oapi.StrictServerInterface.
func (s *Server) ResumeBillRun(ctx context.Context, r oapi.ResumeBillRunRequestObject) (oapi.ResumeBillRunResponseObject, error) {
	return nil, once(ctx, oapi.ResumeBillRunResponseObject.VisitResumeBillRunResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ResumeBillRunResponseObject, error) {
		callOf(ctx).about("bill_run", r.Run)
		run, err := bill.ResumeRun(ctx, tx, r.Run)
		return oapi.ResumeBillRun200JSONResponse{Body: billRun(run)}, err
	})
}

// GetBillingRules implements oapi.StrictServerInterface.
func (s *Server) GetBillingRules(ctx context.Context, _ oapi.GetBillingRulesRequestObject) (oapi.GetBillingRulesResponseObject, error) {
	var p account.Profile
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		p, err = account.GetProfile(ctx, tx)
		return err
	})
	return oapi.GetBillingRules200JSONResponse{Proration: oapi.BillingRulesProration(p.Proration), RunApproval: p.RunApproval}, err
}

// PutBillingRules implements oapi.StrictServerInterface.
func (s *Server) PutBillingRules(ctx context.Context, r oapi.PutBillingRulesRequestObject) (oapi.PutBillingRulesResponseObject, error) {
	return nil, once(ctx, oapi.PutBillingRulesResponseObject.VisitPutBillingRulesResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutBillingRulesResponseObject, error) {
		callOf(ctx).note("proration", string(r.Body.Proration), "run_approval", strconv.FormatBool(r.Body.RunApproval))
		err := account.PutBillingRules(ctx, tx, account.BillingRules{Proration: calendar.Proration(r.Body.Proration), RunApproval: r.Body.RunApproval})
		return oapi.PutBillingRules200JSONResponse{Body: *r.Body}, err
	})
}
