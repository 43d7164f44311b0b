package api

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/account"
	"tollhouse/billing/desk"
	"tollhouse/billing/notice"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// GetAccountSummary implements oapi.StrictServerInterface.
func (s *Server) GetAccountSummary(ctx context.Context, r oapi.GetAccountSummaryRequestObject) (oapi.GetAccountSummaryResponseObject, error) {
	var f desk.Summary
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		a, err := account.Get(ctx, tx, r.Account)
		if err == nil {
			f, err = desk.Summarize(ctx, tx, a)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return oapi.GetAccountSummary200JSONResponse{Owes: f.Owes, Overdue: f.Overdue, NextDue: optionalDate(f.NextDue), Paid: f.Paid,
		Payments: f.Payments, Late: f.Late, Bills: f.Bills}, nil
}

// GetTimeline implements oapi.StrictServerInterface.
func (s *Server) GetTimeline(ctx context.Context, r oapi.GetTimelineRequestObject) (oapi.GetTimelineResponseObject, error) {
	before, err := placeInStream(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var events []desk.Event
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		err := accountExists(ctx, tx, r.Account)
		if err == nil {
			events, err = desk.Timeline(ctx, tx, r.Account, desk.Topic(value(r.Params.Topic)), before, pageLimit(r.Params.Limit)+1)
		}
		return err
	})
	page, next := cut(events, r.Params.Limit, func(e desk.Event) []string {
		return []string{e.At.Format(time.RFC3339Nano), e.ID.String(), string(e.Kind)}
	})
	return oapi.GetTimeline200JSONResponse{Items: mapped(page, timelineEvent), Next: next}, err
}

func placeInStream(cursor *oapi.Cursor) (desk.Place, error) {
	parts, err := cursorParts(cursor, 3)
	if err != nil || parts == nil {
		return desk.Place{}, err
	}
	at, timeErr := time.Parse(time.RFC3339Nano, parts[0])
	id, idErr := uuid.Parse(parts[1])
	if timeErr != nil || idErr != nil {
		return desk.Place{}, errCursor()
	}
	return desk.Place{At: at, ID: id, Kind: desk.Happening(parts[2])}, nil
}

func timelineEvent(e desk.Event) oapi.TimelineEvent {
	out := oapi.TimelineEvent{At: e.At, Kind: oapi.TimelineEventKind(e.Kind), Id: e.Ref, Text: optionalText(e.Text), More: optionalText(e.More),
		Day: optionalDate(e.Day), By: optionalText(e.By)}
	if e.Amount != nil {
		amount := quantity(*e.Amount, e.Unit)
		out.Amount = &amount
	}
	return out
}

// AddNote implements oapi.StrictServerInterface.
func (s *Server) AddNote(ctx context.Context, r oapi.AddNoteRequestObject) (oapi.AddNoteResponseObject, error) {
	id := uuid.Must(uuid.NewV7())
	return nil, once(ctx, oapi.AddNoteResponseObject.VisitAddNoteResponse, func(ctx context.Context, tx tenant.Tx) (oapi.AddNoteResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		if err := accountExists(ctx, tx, r.Account); err != nil {
			return nil, err
		}
		author, err := s.nameOfCaller(ctx, tx)
		if err != nil {
			return nil, err
		}
		note, err := desk.AddNote(ctx, tx, desk.Note{ID: id, AccountID: r.Account, Text: r.Body.Text, Pinned: value(r.Body.Pinned), By: c.who.Actor(), Author: author})
		return oapi.AddNote201JSONResponse{Body: noteOf(note)}, err
	})
}

// nameOfCaller is the name that people know a user by; a key has none.
func (s *Server) nameOfCaller(ctx context.Context, tx tenant.Tx) (string, error) {
	who := callOf(ctx).who
	names, err := s.authority.NamesOf(ctx, tx, []uuid.UUID{who.UserID})
	return names[who.UserID], err
}

func noteOf(n desk.Note) oapi.Note {
	return oapi.Note{Id: n.ID, Text: n.Text, Pinned: n.Pinned, By: n.By, Author: optionalText(n.Author), CreatedAt: n.CreatedAt}
}

