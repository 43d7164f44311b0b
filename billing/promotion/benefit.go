package promotion

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/rating"
)

// promised is what a benefit comes to at most, in the operator's currency:
// what budgets are counted in. Units count nothing: their price is the
// offering's, and free.
func (g *giver) promised(b *Benefit, o occurrence) (money.Decimal, error) {
	switch {
	case b.Bucket != nil && b.Bucket.Money != nil:
		return *b.Bucket.Money, nil
	case b.Bucket != nil:
		return money.Decimal{}, nil
	case !o.topUp.IsZero():
		return g.onTop(b, o.topUp)
	case b.Amount != nil:
		return b.Amount.Mul(money.NewDecimal(b.cycles())), nil
	}
	fees, err := g.feesACycle(o.subscription)
	if err != nil {
		return money.Decimal{}, err
	}
	return fees.Mul(money.NewDecimal(b.cycles())).MulDiv(*b.Percent, wholePercent, money.Scale, money.HalfAwayFromZero)
}

// onTop is what a top-up brings besides.
func (g *giver) onTop(b *Benefit, topUp money.Decimal) (money.Decimal, error) {
	if b.Amount != nil {
		return *b.Amount, nil
	}
	return topUp.MulDiv(*b.Percent, wholePercent, g.profile.Currency.DocumentDigits(), money.HalfAwayFromZero)
}

// feesACycle are the recurring prices of a subscription's offering as a month
// bears them.
func (g *giver) feesACycle(subscription uuid.UUID) (money.Decimal, error) {
	var sum money.Decimal
	s, err := account.GetSubscription(g.ctx, g.tx, subscription)
	if err != nil {
		return sum, err
	}
	offering, err := catalog.LoadVersion(g.ctx, g.tx, s.OfferingID)
	if err != nil {
		return sum, err
	}
	for _, price := range offering.Prices.Recurring {
		month, err := price.Amount.Div(money.NewDecimal(int64(max(1, price.Months))), money.Scale, money.HalfAwayFromZero)
		if err != nil {
			return sum, err
		}
		sum = sum.Add(month)
	}
	return sum, nil
}

// hand gives the benefit: a bucket, money on top of a top-up, or a discount.
func (g *giver) hand(v *Version, b *Benefit, o occurrence, gift *Gift) error {
	switch {
	case b.Bucket != nil:
		return g.handBucket(v, b.Bucket, o, gift)
	case !o.topUp.IsZero():
		return g.handMoney(v, o, gift)
	}
	return g.handDiscount(v, b, o, gift)
}

const defaultPriority = 10

func (g *giver) handBucket(v *Version, b *Bucket, o occurrence, gift *Gift) error {
	n := balance.NewBucket{
		ID: uuid.Must(uuid.NewV7()), AccountID: o.account, SubscriptionID: o.subscription, Code: v.Promotion.Code,
		Origin: balance.Promotion, Priority: b.Priority, ValidFrom: g.tx.At,
		// to the end of a local day, as a customer counts days
		ExpiresAt: g.today.AddDays(b.ValidityDays + 1).Start(g.profile.Zone).UTC(),
	}
	if n.Priority == 0 {
		n.Priority = defaultPriority
	}
	if b.Money != nil {
		n.Unit, n.Amount = g.profile.Currency.Unit(), *b.Money
	} else {
		n.Unit, n.Amount = b.Units.Unit(), money.NewDecimal(b.Units.Base())
	}
	filter := rating.Filter{Kinds: b.Kinds}
	for _, prefix := range b.Prefixes {
		filter.Prefixes = append(filter.Prefixes, catalog.NormalPrefix(prefix))
	}
	var err error
	if n.Filter, err = json.Marshal(filter); err != nil {
		return fmt.Errorf("filter of %s: %w", v.Promotion.Code, err)
	}
	return g.grant(n, gift)
}

// onTopDays is how long money on top of a top-up lasts where nothing is said.
const onTopDays = 365

func (g *giver) handMoney(v *Version, o occurrence, gift *Gift) error {
	if gift.Promised.IsZero() {
		return nil // a share too small to be money
	}
	return g.grant(balance.NewBucket{
		ID: uuid.Must(uuid.NewV7()), AccountID: o.account, Code: v.Promotion.Code, Origin: balance.Promotion,
		Unit: g.profile.Currency.Unit(), Amount: gift.Promised, Priority: defaultPriority, ValidFrom: g.tx.At,
		ExpiresAt: g.today.AddDays(onTopDays + 1).Start(g.profile.Zone).UTC(),
	}, gift)
}

func (g *giver) grant(n balance.NewBucket, gift *Gift) error {
	a, err := account.Get(g.ctx, g.tx, n.AccountID)
	if err != nil {
		return err
	}
	n.LegalEntity, n.Branch = a.LegalEntity, a.Branch
	if _, err := balance.Grant(g.ctx, g.tx, []balance.NewBucket{n}); err != nil {
		return err
	}
	gift.BucketID = &n.ID
	return nil
}

func (g *giver) handDiscount(v *Version, b *Benefit, o occurrence, gift *Gift) error {
	code, err := g.freeCode(o.subscription, v.Promotion.Code)
	if err != nil {
		return err
	}
	language, err := g.languageOf(o.account)
	if err != nil {
		return err
	}
	d := account.Discount{
		SubscriptionID: o.subscription, Code: code, Reason: v.Promotion.Names.In(language),
		Percent: b.Percent, Amount: b.Amount, Stacking: v.Promotion.Stacking.Order,
	}
	if b.Cycles > 0 {
		cycles := b.Cycles
		d.CyclesLeft = &cycles
	}
	given, err := account.GiveDiscounts(g.ctx, g.tx, []account.Discount{d})
	if err != nil {
		return err
	}
	gift.DiscountID = &given[0].ID
	return nil
}

// freeCode tells a discount from earlier ones of the same promotion.
func (g *giver) freeCode(subscription uuid.UUID, code string) (string, error) {
	had, err := account.Discounts(g.ctx, g.tx, subscription)
	if err != nil {
		return "", err
	}
	free := code
	for n := 2; slices.ContainsFunc(had[subscription], func(d account.Discount) bool { return d.Code == free }); n++ {
		free = fmt.Sprintf("%s-%d", code, n)
	}
	return free, nil
}

func (g *giver) languageOf(accountID uuid.UUID) (language string, err error) {
	err = g.tx.QueryRow(g.ctx, `select p.language from billing_account as a join party as p on p.id = a.party_id where a.id = $1`, accountID).Scan(&language)
	if err != nil {
		return "", fmt.Errorf("language of account %s: %w", accountID, err)
	}
	return language, nil
}
