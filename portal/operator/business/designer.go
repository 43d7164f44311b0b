package business

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tollhouse/billing/catalog"
	"tollhouse/billing/catalog/document"
	"tollhouse/billing/insight"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// partLink is a part of the offer in the tree beside its editor.
type partLink struct {
	href, icon, title, sub string
	faults                 int
	inner                  []partLink
}

// partOf is the part that an address opens.
func partOf(v *web.Visit) string {
	part := v.Query("part")
	if _, ok := stepsOf(part); !ok {
		return ""
	}
	return part
}

// review checks a draft as publishing it now would.
func review(v *web.Visit, o catalog.Offering) (findings []catalog.Finding, err error) {
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		findings, err = catalog.Review(ctx, tx, o, tx.At)
		return err
	})
	return findings, err
}

func warningsOf(findings []catalog.Finding) []catalog.Finding {
	var warnings []catalog.Finding
	for _, f := range findings {
		if f.Severity == document.Warning {
			warnings = append(warnings, f)
		}
	}
	return warnings
}

var partIcons = map[string]string{"design": "tag", "bundle": "tag", "option": "plus", "third_party": "link", "prices.recurring": "bill", "prices.one_time": "bill",
	"allowances": "gift", "destinations": "phone", "usage": "phone", "more": "gear"}

// parts are the links of the tree, with how many faults each part has.
func (d *designer) parts(groups []group) []partLink {
	links := make([]partLink, len(groups))
	for i, g := range groups {
		links[i] = partLink{href: "#" + partID(g), icon: partIcons[g.path], title: g.title, faults: d.faultsIn(g)}
		for _, row := range g.groups {
			links[i].inner = append(links[i].inner, partLink{href: "#" + partID(row), title: row.title, sub: d.told(row.path), faults: d.faultsIn(row)})
		}
	}
	return links
}

// faultsIn counts the faults that a group shows.
func (d *designer) faultsIn(g group) int {
	n := 0
	if d.faults[g.path] != "" {
		n++
	}
	for _, c := range g.fields {
		if c.Error != "" {
			n++
		}
	}
	for _, inner := range g.groups {
		n += d.faultsIn(inner)
	}
	return n
}

// told is a part in few words: its price or amount, or how many prices it has.
func (d *designer) told(row string) string {
	if rules := d.tree.rows(row + ".rules"); rules > 0 {
		return d.reader.N("catalog.rules", int64(rules))
	}
	return d.tree.text(row+".amount", d.reader.Locale)
}

// beside fills in what stands beside the editor: the state, what is sold now and
// what the draft changes.
func beside(v *web.Visit, page *designView, d *design) error {
	r := v.Reader
	page.changesTitle = r.T("catalog.changes.none")
	if d.fresh {
		page.tone, page.state = ui.Info, r.T("catalog.unsaved")
		return nil
	}
	code := v.Param("code")
	var sold *catalog.Stored
	var subscribers int64
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		if d.stored == nil {
			list, err := catalog.List(ctx, tx, catalog.Query{Code: code, Open: true, Limit: 1})
			if err != nil {
				return err
			}
			if len(list) > 0 {
				d.stored = &catalog.Stored{Version: list[0]}
			}
		}
		current, err := catalog.Current(ctx, tx, code, tx.At)
		if errors.Is(err, catalog.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		sold = &current
		counts, err := insight.SoldSince(ctx, tx, tx.At)
		for _, s := range counts {
			if s.OfferingID == current.ID {
				subscribers = s.Active
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if d.stored != nil {
		page.tone, page.state = versionState(r, d.stored.Version, time.Time{})
		page.state += " " + strconv.Itoa(d.stored.Number)
	}
	if !d.unsaved && !d.refused {
		open := func(links []partLink) {
			for i := range links {
				part := strings.TrimPrefix(links[i].href, "#")
				links[i].href = v.Console("offers/"+code+"/edit", "part", part) + "#" + part
			}
		}
		for i := range page.parts {
			open(page.parts[i].inner)
		}
	}
	page.trial, page.check = v.Console("offers/"+code+"/trial"), v.Console("offers/"+code+"/check")
	if err := page.addTried(v, d.stored); err != nil || sold == nil {
		return err
	}
	page.told = r.N("catalog.sold.now", subscribers, "version", strconv.Itoa(sold.Number))
	page.changesTitle = r.T("catalog.changes.title", "version", strconv.Itoa(sold.Number))
	page.kept = r.T("catalog.changes.kept", "version", strconv.Itoa(sold.Number))
	if draft, err := d.tree.offering(); err == nil {
		page.changes = changeWords(r, draft, catalog.Diff(sold.Offering, draft))
	}
	return nil
}

// paintDesign takes the hours of a cell into the form, or gives hours to a price.
func paintDesign(v *web.Visit, d design, verb, what string) error {
	fields := strings.Split(what, ":")
	p := &paint{usage: maxRows}
	d.painting, d.unsaved = p, true
	if len(fields) < 2 {
		return answerDesign(v, http.StatusOK, d)
	}
	usage, err := strconv.Atoi(fields[0])
	group, err2 := strconv.Atoi(fields[1])
	if err != nil || err2 != nil || usage < 0 || group < 0 {
		return answerDesign(v, http.StatusOK, d)
	}
	p.usage, p.group = usage, group
	if verb == "hours" && len(fields) == 5 {
		p.days, p.from, p.to = []string{fields[2]}, strings.ReplaceAll(fields[3], ".", ":"), strings.ReplaceAll(fields[4], ".", ":")
		return answerDesign(v, http.StatusOK, d)
	}
	form := v.Fields()
	path := paintPath(usage, group)
	p.days, p.from, p.to, p.rule = form[path+".days"], form.Get(path+".from"), form.Get(path+".to"), form.Get(path+".rule")
	offering, err := d.tree.offering()
	var invalid *document.InvalidError
	if errors.As(err, &invalid) {
		d.findings, d.refused = invalid.Findings, true
		return answerDesign(v, http.StatusUnprocessableEntity, d)
	}
	if err != nil {
		return err
	}
	if p.fault = paintHours(v.Reader, &offering, p); p.fault != "" {
		return answerDesign(v, http.StatusUnprocessableEntity, d)
	}
	if d.tree, err = treeOf(offering); err != nil {
		return err
	}
	d.findings = catalog.Check(offering)
	return answerDesign(v, http.StatusOK, d)
}
