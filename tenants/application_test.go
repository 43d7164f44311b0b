package tenants_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tollhouse/billing/identity"
	"tollhouse/tenants"
)

func TestAdmit_namesEveryFieldThatIsWrong(t *testing.T) {
	t.Parallel()
	year := func(n int) *time.Time { at := time.Date(n, 1, 1, 0, 0, 0, 0, time.UTC); return &at }
	rate := func(change func(*tenants.RateText)) func(*tenants.Application) {
		return func(a *tenants.Application) { change(&a.TaxRates[0]) }
	}
	cases := map[string]struct {
		change func(*tenants.Application)
		fields string
	}{
		"nothing wrong":             {func(*tenants.Application) {}, ""},
		"rates of a known country":  {func(a *tenants.Application) { a.TaxRates = nil }, ""},
		"rates of an unknown one":   {func(a *tenants.Application) { a.TaxRates, a.Country = nil, "TV" }, "tax_rates"},
		"upper case name":           {func(a *tenants.Application) { a.Name = "Nordnetz" }, "name"},
		"name of two letters":       {func(a *tenants.Application) { a.Name = "ab" }, "name"},
		"name of the house":         {func(a *tenants.Application) { a.Name = "house" }, "name"},
		"name with a schema in it":  {func(a *tenants.Application) { a.Name = `x"; drop schema control` }, "name"},
		"no legal name":             {func(a *tenants.Application) { a.LegalName = " " }, "legal_name"},
		"name on two lines":         {func(a *tenants.Application) { a.DisplayName = "a\nb" }, "display_name"},
		"display name left out":     {func(a *tenants.Application) { a.DisplayName = "" }, ""},
		"country that is none":      {func(a *tenants.Application) { a.Country = "XX" }, "country"},
		"country in small letters":  {func(a *tenants.Application) { a.Country = "de" }, "country"},
		"country by number":         {func(a *tenants.Application) { a.Country = "276" }, "country"},
		"zone that is none":         {func(a *tenants.Application) { a.Zone = "Europe/Hamburg" }, "zone"},
		"the machine's zone":        {func(a *tenants.Application) { a.Zone = "Local" }, "zone"},
		"a file as zone":            {func(a *tenants.Application) { a.Zone = "../../etc/passwd" }, "zone"},
		"currency that is none":     {func(a *tenants.Application) { a.Currency = "EURO" }, "currency"},
		"language we do not speak":  {func(a *tenants.Application) { a.Language = "de" }, "language"},
		"e-mail with a name":        {func(a *tenants.Application) { a.OwnerEmail = "Jo <jo@example.net>" }, "owner_email"},
		"no address":                {func(a *tenants.Application) { a.LegalEntity.Address = tenants.Address{} }, "legal_entity.address.street legal_entity.address.city"},
		"IBAN with a slip":          {func(a *tenants.Application) { a.LegalEntity.BankIBAN = "DE89370400440532013001" }, "legal_entity.bank_iban"},
		"account that is none":      {func(a *tenants.Application) { a.LegalEntity.BankIBAN = "n/a" }, "legal_entity.bank_iban"},
		"account number of digits":  {func(a *tenants.Application) { a.LegalEntity.BankIBAN = "012-3456-7890" }, ""},
		"BIC with a slip":           {func(a *tenants.Application) { a.LegalEntity.BankBIC = "COBA" }, "legal_entity.bank_bic"},
		"percentage above all":      {rate(func(r *tenants.RateText) { r.Percent = "100.1" }), "tax_rates[0].percent"},
		"percentage in words":       {rate(func(r *tenants.RateText) { r.Percent = "19%" }), "tax_rates[0].percent"},
		"percentage of 7 decimals":  {rate(func(r *tenants.RateText) { r.Percent = "19.0000001" }), "tax_rates[0].percent"},
		"rate that ends before":     {rate(func(r *tenants.RateText) { r.ValidTo = "2020-01-01" }), "tax_rates[0].valid_to"},
		"day that is none":          {rate(func(r *tenants.RateText) { r.ValidFrom = "2026-02-30" }), "tax_rates[0].valid_from"},
		"two rates on one day":      {func(a *tenants.Application) { a.TaxRates = append(a.TaxRates, a.TaxRates[0]) }, "tax_rates[1].valid_from"},
		"clock of a live stack":     {func(a *tenants.Application) { a.Sandbox, a.ClockAt = false, year(2026) }, "clock_at"},
		"clock in 1970":             {func(a *tenants.Application) { a.ClockAt = year(1970) }, "clock_at"},
		"clock in 2099":             {func(a *tenants.Application) { a.ClockAt = year(2099) }, "clock_at"},
		"several at once, all told": {func(a *tenants.Application) { a.Name, a.Zone, a.Currency = "", "", "" }, "name zone currency"},
	}
	passwords, err := identity.NewPasswords()
	if err != nil {
		t.Fatal(err)
	}
	registry := tenants.NewRegistry(&stacks{}, passwords, knownTaxes, time.Now)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := application("nordnetz")
			c.change(&a)
			_, err := registry.Admit(context.Background(), a)
			var invalid *tenants.InvalidError
			if errors.As(err, &invalid) != (c.fields != "") {
				t.Fatalf("got %v, want fields %q", err, c.fields)
			}
			if invalid == nil {
				return
			}
			var fields []string
			for _, f := range invalid.Fields {
				fields = append(fields, f.Field)
				if f.Want == "" {
					t.Errorf("%s: it is not said what is right", f.Field)
				}
			}
			if got := strings.Join(fields, " "); got != c.fields {
				t.Errorf("got %q (%v), want %q", got, err, c.fields)
			}
		})
	}
}
