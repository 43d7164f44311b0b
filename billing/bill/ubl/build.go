package ubl

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"tollhouse/billing/account"
	"tollhouse/billing/bank"
	"tollhouse/billing/bill"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
)

// Errors of documents that cannot be electronic invoices.
var (
	ErrNotFinal = errors.New("only a final document is an electronic invoice")
	// ErrIncomplete is wrapped by RuleError.
	ErrIncomplete = errors.New("facts are missing for an electronic invoice")
)

// RuleError tells which rules of the standard a document would break.
type RuleError struct{ Faults []Fault }

func (e *RuleError) Error() string {
	texts := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		texts[i] = f.String()
	}
	return ErrIncomplete.Error() + ": " + strings.Join(texts, "; ")
}

func (e *RuleError) Unwrap() error { return ErrIncomplete }

// Render writes a final document as UBL. What would break a rule is refused
// with a *RuleError.
func Render(d bill.Document) ([]byte, error) {
	if d.State != bill.Final {
		return nil, fmt.Errorf("%s: %w", d.Number, ErrNotFinal)
	}
	b, err := newBuilder(d)
	if err != nil {
		return nil, fmt.Errorf("electronic invoice %s: %w", d.Number, err)
	}
	root := b.document()
	if faults := check(root); len(faults) > 0 {
		return nil, &RuleError{faults}
	}
	var out bytes.Buffer
	root.write(&out)
	return out.Bytes(), nil
}

// builder has what is worked out of a document before it is written.
type builder struct {
	doc              bill.Document
	credit           bool
	sellerID, buyer  string // VAT identifiers; empty: none to be shown
	groups           map[int]*vatGroup
	order            []*vatGroup
	lines            []bill.Line
	lineTotal        money.Decimal
	allowances       []bill.Line
	allowanceTotal   money.Decimal
	charges          []levyCharge
	chargeTotal      money.Decimal
	outOfScope       bool
	exclusive, gross money.Decimal
	vat              money.Decimal
}

// vatGroup is a breakdown of VAT (BG-23).
type vatGroup struct {
	code      tax.Code
	percent   money.Decimal
	reason    tax.Reason
	base, tax money.Decimal
}

// levyCharge is a tax that is no VAT, as a charge.
type levyCharge struct {
	name   string
	amount money.Decimal
	group  *vatGroup
}

func newBuilder(d bill.Document) (*builder, error) {
	b := &builder{doc: d, credit: d.Kind == bill.KindCreditNote, groups: map[int]*vatGroup{}}
	if err := b.split(); err != nil {
		return nil, err
	}
	for _, l := range d.Lines {
		switch {
		case l.Kind == bill.Allowance:
			continue // nothing is asked for it
		case l.Kind == bill.Discount && l.Net.Sign() < 0 && !b.credit:
			b.allowances, b.allowanceTotal = append(b.allowances, l), b.allowanceTotal.Sub(l.Net.Decimal())
		default:
			b.lines, b.lineTotal = append(b.lines, l), b.lineTotal.Add(l.Net.Decimal())
		}
	}
	if len(b.lines) == 0 { // BR-16 wants a line: the discounts are lines then
		for _, l := range b.allowances {
			b.lines, b.lineTotal = append(b.lines, l), b.lineTotal.Add(l.Net.Decimal())
		}
		b.allowances, b.allowanceTotal = nil, money.Decimal{}
	}
	b.exclusive = b.lineTotal.Sub(b.allowanceTotal).Add(b.chargeTotal)
	b.gross = b.exclusive.Add(b.vat)
	if !b.outOfScope {
		b.sellerID, b.buyer = vatID(d.Seller.TaxID, d.Seller.Address.Country), vatID(d.Buyer.TaxID, d.Buyer.Address.Country)
	}
	return b, nil
}

