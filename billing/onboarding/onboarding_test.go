package onboarding_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/infra/secrets"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const triple = `
code: triple
names: {en: Triple play}
billing: postpaid
services: [internet, voice, iptv]
currency: EUR
tax: {category: standard, included: true}
required_facts: [contract_signed]
`

const prepaidMobile = `
code: mobile
names: {en: Mobile}
billing: prepaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
`

// hooks records what an activation sets off.
type hooks struct {
	granted []uuid.UUID
	ends    []calendar.Date
	fail    error
}

func (h *hooks) desk(t *testing.T) *onboarding.Desk {
	t.Helper()
	box, err := secrets.New(bytes.Repeat([]byte{7}, secrets.KeyBytes))
	if err != nil {
		t.Fatal(err)
	}
	return onboarding.New(box.Tenants(), onboarding.Hooks{
		Grant: func(_ context.Context, _ tenant.Tx, ids []uuid.UUID) error {
			h.granted = append(h.granted, ids...)
			return h.fail
		},
		Schedule: func(_ context.Context, _ tenant.Tx, _ *time.Location, ends ...calendar.Date) error {
			h.ends = append(h.ends, ends...)
			return nil
		},
	})
}

// published puts an offering on sale from a time on; zero: at once.
func published(t *testing.T, db *pgtest.TenantDB, text string, from time.Time) uuid.UUID {
	t.Helper()
	o, err := catalog.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var v catalog.Version
	db.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		if v, err = catalog.SaveDraft(ctx, tx, o); err != nil {
			return err
		}
		v, err = catalog.Publish(ctx, tx, v.ID, from)
		return err
	})
	return v.ID
}

func person() onboarding.Facts {
	return onboarding.Facts{
		"party.kind": "individual", "party.name": "Ada Byron", "party.email": "ada@example.com",
		"address.street": "Kaiserstr. 1", "address.postcode": "20457", "address.city": "Hamburg",
	}
}

func with(facts ...onboarding.Facts) onboarding.Facts {
	all := onboarding.Facts{}
	for _, f := range facts {
		maps.Copy(all, f)
	}
	return all
}

// tripleFacts are complete for the n-th subscriber of triple in Germany.
func tripleFacts(n int) onboarding.Facts {
	return with(person(), onboarding.Facts{
		"party.birth_date": "1990-12-10", "contract_signed": "2026-04-30",
		"internet.login": fmt.Sprintf("ada%d@isp", n), "internet.password": "s3cret-pass", "internet.ont": fmt.Sprintf("ALCL%08d", n),
		"voice.line": fmt.Sprintf("+4940%07d", n), "iptv.stb": fmt.Sprintf("STB%06d", n),
	})
}

func mobileFacts(n int) onboarding.Facts {
	return with(person(), onboarding.Facts{
		"party.birth_date": "1990-12-10", "party.id_document": "passport C01X00T47", "party.id_verified": "desk",
		"mobile.msisdn": fmt.Sprintf("+49151%07d", n), "mobile.imsi": fmt.Sprintf("26201%010d", n),
	})
}

func place(t *testing.T, db *pgtest.TenantDB, d *onboarding.Desk, n onboarding.NewOrder) (o onboarding.Order, err error) {
	t.Helper()
	n.CreatedBy = "user:1"
	err = db.DB.Write(t.Context(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
		orders, err := d.Place(ctx, tx, []onboarding.NewOrder{n})
		if err == nil {
			o = orders[0]
		}
		return err
	})
	return o, err
}

func activate(t *testing.T, db *pgtest.TenantDB, d *onboarding.Desk, ids ...uuid.UUID) (orders []onboarding.Order, err error) {
	t.Helper()
	err = db.DB.Write(t.Context(), db.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		orders, err = d.Activate(ctx, tx, ids...)
		return err
	})
	return orders, err
}

func missing(t *testing.T, db *pgtest.TenantDB, d *onboarding.Desk, id uuid.UUID) (found []onboarding.Finding) {
	t.Helper()
	db.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		found, err = d.Missing(ctx, tx, id)
		return err
	})
	return found
}

// rows counts what an activation would have made.
func rows(t *testing.T, db *pgtest.TenantDB) (n int) {
	t.Helper()
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `
			select (select count(*) from party) + (select count(*) from billing_account) + (select count(*) from subscription)
			     + (select count(*) from service) + (select count(*) from service_identity) + (select count(*) from bucket)`).Scan(&n)
	})
	return n
}

func TestActivate_makesEverythingOnce(t *testing.T) {
	t.Parallel()
	db, h := pgtest.Tenant(t), new(hooks)
	d := h.desk(t)
	offering := published(t, db, triple, time.Time{})
	o, err := place(t, db, d, onboarding.NewOrder{OfferingID: offering, Facts: tripleFacts(1)})
	if err != nil {
		t.Fatal(err)
	}
	first, err := activate(t, db, d, o.ID)
	if err != nil {
		t.Fatal(err)
	}
	made := rows(t, db)
	second, err := activate(t, db, d, o.ID)
	if err != nil || *second[0].SubscriptionID != *first[0].SubscriptionID || *second[0].AccountID != *first[0].AccountID || rows(t, db) != made {
		t.Errorf("a repeat: %+v, %v", second, err)
	}
	if len(h.granted) != 1 || h.granted[0] != *first[0].SubscriptionID || len(h.ends) != 1 || h.ends[0].String() != "2026-06-01" {
		t.Errorf("set off %+v", h)
	}
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		s, err := account.GetSubscription(ctx, tx, *first[0].SubscriptionID)
		if err != nil || s.State != account.SubscriptionActive || len(s.Services) != 3 || s.Services[0].Facts["ont"] != "ALCL00000001" {
			t.Errorf("%+v, %v", s, err)
		}
		for _, kind := range []account.Identity{{Kind: account.Login, Value: "ada1@isp"}, {Kind: account.Line, Value: "+49400000001"}, {Kind: account.STB, Value: "STB000001"}} {
			if _, err := account.ServiceAt(ctx, tx, kind, tx.At); err != nil {
				t.Error(err)
			}
		}
		if secret, err := d.Secret(ctx, tx, s.ID, "internet.password"); err != nil || secret != "s3cret-pass" {
			t.Errorf("secret %q, %v", secret, err)
		}
		return nil
	})
}

func TestActivate_namesEachMissingField(t *testing.T) {
	t.Parallel()
	db, h := pgtest.Tenant(t), new(hooks)
	d := h.desk(t)
	type offer struct {
		id       uuid.UUID
		complete onboarding.Facts
	}
	for name, o := range map[string]offer{
		"triple": {published(t, db, triple, time.Time{}), tripleFacts(1)},
		"mobile": {published(t, db, prepaidMobile, time.Time{}), mobileFacts(1)},
	} {
		for field := range o.complete {
			facts := maps.Clone(o.complete)
			delete(facts, field)
			order, err := place(t, db, d, onboarding.NewOrder{OfferingID: o.id, Facts: facts})
			if err != nil {
				t.Fatal(err)
			}
			_, err = activate(t, db, d, order.ID)
			var incomplete *onboarding.IncompleteError
			if !errors.As(err, &incomplete) || !errors.Is(err, onboarding.ErrIncomplete) {
				t.Errorf("%s without %s: %v", name, field, err)
				continue
			}
			f := incomplete.Findings[0]
			if len(incomplete.Findings) != 1 || f.Field != field || f.Fault != onboarding.IsMissing || f.NeededBy == "" || f.Reason == "" || f.Want == "" {
				t.Errorf("%s without %s: %+v", name, field, incomplete.Findings)
			}
		}
	}
	if n := rows(t, db); n != 0 || len(h.granted) != 0 {
		t.Errorf("refused orders left %d rows", n)
	}
}

func TestActivate_refusesWrongFormats(t *testing.T) {
	t.Parallel()
	db, h := pgtest.Tenant(t), new(hooks)
	d := h.desk(t)
	offering := published(t, db, prepaidMobile, time.Time{})
	for field, values := range map[string][]string{
		"mobile.msisdn":        {"015112345678", "+0151", "+49 151 1", "+491511234567890123"},
		"mobile.imsi":          {"26201", "2620100000000001", "26201000000000x"},
		"mobile.iccid":         {"1234", "99490200001234567890"},
		"party.email":          {"ada", "ada@", "Ada <ada@example.com>", "ada@localhost"},
		"party.phone":          {"112"},
		"address.postcode":     {"2045", "D-20457", "204577"},
		"party.birth_date":     {"10.12.1990", "2026-05-02", "1815-12-10", "1990-02-30"},
		"party.kind":           {"company"},
		"party.id_verified":    {"yes"},
		"account.cycle_months": {"2"},
		"account.anchor":       {"2027-01-01"},
		"account.credit_limit": {"5", "-1", "NaN"},
	} {
		for _, value := range values {
			order, err := place(t, db, d, onboarding.NewOrder{OfferingID: offering, Facts: with(mobileFacts(1), onboarding.Facts{field: value})})
			if err != nil {
				t.Fatal(err)
			}
			_, err = activate(t, db, d, order.ID)
			var incomplete *onboarding.IncompleteError
			if !errors.As(err, &incomplete) || incomplete.Findings[0].Field != field || incomplete.Findings[0].Fault != onboarding.IsWrong {
				t.Errorf("%s = %q: %v", field, value, err)
			}
		}
	}
}

func TestActivate_neverWhileSomethingIsMissing(t *testing.T) {
	t.Parallel()
	db, h := pgtest.Tenant(t), new(hooks)
	d := h.desk(t)
	offering := published(t, db, prepaidMobile, time.Time{})
	n := 0
	fields := slices.Sorted(maps.Keys(mobileFacts(0)))
	rapid.Check(t, func(r *rapid.T) {
		n++
		facts := mobileFacts(n)
		facts["party.phone"] = "+4930123456"
		for _, field := range rapid.SliceOfDistinct(rapid.SampledFrom(fields), rapid.ID[string]).Draw(r, "spoilt") {
			facts[field] = rapid.SampledFrom([]string{"", " ", "x", "+49", "organization"}).Draw(r, field)
		}
		order, err := place(t, db, d, onboarding.NewOrder{OfferingID: offering, Facts: facts})
		if err != nil {
			r.Fatal(err)
		}
		before, lacking := rows(t, db), missing(t, db, d, order.ID)
		_, err = activate(t, db, d, order.ID)
		if (err == nil) != (len(lacking) == 0) {
			r.Fatalf("missing %v, and activation says %v", lacking, err)
		}
		if err != nil && (!errors.Is(err, onboarding.ErrIncomplete) || rows(t, db) != before) {
			r.Fatalf("refused with %v and %d new rows", err, rows(t, db)-before)
		}
	})
}

func TestActivate_refusesAnIdentityInUse(t *testing.T) {
	t.Parallel()
	db, h := pgtest.Tenant(t), new(hooks)
	d := h.desk(t)
	offering := published(t, db, prepaidMobile, time.Time{})
	var ids []uuid.UUID
	for range 2 {
		o, err := place(t, db, d, onboarding.NewOrder{OfferingID: offering, Facts: mobileFacts(1)})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, o.ID)
	}
	if _, err := activate(t, db, d, ids...); !errors.Is(err, account.ErrIdentityInUse) {
		t.Errorf("both at once: %v", err)
	}
	if _, err := activate(t, db, d, ids[0]); err != nil {
		t.Fatal(err)
	}
	_, err := activate(t, db, d, ids[1])
	var incomplete *onboarding.IncompleteError
	if !errors.As(err, &incomplete) || len(incomplete.Findings) != 2 || incomplete.Findings[0].Field != "mobile.imsi" ||
		incomplete.Findings[1].Field != "mobile.msisdn" || incomplete.Findings[1].Fault != onboarding.IsTaken {
		t.Errorf("one after the other: %v", err)
	}
}

func TestActivate_onlyWhatIsOnSale(t *testing.T) {
	t.Parallel()
	db, h := pgtest.Tenant(t), new(hooks)
	d := h.desk(t)
	june := time.Date(2026, 6, 1, 0, 0, 0, 0, db.Zone)
	offering := published(t, db, prepaidMobile, june)
	o, err := place(t, db, d, onboarding.NewOrder{OfferingID: offering, Facts: mobileFacts(1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := activate(t, db, d, o.ID); !errors.Is(err, onboarding.ErrNotSold) || !strings.Contains(err.Error(), "2026-06-01") {
		t.Errorf("before its time: %v", err)
	}
	db.SetClock(t, june)
	if _, err := activate(t, db, d, o.ID); err != nil {
		t.Errorf("at its time: %v", err)
	}
	late, err := place(t, db, d, onboarding.NewOrder{OfferingID: offering, Facts: mobileFacts(2)})
	if err != nil {
		t.Fatal(err)
	}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := catalog.Retire(ctx, tx, offering)
		return err
	})
	if _, err := activate(t, db, d, late.ID); !errors.Is(err, onboarding.ErrNotSold) {
		t.Errorf("retired: %v", err)
	}
	if _, err := place(t, db, d, onboarding.NewOrder{OfferingID: offering}); !errors.Is(err, onboarding.ErrNotSold) {
		t.Errorf("ordered when retired: %v", err)
	}
}

func TestActivate_forAnExistingAccount(t *testing.T) {
	t.Parallel()
	db, h := pgtest.Tenant(t), new(hooks)
	d := h.desk(t)
	mobile, fixed := published(t, db, prepaidMobile, time.Time{}), published(t, db, triple, time.Time{})
	o, err := place(t, db, d, onboarding.NewOrder{OfferingID: mobile, Facts: mobileFacts(1)})
	if err != nil {
		t.Fatal(err)
	}
	done, err := activate(t, db, d, o.ID)
	if err != nil {
		t.Fatal(err)
	}
	// The party is known: only the new card's facts are wanted.
	card := onboarding.Facts{"mobile.msisdn": "+491520000002", "mobile.imsi": "262010000000002", "party.id_verified": "desk"}
	more, err := place(t, db, d, onboarding.NewOrder{OfferingID: mobile, AccountID: done[0].AccountID, Facts: card})
	if err != nil {
		t.Fatal(err)
	}
	again, err := activate(t, db, d, more.ID)
	if err != nil || *again[0].AccountID != *done[0].AccountID {
		t.Fatalf("%+v, %v", again, err)
	}
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		subscriptions, err := account.Subscriptions(ctx, tx, *done[0].AccountID)
		if err != nil || len(subscriptions) != 2 {
			t.Errorf("%d subscriptions, %v", len(subscriptions), err)
		}
		buckets, err := balance.List(ctx, tx, *done[0].AccountID)
		if err != nil || len(buckets) != 1 {
			t.Errorf("%d buckets, %v", len(buckets), err)
		}
		return nil
	})
	wrong, err := place(t, db, d, onboarding.NewOrder{OfferingID: fixed, AccountID: done[0].AccountID, Facts: tripleFacts(1)})
	if err != nil {
		t.Fatal(err)
	}
	if found := missing(t, db, d, wrong.ID); len(found) != 1 || found[0].Field != "account_id" {
		t.Errorf("a postpaid offering on a prepaid account: %v", found)
	}
}

func TestActivate_isAllOrNothing(t *testing.T) {
	t.Parallel()
	db, h := pgtest.Tenant(t), &hooks{fail: errors.New("no allowance")}
	d := h.desk(t)
	o, err := place(t, db, d, onboarding.NewOrder{OfferingID: published(t, db, prepaidMobile, time.Time{}), Facts: mobileFacts(1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := activate(t, db, d, o.ID); !errors.Is(err, h.fail) {
		t.Fatal(err)
	}
	if n := rows(t, db); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

func TestSupply_fillsUntilTheGateOpens(t *testing.T) {
	t.Parallel()
	db, h := pgtest.Tenant(t), new(hooks)
	d := h.desk(t)
	o, err := place(t, db, d, onboarding.NewOrder{OfferingID: published(t, db, triple, time.Time{})})
	if err != nil {
		t.Fatal(err)
	}
	supply := func(facts onboarding.Facts) (got onboarding.Order, err error) {
		err = db.DB.Write(t.Context(), db.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
			got, err = d.Supply(ctx, tx, o.ID, facts)
			return err
		})
		return got, err
	}
	complete := tripleFacts(1)
	for left := len(complete); left > 0; left-- {
		lacking := missing(t, db, d, o.ID)
		if len(lacking) == 0 {
			t.Fatal("nothing is missing, with facts left")
		}
		field := lacking[0].Field
		got, err := supply(onboarding.Facts{field: complete[field]})
		if err != nil {
			t.Fatal(err)
		}
		if field == "internet.password" && got.Facts[field] != onboarding.Hidden {
			t.Errorf("the password is shown as %q", got.Facts[field])
		}
	}
	var stored string
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select facts::text from product_order`).Scan(&stored)
	})
	if strings.Contains(stored, complete["internet.password"]) {
		t.Error("the password is stored in clear")
	}
	for field, value := range map[string]string{"mobile.msidsn": "+49", "internet.password": "short"} {
		_, err := supply(onboarding.Facts{field: value})
		var refused *onboarding.FactError
		if !errors.As(err, &refused) || refused.Findings[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := activate(t, db, d, o.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := supply(onboarding.Facts{"party.name": "Eve"}); !errors.Is(err, onboarding.ErrOrderEnded) {
		t.Errorf("supplied to a completed order: %v", err)
	}
}

func TestCancel_endsAnOrder(t *testing.T) {
	t.Parallel()
	db, h := pgtest.Tenant(t), new(hooks)
	d := h.desk(t)
	o, err := place(t, db, d, onboarding.NewOrder{OfferingID: published(t, db, triple, time.Time{}), Facts: tripleFacts(1)})
	if err != nil {
		t.Fatal(err)
	}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error { _, err := d.Cancel(ctx, tx, o.ID); return err })
	if _, err := activate(t, db, d, o.ID); !errors.Is(err, onboarding.ErrOrderEnded) {
		t.Errorf("activated after all: %v", err)
	}
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		orders, err := d.List(ctx, tx, onboarding.Cancelled, uuid.Nil, 10)
		if err != nil || len(orders) != 1 || orders[0].Facts["internet.password"] != "" {
			t.Errorf("%+v, %v", orders, err)
		}
		return nil
	})
}

