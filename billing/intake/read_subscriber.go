package intake

import (
	"regexp"
	"strconv"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/onboarding"
)

var accountNumber = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,39}$`)

// partyFacts are the facts that a subscribers file tells, by its columns.
var partyFacts = map[string]string{
	"party_kind": "party.kind", "name": "party.name", "email": "party.email", "phone": "party.phone", "birth_date": "party.birth_date",
	"id_document": "party.id_document", "id_verified": "party.id_verified", "tax_id": "party.tax_id", "language": "party.language",
	"street": "address.street", "postcode": "address.postcode", "city": "address.city", "region": "address.region", "country": "address.country",
}

func (c *content) subscriber(r row) {
	number := r.needed("account")
	if number != "" && !accountNumber.MatchString(number) {
		r.fault("account", Wrong, "")
	}
	if number == "" || !c.once(r, "account", number) {
		return
	}
	s := &subscriber{row: r, facts: onboarding.Facts{}}
	for column, field := range partyFacts {
		if value := r.line1(column); value != "" {
			s.facts[field] = value
		}
	}
	s.account = account.ImportedAccount{Account: c.accountOf(r, number), Party: c.partyOf(r, number)}
	c.currencyFits(r)
	c.byNumber[number] = s
	c.subscribers = append(c.subscribers, s)
}

func (c *content) partyOf(r row, number string) account.Party {
	return account.Party{
		ID: c.id("party", number), Kind: account.PartyKind(r.oneOf("party_kind", "", "individual", "organization")), Name: r.needed("name"),
		Email: r.line1("email"), Phone: r.line1("phone"), BirthDate: r.date("birth_date"), IDDocument: r.line1("id_document"), TaxID: r.line1("tax_id"),
		Language: account.Language(r.oneOf("language", string(c.world.profile.Language), "en", "id", "ru")),
		Address: account.Address{
			Street: r.line1("street"), Postcode: r.line1("postcode"), City: r.line1("city"), Region: r.line1("region"),
			Country: withDefault(r.line1("country"), c.world.profile.Country),
		},
	}
}

func (c *content) accountOf(r row, number string) account.Account {
	a := account.Account{
		ID: c.id("account", number), Number: number, Kind: account.Kind(r.oneOf("kind", "", "prepaid", "postpaid")),
		Currency: c.world.profile.Currency, State: account.Active, CycleMonths: 1,
	}
	if months := r.oneOf("cycle_months", "1", "1", "3", "12"); months != "1" {
		a.CycleMonths, _ = strconv.Atoi(months) //nolint:errcheck // one of the three
	}
	if a.CreditLimit = r.decimal("credit_limit", c.digits()); a.CreditLimit != nil && (a.CreditLimit.Sign() < 0 || a.Kind == account.Prepaid) {
		r.fault("credit_limit", Wrong, "an amount of zero or more for a postpaid account, nothing for a prepaid one")
	}
	a.LegalEntity, a.Branch = c.world.place(r)
	c.cycle(r, &a)
	return a
}

// leapYears bring any day of a year back to a year that has it.
const leapYears = 4

// cycle finds the open cycle: the one that ends on next_bill, counted from the
// anchor. Without an anchor cycles are counted from that very day, four years
// back.
func (c *content) cycle(r row, a *account.Account) {
	next, ok := r.neededDate("next_bill")
	if !ok {
		return
	}
	if !next.After(c.world.today) {
		r.fault("next_bill", Past, "a day after today, "+c.world.today.String()+": bills up to it are the old system's")
		return
	}
	a.Anchor = next.AddMonths(-12 * leapYears)
	if anchor := r.date("anchor"); anchor != nil {
		a.Anchor = *anchor
	}
	open := a.Cycles(c.world.profile.AnchorPolicy).Containing(c.world.today)
	if open.To != next {
		r.fault("next_bill", OtherThan, "the end of the open cycle, "+open.To.String()+", or another anchor")
		return
	}
	a.Cycle = calendar.Period{From: open.From, To: next}
}

func withDefault(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
