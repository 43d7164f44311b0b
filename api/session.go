package api

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/charging"
	"tollhouse/billing/charging/session"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// StartSession implements oapi.StrictServerInterface.
func (s *Server) StartSession(ctx context.Context, r oapi.StartSessionRequestObject) (oapi.StartSessionResponseObject, error) {
	c := callOf(ctx)
	answer, err := c.stack.Step(ctx, session.Step{Kind: session.Start, Source: c.who.Actor(), Name: r.Body.Session, Number: value(r.Body.Number), At: value(r.Body.At),
		Who: usage.Identity{Kind: usage.IdentityKind(r.Body.Identity.Kind), Value: r.Body.Identity.Value}, Reports: reports(r.Body.Services, true)})
	return oapi.StartSession200JSONResponse(sessionAnswer(answer)), err
}

// UpdateSession implements oapi.StrictServerInterface.
func (s *Server) UpdateSession(ctx context.Context, r oapi.UpdateSessionRequestObject) (oapi.UpdateSessionResponseObject, error) {
	answer, err := callOf(ctx).stack.Step(ctx, session.Step{Kind: session.Update, Session: r.Session, Number: r.Body.Number, At: value(r.Body.At), Reports: reports(value(r.Body.Services), true)})
	return oapi.UpdateSession200JSONResponse(sessionAnswer(answer)), err
}

// TerminateSession implements oapi.StrictServerInterface.
func (s *Server) TerminateSession(ctx context.Context, r oapi.TerminateSessionRequestObject) (oapi.TerminateSessionResponseObject, error) {
	answer, err := callOf(ctx).stack.Step(ctx, session.Step{Kind: session.Terminate, Session: r.Session, Number: r.Body.Number, At: value(r.Body.At), Reports: reports(value(r.Body.Services), false)})
	return oapi.TerminateSession200JSONResponse(sessionAnswer(answer)), err
}

// reports reads what is said of services. Who reports on one that goes on asks
// for more, unless it says otherwise.
func reports(services []oapi.ServiceReport, asks bool) []session.Report {
	return mapped(services, func(v oapi.ServiceReport) session.Report {
		r := session.Report{Service: v.Service, Destination: value(v.Destination), Quality: value(v.Quality), Used: value(v.Used), Units: value(v.Units), Ended: value(v.Ended)}
		r.Kind = usage.Kind(value(v.Kind))
		r.Ask = asks && !r.Ended && (v.Ask == nil || *v.Ask)
		return r
	})
}

func sessionAnswer(a session.Answer) oapi.SessionAnswer {
	return oapi.SessionAnswer{Id: a.Session, Number: a.Number, State: oapi.SessionState(a.State), Ending: optionalText(string(a.Ending)), At: a.At, Repeat: a.Repeat,
		Services: mapped(a.Services, func(g session.Given) oapi.ServiceAnswer { return serviceAnswer(g, a.Currency) })}
}

func serviceAnswer(g session.Given, currency money.Currency) oapi.ServiceAnswer {
	out := oapi.ServiceAnswer{Service: g.Service, Result: oapi.ServiceAnswerResult(g.Result), Unit: oapi.ServiceAnswerUnit(g.Unit), Granted: g.Granted,
		ValidSeconds: unless(0, g.ValidSeconds), HoldSeconds: unless(0, g.HoldSeconds), Used: unless(0, g.Used), Covered: unless(0, g.Covered),
		Charge: optionalID(g.ChargeID), Suspended: unless(false, g.Held)}
	if g.Problem != nil {
		out.Error = &oapi.Fault{Field: g.Problem.Field, Reason: g.Problem.Reason, Want: g.Problem.Want}
	}
	if g.Final != nil {
		final := finalUnit(*g.Final)
		out.Final = &final
	}
	if g.ChargeID != uuid.Nil {
		price, net, tax := money.New(g.Price, currency), money.New(g.Net, currency), money.New(g.Tax, currency)
		out.Price, out.Net, out.Tax = &price, &net, &tax
	}
	return out
}

func finalUnit(f session.Final) oapi.FinalUnit {
	return oapi.FinalUnit{Action: oapi.FinalUnitAction(f.Action), RedirectTo: optionalText(f.RedirectTo), FilterId: optionalText(f.FilterID)}
}

// GetSession implements oapi.StrictServerInterface.
func (s *Server) GetSession(ctx context.Context, r oapi.GetSessionRequestObject) (oapi.GetSessionResponseObject, error) {
	var out oapi.ChargingSession
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		found, err := charging.FindSession(ctx, tx, r.Session)
		if err != nil {
			return err
		}
		out, err = chargingSession(ctx, tx, found)
		return err
	})
	return oapi.GetSession200JSONResponse(out), err
}

func chargingSession(ctx context.Context, tx tenant.Tx, s *session.Session) (oapi.ChargingSession, error) {
	notices, err := charging.Notices(ctx, tx, s.ID)
	return oapi.ChargingSession{Id: s.ID, Session: s.Name, Asker: optionalText(s.Consumer), Account: s.Account,
		Identity: oapi.SessionIdentity{Kind: oapi.SessionIdentityKind(s.Identity.Kind), Value: s.Identity.Value}, State: oapi.SessionState(s.State),
		Ending: optionalText(string(s.Ending)), Number: s.Number, StartedAt: s.StartedAt, LastAt: s.LastAt, ClosedAt: optionalTime(s.ClosedAt),
		Services: mapped(s.Services, sessionService), Notices: mapped(notices, sessionNotice)}, err
}

func optionalTime(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

func sessionService(v session.Service) oapi.SessionService {
	return oapi.SessionService{Service: v.Name, Kind: string(v.Kind), Destination: optionalText(v.Destination), Quality: optionalText(v.Quality), Unit: string(v.Unit()),
		Used: v.Used, Price: &v.Charged, Granted: v.Granted, ValidUntil: optionalTime(v.ValidUntil), HeldUntil: optionalTime(v.HeldUntil), StartedAt: v.StartedAt,
		Final: v.Final, Ended: v.Ended, Held: mapped(v.Held, func(h session.Hold) oapi.HeldAmount { return oapi.HeldAmount{Bucket: h.Bucket, Amount: h.Amount} })}
}

func sessionNotice(n charging.Notice) oapi.SessionNotice {
	return oapi.SessionNotice{Kind: oapi.SessionNoticeKind(n.Kind), Uri: n.URI, State: oapi.SessionNoticeState(n.State), Attempts: n.Attempts,
		Error: optionalText(n.Error), CreatedAt: n.CreatedAt, DoneAt: n.DoneAt}
}

// ListSessions implements oapi.StrictServerInterface.
func (s *Server) ListSessions(ctx context.Context, r oapi.ListSessionsRequestObject) (oapi.ListSessionsResponseObject, error) {
	out := oapi.ChargingSessionList{Items: []oapi.ChargingSession{}}
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		standing, err := charging.Available(ctx, tx, r.Account, tx.At)
		if err != nil {
			return err
		}
		out.Balance, out.Reserved = money.New(standing.Value, standing.Currency), money.New(standing.Reserved, standing.Currency)
		out.Available = money.New(standing.Available(), standing.Currency)
		found, err := charging.OpenSessions(ctx, tx, r.Account)
		if err != nil {
			return err
		}
		for _, one := range found {
			item, err := chargingSession(ctx, tx, one)
			if err != nil {
				return err
			}
			out.Items = append(out.Items, item)
		}
		return nil
	})
	return oapi.ListSessions200JSONResponse(out), err
}
