package business

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// itemView is one item as it is drawn.
type itemView struct {
	list, group, action string
	done                string
	waiting             bool
	may                 bool
	facts               []fact
	reason, advice      string
	detail, raw         string
	english             bool       // the detail is, whatever the page's language
	fields              []ui.Field // of the record, to be patched; none if it could not be read
	kind                ui.Field
	kinds               []ui.Choice
	line                ui.Field
	faults              []ui.Fault
	fault               string
	why                 ui.Field
	discardOpen         bool
	key                 string
}

func showItem(v *web.Visit) error { return answerItem(v, http.StatusOK, nil) }

func answerItem(v *web.Visit, status int, problem *usage.Problem) error {
	id, r := parseID(v.Param("item")), v.Reader
	var item usage.Suspended
	var source usage.Feed
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if item, err = usage.GetSuspended(ctx, tx, id); err != nil {
			return err
		}
		source, err = usage.GetSource(ctx, tx, item.Source)
		return err
	})
	if err != nil {
		return err
	}
	page := &itemView{list: v.Console("suspense"), group: v.Console("suspense", "reason", string(item.Reason)), action: v.Console("suspense/items/" + id.String()),
		waiting: item.State == usage.Waiting, may: v.May(identity.SuspenseWrite), reason: reasonWords(r, item.Reason), advice: adviceWords(r, item.Reason),
		detail: detailWords(v.Reader, item), english: !worded(item), raw: item.Raw, key: command.NewKey()}
	if v.Query("done") == "fixed" {
		page.done = r.T("biz.susp.fixed")
	}
	page.facts = itemFacts(v, item, source)
	page.addFields(v, item, problem)
	return v.Show(status, itemPage(frame.Of(v, frame.Suspense, page.reason), page))
}

func itemFacts(v *web.Visit, i usage.Suspended, source usage.Feed) []fact {
	r := v.Reader
	facts := []fact{{r.T("biz.state"), r.T("biz.susp.state." + string(i.State)), ""}, {r.T("biz.susp.source"), source.Name, ""},
		{r.T("biz.susp.came"), r.DateTime(i.CreatedAt), ""}, {r.T("biz.susp.attempts"), strconv.Itoa(i.Attempts), ""}}
	if i.File != uuid.Nil {
		facts = append(facts, fact{r.T("biz.susp.line"), strconv.FormatInt(i.Line, 10), v.Console("suspense/files/" + i.File.String())})
	}
	if i.ResolvedAt != nil {
		facts = append(facts, fact{r.T("biz.susp.ended"), r.DateTime(*i.ResolvedAt) + ": " + i.Resolution, ""})
	}
	if i.Record != nil && i.Record.Unit != "" {
		facts = append(facts, fact{r.T("biz.susp.use"), r.T("biz.use."+string(i.Record.Kind)) + ", " + r.T("biz.susp.unit."+string(i.Record.Unit)), ""})
	}
	return facts
}

// Names of the fields in which a record can be corrected. Times are written as
// the operator's clocks show them.
const localTime = "2006-01-02T15:04:05"

func (p *itemView) addFields(v *web.Visit, i usage.Suspended, problem *usage.Problem) {
	r := v.Reader
	typed := func(name, stored string) string {
		if v.Fields().Has(name) {
			return v.Form(name)
		}
		return stored
	}
	p.why = ui.Field{ID: "why", Label: r.T("biz.reason"), Hint: r.T("biz.susp.why"), Value: v.Form("why"), MaxLength: "200"}
	if p.discardOpen = problem != nil && problem.Field == "why"; p.discardOpen {
		p.why.Error = r.T("biz.reason.missing")
		problem = nil
	}
	if i.Record == nil {
		p.line = ui.Field{ID: "raw", Label: r.T("biz.susp.raw"), Hint: r.T("biz.susp.raw.hint"), Value: typed("raw", i.Raw), Mono: true, MaxLength: strconv.Itoa(usage.RawBytes)}
		if problem != nil {
			p.line.Error = problemWords(problem)
		}
		p.faults = ui.FaultsOf(p.line, p.why)
		return
	}
	rec := i.Record
	p.kind = ui.Field{ID: "kind", Label: r.T("biz.susp.kind")}
	p.kinds = identityChoices(r, typed("kind", string(rec.Identity.Kind)), false)
	p.fields = []ui.Field{
		{ID: "identity", Label: r.T("biz.susp.identity"), Value: typed("identity", rec.Identity.Value), MaxLength: "255", Autocomplete: "off"},
		{ID: "destination", Label: r.T("biz.susp.destination"), Value: typed("destination", rec.Destination), MaxLength: "255", Optional: true, Autocomplete: "off"},
		{ID: "start", Label: r.T("biz.susp.start"), Value: typed("start", rec.Start.In(v.Profile.Zone).Format(localTime)), Kind: "datetime-local"},
		{ID: "end", Label: r.T("biz.susp.end"), Value: typed("end", rec.End.In(v.Profile.Zone).Format(localTime)), Kind: "datetime-local"},
		{ID: "quantity", Label: r.T("biz.susp.quantity", "unit", r.T("biz.susp.unit."+string(rec.Unit))), Value: typed("quantity", strconv.FormatInt(rec.Quantity, 10)), InputMode: "numeric", MaxLength: "19"},
	}
	if problem != nil {
		found := false
		for n := range p.fields {
			if field, _, _ := strings.Cut(problem.Field, "."); field == p.fields[n].ID {
				p.fields[n].Error, found = problemWords(problem), true
			}
		}
		if !found {
			p.fault = problemWords(problem)
		}
	}
	p.faults = ui.FaultsOf(append(p.fields, p.why)...)
}

