package api

import (
	"context"
	"strconv"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/api/problem"
	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/replay"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// CreateRerating implements oapi.StrictServerInterface.
func (s *Server) CreateRerating(ctx context.Context, r oapi.CreateReratingRequestObject) (oapi.CreateReratingResponseObject, error) {
	b := r.Body
	wanted := replay.Proposal{
		Action: replay.Action(b.Action), Offering: value(b.OfferingVersion), Decks: replay.Decks(value(b.Decks)), By: callOf(ctx).who.Actor(),
		Choice: replay.Choice{
			Days: calendar.Period{From: value(b.From), To: value(b.To)}, Account: value(b.Account), Subscription: value(b.Subscription),
			Offering: value(b.Offering), Prefix: value(b.Prefix), File: value(b.File),
			Uses: mapped(value(b.Uses), func(p oapi.UsePiece) replay.Piece {
				return replay.Piece{ID: p.Id, Period: p.Month, Quantity: value(p.Quantity)}
			}),
		},
	}
	return nil, once(ctx, oapi.CreateReratingResponseObject.VisitCreateReratingResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CreateReratingResponseObject, error) {
		made, err := replay.Propose(ctx, tx, wanted)
		callOf(ctx).about("rerating", made.ID)
		return oapi.CreateRerating202JSONResponse{Body: rerating(made)}, err
	})
}

// ListReratings implements oapi.StrictServerInterface.
func (s *Server) ListReratings(ctx context.Context, r oapi.ListReratingsRequestObject) (oapi.ListReratingsResponseObject, error) {
	after, err := afterID(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var list []replay.Rerating
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		list, err = replay.List(ctx, tx, after, pageLimit(r.Params.Limit)+1)
		return err
	})
	page, next := cut(list, r.Params.Limit, func(one replay.Rerating) []string { return []string{one.ID.String()} })
	return oapi.ListReratings200JSONResponse{Items: mapped(page, rerating), Next: next}, err
}

// mostChanged is how many accounts a re-rating's answer names.
const mostChanged = 10

// GetRerating implements oapi.StrictServerInterface.
func (s *Server) GetRerating(ctx context.Context, r oapi.GetReratingRequestObject) (oapi.GetReratingResponseObject, error) {
	var out oapi.Rerating
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		one, err := replay.Get(ctx, tx, r.Rerating)
		if err != nil {
			return err
		}
		out = rerating(one)
		totals, err := replay.Totals(ctx, tx, one.ID)
		if err != nil {
			return err
		}
		parts, err := replay.Accounts(ctx, tx, one.ID, 0, mostChanged)
		sums, changed := mapped(totals, reratingTotal), mapped(parts, reratingAccount)
		out.Totals, out.MostChanged = &sums, &changed
		return err
	})
	return oapi.GetRerating200JSONResponse(out), err
}

// ListReratingChanges implements oapi.StrictServerInterface.
func (s *Server) ListReratingChanges(ctx context.Context, r oapi.ListReratingChangesRequestObject) (oapi.ListReratingChangesResponseObject, error) {
	parts, err := cursorParts(r.Params.Cursor, 1)
	if err != nil {
		return nil, err
	}
	from := 0
	if text := first(parts); text != "" {
		if from, err = strconv.Atoi(text); err != nil || from < 0 {
			return nil, errCursor()
		}
	}
	limit := pageLimit(r.Params.Limit)
	var changes []replay.ChargeChange
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		if _, err := replay.Get(ctx, tx, r.Rerating); err != nil {
			return err
		}
		changes, err = replay.Changes(ctx, tx, r.Rerating, value(r.Params.Account), value(r.Params.Problems), from, limit+1)
		return err
	})
	out := oapi.ListReratingChanges200JSONResponse{}
	if len(changes) > limit {
		changes, out.Next = changes[:limit], newCursor(strconv.Itoa(from+limit))
	}
	out.Items = mapped(changes, reratingChange)
	return out, err
}

