package api

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	rights "tollhouse/billing/access"
	"tollhouse/billing/account"
	"tollhouse/billing/collection"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// GetCollection implements oapi.StrictServerInterface.
func (s *Server) GetCollection(ctx context.Context, r oapi.GetCollectionRequestObject) (oapi.GetCollectionResponseObject, error) {
	var out oapi.CollectionStory
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		if err := accountExists(ctx, tx, r.Account); err != nil {
			return err
		}
		story, err := collection.Tell(ctx, tx, r.Account)
		if err != nil {
			return err
		}
		standing, err := collection.GetStanding(ctx, tx, r.Account)
		if err != nil {
			return err
		}
		out = oapi.CollectionStory{Standing: accountStanding(standing), Cases: mapped(story.Cases, dunningCase), Steps: mapped(story.Steps, dunningStep),
			Arrangements: mapped(story.Arrangements, arrangement)}
		policy, err := collection.Current(ctx, tx)
		if errors.Is(err, collection.ErrNoPolicy) {
			return nil
		}
		if err != nil {
			return err
		}
		outlook, err := collection.Preview(ctx, tx, policy.Policy, r.Account, nil)
		told := dunningOutlook(outlook)
		out.Outlook = &told
		return err
	})
	return oapi.GetCollection200JSONResponse(out), err
}

func accountStanding(s collection.Standing) oapi.AccountStanding {
	return oapi.AccountStanding{Tags: append([]string{}, s.Tags...), Risk: oapi.AccountStandingRisk(s.Risk)}
}

func dunningCase(c collection.Case) oapi.DunningCase {
	out := oapi.DunningCase{Id: c.ID, Account: c.AccountID, State: oapi.DunningCaseState(c.State), Ladder: c.Ladder, Overdue: money.New(c.Overdue, c.Currency),
		OldestDue: c.OldestDue, Level: oapi.AccessLevel(c.Level), Step: optionalText(c.Step), StepOn: c.StepOn, NextStep: optionalText(c.NextStep), NextOn: c.NextOn,
		HandedOver: c.HandedOver, OpenedAt: c.OpenedAt, ClosedAt: c.ClosedAt, ClosedWhy: optionalText(c.ClosedWhy)}
	if held := oapi.DunningCaseHeld(c.Held); held != "" {
		out.Held = &held
	}
	return out
}

func dunningStep(t collection.Taking) oapi.DunningStep {
	return oapi.DunningStep{Item: t.ItemID, Number: t.Number, Step: t.Step, Action: oapi.DunningAction(t.Action), Planned: t.Planned, Done: t.Done,
		Version: t.Version, Open: t.Open, Fee: optionalText(t.Fee)}
}

func arrangement(a collection.Arrangement) oapi.Arrangement {
	return oapi.Arrangement{Id: a.ID, Kind: oapi.ArrangementKind(a.Kind), State: oapi.ArrangementState(a.State), Amount: a.Amount, Until: a.Until,
		Instalments: mapped(a.Instalments, func(i collection.Instalment) oapi.PlanInstalment {
			return oapi.PlanInstalment{On: i.On, Amount: i.Amount}
		}),
		Reason: optionalText(a.Reason), By: a.By, At: a.At, EndedAt: a.EndedAt, EndedBy: optionalText(a.EndedBy)}
}

func dunningOutlook(o collection.Outlook) oapi.DunningOutlook {
	out := oapi.DunningOutlook{Ladder: o.Ladder, Planned: mapped(o.Planned, func(p collection.Planned) oapi.PlannedStep {
		return oapi.PlannedStep{On: p.On, Step: p.Step, Action: oapi.DunningAction(p.Action), Level: oapi.AccessLevel(p.Level), Numbers: append([]string{}, p.Numbers...)}
	})}
	if held := oapi.DunningOutlookHeld(o.Held); held != "" {
		out.Held = &held
	}
	return out
}

// PutStanding implements oapi.StrictServerInterface.
func (s *Server) PutStanding(ctx context.Context, r oapi.PutStandingRequestObject) (oapi.PutStandingResponseObject, error) {
	return nil, once(ctx, oapi.PutStandingResponseObject.VisitPutStandingResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutStandingResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		c.note("risk", string(r.Body.Risk))
		standing := collection.Standing{Tags: r.Body.Tags, Risk: string(r.Body.Risk)}
		if err := accountExists(ctx, tx, r.Account); err != nil {
			return nil, err
		}
		err := c.stack.Collection().PutStanding(ctx, tx, r.Account, standing)
		return oapi.PutStanding200JSONResponse{Body: *r.Body}, err
	})
}

