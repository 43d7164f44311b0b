package admin

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/audit"
	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// Bounds of the audit's lists.
const (
	auditPerPage = 50
	auditInSheet = 10_000
)

// auditView is the audit trail, narrowed by what was asked for.
type auditView struct {
	ui.ConsolePage
	Filter      form
	People      []ui.Choice
	Kinds       []ui.Choice
	Entries     []auditRow
	First, Next string
	Sheet       string // address of the same as a file
	Chain       chainView
	Narrowed    bool
}

// auditRow is one entry as people read it.
type auditRow struct {
	When, Who, What, Action string
	Object, Link            string // what it was done to, and where that is shown
	Detail                  []auditFact
}

// auditFact is one thing that an entry says beside who, what and when.
type auditFact struct{ Name, Text string }

// auditFilter are the fields that narrow the list.
var auditFilter = []string{"who", "what", "kind", "object", "from", "to"}

// trail is the page of the audit trail, or the same as a file.
func trail(v *web.Visit) error {
	f := form{Typed: map[string]string{}}
	for _, name := range auditFilter {
		f.Typed[name] = strings.TrimSpace(v.Query(name))
	}
	q := auditQuery(v, &f)
	if v.Query("format") == "csv" && len(f.Faults) == 0 {
		return sendTrail(v, q)
	}
	view := auditView{ConsolePage: frame.Of(v, frame.Audit, v.Reader.T("con.nav.audit")), Filter: f, Kinds: f.choices("kind", kindChoices(v.Reader)...)}
	q.Before, q.Limit = cursor(v), auditPerPage+1
	err := read(v, func(ctx context.Context, tx tenant.Tx) error { return view.load(ctx, tx, v, q) })
	if err != nil {
		return err
	}
	return v.Show(f.status(), auditPage(view))
}

func (a *auditView) load(ctx context.Context, tx tenant.Tx, v *web.Visit, q audit.Query) error {
	people, err := v.Authority().Colleagues(ctx, tx, "", maxPeople)
	if err != nil {
		return err
	}
	choices := []ui.Choice{{Label: v.Reader.T("admin.audit.anybody")}}
	for _, c := range people {
		choices = append(choices, ui.Choice{Value: "user:" + c.ID.String(), Label: called(c.User)})
	}
	a.People = a.Filter.choices("who", choices...)
	entries, err := audit.List(ctx, tx, q)
	if err != nil {
		return err
	}
	names, err := actorsOf(ctx, tx, v, entries)
	if err != nil {
		return err
	}
	a.page(v, q, entries, names)
	a.Chain, err = chainOf(ctx, tx, v)
	return err
}

// maxPeople bounds the people to choose from.
const maxPeople = 200

// page cuts the entries to one page and says where the list goes on.
func (a *auditView) page(v *web.Visit, q audit.Query, entries []audit.Recorded, names actors) {
	var pairs []string
	for _, name := range auditFilter {
		if a.Filter.Typed[name] != "" {
			pairs = append(pairs, name, a.Filter.Typed[name])
		}
	}
	a.Narrowed = len(pairs) > 0
	if q.Before != uuid.Nil {
		a.First = v.Console("audit", pairs...)
	}
	if len(entries) > auditPerPage {
		entries = entries[:auditPerPage]
		a.Next = v.Console("audit", append(slices.Clone(pairs), "before", entries[auditPerPage-1].ID.String())...)
	}
	a.Sheet = v.Console("audit", append(slices.Clone(pairs), "format", "csv")...)
	for _, e := range entries {
		a.Entries = append(a.Entries, rowOf(v, e, names))
	}
}

