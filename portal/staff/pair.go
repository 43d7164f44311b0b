package staff

import (
	"context"
	"errors"

	"tollhouse/portal/ui"
	"tollhouse/provisioning"
	"tollhouse/provisioning/pair"
	"tollhouse/tenants"
)

// pairView is the two database servers of a site with a standby.
type pairView struct {
	Shown  bool
	Word   string
	Tone   ui.Tone
	Reason string
	Next   string // what to do
	Facts  []fact
	Rows   []pairRow
}

type pairRow struct{ When, Term, Word, Node, Why string }

// readPair tells of a site's pair; of one without a standby nothing.
func readPair(ctx context.Context, tx tenants.Tx, r ui.Reader, site provisioning.SiteID) (pairView, error) {
	p, err := pair.Of(ctx, tx, site)
	if errors.Is(err, pair.ErrNone) {
		return pairView{}, nil
	}
	if err != nil {
		return pairView{}, err
	}
	w := pairView{Shown: true, Word: r.T("staff.site.pair." + string(p.Mode)), Next: r.T("staff.site.pair.next." + string(p.Mode)), Reason: p.Reason,
		Tone: map[pair.Mode]ui.Tone{pair.Synchronous: ui.OK, pair.Alone: ui.Warn, pair.Promoting: ui.Bad}[p.Mode]}
	if w.Tone == "" {
		w.Tone = ui.Info
	}
	if p.SuspectAt != nil {
		w.Tone = ui.Warn
	}
	w.Facts = []fact{{Name: r.T("staff.site.pair.primary"), Text: "database-" + string(p.Primary)}, {Name: r.T("staff.site.pair.standby"), Text: "database-" + string(p.Primary.Other())},
		{Name: r.T("staff.site.pair.term"), Text: whole(r, p.Term)}, {Name: r.T("staff.site.pair.since"), Text: r.DateTime(p.ChangedAt)}, {Name: r.T("staff.site.pair.seen"), Text: when(r, p.SeenAt)}}
	for i := len(p.Steps) - 1; i >= 0; i-- {
		s := p.Steps[i]
		w.Rows = append(w.Rows, pairRow{When: r.DateTime(s.At), Term: whole(r, s.Term), Word: r.T("staff.site.pair." + string(s.Mode)), Node: "database-" + string(s.Node), Why: s.Reason})
	}
	return w, nil
}
