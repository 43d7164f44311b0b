package billing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/payment"
	"tollhouse/billing/promotion"
	"tollhouse/billing/tenant"
)

// promote publishes a promotion.
func (w *world) promote(text string) promotion.Version {
	w.t.Helper()
	p, err := promotion.Parse([]byte("currency: EUR\nfrom: \"2020-01-01\"\nnames: {en: " + strings.Fields(text)[1] + "}\n" + text))
	if err != nil {
		w.t.Fatal(err)
	}
	var v promotion.Version
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		draft, err := promotion.SaveDraft(ctx, tx, p)
		if err == nil {
			v, err = promotion.Publish(ctx, tx, draft.ID)
		}
		return err
	})
	return v
}

func (w *world) subscription(c customer) (id uuid.UUID) {
	w.t.Helper()
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		found, err := account.Subscriptions(ctx, tx, c.ID)
		id = found[len(found)-1].ID
		return err
	})
	return id
}

// discounts are those a customer has, as "code percent amount cycles".
func (w *world) discounts(c customer) (list []string) {
	w.t.Helper()
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		subscription := w.subscription(c)
		found, err := account.Discounts(ctx, tx, subscription)
		for _, d := range found[subscription] {
			text := d.Code
			if d.Percent != nil {
				text += " " + d.Percent.String() + "%"
			}
			if d.Amount != nil {
				text += " " + d.Amount.String()
			}
			if d.CyclesLeft != nil {
				text += fmt.Sprintf(" for %d", *d.CyclesLeft)
			}
			list = append(list, text)
		}
		return err
	})
	return list
}

func (w *world) redeem(c customer, code string) error {
	w.t.Helper()
	subscription := w.subscription(c)
	return w.Stack.Write(w.t.Context(), func(ctx context.Context, tx tenant.Tx) error {
		_, _, err := promotion.Redeem(ctx, tx, c.ID, subscription, code)
		return err
	})
}

func (w *world) codes(n promotion.NewCodes) []promotion.Code {
	w.t.Helper()
	var made []promotion.Code
	w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		made, err = promotion.MakeCodes(ctx, tx, n)
		return err
	})
	return made
}

