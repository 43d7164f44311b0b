package value

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/alert"
	"tollhouse/billing/balance"
	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/points"
	"tollhouse/billing/tenant"
	"tollhouse/billing/transfer"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// control is one field of a form of rules.
type control struct {
	ui.Field
	choices []ui.Choice
	tick    bool
}

// rowView is one row of a list with what it is called.
type rowView struct {
	title, path string
	fields      []control
}

type listView struct {
	name, title, none, add string
	count                  string
	rows                   []rowView
}

// ruleView is the form of one document, and the document as text.
type ruleView struct {
	kind, title, lead string
	fields            []control
	lists             []listView
	faults            []ui.Fault
	text              ui.Field
	textOpen, touched bool
}

type rulesView struct {
	ui.ConsolePage
	key, done, refused string
	rules              []ruleView
	may                bool
}

// sent is what came of a form that was not saved: what was typed stays.
type sent struct {
	kind    string
	typed   *typed // nil: the document came as text
	faults  map[string]string
	refused string
}

func rules(v *web.Visit) error { return showRules(v, http.StatusOK, sent{}) }

func showRules(v *web.Visit, status int, s sent) error {
	r := v.Reader
	view := rulesView{ConsolePage: frame.Of(v, frame.BalanceRules, r.T("con.nav.balance-rules")), key: command.NewKey(), refused: s.refused, may: v.May(identity.SettingsWrite)}
	if v.Query("done") != "" {
		view.done = r.T("value.done")
	}
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		picks, err := picksOf(ctx, tx, v)
		if err != nil {
			return err
		}
		for _, one := range sheets {
			document, err := readRules(ctx, tx, one.kind)
			if err != nil {
				return err
			}
			rule, err := newRuleView(v, one, document, picks, s)
			if err != nil {
				return err
			}
			view.rules = append(view.rules, rule)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.Show(status, rulesPage(view))
}

func newRuleView(v *web.Visit, s sheet, document any, picks map[string][]ui.Choice, was sent) (ruleView, error) {
	r := v.Reader
	view := ruleView{kind: s.kind, title: r.T("value.rules." + s.kind), lead: r.T("rule.lead." + s.kind), touched: was.kind == s.kind}
	t, err := s.show(r, document)
	if err != nil {
		return view, err
	}
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return view, err
	}
	view.text = ui.Field{ID: "text-" + s.kind, Name: "rules", Label: r.T("value.rules"), Hint: r.T("value.rules.hint." + s.kind), Value: string(text), Mono: true}
	faults := map[string]string{}
	if view.touched {
		faults = was.faults
		if was.typed != nil {
			t = *was.typed
		} else {
			view.text.Value, view.text.Error, view.textOpen = v.Form("rules"), faults["rules"], true
			view.faults = ui.FaultsOf(view.text)
		}
	}
	d := drawer{v: v, kind: s.kind, typed: t, faults: faults, picks: picks, view: &view}
	for _, c := range s.cells {
		view.fields = append(view.fields, d.control(c, ""))
	}
	for _, l := range s.lists {
		view.lists = append(view.lists, d.list(l))
	}
	return view, nil
}

// drawer makes the fields of one form.
type drawer struct {
	v      *web.Visit
	kind   string
	typed  typed
	faults map[string]string
	picks  map[string][]ui.Choice
	view   *ruleView
}

func (d *drawer) list(l rowsOf) listView {
	r, n := d.v.Reader, d.typed.rows[l.name]
	view := listView{name: l.name, title: r.T("rule.list." + l.name), none: r.T("rule.none." + l.name), add: r.T("rule.add." + l.name), count: strconv.Itoa(n)}
	for i := range n {
		row := rowView{path: l.name + "." + strconv.Itoa(i)}
		row.title = r.T("rule.row."+l.name, "n", strconv.Itoa(i+1))
		for _, c := range l.cells {
			row.fields = append(row.fields, d.control(c, row.path+"."))
		}
		view.rows = append(view.rows, row)
	}
	return view
}

// control is a cell with what was typed, beside it what is wrong.
func (d *drawer) control(c cell, path string) control {
	r := d.v.Reader
	words := "rule.field." + d.kind + "." + c.name
	f := ui.Field{ID: d.kind + "." + path + c.name, Name: path + c.name, Value: d.typed.texts[path+c.name], Error: d.faults[path+c.name], Optional: c.optional || c.none,
		Label: r.T(words, "currency", r.Locale.Symbol(d.v.Profile.Currency)), Autocomplete: "off", MaxLength: "400"}
	if c.hint {
		f.Hint = r.T("rule.hint." + d.kind + "." + c.name)
	}
	switch c.sort {
	case amount:
		f.InputMode = "decimal"
	case whole:
		f.InputMode = "numeric"
	}
	if fault, wrong := f.Fault(); wrong {
		d.view.faults = append(d.view.faults, fault)
	}
	one := control{Field: f, tick: c.sort == tick}
	if c.sort == choice {
		one.choices = d.choices(c, f.Value)
	}
	return one
}

