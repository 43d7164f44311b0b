package catalog_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/catalog"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const plain = `
code: plain
names: {en: Plain, id: Polos}
billing: postpaid
services: [internet]
currency: EUR
tax: {category: standard, included: true}
prices: {recurring: [{code: fee, names: {en: Fee}, amount: "20.00", months: 1, timing: advance, prorate: day}]}
usage: [{code: data, names: {en: Data}, kind: data, rules: [{code: any, destinations: ["*"], price: 0.10, per: 1 GB}]}]
`

func parse(t *testing.T, text string) catalog.Offering {
	t.Helper()
	o, err := catalog.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// published saves and publishes o from an instant on.
func published(t *testing.T, d *pgtest.TenantDB, o catalog.Offering, from time.Time) catalog.Version {
	t.Helper()
	var v catalog.Version
	d.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		if v, err = catalog.SaveDraft(ctx, tx, o); err != nil {
			return err
		}
		v, err = catalog.Publish(ctx, tx, v.ID, from)
		return err
	})
	return v
}

// refused runs fn and wants its error.
func refused(t *testing.T, d *pgtest.TenantDB, want error, fn func(ctx context.Context, tx tenant.Tx) error) {
	t.Helper()
	if err := d.DB.Write(context.Background(), d.Ref, fn); !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

func TestPublish_versionsNeverChange(t *testing.T) {
	d := pgtest.Tenant(t)
	o := parse(t, plain)
	first := published(t, d, o, time.Time{})
	if first.Number != 1 || first.State != catalog.Published || first.PublishedAt == nil || first.Names.In("id") != "Polos" {
		t.Errorf("got %+v", first)
	}
	refused(t, d, catalog.ErrPublished, func(ctx context.Context, tx tenant.Tx) error {
		_, err := catalog.Publish(ctx, tx, first.ID, time.Time{})
		return err
	})
	o.Names = catalog.Names{"en": "Plainer"}
	second := published(t, d, o, first.AvailableFrom.Add(24*time.Hour))
	if second.Number != 2 || second.ID == first.ID {
		t.Errorf("got %+v", second)
	}
	d.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		sold, err := catalog.LoadVersion(ctx, tx, first.ID)
		if err != nil || sold.Names["en"] != "Plain" {
			t.Errorf("the sold version became %v, %v", sold.Names, err)
		}
		for at, want := range map[time.Time]int{tx.At: 1, tx.At.Add(24 * time.Hour): 2} {
			if s, err := catalog.Current(ctx, tx, "plain", at); err != nil || s.Number != want {
				t.Errorf("at %s version %d is sold, %v", at, s.Number, err)
			}
			if list, err := catalog.OnSale(ctx, tx, at); err != nil || len(list) != 1 || list[0].Number != want {
				t.Errorf("at %s on sale: %v, %v", at, list, err)
			}
		}
		return nil
	})
}

func TestPublish_refusals(t *testing.T) {
	d := pgtest.Tenant(t)
	faulty := parse(t, plain)
	faulty.Usage[0].Rules[0].Destinations = []string{"nowhere"}
	var draft catalog.Version
	d.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		draft, err = catalog.SaveDraft(ctx, tx, faulty)
		return err
	})
	err := d.DB.Write(context.Background(), d.Ref, func(ctx context.Context, tx tenant.Tx) error {
		_, err := catalog.Publish(ctx, tx, draft.ID, time.Time{})
		return err
	})
	var unclean *catalog.NotCleanError
	if !errors.Is(err, catalog.ErrNotClean) || !errors.As(err, &unclean) || unclean.Findings[0].Path != "usage[0].rules[0].destinations[0]" {
		t.Errorf("got %v", err)
	}
	refused(t, d, catalog.ErrNotFound, func(ctx context.Context, tx tenant.Tx) error {
		_, err := catalog.Publish(ctx, tx, uuid.Must(uuid.NewV7()), time.Time{})
		return err
	})
	refused(t, d, catalog.ErrNotPublished, func(ctx context.Context, tx tenant.Tx) error {
		_, err := catalog.Retire(ctx, tx, draft.ID)
		return err
	})
	v := published(t, d, parse(t, plain), time.Time{})
	refused(t, d, catalog.ErrSuperseded, func(ctx context.Context, tx tenant.Tx) error {
		draft, err := catalog.SaveDraft(ctx, tx, parse(t, plain))
		if err != nil {
			return err
		}
		_, err = catalog.Publish(ctx, tx, draft.ID, v.AvailableFrom.Add(-time.Hour))
		return err
	})
}

func TestSaveDraft_replacesTheDraft(t *testing.T) {
	d := pgtest.Tenant(t)
	o := parse(t, plain)
	var ids []uuid.UUID
	for range 2 {
		d.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			v, err := catalog.SaveDraft(ctx, tx, o)
			ids = append(ids, v.ID)
			return err
		})
	}
	if ids[0] != ids[1] {
		t.Error("a second draft was made")
	}
	refused(t, d, catalog.ErrNotFound, func(ctx context.Context, tx tenant.Tx) error {
		_, err := catalog.Get(ctx, tx, uuid.Must(uuid.NewV7()))
		return err
	})
}

func TestEpoch_risesWithEveryPublication(t *testing.T) {
	d := pgtest.Tenant(t)
	epoch := func() (n int64) {
		d.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
			n, err = catalog.Epoch(ctx, tx)
			return err
		})
		return n
	}
	before := epoch()
	v := published(t, d, parse(t, plain), time.Time{})
	if got := epoch(); got != before+1 {
		t.Errorf("epoch %d after %d", got, before)
	}
	d.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := catalog.Retire(ctx, tx, v.ID)
		return err
	})
	if got := epoch(); got != before+2 {
		t.Errorf("epoch %d after %d and a retirement", got, before)
	}
	refused(t, d, catalog.ErrNotFound, func(ctx context.Context, tx tenant.Tx) error {
		_, err := catalog.Current(ctx, tx, "plain", tx.At)
		return err
	})
}

func TestList_pages(t *testing.T) {
	d := pgtest.Tenant(t)
	for _, code := range []string{"a", "b", "c"} {
		o := parse(t, plain)
		o.Code = code
		published(t, d, o, time.Time{})
		d.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			_, err := catalog.SaveDraft(ctx, tx, o)
			return err
		})
	}
	d.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		var got string
		q := catalog.Query{Limit: 4}
		for page, err := catalog.List(ctx, tx, q); len(page) > 0; page, err = catalog.List(ctx, tx, q) {
			if err != nil {
				return err
			}
			for _, v := range page {
				got += v.Code + string('0'+rune(v.Number)) + " "
				q.AfterCode, q.AfterNumber = v.Code, v.Number
			}
		}
		if got != "a1 a2 b1 b2 c1 c2 " {
			t.Errorf("got %s", got)
		}
		drafts, err := catalog.List(ctx, tx, catalog.Query{Code: "b", State: catalog.Draft})
		if err != nil || len(drafts) != 1 || drafts[0].Number != 2 {
			t.Errorf("drafts of b: %v, %v", drafts, err)
		}
		return nil
	})
}

func TestStored_exportsWhatWasImported(t *testing.T) {
	d := pgtest.Tenant(t)
	o := parse(t, plain)
	want, err := o.YAML()
	if err != nil {
		t.Fatal(err)
	}
	v := published(t, d, o, time.Time{})
	d.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		stored, err := catalog.LoadVersion(ctx, tx, v.ID)
		if err != nil {
			return err
		}
		got, err := stored.YAML()
		if string(got) != string(want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		return err
	})
}
