package api

import (
	"context"
	"slices"

	"tollhouse/api/oapi"
	"tollhouse/api/problem"
	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
)

// contactFacts points at the facts of a party that may be changed, by their
// names. Those that the law asked for at the desk stay as they were shown.
func contactFacts(p *account.Party) map[string]*string {
	return map[string]*string{"party.name": &p.Name, "party.email": &p.Email, "party.phone": &p.Phone, "party.language": (*string)(&p.Language),
		"address.street": &p.Address.Street, "address.postcode": &p.Address.Postcode, "address.city": &p.Address.City,
		"address.region": &p.Address.Region, "address.country": &p.Address.Country}
}

// changedContact puts facts into a party and holds it against what the
// operator's country asks for.
func changedContact(party account.Party, facts map[string]string, profile account.Profile, tx tenant.Tx) (after account.Party, changed []string, err error) {
	fields := contactFacts(&party)
	for name, fact := range facts {
		field, known := fields[name]
		if !known {
			return party, nil, problem.InvalidRequest.New("", problem.Fault{Field: name, Reason: "is no fact of contact", Want: "party.name, email, phone or language, or a field of address"})
		}
		if *field != fact {
			*field = fact
			changed = append(changed, name)
		}
	}
	known := onboarding.Facts{"party.kind": string(party.Kind)}
	for name, field := range fields {
		known[name] = *field
	}
	wanted := slices.DeleteFunc(onboarding.Requirements(catalog.Offering{}, profile.Country), func(r onboarding.Requirement) bool { return fields[r.Field] == nil })
	if findings := onboarding.Missing(wanted, known, profile.LocalDate(tx.At)); len(findings) > 0 {
		return party, nil, &onboarding.FactError{Findings: findings}
	}
	slices.Sort(changed)
	return party, changed, nil
}

// ChangeContact implements oapi.StrictServerInterface.
func (s *Server) ChangeContact(ctx context.Context, r oapi.ChangeContactRequestObject) (oapi.ChangeContactResponseObject, error) {
	return nil, once(ctx, oapi.ChangeContactResponseObject.VisitChangeContactResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ChangeContactResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		a, err := account.Lock(ctx, tx, r.Account)
		if err != nil {
			return nil, err
		}
		party, err := account.GetParty(ctx, tx, a.PartyID)
		if err != nil {
			return nil, err
		}
		profile, err := account.GetProfile(ctx, tx)
		if err != nil {
			return nil, err
		}
		party, changed, err := changedContact(party, *r.Body, profile, tx)
		if err != nil {
			return nil, err
		}
		c.detail = map[string]any{"changed": changed} // which, not what: the trail keeps nobody's address
		if err := account.PutParty(ctx, tx, party); err != nil {
			return nil, err
		}
		subscriptions, err := account.Subscriptions(ctx, tx, a.ID)
		return oapi.ChangeContact200JSONResponse{Body: accountOf(a, party, subscriptions)}, err
	})
}