// split parts the document's taxes into VAT and what is a charge to the
// standard: it knows one VAT of each line and nothing else.
func (b *builder) split() error {
	byGroup := map[int][]bill.TaxLine{}
	var order []int
	for i, t := range b.doc.Taxes {
		no := t.Group
		if no == 0 {
			no = -1 - i // a document from before groups: each tax is one
		}
		if byGroup[no] == nil {
			order = append(order, no)
		}
		byGroup[no] = append(byGroup[no], t)
	}
	var free *vatGroup
	for _, no := range order {
		list := byGroup[no]
		at := len(list) - 1
		for at > 0 && list[at].Other {
			at--
		}
		vat := list[at]
		if len(list) > 1 && vat.Other { // levies only
			vat.Percent = money.Decimal{}
		}
		group := &vatGroup{code: vat.CodeOr(), reason: vat.Reason, base: vat.Base.Decimal(), tax: vat.Tax.Decimal(), percent: vat.Percent}
		if !vat.Factor.IsZero() && vat.Factor.Den != 0 { // a part of the price is taxed: the same as less of all of it
			percent, err := vat.Percent.MulDiv(money.NewDecimal(vat.Factor.Num), money.NewDecimal(vat.Factor.Den), 4, money.HalfAwayFromZero)
			if err != nil {
				return err
			}
			group.percent = percent
		}
		for i, levy := range list {
			if i == at {
				continue
			}
			charge := levyCharge{name: levy.Name + " " + percentText(levy.Percent) + " %", amount: levy.Tax.Decimal(), group: group}
			if i > at || !vat.OnEarlier { // VAT is not on it
				if free == nil {
					free = &vatGroup{code: tax.Exempt, reason: tax.Reason{Text: "A levy that is not subject to VAT"}}
				}
				charge.group = free
				free.base = free.base.Add(charge.amount)
			}
			b.charges, b.chargeTotal = append(b.charges, charge), b.chargeTotal.Add(charge.amount)
		}
		b.outOfScope = b.outOfScope || group.code == tax.OutOfScope
		b.vat = b.vat.Add(group.tax)
		b.groups[no], b.order = group, append(b.order, group)
	}
	if free != nil {
		b.order = append(b.order, free)
	}
	b.order = merged(b.order)
	return nil
}

// merged sums up groups of one code and percentage: a breakdown stands once for
// each (BR-S-08, BR-E-01 and their like); reasons are then told together.
func merged(groups []*vatGroup) []*vatGroup {
	var list []*vatGroup
next:
	for _, g := range groups {
		for _, known := range list {
			if known.code != g.code || !known.percent.Equal(g.percent) {
				continue
			}
			known.base, known.tax = known.base.Add(g.base), known.tax.Add(g.tax)
			if !strings.Contains(known.reason.Text, g.reason.Text) {
				known.reason.Text = strings.TrimPrefix(known.reason.Text+"; "+g.reason.Text, "; ")
			}
			if known.reason.Code != g.reason.Code {
				known.reason.Code = ""
			}
			continue next
		}
		own := *g
		list = append(list, &own)
	}
	return list
}

// groupOf is the VAT of a line.
func (b *builder) groupOf(l bill.Line) *vatGroup {
	if g := b.groups[l.TaxGroup]; g != nil {
		return g
	}
	for i, t := range b.doc.Taxes {
		if t.Group == 0 && t.Category == l.Category && t.Percent.Equal(l.Percent) {
			return b.groups[-1-i]
		}
	}
	for _, g := range b.order {
		return g
	}
	return &vatGroup{code: tax.ZeroRated}
}

func (b *builder) amount(v money.Decimal) string { return money.New(v, b.doc.Currency).Text() }

func (b *builder) money(name string, v money.Decimal) *node {
	return leaf(name, twoDecimals(v, b.amount(v), b.doc.Currency.DocumentDigits()), attr{"currencyID", b.doc.Currency.Code()})
}

func percentText(p money.Decimal) string { return p.String() }

