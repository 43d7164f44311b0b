package product

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"tollhouse/billing/catalog"
	"tollhouse/billing/catalog/document"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/explain"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

type specificationView struct{ code, name, services, more string }

type specificationsView struct {
	ui.ConsolePage
	key, done, refused string
	list               []specificationView
	may                bool
	editing            string // code of the one in the form; empty: a new one
	fields             []ui.Field
	services           []ui.Choice
	facts, lines       ui.Field
}

var serviceKinds = []catalog.ServiceKind{"internet", "iptv", "voice", "mobile", "hosting"}

func specifications(v *web.Visit) error {
	return showSpecifications(v, http.StatusOK, nil, "")
}

// showSpecifications lists them, and the form with what was typed, with the one
// of the address, or empty.
func showSpecifications(v *web.Visit, status int, faults map[string]string, refused string) error {
	r := v.Reader
	view := specificationsView{ConsolePage: frame.Of(v, frame.Specifications, r.T("con.nav.specifications")), key: command.NewKey(), may: v.May(identity.OfferingWrite), refused: refused}
	if v.Query("done") != "" {
		view.done = r.T("product.spec.done")
	}
	var all []catalog.Specification
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		all, err = catalog.Specifications(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	typed := catalog.Specification{}
	for _, s := range all {
		var services, known []string
		for _, k := range s.Services {
			services = append(services, r.T("biz.offer.service."+string(k)))
		}
		for _, c := range s.Characteristics {
			known = append(known, nameOf(r, c.Names, c.Code))
		}
		view.list = append(view.list, specificationView{s.Code, nameOf(r, s.Names, s.Code), strings.Join(services, ", "), strings.Join(known, ", ")})
		if s.Code == v.Param("specification") {
			typed, view.editing = s, s.Code
		}
	}
	if v.Param("specification") != "" && view.editing == "" {
		return catalog.ErrNoSpecification
	}
	view.fill(v, typed, status, faults)
	return v.Show(status, specificationsPage(view))
}

func nameOf(r ui.Reader, names catalog.Names, code string) string {
	if name := names.In(r.Locale.Language); name != "" {
		return name
	}
	return code
}

func (s *specificationsView) fill(v *web.Visit, of catalog.Specification, status int, faults map[string]string) {
	r := v.Reader
	value := func(name, stored string) string {
		if status != http.StatusOK {
			return v.Form(name)
		}
		return stored
	}
	s.fields = []ui.Field{{ID: "code", Label: r.T("biz.offer.code"), Hint: r.T("biz.offer.code.hint"), Value: value("code", of.Code), Error: faults["code"], Autocomplete: "off", MaxLength: "64", ReadOnly: s.editing != ""}}
	for _, language := range []string{"en", "id", "ru"} {
		s.fields = append(s.fields, ui.Field{ID: "names." + language, Label: r.T("biz.offer.name." + language), Value: value("names."+language, of.Names[language]), Lang: language, Optional: language != "en", Autocomplete: "off", MaxLength: "200"})
	}
	s.fields[1].Error = faults["names"]
	for _, k := range serviceKinds {
		chosen := slices.Contains(of.Services, k)
		if status != http.StatusOK {
			chosen = slices.Contains(v.Fields()["services"], string(k))
		}
		s.services = append(s.services, ui.Choice{Value: string(k), Label: r.T("biz.offer.service." + string(k)), Chosen: chosen})
	}
	s.facts = ui.Field{ID: "facts", Label: r.T("biz.offer.facts"), Hint: r.T("biz.offer.facts.hint"), Value: value("facts", strings.Join(of.RequiredFacts, ", ")), Error: faults["required_facts"], Optional: true, Autocomplete: "off", MaxLength: "1000"}
	s.lines = ui.Field{ID: "lines", Label: r.T("product.spec.lines"), Hint: r.T("product.spec.lines.hint"), Value: value("lines", linesOf(of)), Error: faults["characteristics"], Optional: true}
}

// linesOf writes characteristics one a line: code, type, name, unit, value.
func linesOf(s catalog.Specification) string {
	var lines []string
	for _, c := range s.Characteristics {
		value := c.Value
		if c.Type == catalog.ChoiceCharacteristic {
			value = strings.Join(c.Values, "|")
		}
		lines = append(lines, strings.TrimRight(strings.Join([]string{c.Code, string(c.Type), c.Names["en"], c.Unit, value}, "; "), "; "))
	}
	return strings.Join(lines, "\n")
}

// documentOf makes the document of what was typed; its own reader judges it.
// What a line does not say of a characteristic stays as it was.
func documentOf(v *web.Visit, was catalog.Specification) ([]byte, error) {
	names := map[string]string{}
	for _, language := range []string{"en", "id", "ru"} {
		if name := strings.TrimSpace(v.Form("names." + language)); name != "" {
			names[language] = name
		}
	}
	whole := map[string]any{"code": strings.TrimSpace(v.Form("code")), "names": names}
	if services := v.Fields()["services"]; len(services) > 0 {
		whole["services"] = services
	}
	if facts := strings.FieldsFunc(v.Form("facts"), func(r rune) bool { return strings.ContainsRune(" ,;\r\n", r) }); len(facts) > 0 {
		whole["required_facts"] = facts
	}
	var list []map[string]any
	for line := range strings.SplitSeq(v.Form("lines"), "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		parts := append(strings.Split(line, ";"), "", "", "", "")
		for i := range parts {
			parts[i] = strings.TrimSpace(parts[i])
		}
		known := map[string]string{"en": parts[2]}
		for _, c := range was.Characteristics {
			if c.Code == parts[0] {
				known["id"], known["ru"] = c.Names["id"], c.Names["ru"]
			}
		}
		for language, name := range known {
			if name == "" {
				delete(known, language)
			}
		}
		one := map[string]any{"code": parts[0], "type": parts[1], "names": known}
		if parts[3] != "" {
			one["unit"] = parts[3]
		}
		switch {
		case parts[4] == "":
		case parts[1] == string(catalog.ChoiceCharacteristic):
			one["values"] = strings.Split(parts[4], "|")
		default:
			one["value"] = parts[4]
		}
		list = append(list, one)
	}
	if len(list) > 0 {
		whole["characteristics"] = list
	}
	return json.Marshal(whole)
}

func putSpecification(v *web.Visit) error {
	was := catalog.Specification{}
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		was, err = catalog.GetSpecification(ctx, tx, strings.TrimSpace(v.Form("code")))
		if errors.Is(err, catalog.ErrNoSpecification) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	text, err := documentOf(v, was)
	if err != nil {
		return err
	}
	spec, err := catalog.ParseSpecification(text)
	var invalid *document.InvalidError
	if errors.As(err, &invalid) {
		faults := map[string]string{}
		for _, f := range invalid.Findings {
			field, _, _ := strings.Cut(f.Path, ".")
			field, _, _ = strings.Cut(field, "[")
			words, _ := explain.FindingWith(v.Reader, f.Message, f.Want)
			if field == "characteristics" {
				words = f.Path + ": " + words
			}
			faults[field] = words
		}
		return showSpecifications(v, http.StatusUnprocessableEntity, faults, "")
	}
	if err != nil {
		return err
	}
	c := &command.Command{Action: "putSpecification", Object: "specification", Detail: map[string]any{"code": spec.Code}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		return v.Console("specifications", "done", "1"), catalog.PutSpecification(ctx, tx, spec)
	}
	next, err := command.CarryOut(v, c)
	if err != nil {
		return err
	}
	return v.Lead(next)
}

func removeSpecification(v *web.Visit) error {
	code := v.Param("specification")
	c := &command.Command{Action: "deleteSpecification", Object: "specification", Detail: map[string]any{"code": code}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		return v.Console("specifications", "done", "1"), catalog.DropSpecification(ctx, tx, code)
	}
	next, err := command.CarryOut(v, c)
	if errors.Is(err, catalog.ErrSpecificationUsed) {
		return showSpecifications(v, http.StatusUnprocessableEntity, nil, v.Reader.T("product.spec.used"))
	}
	if err != nil {
		return err
	}
	return v.Lead(next)
}

func (s *specificationsView) formTitle() string {
	if s.editing != "" {
		return s.T("product.spec.change", "code", s.editing)
	}
	return s.T("product.spec.new")
}
