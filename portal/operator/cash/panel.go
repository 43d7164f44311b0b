package cash

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// page is one of these pages: cards with a table, forms, or both.
type page struct {
	ui.ConsolePage
	key, done, refused string
	faults             []ui.Fault
	panels             []panel
	links              [][2]string // words and addresses beside the heading
	back               [2]string   // words and address of the page it belongs to; empty: none
}

// panel is a card.
type panel struct {
	id, title, lead string
	facts           [][2]string
	head            []string
	rows            []row
	none            string // told where there are no rows
	forms           []form
}

// numeric says that a column holds numbers, and is headed like them.
func (p panel) numeric(column int) bool {
	return len(p.rows) > 0 && column < len(p.rows[0].cells) && p.rows[0].cells[column].number
}

// row is a line of a table, with what can be done about it.
type row struct {
	cells []cell
	forms []form
}

type cell struct {
	text, href string
	tone       ui.Tone // of a state; empty: plain
	number     bool
}

// form asks for something.
type form struct {
	action, button string
	file           bool // carries one
	quiet, get     bool
	hidden         [][2]string
	fields         []field
	acts           [][2]string // its buttons, where it has several: value of "act" and words
}

type field struct {
	ui.Field
	choices []ui.Choice
	tick    bool
}

func newPage(v *web.Visit, section frame.Section) *page {
	r := v.Reader
	p := &page{ConsolePage: frame.Of(v, section, r.T("con.nav."+string(section))), key: command.NewKey()}
	if v.Query("done") != "" {
		p.done = r.T("money.done")
	}
	return p
}

// under makes it a page below a section's own, with a title of its own.
func (p *page) under(v *web.Visit, section frame.Section, title string) {
	p.ConsolePage = frame.Of(v, section, title)
	p.back = [2]string{p.T("con.nav." + string(section)), v.Console(string(section))}
}

// input is a field of a form; what was typed stays.
func (p *page) input(v *web.Visit, id, value string) field {
	if typed := v.Form(id); typed != "" {
		value = typed
	}
	f := field{Field: ui.Field{ID: id, Label: p.T("money.field." + id), Value: value, Autocomplete: "off", MaxLength: "200"}}
	if id == "tolerance" || id == "cash_limit" || id == "return_fee" {
		f.inMoney(v)
	}
	return f
}

// inMoney says that an amount in the operator's currency is wanted.
func (f *field) inMoney(v *web.Visit) {
	f.InputMode = "decimal"
	f.Label += ", " + v.Reader.Locale.Symbol(v.Profile.Currency)
}

// wrong puts a fault beside the field that it names, or above all.
func (p *page) wrong(name, words string) {
	for i := range p.panels {
		for j := range p.panels[i].forms {
			for k := range p.panels[i].forms[j].fields {
				if f := &p.panels[i].forms[j].fields[k]; f.ID == name {
					f.Error = words
					p.faults = append(p.faults, ui.Fault{Field: f.ID, Message: words})
					return
				}
			}
		}
	}
	p.refused = words
}

// carry does a form's command and leads back; what is refused is shown by show.
func carry(v *web.Visit, action, object string, id uuid.UUID, back string, do func(ctx context.Context, tx tenant.Tx) error, show func(*web.Visit, *fault) error) error {
	c := &command.Command{Action: action, Object: object, ID: id, Part: v.Sent(), Do: func(ctx context.Context, tx tenant.Tx) (string, error) { return "", do(ctx, tx) }}
	_, err := command.CarryOut(v, c)
	return after(v, err, back, show)
}

func after(v *web.Visit, err error, back string, show func(*web.Visit, *fault) error) error {
	if err == nil {
		return v.Lead(v.Console(back, "done", "1"))
	}
	f, known := faultOf(v, err)
	if !known {
		return err
	}
	return show(v, f)
}

// answer shows a page, after a refusal with its fault.
func (p *page) answer(v *web.Visit, f *fault) error {
	status := http.StatusOK
	if f != nil {
		status = http.StatusUnprocessableEntity
		p.wrong(f.field, f.words)
	}
	return v.Show(status, panels(*p))
}

func text(s string) cell   { return cell{text: s} }
func number(s string) cell { return cell{text: s, number: true} }

func parsed(text string) uuid.UUID {
	id, err := uuid.Parse(text)
	if err != nil {
		return uuid.Nil
	}
	return id
}