// document puts the elements in the order of the schema.
func (b *builder) document() *node {
	d := b.doc
	root, line := &node{name: "Invoice"}, "Invoice"
	if b.credit {
		root.name, line = "CreditNote", "CreditNote"
	}
	seller, buyer := b.party(d.Seller.Name, d.Seller.Address, b.sellerID, d.Seller.TaxID, d.Seller.RegisterID, true), b.party(d.Buyer.Name, d.Buyer.Address, b.buyer, d.Buyer.TaxID, "", false)
	if len(seller.all("EndpointID")) > 0 && len(buyer.all("EndpointID")) > 0 {
		root.add(leaf("cbc:CustomizationID", peppolID), leaf("cbc:ProfileID", profileID))
	} else {
		root.add(leaf("cbc:CustomizationID", standardID))
	}
	root.add(leaf("cbc:ID", d.Number), leaf("cbc:IssueDate", d.Issued.String()))
	if !b.credit && !d.DueDate.IsZero() {
		root.add(leaf("cbc:DueDate", d.DueDate.String()))
	}
	root.add(leaf("cbc:"+line+"TypeCode", typeCodes[d.Kind]), leaf("cbc:Note", b.note()), leaf("cbc:DocumentCurrencyCode", d.Currency.Code()),
		leaf("cbc:BuyerReference", d.Buyer.Account))
	if !d.Period.To.IsZero() {
		root.add(branch("cac:InvoicePeriod", leaf("cbc:StartDate", d.Period.From.String()), leaf("cbc:EndDate", d.Period.To.AddDays(-1).String())))
	}
	if d.Corrects != nil {
		root.add(branch("cac:BillingReference", branch("cac:InvoiceDocumentReference", leaf("cbc:ID", d.Corrects.Number), leaf("cbc:IssueDate", d.Corrects.Issued.String()))))
	}
	root.add(branch("cac:AccountingSupplierParty", seller), branch("cac:AccountingCustomerParty", buyer))
	if b.has(tax.IntraEU) {
		root.add(branch("cac:Delivery", branch("cac:DeliveryLocation", branch("cac:Address", branch("cac:Country", leaf("cbc:IdentificationCode", d.Buyer.Address.Country))))))
	}
	root.add(b.means(), b.terms())
	for _, l := range b.allowances {
		root.add(b.allowance("false", "95", l.Description, l.Net.Decimal().Neg(), b.groupOf(l)))
	}
	for _, c := range b.charges {
		root.add(b.allowance("true", "", c.name, c.amount, c.group))
	}
	root.add(b.taxTotal(), b.total())
	for i, l := range b.lines {
		root.add(b.line(line, i+1, l))
	}
	return root
}

func (b *builder) has(code tax.Code) bool {
	for _, g := range b.order {
		if g.code == code {
			return true
		}
	}
	return false
}

// note gathers what has no place of its own.
func (b *builder) note() string {
	var texts []string
	if b.doc.Reason != "" {
		texts = append(texts, b.doc.Reason)
	}
	if h := b.doc.Withheld; h != nil {
		texts = append(texts, fmt.Sprintf("%s %s %%: %s withheld by the buyer", h.Name, percentText(h.Percent), h.Amount))
	}
	return strings.Join(append(texts, b.doc.Notes...), " ")
}

func (b *builder) party(name string, a account.Address, vat, taxID, register string, seller bool) *node {
	p := &node{name: "cac:Party"}
	if scheme, id := endpoint(vat); scheme != "" {
		p.add(leaf("cbc:EndpointID", id, attr{"schemeID", scheme}))
	}
	if seller && register == "" && vat == "" { // BR-CO-26: somebody has to be known by something
		p.add(branch("cac:PartyIdentification", leaf("cbc:ID", taxID)))
	}
	p.add(branch("cac:PartyName", leaf("cbc:Name", name)))
	p.add(branch("cac:PostalAddress", leaf("cbc:StreetName", a.Street), leaf("cbc:CityName", a.City), leaf("cbc:PostalZone", a.Postcode),
		leaf("cbc:CountrySubentity", a.Region), branch("cac:Country", leaf("cbc:IdentificationCode", b.country(a, seller)))))
	switch {
	case vat != "":
		p.add(branch("cac:PartyTaxScheme", leaf("cbc:CompanyID", vat), branch("cac:TaxScheme", leaf("cbc:ID", "VAT"))))
	case seller && taxID != "" && !b.outOfScope: // a number that is no VAT identifier (BT-32)
		p.add(branch("cac:PartyTaxScheme", leaf("cbc:CompanyID", taxID), branch("cac:TaxScheme", leaf("cbc:ID", "TAX"))))
	}
	p.add(branch("cac:PartyLegalEntity", leaf("cbc:RegistrationName", name), leaf("cbc:CompanyID", register)))
	return p
}

func (b *builder) country(a account.Address, seller bool) string {
	if a.Country == "" && !seller {
		return b.doc.Seller.Address.Country
	}
	return a.Country
}

func (b *builder) means() *node {
	d, account := b.doc, b.doc.Seller.Bank
	code, number := "1", bank.Plain(account.IBAN)
	switch {
	case b.credit || d.Due.Sign() <= 0:
		number = ""
	case bank.IsSEPA(number) && d.Currency.Code() == "EUR":
		code = "58"
	case number != "":
		code = "30"
	}
	n := branch("cac:PaymentMeans", leaf("cbc:PaymentMeansCode", code), leaf("cbc:PaymentID", d.Reference))
	if number != "" {
		payee := branch("cac:PayeeFinancialAccount", leaf("cbc:ID", number), leaf("cbc:Name", d.Seller.Name))
		payee.add(branch("cac:FinancialInstitutionBranch", leaf("cbc:ID", account.BIC)))
		n.add(payee)
	}
	return n
}

