package cash

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/csv"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"tollhouse/billing/bank/statement"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/reconcile"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// Bounds of a form's sample: what of it goes along with the form while its
// columns are named, and what of it is shown.
const (
	maxSample   = 24 << 10
	sampleLines = 6
	sampleShown = 10
)

var (
	formName   = regexp.MustCompile(`^[\p{L}0-9][\p{L}0-9 ._-]{0,39}$`)
	separators = []struct{ value, sign string }{{"semicolon", ";"}, {"comma", ","}, {"tab", "\t"}, {"bar", "|"}}
	dateForms  = []struct{ form, shown string }{{"02.01.2006", "31.12.2026"}, {"2006-01-02", "2026-12-31"}, {"02/01/2006", "31/12/2026"}, {"01/02/2006", "12/31/2026"},
		{"02-01-2006", "31-12-2026"}, {"20060102", "20261231"}, {"02.01.06", "31.12.26"}}
	sampleColumns = []string{"date", "amount", "debit", "party", "iban", "text", "reference"}
)

// sample is what somebody has brought to try a form with.
type sample struct {
	text  []byte
	lines [][]string
}

func (s sample) kept() string { return base64.StdEncoding.EncodeToString(s.text) }

// sampleOf reads what came with the form: a file, or what of one was there already.
func sampleOf(v *web.Visit) (s sample, err error) {
	if file := v.File("sample"); file != nil {
		opened, err := file.Open()
		if err != nil {
			return s, err
		}
		defer func() { _ = opened.Close() }()
		if s.text, err = io.ReadAll(io.LimitReader(opened, maxSample)); err != nil {
			return s, err
		}
		if end := bytes.LastIndexByte(s.text, '\n'); end > 0 && len(s.text) == maxSample {
			s.text = s.text[:end+1] // no half a line
		}
		return s, nil
	}
	s.text, err = base64.StdEncoding.DecodeString(v.Form("kept"))
	if err != nil || len(s.text) > maxSample {
		s.text = nil
	}
	return s, nil
}

