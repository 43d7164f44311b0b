package onboarding

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// The facts in this file have passed the gate, so they parse; one that is
// there and does not is left out.

// identityFields are the fields of identities, in a fixed order.
var identityFields = slices.Sorted(maps.Keys(identities))

func partyOf(f Facts) account.Party {
	return account.Party{
		Kind: account.PartyKind(f["party.kind"]), Name: f["party.name"], Email: f["party.email"], Phone: f["party.phone"],
		BirthDate: dateOf(f["party.birth_date"]), IDDocument: f["party.id_document"], TaxID: f["party.tax_id"],
		Language: account.Language(f["party.language"]),
		Address: account.Address{
			Street: f["address.street"], Postcode: f["address.postcode"], City: f["address.city"],
			Region: f["address.region"], Country: f["address.country"],
		},
	}
}

// factsOf is what is known of a party, as facts of an order.
func factsOf(p account.Party) Facts {
	f := Facts{
		"party.kind": string(p.Kind), "party.name": p.Name, "party.email": p.Email, "party.phone": p.Phone,
		"party.id_document": p.IDDocument, "party.tax_id": p.TaxID, "party.language": string(p.Language),
		"address.street": p.Address.Street, "address.postcode": p.Address.Postcode, "address.city": p.Address.City,
		"address.region": p.Address.Region, "address.country": p.Address.Country,
	}
	if p.BirthDate != nil {
		f["party.birth_date"] = p.BirthDate.String()
	}
	return f
}

func newAccountOf(o *ready, party uuid.UUID) account.NewAccount {
	n := account.NewAccount{PartyID: party, Kind: account.Kind(o.offering.Billing)}
	if o.Branch != nil {
		n.Branch = *o.Branch
	}
	if anchor := dateOf(o.Facts["account.anchor"]); anchor != nil {
		n.Anchor = *anchor
	}
	if months, err := strconv.Atoi(o.Facts["account.cycle_months"]); err == nil {
		n.CycleMonths = months
	}
	if limit, err := money.ParseDecimal(o.Facts["account.credit_limit"]); err == nil && n.Kind == account.Postpaid {
		n.CreditLimit = &limit
	}
	return n
}

// servicesOf makes a service of each kind that the offering carries. A service
// has the facts of its section: identities apart, the rest as it is.
func servicesOf(o ready) []account.NewService {
	services := make([]account.NewService, len(o.offering.Services))
	for i, kind := range o.offering.Services {
		s := account.NewService{Kind: account.ServiceKind(kind), Facts: map[string]string{}}
		section := string(kind) + "."
		for _, field := range slices.Sorted(maps.Keys(o.Facts)) {
			name, ours := strings.CutPrefix(field, section)
			if !ours {
				continue
			}
			if identity, names := identities[field]; names {
				s.Identities = append(s.Identities, account.Identity{Kind: identity, Value: o.Facts[field]})
			} else if !secretFields[field] {
				s.Facts[name] = o.Facts[field]
			}
		}
		services[i] = s
	}
	return services
}

func dateOf(text string) *calendar.Date {
	d, err := calendar.ParseDate(text)
	if err != nil {
		return nil
	}
	return &d
}
