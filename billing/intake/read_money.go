package intake

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/bill"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/rating"
)

var discountCode = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)

func (c *content) bucket(r row) {
	owner := c.owner(r)
	unit := money.Unit(r.oneOf("unit", "", c.world.profile.Currency.Code(), "second", "byte", "event", "point"))
	value, ok := r.neededDecimal("value", money.Scale)
	if unit == "" || !ok {
		return
	}
	c.totals.addBucket(unit, value)
	if owner == nil {
		return
	}
	usual := balance.Bought
	if unit.IsCurrency() {
		usual = balance.Main
	}
	b := balance.Imported{Value: value}
	b.AccountID, b.Unit, b.Code = owner.account.ID, unit, r.line1("code")
	b.Origin = balance.Origin(r.oneOf("origin", string(usual), "main", "bought", "allowance", "promotion"))
	b.LegalEntity, b.Branch = owner.account.LegalEntity, owner.account.Branch
	b.ValidFrom, b.Priority = owner.account.Cycle.From.Start(c.world.profile.Zone).UTC(), 1
	if priority := r.whole("priority", 1, 1_000_000); priority != nil {
		b.Priority = *priority
	} else if b.Origin == balance.Main {
		b.Priority = balance.MainPriority
	}
	c.expiry(r, &b)
	c.bucketService(r, owner, &b)
	if unit.IsCurrency() && owner.account.Kind != account.Prepaid {
		r.fault("unit", OtherThan, "seconds, bytes, events or points: a postpaid account has no money to use")
	}
	if b.Origin == balance.Main {
		c.mainBucket(r, owner, &b)
	} else {
		c.otherBucket(r, &b)
	}
	b.ID = c.id("bucket", r.file, strconv.Itoa(r.line))
	owner.buckets = append(owner.buckets, b)
}

func (c *content) expiry(r row, b *balance.Imported) {
	last := r.date("expires_on")
	if last == nil {
		return
	}
	if last.Before(c.world.today) {
		r.fault("expires_on", Past, "a day from today on: what has expired is not taken over")
		return
	}
	b.ExpiresAt = last.AddDays(1).Start(c.world.profile.Zone).UTC()
}

// bucketService binds a bucket to its service, and to what an allowance of
// that name may be used for.
func (c *content) bucketService(r row, owner *subscriber, b *balance.Imported) {
	key := r.text("service")
	if key == "" {
		if b.Origin == balance.Allowance {
			r.fault("service", Missing, "the service whose offering includes it")
		}
		return
	}
	s := c.byService[key]
	if s == nil && c.broken[Services] {
		return
	}
	if s == nil || s.of != owner {
		r.fault("service", UnknownName, "a service of this account")
		return
	}
	if s.pending {
		r.fault("service", OtherThan, "a service whose facts are complete: this one becomes an order")
		return
	}
	b.SubscriptionID = c.id("subscription", key)
	for _, a := range s.offering.Offering.Allowances {
		if a.Code != b.Code || a.Amount.Unit() != b.Unit {
			continue
		}
		if filter, err := json.Marshal(rating.AllowanceFilter(s.offering.Offering, a)); err == nil {
			b.Filter = filter
			return
		}
	}
	if b.Origin == balance.Allowance && s.offering.Code != "" {
		r.fault("code", UnknownName, "an allowance of "+s.offering.Code+" that counts "+string(b.Unit))
	}
}

func (c *content) mainBucket(r row, owner *subscriber, b *balance.Imported) {
	switch {
	case !b.Unit.IsCurrency():
		r.fault("origin", OtherThan, "bought, allowance or promotion for units: main is money")
	case !b.ExpiresAt.IsZero() || b.SubscriptionID != [16]byte{}:
		r.fault("origin", OtherThan, "bought or promotion for money that expires or is a service's")
	case owner.hasMain:
		r.fault("account", Twice, "one main balance for an account")
	}
	owner.hasMain, b.Code, b.Amount = true, "main", money.Decimal{}
}

func (c *content) otherBucket(r row, b *balance.Imported) {
	if b.Code == "" {
		b.Code = string(b.Origin)
	}
	b.Amount = b.Value
	if initial := r.decimal("initial", money.Scale); initial != nil {
		b.Amount = *initial
	}
	switch {
	case b.Value.Sign() < 0:
		r.fault("value", Wrong, "zero or more: only a main balance goes below")
	case b.Amount.Cmp(b.Value) < 0:
		r.fault("initial", Wrong, "at least as much as is left")
	case b.Origin == balance.Allowance && r.text("expires_on") == "":
		r.fault("expires_on", Missing, "the last day of the allowance's period")
	}
}

