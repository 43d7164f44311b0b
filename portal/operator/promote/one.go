package promote

import (
	"context"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/promotion"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// oneView is one version in words, with its codes and gifts.
type oneView struct {
	list, yaml, edit, self string
	done, fault            string
	name                   string
	tone                   ui.Tone
	state                  string
	facts                  []fact
	findings               []promotion.Finding
	publish, end           string // keys of forms; empty where it can't be
	codes                  []codeRow
	coded                  bool // it is given by codes
	csv                    string
	make                   *codeForm
	gifts                  []giftRow
}

type fact struct{ name, value string }
type codeRow struct{ code, used, left, until, block, key string }
type giftRow struct{ account, href, what, at, worth string }

// shown bounds the rows of a list on this page.
const shown = 50

func showOne(v *web.Visit) error { return answerOne(v, http.StatusOK, "", nil) }

func answerOne(v *web.Visit, status int, fault string, form *codeForm) error {
	version, err := load(v)
	if err != nil {
		return err
	}
	var codes []promotion.Code
	var gifts []promotion.Gift
	numbers := map[uuid.UUID]string{}
	page := &oneView{list: v.Console("promotions"), self: v.Console("promotions/" + version.ID.String()), fault: fault}
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		if page.findings, err = promotion.Findings(ctx, tx, version.Promotion); err != nil {
			return err
		}
		if codes, err = promotion.Codes(ctx, tx, version.ID, uuid.Nil, shown); err != nil {
			return err
		}
		if gifts, err = promotion.GiftsBy(ctx, tx, version.ID, uuid.Nil, shown); err != nil {
			return err
		}
		for _, g := range gifts {
			if _, known := numbers[g.AccountID]; known {
				continue
			}
			a, err := account.Get(ctx, tx, g.AccountID)
			if err != nil {
				return err
			}
			numbers[g.AccountID] = a.Number
		}
		return nil
	})
	if err != nil {
		return err
	}
	page.fill(v, &version)
	page.fillCodes(v, &version, codes, form)
	for _, g := range gifts {
		page.gifts = append(page.gifts, giftRow{account: numbers[g.AccountID], href: v.ConsoleFor(identity.AccountRead, "subscribers/"+g.AccountID.String()+"/promotions"),
			what: given(v.Reader, &g), at: v.Reader.DateTime(g.GivenAt), worth: worth(v.Reader, g.Promised, version.Promotion.Currency)})
	}
	return v.Show(status, onePage(frame.Of(v, frame.Promotions, page.name), page))
}

func (page *oneView) fill(v *web.Visit, version *promotion.Version) {
	r, p := v.Reader, &version.Promotion
	page.name, page.yaml = p.Names.In(r.Locale.Language), page.self+"/yaml"
	page.tone, page.state = state(r, version)
	for _, done := range []string{"saved", "published", "ended", "codes", "blocked"} {
		if v.Query("done") == done {
			page.done = r.T("promo.done." + done)
		}
	}
	page.facts = factsOf(r, version)
	if version.State != promotion.Draft {
		page.findings = nil
	}
	if !v.May(identity.OfferingWrite) {
		return
	}
	page.edit = page.self + "/edit"
	switch version.State {
	case promotion.Draft:
		if len(page.findings) == 0 {
			page.publish = command.NewKey()
		}
	case promotion.Published:
		page.end = command.NewKey()
	}
}

// factsOf tells a promotion in words.
func factsOf(r ui.Reader, version *promotion.Version) []fact {
	p := &version.Promotion
	facts := []fact{
		{r.T("promo.code"), p.Code}, {r.T("promo.version"), strconv.Itoa(version.Number)},
		{r.T("promo.occasion"), r.T("promo.on." + string(p.Occasion))}, {r.T("promo.runs"), runs(r, p)},
		{r.T("promo.benefit"), benefit(r, &p.Benefit, p.Currency)},
	}
	add := func(key, value string) {
		if value != "" {
			facts = append(facts, fact{r.T(key), value})
		}
	}
	if p.Friend != nil {
		add("promo.friend", benefit(r, p.Friend, p.Currency))
	}
	add("promo.offerings", list(p.Offerings))
	add("promo.with", list(p.With))
	add("promo.eligibility", p.Eligibility)
	if p.AfterMonths > 0 {
		add("promo.after", strconv.Itoa(p.AfterMonths))
	}
	if p.EveryMonths > 0 {
		add("promo.every", strconv.Itoa(p.EveryMonths))
	}
	if p.MinimumTopUp != nil {
		add("promo.minimum", r.Money(money.New(*p.MinimumTopUp, p.Currency)))
	}
	if p.Limits.Total > 0 {
		add("promo.total", strconv.Itoa(p.Limits.Total))
	}
	if p.Limits.PerAccount > 0 {
		add("promo.each", strconv.Itoa(p.Limits.PerAccount))
	}
	if p.Limits.Budget != nil {
		add("promo.budget", r.Money(money.New(*p.Limits.Budget, p.Currency)))
	}
	if p.Stacking.Group != "" {
		add("promo.group", p.Stacking.Group)
	}
	if p.Stacking.Order > 0 {
		add("promo.order", strconv.Itoa(p.Stacking.Order))
	}
	if p.Stacking.Alone {
		add("promo.alone", r.T("promo.yes"))
	}
	add("promo.given", strconv.FormatInt(version.Given, 10))
	add("promo.promised", r.Money(money.New(version.Promised, p.Currency)))
	return facts
}

// benefit tells what is given.
func benefit(r ui.Reader, b *promotion.Benefit, c money.Currency) string {
	cycles := ""
	if b.Cycles > 0 {
		cycles = ", " + r.N("promo.cycles", int64(b.Cycles))
	}
	switch {
	case b.Percent != nil:
		return r.T("promo.benefit.percent", "percent", r.Number(*b.Percent)) + cycles
	case b.Amount != nil:
		return r.T("promo.benefit.amount", "amount", r.Money(money.New(*b.Amount, c))) + cycles
	case b.Bucket != nil && b.Bucket.Money != nil:
		return r.T("promo.benefit.bucket", "what", r.Money(money.New(*b.Bucket.Money, c)), "days", r.N("promo.days", int64(b.Bucket.ValidityDays)))
	case b.Bucket != nil && b.Bucket.Units != nil:
		return r.T("promo.benefit.bucket", "what", r.Quantity(money.NewDecimal(b.Bucket.Units.Base()), b.Bucket.Units.Unit()), "days", r.N("promo.days", int64(b.Bucket.ValidityDays)))
	}
	return "–"
}

func given(r ui.Reader, g *promotion.Gift) string {
	switch {
	case g.EndedAt != nil:
		return r.T("promo.gift.ended")
	case g.DiscountID != nil:
		return r.T("promo.gift.discount")
	case g.BucketID != nil:
		return r.T("promo.gift.bucket")
	}
	return "–"
}

func worth(r ui.Reader, promised money.Decimal, c money.Currency) string {
	if promised.IsZero() {
		return "–"
	}
	return r.Money(money.New(promised, c))
}