// ListNotes implements oapi.StrictServerInterface.
func (s *Server) ListNotes(ctx context.Context, r oapi.ListNotesRequestObject) (oapi.ListNotesResponseObject, error) {
	before, err := afterID(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var notes []desk.Note
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		err := accountExists(ctx, tx, r.Account)
		if err == nil {
			notes, err = desk.Notes(ctx, tx, r.Account, before, pageLimit(r.Params.Limit)+1)
		}
		return err
	})
	page, next := cut(notes, r.Params.Limit, func(n desk.Note) []string { return []string{n.ID.String()} })
	return oapi.ListNotes200JSONResponse{Items: mapped(page, noteOf), Next: next}, err
}

// PinNote implements oapi.StrictServerInterface.
func (s *Server) PinNote(ctx context.Context, r oapi.PinNoteRequestObject) (oapi.PinNoteResponseObject, error) {
	return nil, once(ctx, oapi.PinNoteResponseObject.VisitPinNoteResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PinNoteResponseObject, error) {
		callOf(ctx).about("note", r.Note)
		return oapi.PinNote204Response{}, desk.PinNote(ctx, tx, r.Account, r.Note)
	})
}

// UnpinNote implements oapi.StrictServerInterface.
func (s *Server) UnpinNote(ctx context.Context, r oapi.UnpinNoteRequestObject) (oapi.UnpinNoteResponseObject, error) {
	return nil, once(ctx, oapi.UnpinNoteResponseObject.VisitUnpinNoteResponse, func(ctx context.Context, tx tenant.Tx) (oapi.UnpinNoteResponseObject, error) {
		callOf(ctx).about("note", r.Note)
		return oapi.UnpinNote204Response{}, desk.UnpinNote(ctx, tx, r.Account, r.Note)
	})
}

// GiveCredit implements oapi.StrictServerInterface.
func (s *Server) GiveCredit(ctx context.Context, r oapi.GiveCreditRequestObject) (oapi.GiveCreditResponseObject, error) {
	id := uuid.Must(uuid.NewV7())
	return nil, once(ctx, oapi.GiveCreditResponseObject.VisitGiveCreditResponse, func(ctx context.Context, tx tenant.Tx) (oapi.GiveCreditResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		c.note("amount", r.Body.Amount.String(), "reason", r.Body.Reason)
		given, err := c.stack.GiveCredit(ctx, tx, c.who, value(r.Body.ReasonCode), payment.NewCredit{ID: id, AccountID: r.Account, Amount: r.Body.Amount, Reason: r.Body.Reason, By: c.who.Actor()})
		if err != nil {
			return nil, err
		}
		out, err := paid(ctx, tx, given)
		return oapi.GiveCredit201JSONResponse{Body: out}, err
	})
}

// ListAccountMessages implements oapi.StrictServerInterface.
func (s *Server) ListAccountMessages(ctx context.Context, r oapi.ListAccountMessagesRequestObject) (oapi.ListAccountMessagesResponseObject, error) {
	page, err := messages(ctx, r.Account, r.Params.Cursor, r.Params.Limit)
	return oapi.ListAccountMessages200JSONResponse(page), err
}

// messages reads a page of what was sent, of an account or of all.
func messages(ctx context.Context, of uuid.UUID, cursor *oapi.Cursor, limit *oapi.Limit) (oapi.MessagePage, error) {
	before, err := afterID(cursor)
	if err != nil {
		return oapi.MessagePage{}, err
	}
	var sent []notice.Stored
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		if of != uuid.Nil {
			err = accountExists(ctx, tx, of)
		}
		if err == nil {
			sent, err = notice.List(ctx, tx, notice.Query{AccountID: of, Before: before, Limit: pageLimit(limit) + 1})
		}
		return err
	})
	page, next := cut(sent, limit, func(m notice.Stored) []string { return []string{m.ID.String()} })
	return oapi.MessagePage{Items: mapped(page, messageOf), Next: next}, err
}

func messageOf(m notice.Stored) oapi.Message {
	out := oapi.Message{Id: m.ID, Kind: string(m.Kind), Channel: oapi.MessageChannel(m.Channel), To: m.To, Subject: optionalText(m.Subject),
		State: oapi.MessageState(m.State), Failure: optionalText(m.Failure), CreatedAt: m.CreatedAt, Account: optionalID(m.AccountID)}
	if m.Kind.OpensDoor() {
		out.Subject = nil
	} else {
		out.Body = optionalText(m.Body)
	}
	return out
}