// MakePromise implements oapi.StrictServerInterface.
func (s *Server) MakePromise(ctx context.Context, r oapi.MakePromiseRequestObject) (oapi.MakePromiseResponseObject, error) {
	return nil, once(ctx, oapi.MakePromiseResponseObject.VisitMakePromiseResponse, func(ctx context.Context, tx tenant.Tx) (oapi.MakePromiseResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		c.note("until", r.Body.Until.String())
		if err := accountExists(ctx, tx, r.Account); err != nil {
			return nil, err
		}
		a, err := c.stack.Collection().Promise(ctx, tx, collection.NewPromise{AccountID: r.Account, Amount: value(r.Body.Amount), Until: r.Body.Until,
			Reason: value(r.Body.Reason), By: c.who.Actor(), Subscriber: c.who.AccountID != uuid.Nil})
		return oapi.MakePromise200JSONResponse{Body: arrangement(a)}, err
	})
}

// MakePaymentPlan implements oapi.StrictServerInterface.
func (s *Server) MakePaymentPlan(ctx context.Context, r oapi.MakePaymentPlanRequestObject) (oapi.MakePaymentPlanResponseObject, error) {
	return nil, once(ctx, oapi.MakePaymentPlanResponseObject.VisitMakePaymentPlanResponse, func(ctx context.Context, tx tenant.Tx) (oapi.MakePaymentPlanResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		if err := accountExists(ctx, tx, r.Account); err != nil {
			return nil, err
		}
		a, err := c.stack.Collection().MakePlan(ctx, tx, collection.NewPlan{AccountID: r.Account, Reason: value(r.Body.Reason), By: c.who.Actor(),
			Instalments: mapped(r.Body.Instalments, func(i oapi.PlanInstalment) collection.Instalment {
				return collection.Instalment{On: i.On, Amount: i.Amount}
			})})
		return oapi.MakePaymentPlan200JSONResponse{Body: arrangement(a)}, err
	})
}

// HoldCollection implements oapi.StrictServerInterface.
func (s *Server) HoldCollection(ctx context.Context, r oapi.HoldCollectionRequestObject) (oapi.HoldCollectionResponseObject, error) {
	return nil, once(ctx, oapi.HoldCollectionResponseObject.VisitHoldCollectionResponse, func(ctx context.Context, tx tenant.Tx) (oapi.HoldCollectionResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		c.note("reason", r.Body.Reason)
		if err := accountExists(ctx, tx, r.Account); err != nil {
			return nil, err
		}
		a, err := c.stack.Collection().Hold(ctx, tx, collection.NewHold{AccountID: r.Account, ItemID: value(r.Body.Item), Until: r.Body.Until, Reason: r.Body.Reason, By: c.who.Actor()})
		return oapi.HoldCollection200JSONResponse{Body: arrangement(a)}, err
	})
}

// EndArrangement implements oapi.StrictServerInterface.
func (s *Server) EndArrangement(ctx context.Context, r oapi.EndArrangementRequestObject) (oapi.EndArrangementResponseObject, error) {
	return nil, once(ctx, oapi.EndArrangementResponseObject.VisitEndArrangementResponse, func(ctx context.Context, tx tenant.Tx) (oapi.EndArrangementResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		c.note("arrangement", r.Arrangement.String())
		if err := accountExists(ctx, tx, r.Account); err != nil {
			return nil, err
		}
		a, err := c.stack.Collection().End(ctx, tx, r.Account, r.Arrangement, c.who.Actor())
		return oapi.EndArrangement200JSONResponse{Body: arrangement(a)}, err
	})
}

// ListCases implements oapi.StrictServerInterface.
func (s *Server) ListCases(ctx context.Context, r oapi.ListCasesRequestObject) (oapi.ListCasesResponseObject, error) {
	var rows []collection.Row
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		rows, err = collection.Board(ctx, tx, collection.BoardQuery{Ladder: value(r.Params.Ladder), Step: value(r.Params.Step), Level: rights.Level(value(r.Params.Level)),
			DueOn: r.Params.DueOn, Skip: value(r.Params.Skip), Limit: pageLimit(r.Params.Limit)})
		return err
	})
	return oapi.ListCases200JSONResponse{Items: mapped(rows, func(row collection.Row) oapi.DunningCase {
		out := dunningCase(row.Case)
		out.Number, out.Name = &row.Number, &row.Name
		return out
	})}, err
}

