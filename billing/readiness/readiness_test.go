package readiness_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/readiness"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

type world struct {
	*pgtest.TenantDB
	t     testing.TB
	plans map[string]uuid.UUID
}

// newWorld has n accounts whose cycles end on the first of June, in order.
func newWorld(t testing.TB, n int) *world {
	t.Helper()
	w := &world{TenantDB: pgtest.Tenant(t), t: t, plans: map[string]uuid.UUID{}}
	w.SetClock(t, time.Date(2026, 5, 14, 9, 0, 0, 0, w.Zone))
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		for _, code := range []string{"hanse-postpaid-flex", "nord-home"} {
			text, err := os.ReadFile("../../docs/samples/offerings/" + code + ".yaml")
			if err != nil {
				return err
			}
			offering, err := catalog.Parse(text)
			if err != nil {
				return err
			}
			draft, err := catalog.SaveDraft(ctx, tx, offering)
			if err != nil {
				return err
			}
			w.plans[code] = draft.ID
			if _, err := catalog.Publish(ctx, tx, draft.ID, tx.At); err != nil {
				return err
			}
		}
		return w.connect(ctx, tx, n)
	})
	w.admin(`insert into number_series (legal_entity, document, year, next, last_issue) values ($1, 'bill', 2026, 7, '2026-05-01')`, w.LegalEntity)
	return w
}

func (w *world) connect(ctx context.Context, tx tenant.Tx, n int) error {
	parties := make([]account.Party, n)
	for i := range parties {
		parties[i] = account.Party{Kind: account.Individual, Name: fmt.Sprint("Ada ", i), Email: fmt.Sprintf("a%d@post.example", i),
			Address: account.Address{Street: "Weg 1", Postcode: "24937", City: "Flensburg", Country: "DE"}}
	}
	parties, err := account.AddParties(ctx, tx, parties)
	if err != nil {
		return err
	}
	wanted := make([]account.NewAccount, n)
	for i := range wanted {
		wanted[i] = account.NewAccount{PartyID: parties[i].ID, Kind: account.Postpaid, Anchor: calendar.Date{Year: 2026, Month: 1, Day: 1}}
	}
	opened, err := account.Open(ctx, tx, wanted)
	if err != nil {
		return err
	}
	subscriptions := make([]account.NewSubscription, n)
	for i := range subscriptions {
		plan := []string{"hanse-postpaid-flex", "nord-home"}[i%2]
		subscriptions[i] = account.NewSubscription{AccountID: opened[i].ID, OfferingID: w.plans[plan], Services: []account.NewService{{
			Kind: account.Mobile, Identities: []account.Identity{{Kind: account.MSISDN, Value: fmt.Sprintf("+49157%08d", i)}}}}}
	}
	made, err := account.Subscribe(ctx, tx, subscriptions)
	if err != nil {
		return err
	}
	ids := make([]uuid.UUID, n)
	for i := range made {
		ids[i] = made[i].ID
	}
	return account.Activate(ctx, tx, ids...)
}

// admin changes what no command can: the world gets old, or breaks.
func (w *world) admin(sql string, args ...any) {
	w.t.Helper()
	config, err := pgx.ParseConfig(w.Server.AdminURL(w.Database))
	if err != nil {
		w.t.Fatal(err)
	}
	config.RuntimeParams["search_path"] = w.Ref.Slot.Schema() + ", pg_catalog"
	conn, err := pgx.ConnectConfig(w.t.Context(), config)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(w.t.Context())) }()
	if _, err := conn.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
}

func (w *world) look(day string) (r readiness.Report) {
	w.t.Helper()
	var of calendar.Date
	if day != "" {
		var err error
		if of, err = calendar.ParseDate(day); err != nil {
			w.t.Fatal(err)
		}
	}
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		r, err = readiness.Check(ctx, tx, bill.Closer{}, of)
		return err
	})
	return r
}

func TestCheck_aSoundOperatorIsReady(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 6)
	r := w.look("")
	if !r.Ready() || len(r.Findings) != 0 || r.Accounts != 6 || r.Previewed != 6 || r.Day.String() != "2026-06-01" {
		t.Errorf("%+v", r)
	}
}

