package onboarding_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

const parts = `
billing: postpaid
currency: EUR
tax: {category: standard, included: true}
`

// withPrice is an offering with a monthly price.
func withPrice(code, service, price string) string {
	return "code: " + code + "\nnames: {en: " + code + "}\nservices: [" + service + "]" + parts +
		`prices: {recurring: [{code: ` + code + `-fee, names: {en: Fee}, amount: "` + price + `", months: 1, timing: advance, prorate: day}]}` + "\n"
}

func bundleOf(pricing string) string {
	return "code: family\nnames: {en: Family}\nkind: bundle\nservices: []" + parts + "bundle:\n  " + pricing +
		"\n  components: [{offering: net}, {offering: tv}, {offering: phone, optional: true}]\n"
}

const sports = "code: sports\nnames: {en: Sports}\nkind: option\nservices: []" + parts +
	`option: {for: [tv, net], excludes: [films], lasts: {cycles: 2}}
prices: {recurring: [{code: sports-fee, names: {en: Sports}, amount: "5.00", months: 1, timing: advance, prorate: day}]}
`

const films = "code: films\nnames: {en: Films}\nkind: option\nservices: []" + parts + "option: {at_most: 2}\n"

func subscriptions(t *testing.T, db *pgtest.TenantDB, a uuid.UUID) (list []account.Subscription) {
	t.Helper()
	db.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		list, err = account.Subscriptions(ctx, tx, a)
		return err
	})
	return list
}

func familyFacts() onboarding.Facts {
	return with(person(), onboarding.Facts{"party.birth_date": "1990-12-10", "internet.login": "ada@isp", "internet.password": "s3cret-pass",
		"internet.ont": "ALCL00000001", "iptv.stb": "STB000001"})
}

func TestActivate_bundleBecomesOneSubscriptionAPart(t *testing.T) {
	t.Parallel()
	db, h := pgtest.Tenant(t), &hooks{}
	d := h.desk(t)
	for _, o := range []string{withPrice("net", "internet", "30.00"), withPrice("tv", "iptv", "10.00"), withPrice("phone", "voice", "5.00")} {
		published(t, db, o, time.Time{})
	}
	family := published(t, db, bundleOf("pricing: components\n  discount: {amount: 5}"), time.Time{})
	o, err := place(t, db, d, onboarding.NewOrder{OfferingID: family, Facts: familyFacts()})
	if err != nil {
		t.Fatal(err)
	}
	done, err := activate(t, db, d, o.ID)
	if err != nil {
		t.Fatal(err)
	}
	list := subscriptions(t, db, *done[0].AccountID)
	if len(list) != 3 || list[0].ID != *done[0].SubscriptionID || len(list[0].Services) != 0 {
		t.Fatalf("got %+v", list)
	}
	for _, s := range list[1:] {
		if s.Part != account.Component || *s.PartOf != list[0].ID || s.FeesIncluded || len(s.Services) != 1 {
			t.Errorf("part %+v", s)
		}
	}
	var off []string
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		found, err := account.Discounts(ctx, tx, list[1].ID, list[2].ID)
		for _, s := range list[1:] {
			off = append(off, found[s.ID][0].Amount.String())
		}
		return err
	})
	if !slices.Equal(off, []string{"3.75", "1.25"}) { // 5.00 by 30 to 10
		t.Errorf("discounts %v", off)
	}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		if _, err := onboarding.EndPart(ctx, tx, list[1].ID, true); !errors.Is(err, onboarding.ErrRequiredPart) {
			t.Errorf("a required part ends: %v", err)
		}
		return account.Terminate(ctx, tx, list[0].ID)
	})
	for _, s := range subscriptions(t, db, *done[0].AccountID) {
		if s.State != account.SubscriptionTerminated {
			t.Errorf("%s is %s after the bundle ended", s.ID, s.State)
		}
	}
}

func TestActivate_bundleWithOnePricePaysForItsParts(t *testing.T) {
	t.Parallel()
	db, h := pgtest.Tenant(t), &hooks{}
	d := h.desk(t)
	for _, o := range []string{withPrice("net", "internet", "30.00"), withPrice("tv", "iptv", "10.00"), withPrice("phone", "voice", "5.00")} {
		published(t, db, o, time.Time{})
	}
	family := published(t, db, bundleOf("pricing: one")+
		`prices: {recurring: [{code: f, names: {en: Fee}, amount: "36.00", months: 1, timing: advance, prorate: day}]}`+"\n", time.Time{})
	if _, err := place(t, db, d, onboarding.NewOrder{OfferingID: family, Parts: []string{"radio"}}); !errors.Is(err, onboarding.ErrFact) {
		t.Errorf("a part that there is not: %v", err)
	}
	o, err := place(t, db, d, onboarding.NewOrder{OfferingID: family, Facts: familyFacts(), Parts: []string{"phone"}})
	if err != nil {
		t.Fatal(err)
	}
	var incomplete *onboarding.IncompleteError
	if _, err := activate(t, db, d, o.ID); !errors.As(err, &incomplete) || incomplete.Findings[0].Field != "voice.line" {
		t.Fatalf("a part without its facts: %v", err)
	}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := d.Supply(ctx, tx, o.ID, onboarding.Facts{"voice.line": "+49401234567"})
		return err
	})
	done, err := activate(t, db, d, o.ID)
	if err != nil {
		t.Fatal(err)
	}
	list := subscriptions(t, db, *done[0].AccountID)
	if len(list) != 4 || list[0].FeesIncluded || !list[1].FeesIncluded || !list[3].FeesIncluded || len(h.granted) != 4 {
		t.Errorf("got %+v, granted %d", list, len(h.granted))
	}
}

