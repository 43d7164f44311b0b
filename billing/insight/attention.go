package insight

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// Topic is what something is about that waits for a person.
type Topic string

// Topics.
const (
	InSuspense     Topic = "suspense"        // of a reason
	FailedWork     Topic = "failed_work"     // agenda items of a kind that were tried too often
	FailedBills    Topic = "failed_bills"    // accounts that a bill run could not close
	FailedFiles    Topic = "failed_files"    // usage files that are not what their source says
	KeptMoney      Topic = "kept_money"      // paid by accounts that owe, and not used for it
	ParkedWebhooks Topic = "parked_webhooks" // of a card provider
	ImportFindings Topic = "import_findings" // faults of an import that is not committed
	DeadEndpoints  Topic = "dead_endpoints"  // of webhooks, disabled as nothing arrived
)

// maxTopicEntries bounds how many entries of one topic are told.
const maxTopicEntries = 20

// Waiting is something that a person has to look at.
type Waiting struct {
	Topic  Topic
	Name   string // the reason, the kind of work, the run's day, the file's or import's name
	ID     string // of the run, file or import; empty where Name says all
	Count  int64
	Amount money.Decimal // zero where no money is known
	Since  time.Time     // business time
	Detail string        // what was said when it failed
}

var topics = []struct {
	topic Topic
	query string
}{
	{InSuspense, `select reason, '', count(*), 0::numeric, min(created_at), '' from suspense where state = 'waiting' group by reason`},
	{FailedWork, `select kind, '', count(*), 0::numeric, min(due_at), (array_agg(last_error order by due_at desc))[1] from agenda where state = 'failed' group by kind`},
	{FailedBills, `select r.cycle_end::text, r.id::text, count(*), 0::numeric, min(f.at), (array_agg(f.reason order by f.at))[1]
		from bill_run_failure f join bill_run r on r.id = f.run_id where f.resolved_at is null group by r.id, r.cycle_end`},
	{FailedFiles, `select name, id::text, 1, 0::numeric, received_at, error from usage_file where state <> 'done' and state = 'failed'`},
	// payment_unapplied holds the few payments that have something left
	{KeptMoney, `select currency, '', count(*), sum(unapplied), min(received_at), '' from payment p
		where unapplied > 0 and exists (select from open_item o where o.account_id = p.account_id and o.open > 0) group by currency`},
	{ParkedWebhooks, `select provider, '', count(*), 0::numeric, min(received_at), (array_agg(reason order by received_at desc))[1]
		from webhook_in where state in ('received', 'parked') and state = 'parked' group by provider`},
	{ImportFindings, `select name, id::text, findings, 0::numeric, created_at, failure from intake_batch where state in ('draft', 'checked', 'committing') and findings > 0`},
	{DeadEndpoints, `select url, id::text, 1, 0::numeric, changed_at, reason from webhook_endpoint where state = 'disabled'`},
}

// NeedsPerson lists what waits for a person of the given topics: what money
// hangs on first, then what waits longest.
func NeedsPerson(ctx context.Context, tx tenant.Tx, wanted ...Topic) ([]Waiting, error) {
	var list []Waiting
	for _, t := range topics {
		if !slices.Contains(wanted, t.topic) {
			continue
		}
		rows, err := tx.Query(ctx, t.query+` order by 5 limit `+strconv.Itoa(maxTopicEntries))
		if err != nil {
			return nil, fmt.Errorf("look for %s: %w", t.topic, err)
		}
		found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Waiting, error) {
			w := Waiting{Topic: t.topic}
			err := row.Scan(&w.Name, &w.ID, &w.Count, &w.Amount, &w.Since, &w.Detail)
			w.Since = w.Since.UTC()
			return w, err
		})
		if err != nil {
			return nil, fmt.Errorf("look for %s: %w", t.topic, err)
		}
		list = append(list, found...)
	}
	slices.SortStableFunc(list, func(a, b Waiting) int { return cmp.Or(b.Amount.Cmp(a.Amount), a.Since.Compare(b.Since)) })
	return list, nil
}

// Group is what waits in suspense for one reason.
type Group struct {
	Reason usage.Reason
	Count  int64
	Since  time.Time
	Last   time.Time
	Detail string // of the latest
}

// Suspense tells what waits, by reason, the most first.
func Suspense(ctx context.Context, tx tenant.Tx) ([]Group, error) {
	rows, err := tx.Query(ctx, `
		select reason, count(*), min(created_at), max(created_at), (array_agg(detail order by created_at desc, id desc))[1]
		  from suspense where state = 'waiting' group by reason order by 2 desc, 1`)
	if err != nil {
		return nil, fmt.Errorf("read suspense by reason: %w", err)
	}
	groups, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (g Group, err error) {
		err = row.Scan(&g.Reason, &g.Count, &g.Since, &g.Last, &g.Detail)
		return g, err
	})
	if err != nil {
		return nil, fmt.Errorf("read suspense by reason: %w", err)
	}
	return groups, nil
}