// read parts the sample's first lines, as a bank's file is read.
func (s *sample) read(separator string) {
	text := bytes.TrimPrefix(s.text, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(text) {
		var clear bytes.Buffer
		for _, b := range text {
			clear.WriteRune(rune(b))
		}
		text = clear.Bytes()
	}
	lines := csv.NewReader(bytes.NewReader(text))
	lines.Comma, lines.FieldsPerRecord, lines.LazyQuotes = []rune(separator)[0], -1, true
	for len(s.lines) < sampleLines {
		line, err := lines.Read()
		if err != nil {
			return
		}
		s.lines = append(s.lines, line)
	}
}

// likely is the separator that parts the first line most.
func (s sample) likely() string {
	first, _, _ := bytes.Cut(s.text, []byte("\n"))
	best, most := "semicolon", 0
	for _, one := range separators {
		if n := bytes.Count(first, []byte(one.sign)); n > most {
			best, most = one.value, n
		}
	}
	return best
}

func (s sample) width() (n int) {
	for _, line := range s.lines {
		n = max(n, len(line))
	}
	return n
}

// statementForms shows the forms of the operator's banks, and a sheet to name
// the columns of another.
func statementForms(v *web.Visit, f *fault) error {
	return answerForms(v, f, sample{}, nil)
}

func answerForms(v *web.Visit, f *fault, s sample, tried *statement.Statement) error {
	p, r := newPage(v, frame.Bank), v.Reader
	p.under(v, frame.Bank, r.T("bank.forms"))
	var laid payment.Policy
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		laid, err = payment.GetPolicy(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	may := v.May(identity.SettingsWrite)
	list := panel{id: "forms", title: r.T("bank.forms"), lead: r.T("bank.forms.lead"), none: r.T("bank.forms.none"), head: []string{r.T("bank.form.name"), r.T("bank.form.account"), r.T("bank.form.columns"), r.T("money.col.decision")}}
	for _, name := range slices.Sorted(maps.Keys(laid.Delimited)) {
		one := laid.Delimited[name]
		line := row{cells: []cell{text(name), text(one.Account), text(columnWords(r, one))}}
		if may {
			line.forms = []form{{action: v.Console("bank/forms/remove"), button: r.T("money.remove"), quiet: true, hidden: [][2]string{{"name", name}}}}
		}
		list.rows = append(list.rows, line)
	}
	p.panels = []panel{list}
	if tried != nil {
		p.panels = append(p.panels, p.triedPanel(v, tried))
	}
	if len(s.lines) > 0 {
		p.panels = append(p.panels, p.samplePanel(s))
	}
	if may {
		p.panels = append(p.panels, p.formPanel(v, s, tried != nil && f == nil))
	}
	return p.answer(v, f)
}

// columnWords says which columns hold what.
func columnWords(r ui.Reader, d payment.Delimited) string {
	var words []string
	for i, n := range []int{d.Columns.Date, d.Columns.Amount, d.Columns.Debit, d.Columns.Party, d.Columns.IBAN, d.Columns.Text, d.Columns.Reference} {
		if n > 0 {
			words = append(words, strconv.Itoa(n)+" "+r.T("bank.column."+sampleColumns[i]))
		}
	}
	return strings.Join(words, ", ")
}

// samplePanel shows the first lines as they part, with the columns' numbers.
func (p *page) samplePanel(s sample) panel {
	one := panel{id: "sample", title: p.T("bank.sample"), lead: p.T("bank.sample.lead")}
	one.head = []string{p.T("bank.line")}
	for n := range s.width() {
		one.head = append(one.head, p.T("bank.column", "n", strconv.Itoa(n+1)))
	}
	for n, line := range s.lines {
		cells := []cell{text(strconv.Itoa(n + 1))}
		for i := range s.width() {
			if i < len(line) {
				cells = append(cells, text(line[i]))
			} else {
				cells = append(cells, text(""))
			}
		}
		one.rows = append(one.rows, row{cells: cells})
	}
	return one
}

// triedPanel shows what the sample's lines come to.
func (p *page) triedPanel(v *web.Visit, s *statement.Statement) panel {
	r := v.Reader
	one := panel{id: "tried", title: r.T("bank.tried"), lead: r.T("bank.tried.lead", "n", strconv.Itoa(len(s.Entries))), head: p.heads("day", "amount", "party", "text", "reference")}
	for i, e := range s.Entries {
		if i == sampleShown {
			break
		}
		reference := e.Ref
		if strings.HasPrefix(reference, "digest:") { // ours, where the bank gives none
			reference = "–"
		}
		one.rows = append(one.rows, row{cells: []cell{text(r.Date(e.Booked)), number(r.Money(money.New(e.Amount, s.Currency))), text(e.Party), text(e.Text), text(reference)}})
	}
	return one
}

// formPanel names the columns. It is saved once a sample was read by it.
func (p *page) formPanel(v *web.Visit, s sample, good bool) panel {
	r := v.Reader
	one := panel{id: "form", title: r.T("bank.form"), lead: r.T("bank.form.lead")}
	file := p.input(v, "sample", "")
	file.Kind, file.Label, file.Optional = "file", r.T("bank.form.sample"), len(s.text) > 0
	if len(s.text) == 0 {
		one.forms = []form{{action: v.Console("bank/forms"), button: r.T("bank.form.look"), file: true, hidden: [][2]string{{"act", "look"}}, fields: []field{file}}}
		return one
	}
	in := func(id, value, hint string, optional bool) field {
		f := p.input(v, id, value)
		f.Label, f.Optional = r.T("bank.form."+id), optional
		if hint != "" {
			f.Hint = r.T(hint)
		}
		return f
	}
	choose := func(id, value string, choices ...ui.Choice) field {
		f := in(id, value, "", false)
		for i := range choices {
			choices[i].Chosen = choices[i].Value == f.Value
		}
		f.choices = choices
		return f
	}
	var parts, dates []ui.Choice
	for _, s := range separators {
		parts = append(parts, ui.Choice{Value: s.value, Label: r.T("bank.separator." + s.value)})
	}
	for _, d := range dateForms {
		dates = append(dates, ui.Choice{Value: d.form, Label: d.shown})
	}
	comma := in("comma", "", "", true)
	comma.tick = true
	fields := []field{in("name", "", "bank.form.name.hint", false), in("bank_account", "", "bank.form.account.hint", false), in("currency", v.Profile.Currency.Code(), "", false),
		choose("separator", s.likely(), parts...), in("skip", "1", "bank.form.skip.hint", false), choose("date_form", dateForms[0].form, dates...), comma}
	for i, column := range sampleColumns {
		var choices []ui.Choice
		if i > 1 {
			choices = append(choices, ui.Choice{Value: "0", Label: r.T("bank.column.none")})
		}
		for n := range s.width() {
			label := r.T("bank.column", "n", strconv.Itoa(n+1))
			if n < len(s.lines[0]) && strings.TrimSpace(s.lines[0][n]) != "" {
				label += ": " + s.lines[0][n]
			}
			choices = append(choices, ui.Choice{Value: strconv.Itoa(n + 1), Label: label})
		}
		f := choose("column_"+column, choices[0].Value, choices...)
		f.Label = r.T("bank.column." + column)
		fields = append(fields, f)
	}
	sheet := form{action: v.Console("bank/forms"), button: r.T("bank.form.try"), file: true, hidden: [][2]string{{"kept", s.kept()}}, fields: append(fields, file), acts: [][2]string{{"try", r.T("bank.form.try")}}}
	if good {
		sheet.acts = [][2]string{{"save", r.T("bank.form.save")}, {"try", r.T("bank.form.try")}}
	}
	one.forms = []form{sheet}
	return one
}

// typedForm reads the sheet; a fault names its field.
func typedForm(v *web.Visit) (name string, d payment.Delimited, f *fault) {
	r := v.Reader
	name = strings.TrimSpace(v.Form("name"))
	if !formName.MatchString(name) {
		return name, d, &fault{"name", r.T("bank.want.name")}
	}
	for _, one := range separators {
		if one.value == v.Form("separator") {
			d.Separator = one.sign
		}
	}
	if d.Separator == "" {
		return name, d, &fault{"separator", r.T("bank.want.choice")}
	}
	if d.Account = strings.TrimSpace(v.Form("bank_account")); d.Account == "" {
		return name, d, &fault{"bank_account", r.T("bank.want.account")}
	}
	var err error
	if d.Skip, err = strconv.Atoi(strings.TrimSpace(v.Form("skip"))); err != nil || d.Skip < 0 || d.Skip > 100 {
		return name, d, &fault{"skip", r.T("bank.want.skip")}
	}
	if !slices.ContainsFunc(dateForms, func(one struct{ form, shown string }) bool { return one.form == v.Form("date_form") }) {
		return name, d, &fault{"date_form", r.T("bank.want.choice")}
	}
	d.Date, d.Comma, d.Currency = v.Form("date_form"), v.Form("comma") != "", strings.ToUpper(strings.TrimSpace(v.Form("currency")))
	into := []*int{&d.Columns.Date, &d.Columns.Amount, &d.Columns.Debit, &d.Columns.Party, &d.Columns.IBAN, &d.Columns.Text, &d.Columns.Reference}
	for i, column := range sampleColumns {
		n, err := strconv.Atoi(v.Form("column_" + column))
		if err != nil || n < 0 || n > 200 || n == 0 && i < 2 {
			return name, d, &fault{"column_" + column, r.T("bank.want.choice")}
		}
		*into[i] = n
	}
	return name, d, nil
}

// putStatementForm looks at a sample, tries a form with it, or keeps the form:
// only one that has read its sample.
func putStatementForm(v *web.Visit) error {
	r := v.Reader
	s, err := sampleOf(v)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(s.text)) == 0 {
		return answerForms(v, &fault{"sample", r.T("bank.want.sample")}, sample{}, nil)
	}
	separator := ";"
	for _, one := range separators {
		if one.value == v.Form("separator") || v.Form("separator") == "" && one.value == s.likely() {
			separator = one.sign
		}
	}
	if s.read(separator); len(s.lines) == 0 {
		return answerForms(v, &fault{"sample", r.T("bank.want.sample")}, sample{}, nil)
	}
	if v.Form("act") == "look" {
		return answerForms(v, nil, s, nil)
	}
	name, d, f := typedForm(v)
	if f != nil {
		return answerForms(v, f, s, nil)
	}
	form, err := reconcile.FormOf(d, v.Profile.Currency)
	if err != nil {
		return answerForms(v, &fault{"currency", r.T("bank.want.currency")}, s, nil)
	}
	read, err := statement.ReadDelimited(bytes.NewReader(s.text), form)
	if err != nil {
		return answerForms(v, &fault{"", r.T("bank.not", "why", err.Error())}, s, nil)
	}
	if v.Form("act") != "save" {
		return answerForms(v, nil, s, &read)
	}
	return changePolicy(v, "bank_form.put", map[string]any{"name": name}, func(p *payment.Policy) {
		if p.Delimited == nil {
			p.Delimited = map[string]payment.Delimited{}
		}
		p.Delimited[name] = d
	})
}

func removeStatementForm(v *web.Visit) error {
	name := v.Form("name")
	return changePolicy(v, "bank_form.remove", map[string]any{"name": name}, func(p *payment.Policy) { delete(p.Delimited, name) })
}