// ApplyRerating implements oapi.StrictServerInterface.
func (s *Server) ApplyRerating(ctx context.Context, r oapi.ApplyReratingRequestObject) (oapi.ApplyReratingResponseObject, error) {
	return nil, once(ctx, oapi.ApplyReratingResponseObject.VisitApplyReratingResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ApplyReratingResponseObject, error) {
		one, err := replay.Apply(ctx, tx, r.Rerating, r.Body.Reason, callOf(ctx).who.Actor())
		callOf(ctx).about("rerating", r.Rerating)
		return oapi.ApplyRerating202JSONResponse{Body: rerating(one)}, err
	})
}

// CancelRerating implements oapi.StrictServerInterface.
func (s *Server) CancelRerating(ctx context.Context, r oapi.CancelReratingRequestObject) (oapi.CancelReratingResponseObject, error) {
	return nil, once(ctx, oapi.CancelReratingResponseObject.VisitCancelReratingResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CancelReratingResponseObject, error) {
		one, err := replay.Cancel(ctx, tx, r.Rerating)
		callOf(ctx).about("rerating", r.Rerating)
		return oapi.CancelRerating200JSONResponse{Body: rerating(one)}, err
	})
}

// UndoRerating implements oapi.StrictServerInterface.
func (s *Server) UndoRerating(ctx context.Context, r oapi.UndoReratingRequestObject) (oapi.UndoReratingResponseObject, error) {
	return nil, once(ctx, oapi.UndoReratingResponseObject.VisitUndoReratingResponse, func(ctx context.Context, tx tenant.Tx) (oapi.UndoReratingResponseObject, error) {
		one, err := replay.UndoApplied(ctx, tx, r.Rerating, r.Body.Reason, callOf(ctx).who.Actor())
		callOf(ctx).about("rerating", r.Rerating)
		return oapi.UndoRerating202JSONResponse{Body: rerating(one)}, err
	})
}

func rerating(r replay.Rerating) oapi.Rerating {
	choice := oapi.NewRerating{
		Action: oapi.NewReratingAction(r.Action), From: optionalDate(r.Choice.Days.From), To: optionalDate(r.Choice.Days.To), Account: optionalID(r.Choice.Account),
		Subscription: optionalID(r.Choice.Subscription), Offering: optionalText(r.Choice.Offering), Prefix: optionalText(r.Choice.Prefix), File: optionalID(r.Choice.File), OfferingVersion: optionalID(r.Offering),
		Decks: unless("", oapi.NewReratingDecks(r.Decks)),
	}
	if len(r.Choice.Uses) > 0 {
		uses := mapped(r.Choice.Uses, func(p replay.Piece) oapi.UsePiece {
			return oapi.UsePiece{Id: p.ID, Month: p.Period, Quantity: unless(0, p.Quantity)}
		})
		choice.Uses = &uses
	}
	return oapi.Rerating{
		Id: r.ID, Action: oapi.ReratingAction(r.Action), State: oapi.ReratingState(r.State), Choice: choice, Undoes: optionalID(r.Undoes),
		UndoneBy: optionalID(r.UndoneBy), Cause: optionalID(r.Cause), Waits: unless(false, r.Waits), Reason: optionalText(r.Reason), Accounts: r.Accounts, AccountsDone: r.AccountsDone, Charges: r.Charges,
		Error: optionalText(r.Error), AskedBy: r.AskedBy, AskedAt: r.AskedAt.UTC(), AppliedBy: optionalText(r.AppliedBy), AppliedAt: r.AppliedAt, EndedAt: r.EndedAt,
	}
}

func reratingTotal(t replay.Total) oapi.ReratingTotal {
	return oapi.ReratingTotal{Currency: t.Currency.Code(), Accounts: t.Accounts, Refused: t.Refused, Charges: t.Charges, Unpriced: t.Problems,
		Net: t.Net.String(), Tax: t.Tax.String(), GivenBack: t.Returned.String(), ChargedMore: t.Demanded.String()}
}

