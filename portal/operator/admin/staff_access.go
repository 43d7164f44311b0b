package admin

import (
	"context"
	"errors"
	"strconv"
	"time"

	"tollhouse/billing/account"
	"tollhouse/billing/tenant"
	"tollhouse/billing/visit"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// accessView is the page of hosting staff's way in: consents and visits.
type accessView struct {
	ui.ConsolePage
	Done     string
	Form     form
	Act      string // key of the buttons' forms
	Consents []visit.Consent
	Visits   []visit.Visit
	Names    actors
	Now      time.Time // wall time
}

// accessRows is how much of the past stands on the page.
const accessRows = 50

func staffAccess(v *web.Visit) error {
	return showAccess(v, newForm(map[string]string{"for": "24"}))
}

func showAccess(v *web.Visit, f form) error {
	view := accessView{ConsolePage: frame.Of(v, frame.Staff, v.Reader.T("con.nav.staff-access")), Done: v.Query("done"), Form: f,
		Act: newForm(nil).Key, Now: v.Caller().WallAt}
	err := read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		if view.Consents, err = visit.Consents(ctx, tx, accessRows); err != nil {
			return err
		}
		if view.Visits, err = visit.List(ctx, tx, accessRows); err != nil {
			return err
		}
		var named []string
		for _, c := range view.Consents {
			named = append(named, c.GivenBy, c.EndedBy)
		}
		view.Names, err = namesOf(ctx, tx, v, named)
		return err
	})
	if err != nil {
		return err
	}
	return v.Show(f.status(), accessPage(view))
}

// consentHours are how long a consent can be given for.
var consentHours = []int{1, 4, 24, 72, 168}

func hourChoices(r ui.Reader) []ui.Choice {
	choices := make([]ui.Choice, len(consentHours))
	for i, hours := range consentHours {
		words := r.N("admin.hours", int64(hours))
		if hours >= 24 {
			words = r.N("admin.days", int64(hours/24))
		}
		choices[i] = ui.Choice{Value: strconv.Itoa(hours), Label: words}
	}
	return choices
}

func giveConsent(v *web.Visit) error {
	f := sentForm(v, "reason", "for", "may_change")
	hours, err := strconv.Atoi(f.Typed["for"])
	if err != nil || hours < 0 || hours > int(visit.MaxConsent/time.Hour) {
		hours = 0 // refused below, with the field's words
	}
	_, err = once(v, "consent.give", func(ctx context.Context, tx tenant.Tx) (act, error) {
		_, err := visit.Give(ctx, tx, v.Caller(), visit.NewConsent{Reason: f.Typed["reason"], MayChange: f.Typed["may_change"] != "", For: time.Duration(hours) * time.Hour})
		return recorded, err
	})
	if field := fieldOf(err); field == "reason" || field == "for" {
		f.refuse(field, v.Reader.T("admin.access.want."+field))
		return showAccess(v, f)
	}
	if err != nil {
		return err
	}
	return after(v, "staff-access", "consent.given")
}

func endConsent(v *web.Visit) error {
	id, err := idIn(v, "consent")
	if err != nil {
		return err
	}
	_, err = once(v, "consent.end", func(ctx context.Context, tx tenant.Tx) (act, error) {
		return recorded, visit.EndConsent(ctx, tx, v.Caller(), id)
	})
	if errors.Is(err, visit.ErrNoConsent) {
		return account.ErrNotFound
	}
	if err != nil {
		return err
	}
	return after(v, "staff-access", "consent.ended")
}

// endVisit shows a visitor out. The banner's button on every page leads here.
func endVisit(v *web.Visit) error {
	id, err := idIn(v, "visit")
	if err != nil {
		return err
	}
	err = v.Stack.Write(v.Context(), func(ctx context.Context, tx tenant.Tx) error { return visit.End(ctx, tx, v.Caller(), id) })
	if errors.Is(err, visit.ErrNoVisit) {
		return account.ErrNotFound
	}
	if err != nil {
		return err
	}
	return after(v, "staff-access", "visit.ended")
}

// consentState says whether a consent still holds.
func (a accessView) consentState(c visit.Consent) (ui.Tone, string) {
	switch {
	case c.OpenAt(a.Now):
		return ui.OK, a.T("admin.access.holds", "until", a.DateTime(c.ExpiresAt))
	case c.EndedAt != nil:
		return ui.Off, a.T("admin.access.ended", "at", a.DateTime(*c.EndedAt))
	}
	return ui.Off, a.T("admin.access.ran_out", "at", a.DateTime(c.ExpiresAt))
}

// visitState says whether a visitor is still in.
func (a accessView) visitState(v visit.Visit) (ui.Tone, string) {
	switch {
	case v.OpenAt(a.Now):
		return ui.Warn, a.T("admin.access.inside", "until", a.Clock(v.ExpiresAt))
	case v.EndedAt != nil:
		return ui.Off, a.T("admin.access.left", "at", a.DateTime(*v.EndedAt))
	}
	return ui.Off, a.T("admin.access.left", "at", a.DateTime(v.ExpiresAt))
}

// mayWords says whether a visitor could change things.
func mayWords(r ui.Reader, change bool) string {
	if change {
		return r.T("admin.access.change")
	}
	return r.T("admin.access.look")
}
