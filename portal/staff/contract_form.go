package staff

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/tenants"
	"tollhouse/tenants/contract"
)

// contractFields are the fields of a contract's form, in their order.
var contractFields = []string{"id", "operator", "model", "place", "currency", "from", "until", "reference",
	"rent_setup", "rent_monthly", "lease_price", "lease_upfront", "lease_months", "lease_yearly", "lease_early_fee", "share_minimum", "share_tiers", "licence_price", "licence_support"}

// newContractForm is an empty form of a model, with an id of its own: sent twice
// it is one contract.
func newContractForm(model contract.Model, operator, currency string) form {
	return newForm(map[string]string{"id": uuid.Must(uuid.NewV7()).String(), "model": string(model), "operator": operator, "currency": currency, "place": string(contract.Pooled)})
}

// contractForm is a draft as it stands.
func contractForm(c contract.Contract) form {
	values := map[string]string{"id": c.ID.String(), "operator": c.Operator.String(), "model": string(c.Model), "place": string(c.Place), "currency": c.Currency.Code(),
		"from": c.From.String(), "reference": c.Reference}
	if !c.Until.IsZero() {
		values["until"] = c.Until.String()
	}
	if r := c.Terms.Rent; r != nil {
		values["rent_setup"], values["rent_monthly"] = r.Setup.Text(), r.Monthly.Text()
	}
	if l := c.Terms.Lease; l != nil {
		values["lease_price"], values["lease_upfront"], values["lease_months"] = l.Price.Text(), l.Upfront.Text(), strconv.Itoa(l.Months)
		values["lease_yearly"], values["lease_early_fee"] = l.Yearly.String(), l.EarlyFee.String()
	}
	if s := c.Terms.Share; s != nil {
		values["share_minimum"] = s.Minimum.Text()
		var b strings.Builder
		for _, t := range s.Tiers {
			if t.UpTo != nil {
				fmt.Fprintf(&b, "%s ", t.UpTo.Text())
			}
			fmt.Fprintf(&b, "%s\n", t.Percent)
		}
		values["share_tiers"] = strings.TrimSpace(b.String())
	}
	if l := c.Terms.Licence; l != nil {
		values["licence_price"], values["licence_support"] = l.Price.Text(), l.Support.Text()
	}
	return newForm(values)
}

// contract reads the form.
func (f *form) contract(r ui.Reader) contract.Contract {
	c := contract.Contract{Model: contract.Model(f.value("model")), Place: contract.Place(f.value("place")), Reference: f.value("reference"), State: contract.Draft}
	want := func(name string) string { return r.T("contract.want." + name) }
	c.ID, _ = uuid.Parse(f.value("id"))
	var err error
	if c.Operator, err = tenant.ParseID(f.value("operator")); err != nil {
		f.fault("operator", want("operator"))
	}
	if c.Currency, err = money.ParseCurrency(f.value("currency")); err != nil {
		f.fault("currency", want("currency"))
		return c
	}
	if c.From, err = calendar.ParseDate(f.value("from")); err != nil {
		f.fault("from", want("from"))
	}
	if f.value("until") != "" {
		if c.Until, err = calendar.ParseDate(f.value("until")); err != nil {
			f.fault("until", want("until"))
		}
	}
	amount := func(name string) money.Amount {
		text := f.value(name)
		if text == "" {
			return money.Zero(c.Currency)
		}
		a, err := money.Parse(text, c.Currency)
		if err != nil {
			f.fault(name, want("amount"))
			return money.Zero(c.Currency)
		}
		return a
	}
	decimal := func(name string) money.Decimal {
		d, err := percent(f.value(name))
		if err != nil {
			f.fault(name, want("percent"))
		}
		return d
	}
	if c.Model == contract.Rent || f.value("rent_monthly") != "" || f.value("rent_setup") != "" {
		c.Terms.Rent = &contract.RentTerms{Setup: amount("rent_setup"), Monthly: amount("rent_monthly")}
	}
	switch c.Model {
	case contract.Lease:
		c.Terms.Lease = &contract.LeaseTerms{Price: amount("lease_price"), Upfront: amount("lease_upfront"), Months: f.number(r, "contract", "lease_months"),
			Yearly: decimal("lease_yearly"), EarlyFee: decimal("lease_early_fee")}
	case contract.RevenueShare:
		c.Terms.Share = &contract.ShareTerms{Minimum: amount("share_minimum"), Tiers: f.tiers(r, c.Currency)}
	case contract.OwnLicence:
		c.Terms.Licence = &contract.LicenceTerms{Price: amount("licence_price"), Support: amount("licence_support")}
	}
	return c
}

func percent(text string) (money.Decimal, error) {
	if text == "" {
		return money.Decimal{}, nil
	}
	return money.ParseDecimal(strings.TrimSuffix(strings.TrimSpace(text), "%"))
}

// tiers are lines of an amount and a percentage; the last has no amount.
func (f *form) tiers(r ui.Reader, currency money.Currency) (tiers []contract.Tier) {
	wrong := func() []contract.Tier {
		f.fault("share_tiers", r.T("contract.want.share_tiers"))
		return nil
	}
	for _, line := range strings.Split(f.value("share_tiers"), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		var tier contract.Tier
		var err error
		if tier.Percent, err = percent(words[len(words)-1]); err != nil || len(words) > 2 {
			return wrong()
		}
		if len(words) == 2 {
			upTo, err := money.Parse(words[0], currency)
			if err != nil {
				return wrong()
			}
			tier.UpTo = &upTo
		}
		tiers = append(tiers, tier)
	}
	return tiers
}

// refusedContract tells beside its field what the domain refused; false if it
// said something else.
func (f *form) refusedContract(r ui.Reader, err error) bool {
	for _, known := range []struct {
		err         error
		field, word string
	}{{contract.ErrOverlap, "from", "contract.refused.overlap"}, {contract.ErrFixed, "id", "contract.refused.fixed"},
		{contract.ErrBuyOut, "on", "contract.refused.buyout"}, {contract.ErrPrice, "on", "contract.refused.price"}, {contract.ErrState, "id", "contract.refused.state"}} {
		if errors.Is(err, known.err) {
			f.fault(known.field, r.T(known.word))
			return true
		}
	}
	var invalid *tenants.InvalidError
	if !errors.As(err, &invalid) {
		return false
	}
	for _, fault := range invalid.Fields {
		name := strings.ReplaceAll(strings.TrimPrefix(fault.Field, "terms."), ".", "_")
		if strings.HasPrefix(name, "share_tiers") {
			name = "share_tiers"
		}
		word := name
		switch name {
		case "rent_setup", "rent_monthly", "lease_price", "lease_upfront", "share_minimum", "licence_price", "licence_support":
			word = "amount"
		case "lease_yearly", "lease_early_fee":
			word = "percent"
		}
		f.fault(name, r.T("contract.want."+word))
	}
	return true
}

func contractPlaces(r ui.Reader, chosen string) (list []ui.Choice) {
	for _, p := range contract.Places {
		list = append(list, ui.Choice{Value: string(p), Label: r.T("contract.place." + string(p)), Chosen: string(p) == chosen})
	}
	return list
}
