package onboarding

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/tenant"
)

// Obstacle is why a subscription cannot have an option.
type Obstacle struct {
	Code     ObstacleCode
	Offering string // the code that it is about, or empty
}

// ObstacleCode says what sort of obstacle it is.
type ObstacleCode string

// Obstacles.
const (
	NotRunning   ObstacleCode = "not_running"   // the subscription is not active
	NotOnTop     ObstacleCode = "not_on_top"    // the subscription is an option itself
	OtherBilling ObstacleCode = "other_billing" // prepaid and postpaid do not mix
	NotFor       ObstacleCode = "not_for"       // it is for other plans
	Requires     ObstacleCode = "requires"      // Offering has to be there
	Excludes     ObstacleCode = "excludes"      // Offering must not be there
	Enough       ObstacleCode = "enough"        // it has as many as it may
)

var obstacleWords = map[ObstacleCode]string{
	NotRunning: "the subscription is not active", NotOnTop: "an option is no plan", OtherBilling: "it is billed another way",
	NotFor: "the option is for other plans", Requires: "it needs the option %q", Excludes: "it does not go with the option %q",
	Enough: "the subscription has as many of it as it may",
}

func (o Obstacle) String() string {
	if o.Offering == "" {
		return obstacleWords[o.Code]
	}
	return fmt.Sprintf(obstacleWords[o.Code], o.Offering)
}

// Base is a subscription that options can be had on top of.
type Base struct {
	account.Subscription
	offering catalog.Offering
	options  map[string]int // active options by code
}

// LoadBase reads a subscription with its options.
func LoadBase(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Base, error) {
	s, err := account.GetSubscription(ctx, tx, id)
	if err != nil {
		return Base{}, err
	}
	b := Base{Subscription: s, options: map[string]int{}}
	if b.offering, err = catalog.LoadVersion(ctx, tx, s.OfferingID); err != nil {
		return Base{}, err
	}
	// subscription_part_of finds them.
	rows, err := tx.Query(ctx, `
		select v.code, count(*)
		  from subscription s
		  join offering_version v on v.id = s.offering_id
		 where s.part_of = $1 and s.part = 'option' and s.state <> 'terminated'
		 group by v.code`, id)
	if err != nil {
		return Base{}, fmt.Errorf("options of subscription %s: %w", id, err)
	}
	var code string
	var n int
	if _, err = pgx.ForEachRow(rows, []any{&code, &n}, func() error { b.options[code] = n; return nil }); err != nil {
		return Base{}, fmt.Errorf("options of subscription %s: %w", id, err)
	}
	return b, nil
}

// Obstacles say why the subscription cannot have an option; none if it can.
func (b Base) Obstacles(o catalog.Offering) (list []Obstacle) {
	terms := o.Option
	if terms == nil {
		return []Obstacle{{Code: NotFor}}
	}
	add := func(code ObstacleCode, offering string) { list = append(list, Obstacle{code, offering}) }
	if b.State != account.SubscriptionActive {
		add(NotRunning, "")
	}
	if b.Part == account.OnTop {
		add(NotOnTop, "")
	}
	if !mixes(o, b.offering) {
		add(OtherBilling, "")
	}
	if !isFor(o, b.offering) {
		add(NotFor, "")
	}
	for _, code := range terms.Requires {
		if b.options[code] == 0 {
			add(Requires, code)
		}
	}
	for _, code := range terms.Excludes {
		if b.options[code] > 0 {
			add(Excludes, code)
		}
	}
	if b.options[o.Code] >= terms.Most() {
		add(Enough, "")
	}
	return list
}

// Offer is an option on sale, and what keeps a subscription from having it.
type Offer struct {
	catalog.Stored
	Obstacles []Obstacle
}

// Options lists what is on sale on top of subscriptions: for one, what it can
// have first. Those that are for other plans are left out.
func Options(ctx context.Context, tx tenant.Tx, subscription uuid.UUID) ([]Offer, error) {
	base, err := LoadBase(ctx, tx, subscription)
	if err != nil {
		return nil, err
	}
	sold, err := catalog.OnSale(ctx, tx, tx.At)
	if err != nil {
		return nil, err
	}
	var ids []uuid.UUID
	for _, v := range sold {
		ids = append(ids, v.ID)
	}
	offerings, err := catalog.LoadVersions(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	var can, cannot []Offer
	for _, v := range sold {
		o := Offer{Stored: catalog.Stored{Version: v, Offering: offerings[v.ID]}}
		if !o.Offering.OnTop() {
			continue
		}
		o.Obstacles = base.Obstacles(o.Offering)
		switch {
		case len(o.Obstacles) == 0:
			can = append(can, o)
		case !slices.ContainsFunc(o.Obstacles, func(one Obstacle) bool { return one.Code == NotFor || one.Code == OtherBilling }):
			cannot = append(cannot, o)
		}
	}
	return append(can, cannot...), nil
}

// onTop looks at the subscription that an order is on top of.
func (g *gate) onTop(ctx context.Context, tx tenant.Tx, r *ready) ([]Finding, error) {
	want := "a subscription that can have the option"
	switch {
	case r.offering.OnTop() && r.PartOf == nil:
		return []Finding{{Field: "part_of", Fault: IsMissing, NeededBy: Tariff, Reason: "the offering is bought on top of a subscription", Want: want}}, nil
	case r.PartOf == nil:
		return nil, nil
	case !r.offering.OnTop():
		if belongs, err := g.belongs(ctx, tx, r); err != nil || belongs {
			return nil, err
		}
		return []Finding{{Field: "part_of", Fault: IsWrong, NeededBy: Tariff, Reason: "the offering stands alone", Want: "nothing"}}, nil
	}
	// Whoever takes an option holds the subscription, so that two cannot both be
	// the last that it may have.
	if _, err := tx.Exec(ctx, `select id from subscription where id = $1 for update`, *r.PartOf); err != nil {
		return nil, fmt.Errorf("lock subscription %s: %w", *r.PartOf, err)
	}
	base, err := LoadBase(ctx, tx, *r.PartOf)
	if err != nil {
		return nil, err
	}
	r.base = &base.Subscription
	var findings []Finding
	for _, o := range base.Obstacles(r.offering) {
		findings = append(findings, Finding{Field: "part_of", Fault: IsWrong, NeededBy: Tariff, Reason: o.String(), Want: want})
	}
	if r.AccountID != nil && *r.AccountID != base.AccountID {
		findings = append(findings, Finding{Field: "account_id", Fault: IsWrong, Want: "the subscription's own account"})
	}
	r.AccountID = &base.AccountID
	return findings, nil
}

// endOf is the day on which an option ends by itself; nil for one that goes on.
func endOf(o catalog.Option, a account.Account, g *gate) *calendar.Date {
	if o.Lasts == nil {
		return nil
	}
	end := g.today.AddDays(o.Lasts.Days)
	if o.Lasts.Cycles > 0 {
		cycles := a.Cycles(g.profile.AnchorPolicy)
		end = cycles.Containing(g.today).To
		for range o.Lasts.Cycles - 1 {
			end = cycles.Containing(end).To
		}
	}
	return &end
}

// partsDue puts the day on the agenda on which options begin or end.
func partsDue(ctx context.Context, tx tenant.Tx, profile account.Profile, day calendar.Date) error {
	return agenda.Add(ctx, tx, agenda.Item{Kind: agenda.PartsDue, DueAt: day.Start(profile.Zone).UTC(), Detail: Due{day}})
}

// Due is the detail of an agenda item: the options of a day.
type Due struct {
	Day calendar.Date `json:"day"`
}