// problemWords is what the domain says of a record.
func problemWords(p *usage.Problem) string {
	words := p.Reason
	if p.Want != "" {
		words += "; " + p.Want
	}
	return words
}

// patchOf is what of a form differs from the record.
func patchOf(v *web.Visit, rec usage.Record) (json.RawMessage, *usage.Problem) {
	patch := map[string]any{}
	if who := (usage.Identity{Kind: usage.IdentityKind(v.Form("kind")), Value: strings.TrimSpace(v.Form("identity"))}); who != rec.Identity {
		patch["identity"] = who
	}
	if to := strings.TrimSpace(v.Form("destination")); to != rec.Destination {
		patch["destination"] = to
	}
	for name, stored := range map[string]time.Time{"start": rec.Start, "end": rec.End} {
		text := v.Form(name)
		if text == stored.In(v.Profile.Zone).Format(localTime) {
			continue // the field shows whole seconds: what was not touched keeps its fraction
		}
		at, err := time.ParseInLocation(localTime, text, v.Profile.Zone)
		if err != nil {
			if at, err = time.ParseInLocation("2006-01-02T15:04", text, v.Profile.Zone); err != nil {
				return nil, &usage.Problem{Field: name, Code: usage.BadTime, Reason: v.Reader.T("biz.susp.time.not")}
			}
		}
		patch[name] = at.UTC()
	}
	quantity, err := strconv.ParseInt(strings.TrimSpace(v.Form("quantity")), 10, 64)
	if err != nil || quantity < 0 {
		return nil, &usage.Problem{Field: "quantity", Code: usage.BadNumber, Reason: v.Reader.T("biz.susp.quantity.not")}
	}
	if quantity != rec.Quantity {
		patch["quantity"] = quantity
	}
	text, err := json.Marshal(patch)
	if err != nil {
		return nil, &usage.Problem{Code: usage.BadStructure, Reason: err.Error()}
	}
	return text, nil
}

// fixItem corrects one item and runs it again at once.
func fixItem(v *web.Visit) error {
	id := parseID(v.Param("item"))
	c := &command.Command{Action: "fixSuspense", Object: "suspense", ID: id, Detail: map[string]any{}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		item, err := usage.GetSuspended(ctx, tx, id)
		if err != nil {
			return "", err
		}
		var fix usage.Fix
		if item.Record == nil {
			raw := v.Form("raw")
			fix.Raw = &raw
		} else {
			var problem *usage.Problem
			if fix.Patch, problem = patchOf(v, *item.Record); problem != nil {
				return "", problem
			}
			c.Detail["patch"] = string(fix.Patch)
		}
		if _, err := usage.FixSuspended(ctx, tx, id, fix); err != nil {
			return "", err
		}
		if _, err := v.Stack.Charging().RerunSuspense(ctx, tx, []uuid.UUID{id}); err != nil {
			return "", err
		}
		return v.Console("suspense/items/"+id.String(), "done", "fixed"), nil
	}
	return answerCommand(v, c)
}

// answerCommand carries out a command on an item; what is wrong with it is
// shown beside its fields.
func answerCommand(v *web.Visit, c *command.Command) error {
	next, err := command.CarryOut(v, c)
	var problem *usage.Problem
	switch {
	case errors.As(err, &problem):
		return answerItem(v, http.StatusUnprocessableEntity, problem)
	case errors.Is(err, usage.ErrKeyTaken):
		return answerItem(v, http.StatusUnprocessableEntity, &usage.Problem{Reason: v.Reader.T("biz.susp.keytaken")})
	case errors.Is(err, usage.ErrNotWaiting):
		return v.Lead(v.Console("suspense/items/" + c.ID.String()))
	case err != nil:
		return err
	}
	return v.Lead(next)
}

// discardItem gives one item up.
func discardItem(v *web.Visit) error {
	id, why := parseID(v.Param("item")), strings.TrimSpace(v.Form("why"))
	if why == "" {
		return answerItem(v, http.StatusUnprocessableEntity, &usage.Problem{Field: "why"})
	}
	c := &command.Command{Action: "discardSuspense", Object: "suspense", ID: id, Detail: map[string]any{"reason": why}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		if _, err := usage.GetSuspended(ctx, tx, id); err != nil {
			return "", err
		}
		return v.Console("suspense/items/" + id.String()), usage.Discard(ctx, tx, []uuid.UUID{id}, why)
	}
	return answerCommand(v, c)
}
