package business

import (
	"context"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
	"tollhouse/billing/insight"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// groupsView is what waits, by reason.
type groupsView struct {
	files  string
	groups []groupRow
	total  string
}

type groupRow struct{ reason, means, href, count, since, detail string }

func showSuspense(v *web.Visit) error {
	if v.Query("reason") != "" || v.Query("identity") != "" || v.Query("file") != "" {
		return showGroup(v, http.StatusOK, "")
	}
	var groups []insight.Group
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		groups, err = insight.Suspense(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	r := v.Reader
	page := &groupsView{files: v.Console("suspense/files")}
	var total int64
	for _, g := range groups {
		total += g.Count
		example := g.Detail
		if byIdentity(g.Reason) {
			example = "" // the reason says it all
		}
		page.groups = append(page.groups, groupRow{reason: reasonWords(r, g.Reason), means: adviceWords(r, g.Reason), detail: example,
			href: v.Console("suspense", "reason", string(g.Reason)), count: count(r, g.Count), since: r.Short(g.Since)})
	}
	page.total = count(r, total)
	return v.Show(http.StatusOK, groupsPage(frame.Of(v, frame.Suspense, r.T("con.nav.suspense")), page))
}

// detailWords says what was wrong with one record, in the reader's words where
// it is the one thing that is wrong with most.
func detailWords(r ui.Reader, i usage.Suspended) string {
	if worded(i) {
		return r.T("biz.susp.detail."+string(i.Reason), "kind", r.T("biz.identity."+string(i.Record.Identity.Kind)), "value", i.Record.Identity.Value)
	}
	return i.Detail
}

func worded(i usage.Suspended) bool { return i.Record != nil && byIdentity(i.Reason) }

// byIdentity says whether a reason is told by whom the use was for.
func byIdentity(reason usage.Reason) bool {
	return reason == usage.UnknownSubscriber || reason == usage.ServiceInactive
}

// adviceWords says what to do about a reason.
func adviceWords(r ui.Reader, reason usage.Reason) string {
	key := "biz.advice." + string(reason)
	if words := r.T(key); words != key {
		return words
	}
	advice, _ := usage.Describe(reason)
	return advice.Do
}

// groupView lists the items of a reason, a file or an identity.
type groupView struct {
	list              string
	title, advice     string
	fault             string // what is wrong with the form as a whole
	rows              []itemRow
	pager             pager
	reason, file, who string // the filter
	may               bool
	identity          ui.Field
	kind              ui.Field
	kinds             []ui.Choice
	destination       ui.Field
	why               ui.Field
	faults            []ui.Fault
	key               string
	discardOpen       bool
}

type itemRow struct {
	id, href, at, source, what, who, whoHref, detail, attempts string
	english                                                    bool // the detail is, whatever the page's language
}

func groupSearch(read func(string) string) usage.Search {
	return usage.Search{State: usage.Waiting, Reason: usage.Reason(read("reason")), File: parseID(read("file")), Identity: read("identity")}
}

// showGroup lists a group. A form of it that was refused keeps what was typed;
// which filter it was is in the form then.
func showGroup(v *web.Visit, status int, refused string) error {
	read := v.Query
	if status != http.StatusOK {
		read = func(name string) string { return v.Form("in-" + name) }
	}
	s := groupSearch(read)
	after, err := usage.ParseCursor(v.Query("after"))
	if err != nil {
		return err
	}
	r := v.Reader
	var items []usage.Suspended
	var next usage.Cursor
	names := map[uuid.UUID]string{}
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if items, next, err = usage.ListSuspended(ctx, tx, s, after, rowsAPage); err != nil {
			return err
		}
		feeds, err := usage.ListSources(ctx, tx)
		for _, f := range feeds {
			names[f.ID] = f.Name
		}
		return err
	})
	if err != nil {
		return err
	}
	page := &groupView{list: v.Console("suspense"), reason: string(s.Reason), who: s.Identity, may: v.May(identity.SuspenseWrite), key: command.NewKey()}
	if s.File != uuid.Nil {
		page.file = s.File.String()
	}
	page.title, page.advice = r.T("biz.susp.all"), ""
	if s.Reason != "" {
		page.title, page.advice = reasonWords(r, s.Reason), adviceWords(r, s.Reason)
	}
	pairs := []string{"reason", page.reason, "file", page.file, "identity", page.who}
	if !next.IsZero() {
		page.pager.next = v.Console("suspense", append(pairs, "after", next.String())...)
	}
	if !after.IsZero() {
		page.pager.first = v.Console("suspense", pairs...)
	}
	for _, i := range items {
		page.rows = append(page.rows, itemRowOf(v, i, names))
	}
	page.addForm(v, refused)
	return v.Show(status, groupPage(frame.Of(v, frame.Suspense, page.title), page))
}

func itemRowOf(v *web.Visit, i usage.Suspended, names map[uuid.UUID]string) itemRow {
	r := v.Reader
	row := itemRow{id: i.ID.String(), href: v.Console("suspense/items/" + i.ID.String()), at: r.Short(i.CreatedAt), source: names[i.Source],
		detail: detailWords(r, i), english: !worded(i), attempts: strconv.Itoa(i.Attempts), what: clipped(i.Raw)}
	if i.Record != nil {
		row.what = r.T("biz.use."+string(i.Record.Kind)) + ", " + r.Short(i.Record.End)
		if i.Record.Destination != "" {
			row.what += " → " + i.Record.Destination
		}
		row.who = i.Record.Identity.Value
		row.whoHref = v.Console("suspense", "reason", string(i.Reason), "identity", row.who)
	}
	return row
}

// clipped is the beginning of a raw line, for a list.
func clipped(raw string) string {
	const most = 80
	if runes := []rune(raw); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return raw
}

func (p *groupView) addForm(v *web.Visit, refused string) {
	r := v.Reader
	p.kind = ui.Field{ID: "kind", Label: r.T("biz.susp.kind"), Optional: true}
	p.kinds = identityChoices(r, v.Form("kind"), true)
	p.identity = ui.Field{ID: "value", Label: r.T("biz.susp.identity"), Hint: r.T("biz.susp.identity.hint"), Value: v.Form("value"), Optional: true, MaxLength: "255", Autocomplete: "off"}
	p.destination = ui.Field{ID: "destination", Label: r.T("biz.susp.destination"), Value: v.Form("destination"), Optional: true, MaxLength: "255", Autocomplete: "off"}
	p.why = ui.Field{ID: "why", Label: r.T("biz.reason"), Hint: r.T("biz.susp.why"), Value: v.Form("why"), MaxLength: "200"}
	switch refused {
	case "value":
		p.identity.Error = r.T("biz.susp.identity.both")
	case "nothing":
		p.fault = r.T("biz.susp.nothing")
	case "why":
		p.why.Error, p.discardOpen = r.T("biz.reason.missing"), true
	case "busy":
		p.fault = r.T("biz.susp.busy")
	}
	p.faults = ui.FaultsOf(p.identity, p.destination, p.why)
}

func identityChoices(r ui.Reader, chosen string, none bool) []ui.Choice {
	var choices []ui.Choice
	if none {
		choices = append(choices, ui.Choice{Value: "", Label: r.T("biz.susp.keep")})
	}
	for _, k := range []usage.IdentityKind{usage.MSISDN, usage.Login, usage.Line, usage.IMSI, usage.STB, usage.Host, usage.Account} {
		choices = append(choices, ui.Choice{Value: string(k), Label: r.T("biz.identity." + string(k)), Chosen: string(k) == chosen})
	}
	return choices
}
