package api

import (
	"context"
	"time"

	"tollhouse/api/oapi"
	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/insight"
	"tollhouse/billing/readiness"
	"tollhouse/billing/tenant"
)

// How far figures look back.
const (
	monthsShown = 13
	weeksShown  = 12
)

// sumUpAtMost is how long an answer waits for revenue to be summed up.
const sumUpAtMost = 5 * time.Second

// operatorFigures are read on one snapshot; parts that the caller may not see
// are left out.
type operatorFigures struct {
	profile account.Profile
	today   calendar.Date
	may     func(identity.Permission) bool
	out     oapi.Figures
}

// GetFigures implements oapi.StrictServerInterface.
func (s *Server) GetFigures(ctx context.Context, _ oapi.GetFiguresRequestObject) (oapi.GetFiguresResponseObject, error) {
	c := callOf(ctx)
	f := operatorFigures{may: c.who.May}
	if f.may(identity.BillRead) {
		if _, err := c.stack.SumUp(ctx, sumUpAtMost); err != nil {
			return nil, err
		}
	}
	err := c.stack.Read(ctx, f.read)
	return oapi.GetFigures200JSONResponse(f.out), err
}

func (f *operatorFigures) read(ctx context.Context, tx tenant.Tx) (err error) {
	if f.profile, err = account.GetProfile(ctx, tx); err != nil {
		return err
	}
	f.today = f.profile.LocalDate(tx.At)
	f.out.Currency = f.profile.Currency
	parts := []struct {
		wants identity.Permission
		read  func(ctx context.Context, tx tenant.Tx) error
	}{
		{identity.AccountRead, f.readSubscribers},
		{identity.BillRead, f.readMonths},
		{identity.PaymentRead, f.readOwing},
		{identity.SuspenseRead, f.readSuspense},
		{identity.OfferingRead, f.readOfferings},
	}
	for _, part := range parts {
		if !f.may(part.wants) {
			continue
		}
		if err := part.read(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// monthBegan is the first instant of the local month.
func (f *operatorFigures) monthBegan() time.Time {
	first := f.today
	first.Day = 1
	return first.Start(f.profile.Zone)
}

func (f *operatorFigures) readSubscribers(ctx context.Context, tx tenant.Tx) (err error) {
	if f.out.Subscribers, err = insight.ActiveSubscribers(ctx, tx); err != nil {
		return err
	}
	if f.out.SubscribersBefore, err = insight.SubscribersAt(ctx, tx, f.monthBegan()); err != nil {
		return err
	}
	weeks, err := insight.Weeks(ctx, tx, f.profile.Zone, f.today, weeksShown)
	f.out.Weeks = mapped(weeks, func(w insight.Week) oapi.WeekFigures {
		return oapi.WeekFigures{From: w.From, Joined: w.Joined, Left: w.Left}
	})
	return err
}

func (f *operatorFigures) readMonths(ctx context.Context, tx tenant.Tx) error {
	months, err := insight.Months(ctx, tx, f.profile, f.today, monthsShown)
	out := mapped(months, func(m insight.Month) oapi.MonthFigures {
		return oapi.MonthFigures{Month: m.First, Recurring: m.Recurring, Usage: m.Usage, OneTime: m.OneTime}
	})
	f.out.Months = &out
	return err
}

func (f *operatorFigures) readOwing(ctx context.Context, tx tenant.Tx) error {
	owing, err := insight.GetOwing(ctx, tx, f.profile.Currency, f.today)
	if err != nil {
		return err
	}
	f.out.Owing = &oapi.OwingFigures{Accounts: owing.Accounts, Debtors: owing.Debtors, Total: owing.Total(), Overdue: owing.Overdue(),
		ByAge: mapped(owing.ByAge, func(o insight.Owed) oapi.OwedFigures {
			return oapi.OwedFigures{Age: o.Name(), Accounts: o.Accounts, Amount: o.Amount}
		})}
	return nil
}

func (f *operatorFigures) readSuspense(ctx context.Context, tx tenant.Tx) error {
	groups, err := insight.Suspense(ctx, tx)
	out := mapped(groups, func(g insight.Group) oapi.SuspenseFigures {
		return oapi.SuspenseFigures{Reason: string(g.Reason), Count: g.Count, Since: g.Since}
	})
	f.out.Suspense = &out
	return err
}

func (f *operatorFigures) readOfferings(ctx context.Context, tx tenant.Tx) error {
	sold, err := insight.SoldSince(ctx, tx, f.monthBegan())
	out := mapped(sold, func(s insight.Sold) oapi.OfferingFigures {
		return oapi.OfferingFigures{Offering: s.OfferingID, Active: s.Active, New: s.New, Left: s.Left, Recurring: s.Recurring}
	})
	f.out.Offerings = &out
	return err
}

// topicRights says who is told of what waits for a person.
var topicRights = map[insight.Topic]identity.Permission{
	insight.InSuspense: identity.SuspenseRead, insight.FailedFiles: identity.SuspenseRead, insight.FailedBills: identity.BillRunRun,
	insight.KeptMoney: identity.PaymentWrite, insight.ParkedWebhooks: identity.PaymentWrite, insight.ImportFindings: identity.IntakeWrite,
	insight.FailedWork: identity.SettingsWrite,
}

// ListAttention implements oapi.StrictServerInterface.
func (s *Server) ListAttention(ctx context.Context, _ oapi.ListAttentionRequestObject) (oapi.ListAttentionResponseObject, error) {
	c := callOf(ctx)
	var topics []insight.Topic
	for topic, right := range topicRights {
		if c.who.May(right) {
			topics = append(topics, topic)
		}
	}
	if len(topics) == 0 {
		return oapi.ListAttention200JSONResponse{Items: []oapi.Attention{}}, nil
	}
	var waiting []insight.Waiting
	err := c.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		waiting, err = insight.NeedsPerson(ctx, tx, topics...)
		return err
	})
	return oapi.ListAttention200JSONResponse{Items: mapped(waiting, attentionOf)}, err
}

func attentionOf(w insight.Waiting) oapi.Attention {
	out := oapi.Attention{Topic: oapi.AttentionTopic(w.Topic), Name: w.Name, Id: optionalText(w.ID), Count: w.Count, Since: w.Since, Detail: optionalText(w.Detail)}
	if !w.Amount.IsZero() {
		out.Amount = &w.Amount
	}
	return out
}

// RetryFailedWork implements oapi.StrictServerInterface.
func (s *Server) RetryFailedWork(ctx context.Context, r oapi.RetryFailedWorkRequestObject) (oapi.RetryFailedWorkResponseObject, error) {
	return nil, once(ctx, oapi.RetryFailedWorkResponseObject.VisitRetryFailedWorkResponse, func(ctx context.Context, tx tenant.Tx) (oapi.RetryFailedWorkResponseObject, error) {
		c := callOf(ctx)
		c.object = "agenda"
		c.note("kind", string(r.Kind))
		retried, err := agenda.Retry(ctx, tx, agenda.Kind(r.Kind))
		return oapi.RetryFailedWork200JSONResponse{Body: oapi.RetryOutcome{Retried: retried}}, err
	})
}

// GetRunReadiness implements oapi.StrictServerInterface.
func (s *Server) GetRunReadiness(ctx context.Context, r oapi.GetRunReadinessRequestObject) (oapi.GetRunReadinessResponseObject, error) {
	c := callOf(ctx)
	var report readiness.Report
	err := c.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		report, err = readiness.Check(ctx, tx, c.stack.Closer(), value(r.Params.Day))
		return err
	})
	return oapi.GetRunReadiness200JSONResponse{Day: report.Day, At: report.At, Ready: report.Ready(), Accounts: report.Accounts, Previewed: report.Previewed,
		Findings: mapped(report.Findings, readinessFinding)}, err
}

func readinessFinding(f readiness.Finding) oapi.ReadinessFinding {
	values := f.Values
	if values == nil {
		values = map[string]string{}
	}
	return oapi.ReadinessFinding{Code: string(f.Code), Severity: oapi.ReadinessFindingSeverity(f.Severity), Count: f.Count, Values: values,
		Examples: mapped(f.Examples, func(e readiness.Example) oapi.ReadinessExample {
			return oapi.ReadinessExample{Kind: e.Kind, Id: optionalID(e.ID), Label: e.Label}
		})}
}
