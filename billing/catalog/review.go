package catalog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog/document"
	"tollhouse/billing/tenant"
)

// Faults are the findings that keep an offering from being published.
func Faults(findings []Finding) []Finding {
	var faults []Finding
	for _, f := range findings {
		if f.Severity != document.Warning {
			faults = append(faults, f)
		}
	}
	return faults
}

// Review is Check beside what the operator has: tax rates on the day from which
// o is to be sold, partners, specifications and the offerings that it names, and
// the languages of its subscribers. It warns of prices below cost.
func Review(ctx context.Context, tx tenant.Tx, o Offering, from time.Time) ([]Finding, error) {
	r := reviewer{checker: checker{offering: o, findings: Check(o)}, from: from}
	r.costs()
	known, err := r.operator(ctx, tx)
	if err != nil || !known {
		return r.findings, err // nothing can be sold before the operator is set up
	}
	for _, step := range []func(context.Context, tenant.Tx) error{r.taxes, r.names, r.references, r.bundled, r.decks, r.calendars, r.exchange} {
		if err := step(ctx, tx); err != nil {
			return nil, fmt.Errorf("review %s: %w", o.Code, err)
		}
	}
	return r.findings, nil
}

type reviewer struct {
	checker
	from     time.Time
	day      calendar.Date // of from, in the operator's zone
	language string        // the operator's
}

func (r *reviewer) warn(path, want, format string, args ...any) {
	r.findings = append(r.findings, Finding{Path: path, Message: fmt.Sprintf(format, args...), Want: want, Severity: document.Warning})
}

func (r *reviewer) fault(path, want, format string, args ...any) {
	r.findings = append(r.findings, Finding{Path: path, Message: fmt.Sprintf(format, args...), Want: want})
}

func (r *reviewer) operator(ctx context.Context, tx tenant.Tx) (known bool, err error) {
	var zone string
	err = tx.QueryRow(ctx, `select zone, language from operator where id = 1`).Scan(&zone, &r.language)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read operator: %w", err)
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return false, fmt.Errorf("operator's zone: %w", err)
	}
	r.day = calendar.DateOf(r.from, loc)
	return true, nil
}

// taxes wants a rate of each category on the first day of sale.
func (r *reviewer) taxes(ctx context.Context, tx tenant.Tx) error {
	at := map[string]string{r.offering.Tax.Category: "tax.category"}
	add := func(category, path string) {
		if _, known := at[category]; !known && category != "" {
			at[category] = path + ".tax_category"
		}
	}
	for i, p := range r.offering.Prices.OneTime {
		add(p.TaxCategory, fmt.Sprintf("prices.one_time[%d]", i))
	}
	for i, p := range r.offering.Prices.Recurring {
		add(p.TaxCategory, fmt.Sprintf("prices.recurring[%d]", i))
	}
	for i, u := range r.offering.Usage {
		add(u.TaxCategory, fmt.Sprintf("usage[%d]", i))
	}
	const rated = `select distinct category from tax_rate where category = any ($1) and valid_from <= $2 and (valid_to is null or valid_to > $2)`
	missing, err := r.unknown(ctx, tx, slices.Sorted(maps.Keys(at)), rated, r.day)
	for _, category := range missing {
		r.fault(at[category], "a tax category that has a rate then", "the tax category %q has no rate on %s", category, r.day)
	}
	return err
}

// unknown gives those of some codes that a query does not find.
func (r *reviewer) unknown(ctx context.Context, tx tenant.Tx, codes []string, query string, args ...any) ([]string, error) {
	if len(codes) == 0 {
		return nil, nil
	}
	rows, err := tx.Query(ctx, query, append([]any{codes}, args...)...)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(codes), func(code string) bool { return slices.Contains(found, code) }), nil
}

// names wants each name that a bill may print in the operator's own language,
// and warns where one is missing in another that subscribers read.
func (r *reviewer) names(ctx context.Context, tx tenant.Tx) error {
	const spoken = `select l from unnest($1::text[]) as l where exists (select from party where language = l)`
	silent, err := r.unknown(ctx, tx, []string{"en", "id", "ru"}, spoken)
	if err != nil {
		return err
	}
	for _, named := range namesOf(r.offering) {
		for _, language := range []string{"en", "id", "ru"} {
			path := named.path + "." + language
			switch {
			case named.names[language] != "":
			case language == r.language && named.names["en"] == "":
				r.fault(path, "a name in the operator's language", "has no name in %q", language)
			case language == r.language || !slices.Contains(silent, language):
				r.warn(path, "a name in this language", "has no name in %q, which subscribers read", language)
			}
		}
	}
	return nil
}

type named struct {
	path  string
	names Names
}

// namesOf are the names that people see, with their paths.
func namesOf(o Offering) []named {
	list := []named{{"names", o.Names}}
	for i, p := range o.Prices.OneTime {
		list = append(list, named{fmt.Sprintf("prices.one_time[%d].names", i), p.Names})
	}
	for i, p := range o.Prices.Recurring {
		list = append(list, named{fmt.Sprintf("prices.recurring[%d].names", i), p.Names})
	}
	for i, a := range o.Allowances {
		list = append(list, named{fmt.Sprintf("allowances[%d].names", i), a.Names})
	}
	for i, u := range o.Usage {
		list = append(list, named{fmt.Sprintf("usage[%d].names", i), u.Names})
		for j, rule := range u.Rules {
			if len(rule.Names) > 0 {
				list = append(list, named{fmt.Sprintf("usage[%d].rules[%d].names", i, j), rule.Names})
			}
		}
	}
	return list
}

// references wants partners and specifications to be there.
func (r *reviewer) references(ctx context.Context, tx tenant.Tx) error {
	if t := r.offering.ThirdParty; t != nil {
		missing, err := r.unknown(ctx, tx, []string{t.Partner}, `select code from partner where code = any ($1) and active`)
		if err != nil {
			return err
		}
		if len(missing) > 0 {
			r.fault("third_party.partner", "the code of an active partner", "no active partner has the code %q", t.Partner)
		}
	}
	if r.offering.Specification == "" {
		return nil
	}
	spec, err := GetSpecification(ctx, tx, r.offering.Specification)
	if errors.Is(err, ErrNoSpecification) {
		r.fault("specification", "the code of a product specification", "no specification has the code %q", r.offering.Specification)
		return nil
	}
	if err != nil {
		return err
	}
	for i, kind := range r.offering.Services {
		if len(spec.Services) > 0 && !slices.Contains(spec.Services, kind) {
			r.fault(fmt.Sprintf("services[%d]", i), "a service of the specification", "the specification %q has no service %s", spec.Code, kind)
		}
	}
	return nil
}

// costs warns of prices below what they cost the operator.
func (r *reviewer) costs() {
	for i, p := range r.offering.Prices.Recurring {
		if p.Cost != nil && p.Amount.Cmp(*p.Cost) < 0 {
			r.warn(fmt.Sprintf("prices.recurring[%d].amount", i), "a price of at least "+p.Cost.String(), "%s is below the cost of %s", p.Amount, p.Cost)
		}
	}
}