// auditQuery reads the filter; what can't be read is refused beside its field.
func auditQuery(v *web.Visit, f *form) audit.Query {
	q := audit.Query{Actor: f.Typed["who"], Action: f.Typed["what"], Kind: f.Typed["kind"]}
	if text := f.Typed["object"]; text != "" {
		id, err := uuid.Parse(text)
		if err != nil {
			f.refuse("object", v.Reader.T("admin.audit.want.object"))
		}
		q.Object = id
	}
	day := func(name string) (at time.Time) {
		if f.Typed[name] == "" {
			return at
		}
		d, err := calendar.ParseDate(f.Typed[name])
		if err != nil {
			f.refuse(name, v.Reader.T("admin.audit.want.day"))
			return at
		}
		if name == "to" {
			d = d.AddDays(1) // the day itself is meant as well
		}
		return d.Start(v.Profile.Zone)
	}
	q.From, q.To = day("from"), day("to")
	return q
}

// sendTrail sends what the filter finds as a file, the newest first, up to a
// bound: more than that is asked for month by month.
func sendTrail(v *web.Visit, q audit.Query) error {
	r := v.Reader
	sheet := web.NewSheet(r.T("admin.audit.when"), r.T("admin.audit.who"), r.T("admin.audit.what"), r.T("admin.audit.kind"), r.T("admin.audit.object"), r.T("admin.audit.detail"), r.T("admin.audit.trace"))
	err := read(v, func(ctx context.Context, tx tenant.Tx) error {
		q.Limit = audit.MaxPage
		for sent := 0; sent < auditInSheet; {
			entries, err := audit.List(ctx, tx, q)
			if err != nil || len(entries) == 0 {
				return err
			}
			names, err := actorsOf(ctx, tx, v, entries)
			if err != nil {
				return err
			}
			for _, e := range entries {
				addToSheet(sheet, v, e, names)
			}
			sent += len(entries)
			q.Before = entries[len(entries)-1].ID
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.SendSheet("audit", sheet)
}

func addToSheet(sheet *web.Sheet, v *web.Visit, e audit.Recorded, names actors) {
	detail, err := json.Marshal(e.Detail)
	if err != nil || len(e.Detail) == 0 {
		detail = nil // it came from JSON
	}
	object := ""
	if e.ObjectID != uuid.Nil {
		object = e.ObjectID.String()
	}
	sheet.Add(e.At.In(v.Profile.Zone).Format(time.RFC3339), names.of(v.Reader, e.Actor), e.Action, e.Object, object, string(detail), e.Trace)
}

// rowOf is an entry as people read it.
func rowOf(v *web.Visit, e audit.Recorded, names actors) auditRow {
	r := v.Reader
	row := auditRow{When: r.DateTime(e.At), Who: names.of(r, e.Actor), What: actionWords(r, e.Action), Action: e.Action}
	if e.Object != "" {
		row.Object = worded(r, "admin.kind.", e.Object)
	}
	if page, known := objectPages[e.Object]; known && e.ObjectID != uuid.Nil {
		row.Link = v.ConsoleFor(page.wants, page.path+e.ObjectID.String())
	}
	for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
		row.Detail = append(row.Detail, auditFact{name, factText(e.Detail[name])})
	}
	return row
}

// factText writes one fact of an entry: a text as it is, the rest as JSON.
func factText(value any) string {
	if text, plain := value.(string); plain {
		return text
	}
	written, err := json.Marshal(value)
	if err != nil {
		return "" // it came from JSON
	}
	return string(written)
}

// verify begins to compute the chain again, which takes as long as there are
// rows; the page tells how far it is.
func verify(v *web.Visit) error {
	beginVerification(v)
	return v.Lead(v.Console("audit") + "#chain")
}

// showChain gives the state of the chain as a part, while it is being verified.
func showChain(v *web.Visit) error {
	if !v.Part("chain-state") {
		return v.Redirect(v.Console("audit") + "#chain")
	}
	var chain chainView
	err := read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		chain, err = chainOf(ctx, tx, v)
		return err
	})
	if err != nil {
		return err
	}
	return v.Show(http.StatusOK, chainState(v.Page(""), chain))
}