func TestActivate_aThousandAtOnce(t *testing.T) {
	t.Parallel()
	db, h := pgtest.Tenant(t), new(hooks)
	d := h.desk(t)
	offering := published(t, db, prepaidMobile, time.Time{})
	const many = 1000
	start := time.Now()
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		wanted := make([]onboarding.NewOrder, many)
		for i := range wanted {
			wanted[i] = onboarding.NewOrder{OfferingID: offering, Facts: mobileFacts(i), CreatedBy: "user:1"}
		}
		orders, err := d.Place(ctx, tx, wanted)
		if err != nil {
			return err
		}
		ids := make([]uuid.UUID, many)
		for i, o := range orders {
			ids[i] = o.ID
		}
		_, err = d.Activate(ctx, tx, ids...)
		return err
	})
	t.Logf("%d orders placed and activated in %v", many, time.Since(start))
	if len(h.granted) != many || len(h.ends) != 1 {
		t.Errorf("granted to %d, %d cycle ends", len(h.granted), len(h.ends))
	}
}

func TestRequirements_indonesiaWantsTheNIKOfPeople(t *testing.T) {
	t.Parallel()
	o, err := catalog.Parse([]byte(triple))
	if err != nil {
		t.Fatal(err)
	}
	today := calendar.Date{Year: 2026, Month: time.May, Day: 1}
	required := onboarding.Requirements(o, "ID")
	for _, c := range []struct {
		kind, document string
		want           int
	}{{"individual", "", 1}, {"individual", "C01X00T47", 1}, {"individual", "3173051012900001", 0}, {"organization", "", 0}} {
		facts := with(tripleFacts(1), onboarding.Facts{"party.kind": c.kind, "party.id_document": c.document})
		if found := onboarding.Missing(required, facts, today); len(found) != c.want {
			t.Errorf("%s with %q: %v", c.kind, c.document, found)
		}
	}
}
