package catalog

import (
	"sort"
	"strings"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// Offering is what can be bought, as one document. Codes name its parts; the
// fields' meaning is told in docs/offering.schema.json.
type Offering struct {
	Code          string           `json:"code"`
	Kind          Kind             `json:"kind,omitempty"` // empty: simple; see Sort
	Names         Names            `json:"names"`
	Specification string           `json:"specification,omitempty"`
	Billing       Billing          `json:"billing"`
	Services      []ServiceKind    `json:"services"`
	Currency      money.Currency   `json:"currency"`
	Tax           Tax              `json:"tax"`
	Bundle        *Bundle          `json:"bundle,omitempty"`
	Option        *Option          `json:"option,omitempty"`
	ThirdParty    *ThirdParty      `json:"third_party,omitempty"`
	Prices        Prices           `json:"prices,omitzero"`
	Allowances    []Allowance      `json:"allowances,omitempty"`
	Destinations  []DestinationSet `json:"destinations,omitempty"`
	// Calendar is the code of a holiday calendar; Holidays are further ones.
	Calendar      string          `json:"calendar,omitempty"`
	Holidays      []calendar.Date `json:"holidays,omitempty"`
	Usage         []UsagePrice    `json:"usage,omitempty"`
	RequiredFacts []string        `json:"required_facts,omitempty"`
	// DebtLimit is how far a prepaid account's own money may go below zero by
	// online charges, unless the account says otherwise; nil: not at all.
	DebtLimit *money.Decimal `json:"debt_limit,omitempty"`
	// Commitment is what is charged a cycle at least: what fees and use leave
	// missing is a line of the bill.
	Commitment *Commitment `json:"commitment,omitempty"`
	// Deposit is what must be held as security before an order activates.
	Deposit *Deposit `json:"deposit,omitempty"`
	// OwnChange lets subscribers change from it by themselves; nil: only the
	// operator changes their plan.
	OwnChange *OwnChange `json:"own_change,omitempty"`
}

// Commitment is a minimum a cycle. Names are of its line; without any the line
// says what it is.
type Commitment struct {
	Amount money.Decimal `json:"amount"`
	Names  Names         `json:"names,omitempty"`
}

// CommitmentCode is the code of the line of a commitment.
const CommitmentCode = "commitment"

// Names holds one text per language (en, id, ru).
type Names map[string]string

// In returns the name in lang or, if there is none, in English or else in the
// first language there is.
func (n Names) In(lang string) string {
	for _, l := range []string{lang, "en"} {
		if name := n[l]; name != "" {
			return name
		}
	}
	var languages []string
	for l := range n {
		languages = append(languages, l)
	}
	if len(languages) == 0 {
		return ""
	}
	sort.Strings(languages)
	return n[languages[0]]
}

// Billing says whether usage is paid from a balance or by a bill.
type Billing string

// Kinds of billing.
const (
	Prepaid  Billing = "prepaid"
	Postpaid Billing = "postpaid"
)

// ServiceKind is a service that an offering gives.
type ServiceKind string

// Kinds of service.
const (
	Internet ServiceKind = "internet"
	IPTV     ServiceKind = "iptv"
	Voice    ServiceKind = "voice"
	Mobile   ServiceKind = "mobile"
	Hosting  ServiceKind = "hosting"
)

// Tax says what the offering's prices mean to the tax office.
type Tax struct {
	// Category is a category of package tax, such as "standard".
	Category string `json:"category"`
	// Included is true where prices are stated with tax inside.
	Included bool `json:"included"`
}

// CategoryOr returns a price's own category or, if it has none, the offering's.
func (t Tax) CategoryOr(own string) string {
	if own != "" {
		return own
	}
	return t.Category
}

// Prices are what an offering costs without any usage.
type Prices struct {
	OneTime   []OneTimePrice   `json:"one_time,omitempty"`
	Recurring []RecurringPrice `json:"recurring,omitempty"`
}

// OneTimePrice is charged once, on activation.
type OneTimePrice struct {
	Code        string        `json:"code"`
	Names       Names         `json:"names"`
	Amount      money.Decimal `json:"amount"`
	TaxCategory string        `json:"tax_category,omitempty"`
}

// RecurringPrice is charged once for each of its periods: of Months months, or
// of Every. Cost is what a period costs the operator, for the check.
type RecurringPrice struct {
	Code        string         `json:"code"`
	Names       Names          `json:"names"`
	Amount      money.Decimal  `json:"amount"`
	Cost        *money.Decimal `json:"cost,omitempty"`
	Months      int            `json:"months,omitempty"`
	Every       *Every         `json:"every,omitempty"`
	Timing      Timing         `json:"timing"`
	Prorate     Prorate        `json:"prorate"`
	Holding     *money.Decimal `json:"holding,omitempty"` // asked in place of Amount while the subscription rests; nil: nothing
	TaxCategory string         `json:"tax_category,omitempty"`
	// CreditSuspended gives back the days on which dunning had the subscription suspended.
	CreditSuspended bool `json:"credit_suspended,omitempty"`
}

// Timing says when in its period a recurring price is charged.
type Timing string

// Timings.
const (
	Advance Timing = "advance"
	Arrears Timing = "arrears"
)

// Prorate says what part of a period costs.
type Prorate string

// ProrateDay charges whole days of the period; ProrateNone the full price.
const (
	ProrateDay  Prorate = "day"
	ProrateNone Prorate = "none"
)

// DestinationSet names a group of prefixes: its own, or zones of a deck, or
// both. Of all that fit a destination the longest prefix decides, and an own
// one before a deck's of the same length.
type DestinationSet struct {
	Code     string   `json:"code"`
	Names    Names    `json:"names,omitempty"`
	Prefixes []string `json:"prefixes,omitempty"`
	Deck     string   `json:"deck,omitempty"`
	Zones    []string `json:"zones,omitempty"`
}

// AnyDestination is the destination code that matches everything.
const AnyDestination = "*"

// Prefixes returns the prefixes of the named sets, without a leading "+".
// The prefix of AnyDestination is the empty text. Unknown codes give nothing;
// Check reports them.
func (o Offering) Prefixes(codes []string) []string {
	var prefixes []string
	for _, code := range codes {
		if code == AnyDestination {
			prefixes = append(prefixes, "")
		}
		for _, set := range o.Destinations {
			if set.Code != code {
				continue
			}
			for _, p := range set.Prefixes {
				prefixes = append(prefixes, NormalPrefix(p))
			}
		}
	}
	return prefixes
}

// NormalPrefix drops the "+" of an international number.
func NormalPrefix(s string) string { return strings.TrimPrefix(s, "+") }
