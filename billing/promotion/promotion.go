package promotion

import (
	"encoding/json"
	"fmt"

	"github.com/goccy/go-yaml"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
)

// Occasion says when a promotion is looked at.
type Occasion string

// Occasions.
const (
	OnActivation Occasion = "activation"
	OnCycle      Occasion = "cycle"
	OnBirthday   Occasion = "birthday"
	OnLoyalty    Occasion = "loyalty"
	OnTopUp      Occasion = "top_up"
	OnCode       Occasion = "code"
	OnReferral   Occasion = "referral"
)

// Occasions lists all of them.
var Occasions = []Occasion{OnActivation, OnCycle, OnBirthday, OnLoyalty, OnTopUp, OnCode, OnReferral}

// Promotion is the document of one version. The fields' meaning is told in
// docs/promotion.schema.json.
type Promotion struct {
	Code     string         `json:"code"`
	Names    catalog.Names  `json:"names"`
	Occasion Occasion       `json:"occasion"`
	Currency money.Currency `json:"currency"`
	From     calendar.Date  `json:"from"`
	Until    *calendar.Date `json:"until,omitempty"` // the last day
	// Offerings limits it to subscriptions of these; empty: all.
	Offerings []string `json:"offerings,omitempty"`
	// With are offerings that the account has to hold besides: a bundle.
	With []string `json:"with,omitempty"`
	// Eligibility is a CEL expression that must be true.
	Eligibility string `json:"eligibility,omitempty"`
	// AfterMonths is how long a subscription must have lasted (loyalty), and
	// EveryMonths when it is given again; 0: once.
	AfterMonths int `json:"after_months,omitempty"`
	EveryMonths int `json:"every_months,omitempty"`
	// MinimumTopUp is the least top-up that counts.
	MinimumTopUp *money.Decimal `json:"minimum_top_up,omitempty"`
	Benefit      Benefit        `json:"benefit"`
	// Friend is what the new customer gets (referral); Benefit goes to who sent them.
	Friend   *Benefit `json:"friend,omitempty"`
	Limits   Limits   `json:"limits,omitzero"`
	Stacking Stacking `json:"stacking,omitzero"`
}

// Benefit is what is given: a share or an amount off recurring fees, or of a
// top-up on top of it; or a bucket of units or money.
type Benefit struct {
	Percent *money.Decimal `json:"percent,omitempty"`
	Amount  *money.Decimal `json:"amount,omitempty"`
	// Cycles is for how many cycles fees are reduced; 0: always.
	Cycles int     `json:"cycles,omitempty"`
	Bucket *Bucket `json:"bucket,omitempty"`
}

// Bucket is something to use for a time.
type Bucket struct {
	Units        *catalog.Quantity   `json:"units,omitempty"`
	Money        *money.Decimal      `json:"money,omitempty"`
	Kinds        []catalog.UsageKind `json:"kinds,omitempty"`
	Prefixes     []string            `json:"prefixes,omitempty"`
	ValidityDays int                 `json:"validity_days"`
	Priority     int                 `json:"priority,omitempty"`
}

// Limits bound what is given. Zero values don't.
type Limits struct {
	Total      int            `json:"total,omitempty"`
	PerAccount int            `json:"per_account,omitempty"`
	Budget     *money.Decimal `json:"budget,omitempty"`
}

// Stacking says what a promotion goes together with.
type Stacking struct {
	Group string `json:"group,omitempty"`
	Order int    `json:"order,omitempty"` // 1 is tried, and taken off, first
	Alone bool   `json:"alone,omitempty"`
}

// YAML returns the promotion as the text that Parse reads.
func (p Promotion) YAML() ([]byte, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("export promotion %s: %w", p.Code, err)
	}
	out, err := yaml.JSONToYAML(text)
	if err != nil {
		return nil, fmt.Errorf("export promotion %s: %w", p.Code, err)
	}
	return out, nil
}

// runs says whether the promotion is given on a local day.
func (p *Promotion) runs(day calendar.Date) bool {
	return !day.Before(p.From) && (p.Until == nil || !day.After(*p.Until))
}

// cycles is how many cycles of fees it promises; where it never ends, a year's.
func (b *Benefit) cycles() int64 {
	const aYear = 12
	if b.Cycles == 0 {
		return aYear
	}
	return int64(b.Cycles)
}