func TestActivate_optionsOnTop(t *testing.T) {
	t.Parallel()
	db, h := pgtest.Tenant(t), &hooks{}
	d := h.desk(t)
	net := published(t, db, withPrice("net", "internet", "30.00"), time.Time{})
	published(t, db, withPrice("tv", "iptv", "10.00"), time.Time{})
	film := published(t, db, films, time.Time{})
	sport := published(t, db, sports, time.Time{})
	o, err := place(t, db, d, onboarding.NewOrder{OfferingID: net, Facts: familyFacts()})
	if err != nil {
		t.Fatal(err)
	}
	done, err := activate(t, db, d, o.ID)
	if err != nil {
		t.Fatal(err)
	}
	base := *done[0].SubscriptionID
	buy := func(offering uuid.UUID, want string) *onboarding.Order {
		t.Helper()
		o, err := place(t, db, d, onboarding.NewOrder{OfferingID: offering, PartOf: &base})
		if err != nil {
			t.Fatal(err)
		}
		orders, err := activate(t, db, d, o.ID)
		var incomplete *onboarding.IncompleteError
		if want == "" && err != nil || want != "" && (!errors.As(err, &incomplete) || !strings.Contains(incomplete.Findings[0].Reason, want)) {
			t.Fatalf("got %v, want %q", err, want)
		}
		if err != nil {
			return nil
		}
		return &orders[0]
	}
	bare, err := place(t, db, d, onboarding.NewOrder{OfferingID: sport, AccountID: done[0].AccountID})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := activate(t, db, d, bare.ID); !errors.Is(err, onboarding.ErrIncomplete) {
		t.Errorf("an option on top of nothing: %v", err)
	}
	first := buy(sport, "")
	buy(sport, "as many of it")
	buy(film, "")
	buy(film, "")
	buy(film, "as many of it")
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		s, err := account.GetSubscription(ctx, tx, *first.SubscriptionID)
		if err != nil || s.Part != account.OnTop || *s.PartOf != base || s.EndsOn.String() != "2026-07-01" {
			t.Errorf("the option is %+v, %v", s, err)
		}
		offers, err := onboarding.Options(ctx, tx, base)
		if err != nil || len(offers) != 2 || offers[0].Obstacles[0].Code != onboarding.Enough {
			t.Errorf("offers %+v, %v", offers, err)
		}
		return nil
	})
	db.SetClock(t, time.Date(2026, 7, 3, 8, 0, 0, 0, time.UTC))
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		day, err := account.GetProfile(ctx, tx)
		if err != nil {
			return err
		}
		ended, err := account.EndDue(ctx, tx, day.LocalDate(tx.At), 10)
		n := len(ended)
		if n != 1 {
			t.Errorf("%d options ended", n)
		}
		return err
	})
	for _, s := range subscriptions(t, db, *done[0].AccountID) {
		if s.ID == *first.SubscriptionID && (s.State != account.SubscriptionTerminated || s.TerminatedAt.UTC().Format(time.RFC3339) != "2026-06-30T22:00:00Z") {
			t.Errorf("the option is %s since %s", s.State, s.TerminatedAt)
		}
	}
	buy(sport, "does not go with")
}

func TestActivateDue_nextCycleOrReason(t *testing.T) {
	t.Parallel()
	db, h := pgtest.Tenant(t), &hooks{}
	d := h.desk(t)
	net := published(t, db, withPrice("net", "internet", "30.00"), time.Time{})
	film := published(t, db, films, time.Time{})
	o, err := place(t, db, d, onboarding.NewOrder{OfferingID: net, Facts: familyFacts()})
	if err != nil {
		t.Fatal(err)
	}
	done, err := activate(t, db, d, o.ID)
	if err != nil {
		t.Fatal(err)
	}
	var waiting []onboarding.Order
	for range 3 {
		one, err := place(t, db, d, onboarding.NewOrder{OfferingID: film, PartOf: done[0].SubscriptionID, NextCycle: true})
		if err != nil {
			t.Fatal(err)
		}
		waiting = append(waiting, one)
	}
	day := *waiting[0].StartsOn
	db.SetClock(t, day.Start(db.Zone).Add(time.Minute))
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		n, err := d.ActivateDue(ctx, tx, day, 10)
		if n != 3 {
			t.Errorf("%d were due", n)
		}
		return err
	})
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		for i, want := range []onboarding.OrderState{onboarding.Completed, onboarding.Completed, onboarding.Acknowledged} {
			o, err := d.Get(ctx, tx, waiting[i].ID)
			if err != nil || o.State != want || (want == onboarding.Acknowledged) != strings.Contains(o.WaitingFor, "as many of it") {
				t.Errorf("order %d is %s, waiting for %q, %v", i, o.State, o.WaitingFor, err)
			}
		}
		return nil
	})
}
