package billing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/migration"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
)

// Sold versions become the new one where the first cycle from the day on
// begins; who opted out stays; subscribers are told before.
func TestMigration_toldThenMovedAndOptedOutStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(largerPlans)
	moves, stays := w.connect("flex"), w.connect("flex")
	stayer := uuid.MustParse(w.text(`select id::text from subscription where account_id = $1`, stays.ID))
	n := migration.New{ID: uuid.Must(uuid.NewV7()), To: w.plans["flex-xl"], From: []uuid.UUID{w.plans["flex"]},
		StartsOn: calendar.Date{Year: 2026, Month: 5, Day: 20}, NoticeDays: 30, By: "user:1"}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		if _, err := migration.Plan(ctx, tx, n); !errors.Is(err, migration.ErrPlan) {
			t.Errorf("a notice that is too late: %v", err)
		}
		n.NoticeDays = 10
		for range 2 {
			if _, err := migration.Plan(ctx, tx, n); err != nil {
				return err
			}
		}
		effects, err := migration.Preview(ctx, tx, n)
		if err != nil || len(effects) != 1 || effects[0].Subscriptions != 2 {
			t.Errorf("the effect is %+v, %v", effects, err)
		}
		return nil
	})
	w.advance(w.day("2026-05-11"))
	if told := w.text(`select count(*)::text from notice where kind = 'service' and body like '%flex%' or subject like '%plan%'`); told == "0" {
		t.Error("nobody was told")
	}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		coming, err := migration.ComingFor(ctx, tx, stays.ID)
		if err != nil || len(coming) != 1 {
			t.Errorf("coming %+v, %v", coming, err)
		}
		return migration.OptOut(ctx, tx, n.ID, stayer, "likes it")
	})
	w.advance(w.day("2026-05-20"))
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		if _, err := migration.Cancel(ctx, tx, n.ID); !errors.Is(err, migration.ErrRuns) {
			t.Errorf("cancelled after it ran: %v", err)
		}
		return nil
	})
	w.advance(w.day("2026-06-02"))
	const plan = `select v.code from subscription s join offering_version v on v.id = s.offering_id where s.account_id = $1 and s.state = 'active'`
	if got := w.text(plan, moves.ID) + " " + w.text(plan, stays.ID); got != "flex-xl flex" {
		t.Errorf("plans %s", got)
	}
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		m, err := migration.Get(ctx, tx, n.ID)
		if err != nil {
			return err
		}
		p, err := migration.ProgressOf(ctx, tx, m)
		if m.State != migration.Done || p.Scheduled != 1 || p.OptedOut != 1 || p.Changed != 1 {
			t.Errorf("%s, %+v", m.State, p)
		}
		return err
	})
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

const partPlan = `
code: %s
names: {en: %s}
billing: postpaid
services: [%s]
currency: EUR
tax: {category: standard, included: true}
prices: {recurring: [{code: %s-fee, names: {en: Fee}, amount: "%s", months: 1, timing: advance, prorate: day}]}
`

const familyBundle = `
code: family
names: {en: Family}
kind: bundle
billing: postpaid
services: []
currency: EUR
tax: {category: standard, included: true}
bundle:
  pricing: components
  discount: {amount: %s}
  components: [%s]
`

func (w *world) family(line string) (c customer) {
	w.t.Helper()
	w.made++
	facts := onboarding.Facts{
		"party.kind": "individual", "party.name": fmt.Sprintf("Family %d", w.made), "party.email": "fam@post.example", "party.birth_date": "1988-07-14",
		"party.id_document": fmt.Sprintf("L%08d", w.made), "party.id_verified": "desk", "address.street": "Deichstraße 1", "address.postcode": "20459", "address.city": "Hamburg",
		"address.country": "DE", "internet.login": fmt.Sprintf("fam%d@isp", w.made), "internet.password": "s3cret-pass", "internet.ont": "ALCL00000001", "iptv.stb": fmt.Sprintf("STB%06d", w.made),
	}
	if line != "" {
		facts["voice.line"] = line
	}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		placed, err := w.Desk().Place(ctx, tx, []onboarding.NewOrder{{OfferingID: w.plans["family"], CreatedBy: "desk", Facts: facts}})
		if err != nil {
			return err
		}
		done, err := w.Desk().Activate(ctx, tx, placed[0].ID)
		if err == nil {
			c.Account, err = account.Get(ctx, tx, *done[0].AccountID)
		}
		return err
	})
	return c
}

// A bundle's parts move with it: each becomes the version on sale at the new
// discount, what the new version lacks ends, what it has besides is connected;
// who has not given the facts for that is skipped with the reason.
func TestMigration_partsFollowTheirBundle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, p := range [][]any{{"net", "Net", "internet", "net", "30.00"}, {"tv", "TV", "iptv", "tv", "10.00"}, {"phone", "Phone", "voice", "phone", "6.00"}} {
		w.publish(fmt.Sprintf(partPlan, p...))
	}
	w.publish(fmt.Sprintf(familyBundle, "4.00", "{offering: net}, {offering: tv}"))
	old := w.plans["family"]
	ready, lacks := w.family("+494012345678"), w.family("")
	w.SetClock(t, w.day("2026-05-10"))
	w.publish(fmt.Sprintf(partPlan, "net", "Net", "internet", "net", "36.00"))
	w.publish(fmt.Sprintf(familyBundle, "7.00", "{offering: net}, {offering: phone}"))
	n := migration.New{ID: uuid.Must(uuid.NewV7()), To: w.plans["family"], From: []uuid.UUID{old}, StartsOn: calendar.Date{Year: 2026, Month: 5, Day: 25}, NoticeDays: 5, By: "user:1"}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := migration.Plan(ctx, tx, n)
		return err
	})
	w.advance(w.day("2026-06-02"))
	const parts = `
		select string_agg(v.code || v.version || coalesce(' ' || (select string_agg(trim_scale(d.amount)::text, '+') from subscription_discount d where d.subscription_id = s.id), ''), ', ' order by v.code)
		from subscription s join offering_version v on v.id = s.offering_id where s.account_id = $1 and s.state = 'active'`
	// 7.00 by 36 to 6
	if got := w.text(parts, ready.ID); got != "family2, net2 6, phone1 1" {
		t.Errorf("it has %s", got)
	}
	if got := w.text(parts, lacks.ID); got != "family1, net1 3, tv1 1" {
		t.Errorf("who lacks a line has %s", got)
	}
	if got := w.text(`select reason from offering_migration_member where state = 'skipped'`); !strings.Contains(got, "voice.line") {
		t.Errorf("skipped because %q", got)
	}
	if got := w.text(`select count(*)::text from subscription s where s.account_id = $1 and s.state = 'active' and s.part = 'component'
		and s.part_of = (select id from subscription b where b.account_id = $1 and b.state = 'active' and b.part is null)`, ready.ID); got != "2" {
		t.Errorf("%s parts of the new bundle", got)
	}
	w.advance(w.day("2026-07-02"))
	// May and June: 30 − 3 + 10 − 1 + 36 − 6; then July: 36 − 6, and two months of 6 − 1
	if got := w.bills(ready); got != "66 40" {
		t.Errorf("billed %s", got)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}
