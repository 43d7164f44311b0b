package admin

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"tollhouse/billing/intake"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/web"
)

// total is one control total: what was said beforehand beside what was read.
type total struct {
	Field  string // of the form
	Label  string
	Said   string // as it was typed
	Read   string
	Known  bool // the files were read
	Agrees bool // nothing was said, or it is met
	Fault  string
}

// units that totals are told of besides money.
var units = []money.Unit{money.Second, money.Byte, money.Event, money.Point}

// totalFields names the controls: counts.<kind>, open_items, money, units.<unit>.
func totalFields() []string {
	var fields []string
	for _, kind := range intake.Kinds {
		if kind != intake.Archive {
			fields = append(fields, "counts."+string(kind))
		}
	}
	fields = append(fields, "open_items", "money")
	for _, unit := range units {
		fields = append(fields, "units."+string(unit))
	}
	return fields
}

// figure gives one total of a field; false if it is not there.
func figure(t intake.Totals, field, currency string) (money.Decimal, bool) {
	group, name, _ := strings.Cut(field, ".")
	switch group {
	case "counts":
		n, there := t.Counts[intake.Kind(name)]
		return money.NewDecimal(int64(n)), there
	case "open_items":
		d, there := t.OpenItems[currency]
		return d, there
	case "money":
		d, there := t.Money[currency]
		return d, there
	}
	d, there := t.Units[money.Unit(name)]
	return d, there
}

// totalsForm holds what was said beforehand. Money is in the operator's
// currency, the only one that an import can bring.
func totalsForm(b intake.Batch) form {
	f := newForm(map[string]string{"name": b.Name})
	if b.PendingOrders {
		f.Typed["pending"] = "on"
	}
	for _, field := range totalFields() {
		for _, currency := range currenciesOf(b.Expected) {
			if d, said := figure(b.Expected, field, currency); said {
				f.Typed[field] = d.String()
			}
		}
	}
	return f
}

func currenciesOf(t intake.Totals) []string {
	list := []string{""}
	for code := range t.OpenItems {
		list = append(list, code)
	}
	for code := range t.Money {
		list = append(list, code)
	}
	return list
}

func totalsOf(v *web.Visit, b intake.Batch, said form) []total {
	r, currency := v.Reader, v.Profile.Currency.Code()
	var list []total
	for _, field := range totalFields() {
		t := total{Field: field, Said: said.Typed[field], Agrees: true, Known: b.CheckedAt != nil, Fault: said.field(field, "", "").Error}
		t.Label = r.T("admin.import.total."+field, "currency", currency)
		read, there := figure(b.Totals, field, currency)
		if there || t.Known {
			t.Read = r.Number(read)
		}
		if wanted, was := figure(b.Expected, field, currency); was && t.Known {
			t.Agrees = wanted.Equal(read)
		}
		list = append(list, t)
	}
	return list
}

// readTotals reads what was typed; what can't be read is refused beside its
// field.
func readTotals(v *web.Visit, f *form) intake.Totals {
	t := intake.Totals{Counts: map[intake.Kind]int{}, OpenItems: map[string]money.Decimal{}, Money: map[string]money.Decimal{}, Units: map[money.Unit]money.Decimal{}}
	currency := v.Profile.Currency.Code()
	for _, field := range totalFields() {
		text := f.Typed[field]
		if text == "" {
			continue
		}
		group, name, _ := strings.Cut(field, ".")
		if group == "counts" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 {
				f.refuse(field, v.Reader.T("admin.import.want.count"))
			}
			t.Counts[intake.Kind(name)] = n
			continue
		}
		d, err := money.ParseDecimal(text)
		if err != nil {
			f.refuse(field, v.Reader.T("admin.import.want.figure"))
		}
		switch group {
		case "open_items":
			t.OpenItems[currency] = d
		case "money":
			t.Money[currency] = d
		default:
			t.Units[money.Unit(name)] = d
		}
	}
	return t
}

// changeImport keeps another name, other totals, or another way with lines that
// lack facts.
func changeImport(v *web.Visit) error {
	b, err := batchOf(v)
	if err != nil {
		return err
	}
	f := sentForm(v, append(totalFields(), "name", "pending")...)
	wanted := intake.NewBatch{Name: f.Typed["name"], PendingOrders: f.Typed["pending"] != "", Expected: readTotals(v, &f), By: b.CreatedBy}
	if len(f.Faults) > 0 {
		return showImport(v, b, newForm(nil), f)
	}
	_, err = once(v, "import.change", func(ctx context.Context, tx tenant.Tx) (act, error) {
		_, err := v.Stack.Intake().Change(ctx, tx, b.ID, wanted)
		return act{"import", b.ID, map[string]any{"name": wanted.Name}}, err
	})
	switch {
	case errors.Is(err, intake.ErrName):
		f.refuse("name", v.Reader.T("admin.import.want.name"))
		return showImport(v, b, newForm(nil), f)
	case errors.Is(err, intake.ErrState):
		return v.Lead(v.Console("import/" + b.ID.String()))
	case err != nil:
		return err
	}
	return after(v, "import/"+b.ID.String(), "import.changed")
}
