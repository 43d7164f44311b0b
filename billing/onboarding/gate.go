package onboarding

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// ErrNotSold is wrapped by every NotSoldError.
var ErrNotSold = errors.New("the offering is not on sale")

// NotSoldError says which version cannot be taken, and why.
type NotSoldError struct {
	Code    string
	Version int
	Reason  string
}

func (e *NotSoldError) Error() string {
	return fmt.Sprintf("offering %s, version %d, is not on sale: %s", e.Code, e.Version, e.Reason)
}

// Is lets errors.Is find ErrNotSold.
func (e *NotSoldError) Is(target error) bool { return target == ErrNotSold }

// ready is an order that has everything it needs.
type ready struct {
	Order
	offering catalog.Offering
	account  *account.Account      // the existing one, if it is for one
	base     *account.Subscription // what an option is on top of, or a part belongs to
	bundle   *catalog.Offering     // that base's: the order is for a part of it
	share    *account.Discount     // what the bundle takes off the part
	parts    []catalog.Stored      // of a bundle, those that are taken
	security *Security             // the deposit that it demands; nil: none
}

// language is the one in which the subscriber reads.
func (r ready) language() string { return r.Facts["party.language"] }

// gate reads what orders are judged by, each once.
type gate struct {
	profile  account.Profile
	today    calendar.Date
	versions map[uuid.UUID]catalog.Stored
	held     func(ctx context.Context, tx tenant.Tx, account uuid.UUID) (money.Decimal, error)
}

func (d *Desk) newGate(ctx context.Context, tx tenant.Tx) (*gate, error) {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return nil, err
	}
	return &gate{profile: profile, today: profile.LocalDate(tx.At), versions: map[uuid.UUID]catalog.Stored{}, held: d.hooks.Held}, nil
}

// Missing says what keeps an order from being activated now; nothing for one
// that is completed.
func (d *Desk) Missing(ctx context.Context, tx tenant.Tx, id uuid.UUID) ([]Finding, error) {
	o, err := d.Get(ctx, tx, id)
	if err != nil || o.State == Completed {
		return nil, err
	}
	// Judged as Activate would, without the locks: the facts are read again,
	// as Get has hidden the secret ones.
	if err := tx.QueryRow(ctx, `select facts from product_order where id = $1`, id).Scan(&o.Facts); err != nil {
		return nil, fmt.Errorf("read facts of order %s: %w", id, err)
	}
	g, err := d.newGate(ctx, tx)
	if err != nil {
		return nil, err
	}
	_, err = g.judge(ctx, tx, o)
	var incomplete *IncompleteError
	if errors.As(err, &incomplete) {
		return incomplete.Findings, nil
	}
	if err != nil {
		return nil, err
	}
	taken, err := takenBy(ctx, tx, []ready{{Order: o}})
	return taken[o.ID], err
}

// judge lets one order through or says why not: *NotSoldError, or
// *IncompleteError with every field.
func (g *gate) judge(ctx context.Context, tx tenant.Tx, o Order) (ready, error) {
	offering, err := g.sold(ctx, tx, o.OfferingID)
	if err != nil {
		return ready{}, err
	}
	r := ready{Order: o, offering: offering}
	whole, parts, err := Whole(ctx, tx, offering, o.Parts)
	if err != nil {
		return ready{}, err
	}
	r.parts = parts
	known := o.Facts
	findings, err := g.onTop(ctx, tx, &r)
	if err != nil {
		return ready{}, err
	}
	if r.AccountID != nil {
		var more []Finding
		more, known, err = g.existing(ctx, tx, &r)
		if err != nil {
			return ready{}, err
		}
		findings = append(findings, more...)
	}
	if offering.Billing == catalog.Prepaid && o.Facts["account.credit_limit"] != "" {
		findings = append(findings, Finding{Field: "account.credit_limit", Fault: IsWrong, NeededBy: Tariff,
			Reason: "the offering is prepaid", Want: "no limit"})
	}
	lacking, err := g.secured(ctx, tx, &r, whole, known)
	if err != nil {
		return ready{}, err
	}
	findings = append(findings, lacking...)
	findings = append(Missing(Requirements(whole, g.profile.Country), known, g.today), findings...)
	if len(findings) > 0 {
		return ready{}, &IncompleteError{o.ID.String(), findings}
	}
	return r, nil
}

// sold reads a version that can be taken today.
func (g *gate) sold(ctx context.Context, tx tenant.Tx, id uuid.UUID) (catalog.Offering, error) {
	version, known := g.versions[id]
	if !known {
		var err error
		if version, err = catalog.Get(ctx, tx, id); err != nil {
			return catalog.Offering{}, err
		}
		g.versions[id] = version
	}
	refuse := func(reason string) (catalog.Offering, error) {
		return catalog.Offering{}, &NotSoldError{version.Code, version.Number, reason}
	}
	switch {
	case version.State != catalog.Published:
		return refuse("it is " + string(version.State))
	case version.AvailableFrom.After(tx.At):
		return refuse("it can be had from " + g.profile.LocalDate(*version.AvailableFrom).String())
	case version.Currency != g.profile.Currency:
		return refuse("its currency is " + version.Currency.Code() + ", the operator's " + g.profile.Currency.Code())
	}
	return version.Offering, nil
}

// existing looks at the account that an order is for and adds what is known of
// its party to the order's facts.
func (g *gate) existing(ctx context.Context, tx tenant.Tx, r *ready) ([]Finding, Facts, error) {
	a, err := account.Get(ctx, tx, *r.AccountID)
	if err != nil {
		return nil, nil, err
	}
	r.account = &a
	party, err := account.GetParty(ctx, tx, a.PartyID)
	if err != nil {
		return nil, nil, err
	}
	known := factsOf(party)
	maps.Copy(known, r.Facts)
	var findings []Finding
	if a.State != account.Active {
		findings = append(findings, Finding{Field: "account_id", Fault: IsWrong, Want: "an account that is not closed"})
	}
	if string(a.Kind) != string(r.offering.Billing) {
		findings = append(findings, Finding{Field: "account_id", Fault: IsWrong, NeededBy: Tariff,
			Reason: "the offering is " + string(r.offering.Billing), Want: "a " + string(r.offering.Billing) + " account"})
	}
	return findings, known, nil
}

// takenBy finds, for each order, the identities that a service has already.
func takenBy(ctx context.Context, tx tenant.Tx, orders []ready) (map[uuid.UUID][]Finding, error) {
	var wanted []account.Identity
	for _, o := range orders {
		for field, kind := range identities {
			if value := o.Facts[field]; value != "" {
				wanted = append(wanted, account.Identity{Kind: kind, Value: value})
			}
		}
	}
	used, err := account.InUse(ctx, tx, wanted)
	if err != nil || len(used) == 0 {
		return nil, err
	}
	inUse := map[account.Identity]bool{}
	for _, i := range used {
		inUse[i] = true
	}
	findings := map[uuid.UUID][]Finding{}
	for _, o := range orders {
		for _, field := range identityFields {
			if inUse[account.Identity{Kind: identities[field], Value: o.Facts[field]}] {
				findings[o.ID] = append(findings[o.ID], Finding{Field: field, Fault: IsTaken, NeededBy: Network,
					Reason: "it belongs to another service", Want: "one that is free"})
			}
		}
	}
	return findings, nil
}