func (d *drawer) choices(c cell, chosen string) []ui.Choice {
	var list []ui.Choice
	if c.none {
		list = append(list, ui.Choice{Label: d.v.Reader.T("biz.none")})
	}
	for _, value := range c.choices {
		list = append(list, ui.Choice{Value: value, Label: d.v.Reader.T("rule." + c.name + "." + value)})
	}
	list = append(list, d.picks[c.name]...)
	found := chosen == ""
	for i := range list {
		list[i].Chosen = list[i].Value == chosen
		found = found || list[i].Chosen
	}
	if !found {
		list = append(list, ui.Choice{Value: chosen, Label: chosen, Chosen: true}) // not sold any more
	}
	return list
}

// picksOf are the choices that the operator's own things make: roles, units and
// offers.
func picksOf(ctx context.Context, tx tenant.Tx, v *web.Visit) (map[string][]ui.Choice, error) {
	r := v.Reader
	picks := map[string][]ui.Choice{"unit": {{Value: string(v.Profile.Currency.Unit()), Label: v.Profile.Currency.Code()}}}
	for _, unit := range []money.Unit{money.Second, money.Byte, money.Event, money.Point} {
		picks["unit"] = append(picks["unit"], ui.Choice{Value: string(unit), Label: r.T("rule.unit." + string(unit))})
	}
	roles, err := v.Authority().Roles(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, role := range roles {
		if role.Name == identity.Subscriber {
			continue
		}
		label := role.Title
		if role.BuiltIn {
			label = r.T("admin.role." + string(role.Name))
		}
		picks["role"] = append(picks["role"], ui.Choice{Value: string(role.Name), Label: label})
	}
	sold, err := catalog.OnSale(ctx, tx, tx.At)
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(sold))
	for i := range sold {
		ids[i] = sold[i].ID
	}
	documents, err := catalog.LoadVersions(ctx, tx, ids)
	for _, o := range sold {
		if document, read := documents[o.ID]; read && document.OnTop() {
			picks["offer"] = append(picks["offer"], ui.Choice{Value: o.Code, Label: o.Names.In(r.Locale.Language)})
		}
	}
	picks["option"] = slices.Clone(picks["offer"])
	return picks, err
}

func readRules(ctx context.Context, tx tenant.Tx, kind string) (any, error) {
	switch kind {
	case "adjustment":
		return balance.GetAdjustPolicy(ctx, tx)
	case "transfer":
		return transfer.Get(ctx, tx)
	case "points":
		return points.Get(ctx, tx)
	case "alert":
		return alert.Get(ctx, tx)
	}
	return balance.GetReminder(ctx, tx)
}

// put reads a document strictly and has its package check and store it.
func put[T any](ctx context.Context, tx tenant.Tx, text, by string, store func(context.Context, tenant.Tx, T, string) error) error {
	var document T
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&document); err != nil {
		return &account.FieldError{Field: "rules", Want: "a document as it stands here (" + err.Error() + ")"}
	}
	return store(ctx, tx, document, by)
}

// saveRules adds or takes away a row, or stores the rules.
func saveRules(v *web.Visit) error {
	s, known := sheetOf(v.Param("kind"))
	if !known {
		return account.ErrNotFound
	}
	text := v.Form("rules")
	was := sent{kind: s.kind, faults: map[string]string{}}
	if v.Form("as") != "text" {
		t := s.read(v.Fields())
		was.typed = &t
		verb, path, _ := strings.Cut(v.Form("act"), ":")
		switch verb {
		case "add":
			s.add(t, path)
			return showRules(v, http.StatusOK, was)
		case "remove":
			s.remove(t, path)
			return showRules(v, http.StatusOK, was)
		}
		if text, was.faults = s.document(v.Reader, v.Profile.Currency, t); len(was.faults) > 0 {
			return showRules(v, http.StatusUnprocessableEntity, was)
		}
	}
	err := storeRules(v, s.kind, text)
	return after(v, err, "balance-rules", func(field, words string) error {
		switch {
		case field == "":
			was.refused = words
		case was.typed == nil:
			was.faults["rules"] = field + ": " + words
		default:
			was.faults, was.refused = s.faultOf(v.Reader, field, words)
		}
		return showRules(v, http.StatusUnprocessableEntity, was)
	})
}

// faultOf puts what the domain refused beside its field; what has none is told
// above the forms.
func (s sheet) faultOf(r ui.Reader, field, want string) (faults map[string]string, refused string) {
	name := field[strings.LastIndex(field, ".")+1:]
	words := r.T("rule.want." + s.kind + "." + name)
	switch {
	case name == "names":
		field += ".en"
	case name == "unit" && s.kind == "points":
		field = strings.TrimSuffix(field, "unit") + "amount"
	case s.list(name):
		return nil, r.T("rule.want.most", "want", want)
	}
	return map[string]string{field: words}, ""
}

func (s sheet) list(name string) bool {
	return slices.ContainsFunc(s.lists, func(l rowsOf) bool { return l.name == name })
}

func storeRules(v *web.Visit, kind, text string) error {
	by := v.Who.Actor()
	return carry(v, "balance_policy."+kind, "operator", uuid.Nil, func(ctx context.Context, tx tenant.Tx) error {
		switch kind {
		case "adjustment":
			return put(ctx, tx, text, by, balance.PutAdjustPolicy)
		case "transfer":
			return put(ctx, tx, text, by, transfer.Put)
		case "points":
			return put(ctx, tx, text, by, points.Put)
		case "alert":
			return put(ctx, tx, text, by, alert.Put)
		case "reminder":
			return put(ctx, tx, text, by, balance.PutReminder)
		}
		return account.ErrNotFound
	})
}