// GetCollectionOverview implements oapi.StrictServerInterface.
func (s *Server) GetCollectionOverview(ctx context.Context, _ oapi.GetCollectionOverviewRequestObject) (oapi.GetCollectionOverviewResponseObject, error) {
	var o collection.Overview
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		o, err = collection.Figures(ctx, tx)
		return err
	})
	return oapi.GetCollectionOverview200JSONResponse{
		Columns: mapped(o.Columns, func(c collection.Column) oapi.CollectionColumn {
			return oapi.CollectionColumn{Ladder: c.Ladder, Step: c.Step, Level: oapi.AccessLevel(c.Level), Cases: c.Cases, Overdue: money.New(c.Overdue, c.Currency)}
		}),
		Ages: mapped(o.Ages, func(a collection.Age) oapi.CollectionAge {
			return oapi.CollectionAge{From: a.From, To: unless(0, a.To), Accounts: a.Accounts, Items: a.Items, Open: money.New(a.Open, a.Currency)}
		}),
		Coming: mapped(o.Coming, func(c collection.Coming) oapi.CollectionComing {
			return oapi.CollectionComing{On: c.On, Step: c.Step, Cases: c.Cases, Overdue: money.New(c.Overdue, c.Currency)}
		}),
	}, err
}

// GetDunningPolicy implements oapi.StrictServerInterface.
func (s *Server) GetDunningPolicy(ctx context.Context, _ oapi.GetDunningPolicyRequestObject) (oapi.GetDunningPolicyResponseObject, error) {
	var e collection.Edition
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		e, err = collection.Current(ctx, tx)
		if !errors.Is(err, collection.ErrNoPolicy) {
			return err
		}
		profile, err := account.GetProfile(ctx, tx)
		e.Policy = collection.Default(profile.Currency)
		return err
	})
	return oapi.GetDunningPolicy200JSONResponse(dunningPolicy(e)), err
}

func dunningPolicy(e collection.Edition) oapi.DunningPolicy {
	out := oapi.DunningPolicy{Version: e.Version, Document: document(e.Policy), ChangedBy: optionalText(e.By)}
	if e.Version > 0 {
		out.ChangedAt = &e.At
	}
	return out
}

// PutDunningPolicy implements oapi.StrictServerInterface. The document is read
// from the bytes as sent.
func (s *Server) PutDunningPolicy(ctx context.Context, _ oapi.PutDunningPolicyRequestObject) (oapi.PutDunningPolicyResponseObject, error) {
	return nil, once(ctx, oapi.PutDunningPolicyResponseObject.VisitPutDunningPolicyResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutDunningPolicyResponseObject, error) {
		c := callOf(ctx)
		c.object = "operator"
		policy, err := collection.Parse(c.body)
		if err != nil {
			return nil, err
		}
		e, err := collection.Put(ctx, tx, policy, c.who.Actor())
		return oapi.PutDunningPolicy200JSONResponse{Body: dunningPolicy(e)}, err
	})
}

// PreviewDunning implements oapi.StrictServerInterface.
func (s *Server) PreviewDunning(ctx context.Context, r oapi.PreviewDunningRequestObject) (oapi.PreviewDunningResponseObject, error) {
	var outlook collection.Outlook
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		policy, err := policyOnTrial(ctx, tx, r.Body)
		if err != nil {
			return err
		}
		outlook, err = collection.Preview(ctx, tx, policy, r.Body.Account, sampleOf(r.Body))
		return err
	})
	return oapi.PreviewDunning200JSONResponse(dunningOutlook(outlook)), err
}

func policyOnTrial(ctx context.Context, tx tenant.Tx, t *oapi.DunningTrial) (collection.Policy, error) {
	if t.Account == uuid.Nil {
		return collection.Policy{}, &account.FieldError{Field: "account", Want: "the account that is looked at"}
	}
	if t.Document != nil {
		return collection.Parse(*t.Document)
	}
	e, err := collection.Current(ctx, tx)
	return e.Policy, err
}

func sampleOf(t *oapi.DunningTrial) *collection.Sample {
	if t.Due == nil || t.Amount == nil {
		return nil
	}
	return &collection.Sample{Due: *t.Due, Amount: *t.Amount}
}