func (b *builder) terms() *node {
	if b.credit || b.doc.DueDate.IsZero() || b.doc.Due.Sign() <= 0 {
		return nil
	}
	return branch("cac:PaymentTerms", leaf("cbc:Note", "Due on "+b.doc.DueDate.String()))
}

func (b *builder) allowance(charge, code, reason string, amount money.Decimal, g *vatGroup) *node {
	return branch("cac:AllowanceCharge", leaf("cbc:ChargeIndicator", charge), leaf("cbc:AllowanceChargeReasonCode", code),
		leaf("cbc:AllowanceChargeReason", reason), b.money("cbc:Amount", amount), g.node("cac:TaxCategory", false))
}

// node is the group's category; reasons stand in the breakdown only.
func (g *vatGroup) node(name string, reason bool) *node {
	n := branch(name, leaf("cbc:ID", string(g.code)))
	if g.code != tax.OutOfScope { // BR-O-05: no rate at all
		n.add(leaf("cbc:Percent", percentText(g.percent)))
	}
	if reason && g.code.NeedsReason() {
		n.add(leaf("cbc:TaxExemptionReasonCode", g.reason.Code), leaf("cbc:TaxExemptionReason", g.reason.Text))
	}
	n.add(branch("cac:TaxScheme", leaf("cbc:ID", "VAT")))
	return n
}

func (b *builder) taxTotal() *node {
	n := branch("cac:TaxTotal", b.money("cbc:TaxAmount", b.vat))
	for _, g := range b.order {
		n.add(branch("cac:TaxSubtotal", b.money("cbc:TaxableAmount", g.base), b.money("cbc:TaxAmount", g.tax), g.node("cac:TaxCategory", true)))
	}
	return n
}

func (b *builder) total() *node {
	paid, due := b.doc.PaidBefore.Decimal(), b.doc.Due.Decimal()
	if b.credit { // what it gives back is told whole, whatever became of it
		paid, due = money.Decimal{}, b.doc.Total.Decimal()
	}
	n := branch("cac:LegalMonetaryTotal", b.money("cbc:LineExtensionAmount", b.lineTotal), b.money("cbc:TaxExclusiveAmount", b.exclusive),
		b.money("cbc:TaxInclusiveAmount", b.gross))
	if len(b.allowances) > 0 {
		n.add(b.money("cbc:AllowanceTotalAmount", b.allowanceTotal))
	}
	if len(b.charges) > 0 {
		n.add(b.money("cbc:ChargeTotalAmount", b.chargeTotal))
	}
	if !paid.IsZero() {
		n.add(b.money("cbc:PrepaidAmount", paid))
	}
	if b.doc.Rounding.Sign() != 0 {
		n.add(b.money("cbc:PayableRoundingAmount", b.doc.Rounding.Decimal()))
	}
	n.add(b.money("cbc:PayableAmount", due))
	return n
}

func (b *builder) line(kind string, no int, l bill.Line) *node {
	quantity, unit := l.Quantity, unitCodes[l.Unit]
	if quantity.Sign() <= 0 || unit == "" {
		quantity, unit = money.NewDecimal(1), "C62"
	}
	signed := quantity
	if l.Net.Sign() < 0 {
		signed = quantity.Neg()
	}
	code := attr{"unitCode", unit}
	name := "cbc:InvoicedQuantity"
	if b.credit {
		name = "cbc:CreditedQuantity"
	}
	n := branch("cac:"+kind+"Line", leaf("cbc:ID", fmt.Sprint(no)), leaf(name, signed.String(), code), b.money("cbc:LineExtensionAmount", l.Net.Decimal()))
	if !l.Period.From.IsZero() {
		n.add(branch("cac:InvoicePeriod", leaf("cbc:StartDate", l.Period.From.String()), leaf("cbc:EndDate", l.Period.To.AddDays(-1).String())))
	}
	item := branch("cac:Item", leaf("cbc:Description", l.Service), leaf("cbc:Name", l.Description))
	if l.Code != "" {
		item.add(branch("cac:SellersItemIdentification", leaf("cbc:ID", l.Code)))
	}
	item.add(b.groupOf(l).node("cac:ClassifiedTaxCategory", false))
	n.add(item, branch("cac:Price", b.money("cbc:PriceAmount", l.Net.Decimal().Abs()), leaf("cbc:BaseQuantity", quantity.String(), code)))
	return n
}