func (w *world) expect(what, got, want string) {
	w.t.Helper()
	if got != want {
		w.t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func TestPromotion_activationReducesTheFirstCycles(t *testing.T) {
	w := newWorld(t)
	w.promote("code: welcome\noccasion: activation\nofferings: [flex]\nbenefit: {percent: 50, cycles: 3}\n")
	w.promote("code: extra\noccasion: activation\nbenefit: {bucket: {units: 1 GB, kinds: [data], validity_days: 10}}\n")
	flex, prepaid := w.connect("flex"), w.connect("prepaid")
	w.expect("discounts of flex", strings.Join(w.discounts(flex), ", "), "welcome 50% for 3")
	w.expect("discounts of prepaid", strings.Join(w.discounts(prepaid), ", "), "")
	w.expect("bucket of flex", w.has(flex)["extra"], "1000000000")
	w.expect("bucket of prepaid", w.has(prepaid)["extra"], "1000000000")
	w.advance(w.now().AddDate(0, 4, 3))
	w.expect("used up", strings.Join(w.discounts(flex), ", "), "welcome 50% for 0")
	w.expect("ended", w.has(flex)["extra"], "")
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

func TestPromotion_stackingIsByOrderGroupAndAlone(t *testing.T) {
	w := newWorld(t)
	w.promote("code: second\noccasion: activation\nbenefit: {amount: 1}\nstacking: {group: welcome, order: 2}\n")
	w.promote("code: first\noccasion: activation\nbenefit: {amount: 2}\nstacking: {group: welcome, order: 1}\n")
	w.promote("code: free\noccasion: activation\nbenefit: {percent: 10}\nstacking: {order: 3}\n")
	alone := w.promote("code: alone\noccasion: code\nbenefit: {percent: 99}\nstacking: {alone: true}\n")
	c := w.connect("flex")
	w.expect("given", strings.Join(w.discounts(c), ", "), "first 2, free 10%")
	w.codes(promotion.NewCodes{PromotionID: alone.ID, Letters: "just-me", Count: 1, Uses: 10, By: "test"})
	if err := w.redeem(c, "JUST-ME"); !errors.Is(err, promotion.ErrStacking) {
		t.Errorf("one that stands alone came beside others: %v", err)
	}
}

func TestPromotion_bundleHoldsAsLongAsItIsDeserved(t *testing.T) {
	w := newWorld(t)
	w.promote("code: both\noccasion: cycle\nofferings: [flex]\neligibility: '\"flex\" in account.subscriptions && payment.count >= 1'\nbenefit: {amount: 3}\n")
	c := w.connect("flex")
	w.advance(w.now().AddDate(0, 1, 2))
	w.expect("before a payment", strings.Join(w.discounts(c), ", "), "")
	w.pay(c, payment.PurposeBill, "5.00")
	w.advance(w.now().AddDate(0, 1, 0))
	w.expect("after a payment", strings.Join(w.discounts(c), ", "), "both 3")
	w.advance(w.now().AddDate(0, 1, 0))
	w.expect("it holds over and is given once", strings.Join(w.discounts(c), ", "), "both 3")
	v := w.promote("code: both\noccasion: cycle\nofferings: [flex]\neligibility: account.state == 'closed'\nbenefit: {amount: 3}\n")
	w.expect("a new version", fmt.Sprint(v.Number), "2")
	w.advance(w.now().AddDate(0, 1, 0))
	w.expect("no longer deserved", strings.Join(w.discounts(c), ", "), "both 3 for 0")
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

func TestPromotion_topUpBringsMoneyOnTop(t *testing.T) {
	w := newWorld(t)
	w.promote("code: ten\noccasion: top_up\nminimum_top_up: 20\nbenefit: {percent: 10}\nlimits: {budget: 5}\n")
	c := w.connect("prepaid")
	w.pay(c, payment.PurposeTopUp, "19.99")
	w.expect("too little", w.has(c)["ten"], "")
	n := w.pay(c, payment.PurposeTopUp, "30.00")
	w.record(n) // the same command again
	w.expect("ten per cent, once", w.has(c)["ten"], "3")
	w.pay(c, payment.PurposeTopUp, "25.00") // 2.50 more than the budget has
	w.expect("within the budget", w.text(`select sum(value)::text from bucket where code = 'ten'`), "3.000000000")
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

func TestPromotion_codesAreUsedNoMoreOftenThanTheyMay(t *testing.T) {
	w := newWorld(t)
	v := w.promote("code: summer\noccasion: code\nbenefit: {percent: 20, cycles: 2}\nlimits: {per_account: 1}\n")
	w.codes(promotion.NewCodes{PromotionID: v.ID, Letters: "summer 26", Count: 1, Uses: 3, By: "test"})
	customers := make([]customer, 8)
	for i := range customers {
		customers[i] = w.connect("flex")
	}
	if err := w.redeem(customers[0], "summer26"); err != nil {
		t.Fatal(err)
	}
	if err := w.redeem(customers[0], "summer26"); !errors.Is(err, promotion.ErrGiven) {
		t.Errorf("a second time: %v", err)
	}
	var wait sync.WaitGroup
	var mu sync.Mutex
	used := 1
	for _, c := range customers[1:] {
		wait.Go(func() {
			subscription := w.subscription(c)
			err := w.Stack.Write(t.Context(), func(ctx context.Context, tx tenant.Tx) error {
				_, _, err := promotion.Redeem(ctx, tx, c.ID, subscription, "SUMMER26")
				return err
			})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				used++
			case !errors.Is(err, promotion.ErrCode):
				t.Errorf("redeem: %v", err)
			}
		})
	}
	wait.Wait()
	w.expect("used", fmt.Sprint(used), "3")
	w.expect("counted", w.text(`select used::text || ' ' || uses_left from promo_code`), "3 0")
	w.expect("given", w.text(`select given::text from promotion`), "3")
}

func TestPromotion_referralGivesBothTheirs(t *testing.T) {
	w := newWorld(t)
	w.promote("code: friend\noccasion: referral\nbenefit: {amount: 5, cycles: 1}\nfriend: {bucket: {units: 2 GB, validity_days: 30}}\n")
	old := w.connect("flex")
	var code string
	w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		code, err = promotion.ReferralCode(ctx, tx, old.ID)
		return err
	})
	refer := func(code string) error {
		w.made++
		return w.Stack.Write(t.Context(), func(ctx context.Context, tx tenant.Tx) error {
			placed, err := w.Desk().Place(ctx, tx, []onboarding.NewOrder{{OfferingID: w.plans["flex"], CreatedBy: "desk", Facts: onboarding.Facts{
				"party.kind": "individual", "party.name": "Freundin", "party.email": "f@post.example", "party.birth_date": "1988-07-14",
				"party.id_document": fmt.Sprintf("M%08d", w.made), "party.id_verified": "desk", "address.street": "Weg 1", "address.postcode": "20459",
				"address.city": "Hamburg", "address.country": "DE", "mobile.msisdn": fmt.Sprintf("+4915%09d", w.made),
				"mobile.imsi": fmt.Sprintf("26277%010d", w.made), "promotion.referral": code,
			}}})
			if err == nil {
				_, err = w.Desk().Activate(ctx, tx, placed[0].ID)
			}
			return err
		})
	}
	if err := refer("NOBODY99"); !errors.Is(err, promotion.ErrReferral) {
		t.Errorf("a code of nobody: %v", err)
	}
	if err := refer(strings.ToLower(code)); err != nil {
		t.Fatal(err)
	}
	w.expect("who sent", strings.Join(w.discounts(old), ", "), "friend 5 for 1")
	w.expect("who came", w.text(`select value::text from bucket where code = 'friend'`), "2000000000.000000000")
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

func TestPromotion_birthdaysAndAnniversariesByLocalDay(t *testing.T) {
	w := newWorld(t)
	w.connect("flex") // born on 14 July
	w.promote("code: cake\noccasion: birthday\nbenefit: {bucket: {money: 3, validity_days: 7}}\n")
	w.promote("code: loyal\noccasion: loyalty\nafter_months: 2\nevery_months: 12\nbenefit: {bucket: {units: 1 GB, validity_days: 30}}\n")
	from := w.now()
	w.advance(from.AddDate(1, 3, 1))
	birthdays := 0
	for day := from; day.Before(w.now()); day = day.AddDate(0, 0, 1) {
		if day.In(w.Zone).Format("01-02") == "07-14" {
			birthdays++
		}
	}
	w.expect("birthdays", w.text(`select count(*)::text from promotion_gift where occasion_key like 'birthday/%'`), fmt.Sprint(birthdays))
	w.expect("anniversaries", w.text(`select count(*)::text from promotion_gift where occasion_key like 'loyalty/%'`), "2")
	born := w.text(`select min(to_char(b.valid_from at time zone $1, 'MM-DD HH24:MI')) from bucket as b where b.code = 'cake'`, w.Zone.String())
	w.expect("on the day itself", born, "07-14 00:00")
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

func TestPromotion_conditionsAreCheckedWhenWritten(t *testing.T) {
	w := newWorld(t)
	for text, want := range map[string]string{
		"acount.kind == 'x'":           "undeclared reference",
		"account.knid == 'x'":          "undefined field",
		"account.age_days":             "it must be true or false",
		"account.age_days > 'x'":       "no matching overload",
		"account.kind == 'prepaid' &&": "Syntax error",
	} {
		p, err := promotion.Parse([]byte(fmt.Sprintf("code: x\nnames: {en: X}\noccasion: activation\ncurrency: EUR\nfrom: \"2020-01-01\"\neligibility: %q\nbenefit: {percent: 5}\n", text)))
		if err != nil {
			t.Fatal(err)
		}
		err = w.Stack.Write(t.Context(), func(ctx context.Context, tx tenant.Tx) error {
			draft, err := promotion.SaveDraft(ctx, tx, p)
			if err == nil {
				_, err = promotion.Publish(ctx, tx, draft.ID)
			}
			return err
		})
		if !errors.Is(err, promotion.ErrNotClean) || !strings.Contains(err.Error(), "eligibility: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want a finding with %q", text, err, want)
		}
	}
}

func TestPromotion_costlyConditionsAreNotMet(t *testing.T) {
	w := newWorld(t)
	list := strings.Repeat("1,", 300)
	w.promote("code: costly\noccasion: activation\neligibility: '[" + list + "1].all(a, [" + list + "1].all(b, a == b))'\nbenefit: {percent: 5}\n")
	began := time.Now()
	c := w.connect("flex")
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	w.expect("discounts", strings.Join(w.discounts(c), ", "), "")
}

// A cycle that its first use, or a top-up, begins before the bill run costs what
// it would have cost after it.
func TestPromotion_ofACycleThatUseBegins(t *testing.T) {
	for _, early := range []string{"use", "top-up", "the run"} {
		t.Run(early, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.promote("code: half\noccasion: cycle\nofferings: [prepaid]\nbenefit: {percent: 50}\n")
			w.promote("code: gb\noccasion: cycle\nofferings: [flex]\nbenefit: {bucket: {units: 1 GB, kinds: [data], validity_days: 10}}\n")
			c, postpaid := w.connect("prepaid"), w.connect("flex")
			w.pay(c, payment.PurposeTopUp, "20.00")
			w.advance(w.day("2026-05-31"))
			w.expect("May's fee, whole", w.has(c)["main"], "12.01")
			june := w.day("2026-06-01").Add(time.Minute)
			if early != "the run" {
				w.SetClock(t, june)
			}
			switch early {
			case "use":
				w.ingest(c.data(w.key(), june, 1), postpaid.data(w.key(), june, 500_000_000))
				w.expect("June's allowance", w.has(c)["package"], "1999999999")
				w.expect("what June brings the other", w.has(postpaid)["gb"], "1000000000")
			case "top-up":
				w.pay(c, payment.PurposeTopUp, "10.00")
			}
			w.advance(june.Add(time.Hour))
			want := map[string]string{"use": "8.02", "top-up": "18.02", "the run": "8.02"}[early] // 3.99 of 7.99: half is rounded up to 4.00 off
			w.expect("June's fee, half of it", w.has(c)["main"], want)
			w.expect("given once", w.text(`select count(*)::text from promotion_gift where account_id = any ($1)`, []uuid.UUID{c.ID, postpaid.ID}), "2")
			if err := w.sums(); err != nil {
				t.Error(err)
			}
		})
	}
}