// Each thing that would break the run is named, with how many it concerns.
func TestCheck_namesWhatWouldBreak(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil    []string
		code     readiness.Code
		severity readiness.Severity
		count    int64
		value    [2]string
	}{
		"no tax rate from the next cycle on": {[]string{`update tax_rate set valid_to = '2026-06-10'`},
			readiness.NoTaxRate, readiness.Stops, 3, [2]string{"day", "2026-06-10"}},
		"a category without any rate": {[]string{`update offering_version set document = jsonb_set(document, '{tax,category}', '"odd"') where code = 'nord-home'`},
			readiness.NoTaxRate, readiness.Stops, 3, [2]string{"category", "odd"}},
		"an offering with faults": {[]string{`update offering_version set document = jsonb_set(document, '{usage,0,rules}', (document -> 'usage' -> 0 -> 'rules') - 2) where code = 'nord-home'`},
			readiness.NotClean, readiness.Wrong, 3, [2]string{"offering", "nord-home"}},
		"a draft that was sold": {[]string{`update offering_version set state = 'draft' where code = 'nord-home'`},
			readiness.NoOffering, readiness.Stops, 3, [2]string{"offering", "nord-home"}},
		"another currency": {[]string{`update offering_version set currency = 'USD' where code = 'nord-home'`},
			readiness.OtherCurrency, readiness.Stops, 3, [2]string{"currency", "USD"}},
		"prices without tax among those with": {[]string{`update offering_version set document = jsonb_set(document, '{tax,included}', 'false') where code = 'nord-home'`},
			readiness.MixedBasis, readiness.Stops, 3, [2]string{"version", "1"}},
		"a party without a street": {[]string{`update party set address = address - 'street' where name in ('Ada 1', 'Ada 2')`},
			readiness.NoAddress, readiness.Wrong, 2, [2]string{}},
		"nobody to send to": {[]string{`update party set email = '' where name = 'Ada 1'`},
			readiness.NobodyToSendTo, readiness.Look, 1, [2]string{}},
		"a seller without tax id": {[]string{`update legal_entity set tax_id = ''`},
			readiness.SellerLacks, readiness.Wrong, 6, [2]string{"fields", "tax_id"}},
		"usage below zero": {[]string{`update billing_account set unbilled = -5 where id = (select min(id::text)::uuid from billing_account)`},
			readiness.NegativeUsage, readiness.Look, 1, [2]string{}},
		"work that failed": {[]string{`insert into agenda (id, kind, ref, due_at, state, last_error, created_at) values (gen_random_uuid(), 'bill_run', gen_random_uuid(), now(), 'failed', 'no disk', now())`},
			readiness.AgendaFailed, readiness.Stops, 1, [2]string{"error", "no disk"}},
		"numbers that would begin at 1": {[]string{`delete from number_series`},
			readiness.SeriesNotSet, readiness.Look, 6, [2]string{"document", "bill"}},
		"a cycle nobody closed": {[]string{`update billing_account set cycle_start = '2026-04-01', cycle_end = '2026-05-01' where id = (select min(id::text)::uuid from billing_account)`},
			readiness.CyclesOverdue, readiness.Stops, 1, [2]string{"since", "2026-05-01"}},
		"suspense of the cycle": {[]string{
			`insert into usage_source (id, name, mapping, created_at) values ('00000000-0000-7000-8000-000000000001', 'switch', '{}', '2026-01-01')`,
			`insert into suspense (id, source_id, reason, record, state, created_at) select gen_random_uuid(), '00000000-0000-7000-8000-000000000001', 'unknown_subscriber',
				'{"end": "2026-05-03T10:00:00Z", "unit": "second", "quantity": 60}', 'waiting', '2026-05-04' from generate_series(1, 3)`,
			`insert into suspense (id, source_id, reason, state, created_at) values (gen_random_uuid(), '00000000-0000-7000-8000-000000000001', 'bad_number', 'waiting', '2026-03-04')`},
			readiness.SuspenseWaiting, readiness.Wrong, 3, [2]string{"quantity", "180"}},
		"a source that has gone silent": {[]string{
			`insert into usage_source (id, name, mapping, created_at) values ('00000000-0000-7000-8000-000000000001', 'switch', '{}', '2026-01-01')`,
			`insert into usage_file (id, source_id, name, digest, size_bytes, state, received_at)
				select gen_random_uuid(), '00000000-0000-7000-8000-000000000001', 'f' || n, sha256(n::text::bytea), 1, 'done', timestamptz '2026-05-01' + n * interval '6 hours'
				from generate_series(1, 20) n`},
			readiness.SourceSilent, readiness.Look, 1, [2]string{"usual", "6h0m0s"}},
	} {
		w := newWorld(t, 6)
		for _, statement := range c.spoil {
			w.admin(statement)
		}
		r := w.look("2026-06-01")
		at := slices.IndexFunc(r.Findings, func(f readiness.Finding) bool { return f.Code == c.code })
		if at < 0 {
			t.Errorf("%s: %+v", name, r.Findings)
			continue
		}
		f := r.Findings[at]
		if f.Severity != c.severity || f.Count != c.count || len(f.Examples) == 0 || f.Values[c.value[0]] != c.value[1] {
			t.Errorf("%s: %+v", name, f)
		}
		if (f.Severity == readiness.Look) != r.Ready() && len(r.Findings) == 1 {
			t.Errorf("%s: ready is %v", name, r.Ready())
		}
	}
}

// 20,000 accounts of one day are looked at in a moment; ten times as many were
// measured to take ten times that.
func TestCheck_manyAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 20_000)
	begun := time.Now()
	r := w.look("")
	took := time.Since(begun)
	t.Logf("%d accounts in %v", r.Accounts, took)
	if !r.Ready() || r.Accounts != 20_000 || took > 5*time.Second {
		t.Errorf("%v: %+v", took, r)
	}
}