func (c *content) openItem(r row) {
	owner := c.owner(r)
	amount, known := r.neededDecimal("amount", c.digits())
	open, given := r.neededDecimal("open", c.digits())
	if given {
		c.totals.addOpen(c.world.profile.Currency, open)
	}
	number := r.needed("number")
	issued, dated := r.neededDate("issue_date")
	due, hasDue := r.neededDate("due_date")
	c.currencyFits(r)
	switch {
	case known && amount.Sign() <= 0:
		r.fault("amount", Wrong, "an amount above zero")
	case known && given && open.Cmp(amount) > 0:
		r.fault("open", OtherThan, "at most the amount, "+amount.String())
	case given && open.Sign() <= 0:
		r.fault("open", Wrong, "an amount above zero: what is paid is left out")
	}
	if dated && issued.After(c.world.today) {
		r.fault("issue_date", Wrong, "a day up to today")
	}
	if dated && hasDue && due.Before(issued) {
		r.fault("due_date", OtherThan, "a day from the issue date on")
	}
	if owner == nil || number == "" || !c.once(r, "number", owner.account.Number, number) {
		return
	}
	owner.items = append(owner.items, payment.ImportedItem{
		ID: c.id("item", owner.account.Number, number), AccountID: owner.account.ID, Number: number, Issued: issued, DueDate: due,
		Amount: c.amount(amount), Open: c.amount(open), LegalEntity: owner.account.LegalEntity, Branch: owner.account.Branch,
	})
}

func (c *content) numbers(r row) {
	s := series{row: r}
	document := r.oneOf("document", "", "bill", "statement", "credit_note")
	year, next := r.whole("year", 1990, 2200), r.whole("next", 1, 1_000_000_000)
	for column, value := range map[string]*int{"year": year, "next": next} {
		if value == nil && r.text(column) == "" {
			r.fault(column, Missing, "")
		}
	}
	issued, dated := r.neededDate("last_issue")
	if dated && issued.After(c.world.today) {
		r.fault("last_issue", Wrong, "a day up to today")
	}
	entity, known := c.world.entity(r)
	if document == "" || year == nil || next == nil || !dated || !known {
		return
	}
	s.Series, s.next, s.lastIssue = bill.Series{LegalEntity: entity, Kind: bill.Kind(document), Year: *year}, int64(*next), issued
	if c.once(r, "document", entity.String(), document, strconv.Itoa(*year)) {
		c.series = append(c.series, s)
	}
}

// A masked IBAN keeps its country, check digits and end: a whole one is refused.
var maskedIBAN = regexp.MustCompile(`^[A-Z]{2}[0-9]{2}[A-Z0-9]{0,4}[*.…Xx]+[A-Z0-9]{1,4}$`)

func (c *content) method(r row) {
	owner := c.owner(r)
	m := payment.StoredMethod{
		Kind: payment.StoredKind(r.oneOf("kind", "", "card", "sepa_debit")), CustomerID: r.line1("customer_id"), MethodID: r.line1("method_id"),
		MandateReference: r.line1("mandate_reference"), MandateDate: r.date("mandate_date"), MaskedIBAN: strings.ReplaceAll(r.line1("masked_iban"), " ", ""),
	}
	if text := r.text("provider"); text == payment.Stripe {
		m.Provider = payment.Stripe
	} else if text != "" {
		r.fault("provider", UnknownName, "")
	}
	if m.CustomerID != "" && !strings.HasPrefix(m.CustomerID, "cus_") {
		r.fault("customer_id", Wrong, "")
	}
	if m.MethodID != "" && !strings.HasPrefix(m.MethodID, "pm_") {
		r.fault("method_id", Wrong, "")
	}
	if m.MaskedIBAN != "" && !maskedIBAN.MatchString(m.MaskedIBAN) {
		r.fault("masked_iban", Wrong, "")
	}
	if m.Kind == payment.SEPADebit {
		if r.needed("mandate_reference"); len([]rune(m.MandateReference)) > 35 {
			r.fault("mandate_reference", Wrong, "")
		}
		r.neededDate("mandate_date")
	} else if m.Provider == "" || m.CustomerID == "" && m.MethodID == "" {
		r.fault("customer_id", Missing, "a card that its provider keeps: the provider and its ids")
	}
	if owner != nil {
		m.AccountID, m.ID = owner.account.ID, c.id("method", r.file, strconv.Itoa(r.line))
		owner.methods = append(owner.methods, m)
	}
}
