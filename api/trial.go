package api

import (
	"context"
	"maps"
	"slices"

	"tollhouse/api/oapi"
	"tollhouse/api/problem"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/replay"
	"tollhouse/billing/tenant"
)

// CreateTrial implements oapi.StrictServerInterface.
func (s *Server) CreateTrial(ctx context.Context, r oapi.CreateTrialRequestObject) (oapi.CreateTrialResponseObject, error) {
	wanted, err := newTrial(r.Body, callOf(ctx).who.Actor())
	if err != nil {
		return nil, err
	}
	return nil, once(ctx, oapi.CreateTrialResponseObject.VisitCreateTrialResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CreateTrialResponseObject, error) {
		t, err := replay.AskTrial(ctx, tx, wanted)
		callOf(ctx).about("trial", t.ID)
		return oapi.CreateTrial202JSONResponse{Body: trialOf(t)}, err
	})
}

func newTrial(b *oapi.NewTrial, by string) (replay.NewTrial, error) {
	wanted := replay.NewTrial{
		Offering: b.OfferingVersion, Days: calendar.Period{From: b.From, To: b.To}, By: by, Decks: replay.Decks(value(b.Decks)),
		Segment: replay.Segment{Offering: value(b.Offering), Branch: value(b.Branch), Kind: string(value(b.Kind)), Place: value(b.Place)},
	}
	amount := func(field string, text *string) (*money.Decimal, error) {
		if text == nil {
			return nil, nil
		}
		d, err := money.ParseDecimal(*text)
		if err != nil {
			return nil, problem.InvalidRequest.New("", problem.Fault{Field: field, Reason: "is no amount", Want: "a decimal number such as 12.50"})
		}
		return &d, nil
	}
	from, err := amount("spent_from", b.SpentFrom)
	if err != nil {
		return wanted, err
	}
	wanted.Segment.Spent.From = value(from)
	wanted.Segment.Spent.To, err = amount("spent_to", b.SpentTo)
	return wanted, err
}

// ListTrials implements oapi.StrictServerInterface.
func (s *Server) ListTrials(ctx context.Context, r oapi.ListTrialsRequestObject) (oapi.ListTrialsResponseObject, error) {
	after, err := afterID(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var trials []replay.Trial
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		trials, err = replay.ListTrials(ctx, tx, value(r.Params.OfferingVersion), after, pageLimit(r.Params.Limit)+1)
		return err
	})
	page, next := cut(trials, r.Params.Limit, func(t replay.Trial) []string { return []string{t.ID.String()} })
	return oapi.ListTrials200JSONResponse{Items: mapped(page, trialOf), Next: next}, err
}

// GetTrial implements oapi.StrictServerInterface.
func (s *Server) GetTrial(ctx context.Context, r oapi.GetTrialRequestObject) (oapi.GetTrialResponseObject, error) {
	var t replay.Trial
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		t, err = replay.GetTrial(ctx, tx, r.Trial)
		return err
	})
	return oapi.GetTrial200JSONResponse(trialOf(t)), err
}

// CancelTrial implements oapi.StrictServerInterface.
func (s *Server) CancelTrial(ctx context.Context, r oapi.CancelTrialRequestObject) (oapi.CancelTrialResponseObject, error) {
	return nil, once(ctx, oapi.CancelTrialResponseObject.VisitCancelTrialResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CancelTrialResponseObject, error) {
		t, err := replay.CancelTrial(ctx, tx, r.Trial)
		callOf(ctx).about("trial", r.Trial)
		return oapi.CancelTrial200JSONResponse{Body: trialOf(t)}, err
	})
}

func trialOf(t replay.Trial) oapi.Trial {
	out := oapi.Trial{
		Id: t.ID, OfferingVersion: t.Offering, Code: t.Document.Code, From: t.Days.From, To: t.Days.To, State: oapi.TrialState(t.State),
		Accounts: t.Accounts, AccountsDone: t.AccountsDone, Records: t.Records, Error: optionalText(t.Error), AskedBy: t.AskedBy, AskedAt: t.AskedAt.UTC(),
		EndedAt: t.EndedAt, Decks: oapi.TrialDecks(t.Decks),
	}
	s := &t.Sums
	if s.Total.Accounts == 0 && len(s.Unpriced) == 0 {
		return out
	}
	total, fees := trialCell(s.Total), trialCell(s.Fees)
	out.Currency, out.Total, out.Fees, out.PayLess, out.PaySame, out.PayMore = optionalText(s.Currency), &total, &fees, &s.Less, &s.Same, &s.More
	var segments []oapi.TrialSegment
	for _, by := range replay.Dimensions {
		for _, key := range slices.Sorted(maps.Keys(s.Segments[by])) {
			segments = append(segments, oapi.TrialSegment{By: oapi.TrialSegmentBy(by), Key: key, Cell: trialCell(s.Segments[by][key])})
		}
	}
	changed := mapped(s.Changed, func(a replay.AccountChange) oapi.TrialAccount {
		return oapi.TrialAccount{Account: a.Account, Number: a.Number, Name: a.Name, Cell: trialCell(a.Cell)}
	})
	var bins []oapi.TrialBin
	for _, n := range slices.Sorted(maps.Keys(s.Bins)) {
		from, to := replay.BinSpan(n)
		bins = append(bins, oapi.TrialBin{From: from.String(), To: to.String(), Accounts: s.Bins[n].Accounts, Difference: s.Bins[n].Difference().String()})
	}
	var unpriced []oapi.TrialUnpriced
	for _, reason := range slices.Sorted(maps.Keys(s.Unpriced)) {
		u := s.Unpriced[reason]
		unpriced = append(unpriced, oapi.TrialUnpriced{Reason: reason, Uses: u.Uses, Billed: u.Billed.String(), Example: u.Example})
	}
	out.Segments, out.MostChanged, out.Distribution, out.Unpriced = &segments, &changed, &bins, &unpriced
	return out
}

func trialCell(c replay.Cell) oapi.TrialCell {
	return oapi.TrialCell{Accounts: c.Accounts, Records: c.Records, Billed: c.Old.String(), Tried: c.New.String(), Difference: c.Difference().String()}
}