func reratingAccount(a replay.AccountPart) oapi.ReratingAccount {
	return oapi.ReratingAccount{Account: a.Account, Number: a.Number, Name: a.Name, State: oapi.ReratingAccountState(a.State), Problem: optionalText(a.Problem),
		Charges: a.Charges, Net: a.Net, Tax: a.Tax}
}

func reratingChange(c replay.ChargeChange) oapi.ReratingChange {
	return oapi.ReratingChange{Charge: c.Charge, Account: c.Account, Number: c.Number, Chosen: c.Chosen, At: c.At, Kind: c.Kind, Destination: optionalText(c.Destination),
		Quantity: c.Quantity, Unit: string(c.Unit), TakenBack: unless(0, c.Voids), OldPrice: c.Old, NewPrice: c.New, Net: c.Net, Tax: c.Tax,
		Problem: optionalText(c.Problem), Correction: optionalID(c.Correction)}
}

// GetCorrectionWindow implements oapi.StrictServerInterface.
func (s *Server) GetCorrectionWindow(ctx context.Context, _ oapi.GetCorrectionWindowRequestObject) (oapi.GetCorrectionWindowResponseObject, error) {
	var out oapi.CorrectionWindow
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		out, err = correctionWindow(ctx, tx)
		return err
	})
	return oapi.GetCorrectionWindow200JSONResponse(out), err
}

// SetCorrectionWindow implements oapi.StrictServerInterface.
func (s *Server) SetCorrectionWindow(ctx context.Context, r oapi.SetCorrectionWindowRequestObject) (oapi.SetCorrectionWindowResponseObject, error) {
	return nil, once(ctx, oapi.SetCorrectionWindowResponseObject.VisitSetCorrectionWindowResponse, func(ctx context.Context, tx tenant.Tx) (oapi.SetCorrectionWindowResponseObject, error) {
		if err := account.PutCorrectionDays(ctx, tx, r.Body.Days); err != nil {
			return nil, err
		}
		out, err := correctionWindow(ctx, tx)
		return oapi.SetCorrectionWindow200JSONResponse{Body: out}, err
	})
}

func correctionWindow(ctx context.Context, tx tenant.Tx) (out oapi.CorrectionWindow, err error) {
	if out.Days, err = account.CorrectionDays(ctx, tx); err != nil {
		return out, err
	}
	waiting, err := usage.CountWaiting(ctx, tx)
	out.Waiting = waiting[usage.PastWindow]
	return out, err
}

// RefundCharge implements oapi.StrictServerInterface.
func (s *Server) RefundCharge(ctx context.Context, r oapi.RefundChargeRequestObject) (oapi.RefundChargeResponseObject, error) {
	c := callOf(ctx)
	one := charging.Correction{ID: uuid.Must(uuid.NewV7()), Account: r.Account, Charge: r.Charge, Reason: r.Body.Reason}
	if r.Body.Amount != nil {
		off, err := money.ParseDecimal(*r.Body.Amount)
		if err != nil || off.Sign() <= 0 {
			return nil, problem.InvalidRequest.New("", problem.Fault{Field: "amount", Reason: "is no amount", Want: "a decimal number above zero such as 1.50"})
		}
		one.Off = &off
	}
	return nil, once(ctx, oapi.RefundChargeResponseObject.VisitRefundChargeResponse, func(ctx context.Context, tx tenant.Tx) (oapi.RefundChargeResponseObject, error) {
		c.about("charge", r.Charge)
		var err error
		if one.Period, err = charging.PeriodOf(ctx, tx, r.Account, r.Charge); err != nil {
			return nil, err
		}
		done, err := c.stack.Charging().Correct(ctx, tx, one)
		if err != nil {
			return nil, err
		}
		amount := func(d money.Decimal) money.Amount { return money.New(d, done[0].Currency) }
		return oapi.RefundCharge200JSONResponse{Body: oapi.Corrected{
			Charge: done[0].ChargeID, Price: amount(done[0].Price), Net: amount(done[0].Net), Tax: amount(done[0].Tax), Left: amount(done[0].LeftPrice),
		}}, nil
	})
}
