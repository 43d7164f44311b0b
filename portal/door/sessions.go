package door

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// sessionView is one open session.
type sessionView struct {
	ID     string
	Device string
	Where  string // address
	Since  string
	Seen   string
	This   bool
}

func sessionsOf(v *web.Visit, sessions []identity.OpenSession) []sessionView {
	r := v.Reader
	views := make([]sessionView, len(sessions))
	for i, s := range sessions {
		views[i] = sessionView{ID: s.ID.String(), Device: DeviceWords(r, s.UserAgent), Where: s.Address,
			Since: r.T("door.session.since", "at", r.DateTime(s.CreatedAt)), Seen: r.T("door.session.seen", "at", r.DateTime(s.LastSeen)), This: s.ID == v.Who.Session}
	}
	return views
}

func (d *Door) endSession(v *web.Visit) error {
	id, err := uuid.Parse(v.Param("session"))
	if err != nil {
		return v.Redirect(d.url(v, d.Security))
	}
	err = write(v, "user.session-end", func(ctx context.Context, tx tenant.Tx) error {
		return v.Authority().EndSessionOf(ctx, tx, v.Who.UserID, id)
	})
	if err != nil && !errors.Is(err, identity.ErrSessionNotFound) { // ended meanwhile, as was wanted
		return err
	}
	if id == v.Who.Session {
		v.DropSession()
		return v.Redirect(d.url(v, d.Entrance, "out", "1"))
	}
	return v.Redirect(d.url(v, d.Security, "done", "ended"))
}

func (d *Door) endOtherSessions(v *web.Visit) error {
	err := write(v, "user.sessions-end", func(ctx context.Context, tx tenant.Tx) error {
		return v.Authority().EndOtherSessions(ctx, tx, v.Who)
	})
	if err != nil {
		return err
	}
	return v.Redirect(d.url(v, d.Security, "done", "others"))
}

// eventView is one entry of the sign-in history.
type eventView struct {
	What, When string
	Device     string
	Where      string
	Tone       ui.Tone
}

// tones of what deserves a second look.
var tones = map[identity.EventKind]ui.Tone{
	identity.EventSignedIn: ui.OK, identity.EventRefused: ui.Warn, identity.EventDelayed: ui.Warn, identity.EventFactorRemoved: ui.Warn,
}

func eventsOf(v *web.Visit, events []identity.SignInEvent) []eventView {
	r := v.Reader
	views := make([]eventView, len(events))
	for i, e := range events {
		tone, marked := tones[e.Kind]
		if !marked {
			tone = ui.Info
		}
		views[i] = eventView{What: r.T("door.event." + string(e.Kind)), When: r.DateTime(e.At), Where: e.Address, Tone: tone}
		if e.UserAgent != "" {
			views[i].Device = DeviceWords(r, e.UserAgent)
		}
	}
	return views
}

// historyPageSize is how many entries one page shows.
const historyPageSize = 50

// historyView is a page of the sign-in history.
type historyView struct {
	Events      []eventView
	First, Next string // addresses
	Back        string
}

func (d *Door) history(v *web.Visit) error {
	before, err := uuid.Parse(v.Query("before"))
	if err != nil {
		before = uuid.Nil
	}
	var events []identity.SignInEvent
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		events, err = v.Authority().SignIns(ctx, tx, v.Who.UserID, before, historyPageSize+1)
		return err
	})
	if err != nil {
		return err
	}
	h := historyView{Back: d.url(v, d.Security)}
	if before != uuid.Nil {
		h.First = d.url(v, d.Security+"/history")
	}
	if len(events) > historyPageSize {
		events = events[:historyPageSize]
		h.Next = d.url(v, d.Security+"/history", "before", events[historyPageSize-1].ID.String())
	}
	h.Events = eventsOf(v, events)
	title := v.Reader.T("door.history")
	return v.Show(http.StatusOK, historyPage(d.Shell(v, title), v.Page(title), h))
}
