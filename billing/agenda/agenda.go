package agenda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Kind says what is to be done. Package billing knows how.
type Kind string

// Kinds of work.
const (
	BillRun      Kind = "bill_run"      // close the cycles that end on a day
	CycleStart   Kind = "cycle_start"   // prepaid renewals and allowances of a new cycle
	Renewal      Kind = "renewal"       // prepaid prices by the day or week
	PartsDue     Kind = "parts_due"     // options that begin or end on a day
	Migration    Kind = "migration"     // notices and changes of a planned migration
	BucketExpiry Kind = "bucket_expiry" // end buckets whose validity is over
	UsageFile    Kind = "usage_file"    // ingest a received file
	Webhook      Kind = "webhook"       // work off a stored webhook
	Refund       Kind = "refund"        // ask the provider to pay back
	Notice       Kind = "notice"        // send a message
	TellBills    Kind = "tell_bills"    // mail the bills of a run
	News         Kind = "news"          // tell accounts of what is offered
	Intake       Kind = "intake"        // store a portion of an import batch
	Trial        Kind = "trial"         // price past usage under a draft
	Rerating     Kind = "rerating"      // price charges again, or apply or undo that
	SessionSweep Kind = "session_sweep" // close charging sessions that fell silent, forget those long closed
	SessionTell  Kind = "session_tell"  // tell the network about a charging session
	PromotionDay Kind = "promotion_day" // birthdays and anniversaries of a local day
	LateDay      Kind = "late_day"      // fees and interest for what is late on a local day

	DepositReview Kind = "deposit_review" // give a deposit back after months of paying on time

	VoucherExpiry  Kind = "voucher_expiry"  // end a batch's vouchers that nobody redeemed
	AutoPay        Kind = "auto_pay"        // charge a stored card for what falls due
	StoredCard     Kind = "stored_card"     // ask the provider about a stored card, or have it removed there
	ProviderPoll   Kind = "provider_poll"   // ask a redirect provider about a payment whose callback has not come
	AutoTopUp      Kind = "auto_top_up"     // charge a stored method for an account's balance
	PointsEarned   Kind = "points_earned"   // give an account the points that it has earned
	Alert          Kind = "alert"           // tell, slow, cut or offer where a threshold was crossed
	ExpiryReminder Kind = "expiry_reminder" // tell of what expires soon

	WebhookOut Kind = "webhook_out" // tell programs of others
	ReportMail Kind = "report_mail" // a scheduled report goes out
	AccessTurn Kind = "access_turn" // a hold of an account begins or ends by itself
	AccessTell Kind = "access_tell" // tell the network what a service may do
	DunningDay Kind = "dunning_day" // review what is overdue on a local day
	Dunning    Kind = "dunning"     // review an account whose open items have changed
)

// Lane keeps quick work from waiting behind long work. Lanes of one tenant run
// side by side; inside a lane order holds.
type Lane string

// Lanes.
const (
	Cycles   Lane = "cycles"
	Files    Lane = "files"
	Payments Lane = "payments"
	Messages Lane = "messages"
	Replays  Lane = "replays"
	Sessions Lane = "sessions"
	Programs Lane = "programs" // of others: they may be slow

	Collection Lane = "collection"
	Reviews    Lane = "reviews" // of single accounts: a payment waits for no day's review
	Access     Lane = "access"
)

// Lanes lists all lanes.
var Lanes = []Lane{Cycles, Files, Payments, Messages, Sessions, Replays, Programs, Collection, Reviews, Access}

var kindsOf = map[Lane][]string{
	Cycles:   {string(BillRun), string(CycleStart), string(Renewal), string(PartsDue), string(Migration), string(BucketExpiry), string(Intake), string(VoucherExpiry), string(PointsEarned), string(PromotionDay), string(LateDay), string(DepositReview)}, // no run begins between two portions of an import
	Files:    {string(UsageFile)},
	Sessions: {string(SessionSweep), string(SessionTell)},
	Payments: {string(Webhook), string(Refund), string(AutoTopUp), string(AutoPay), string(StoredCard), string(ProviderPoll)},
	Messages: {string(TellBills), string(News), string(Notice), string(Alert), string(ExpiryReminder)},
	Replays:  {string(Trial), string(Rerating), string(ReportMail)},
	Programs: {string(WebhookOut)},

	Collection: {string(DunningDay)},
	Reviews:    {string(Dunning), string(AccessTurn)},
	Access:     {string(AccessTell)},
}

// MaxAttempts is how often an item is worked before it counts as failed. With
// the queue's growing pauses that is some minutes: an outage of a provider
// should pass by itself.
const MaxAttempts = 12

// ErrKind means that a kind belongs to no lane.
var ErrKind = errors.New("unknown kind of agenda item")

// Item is one thing that falls due.
type Item struct {
	ID       uuid.UUID
	Kind     Kind
	Ref      uuid.UUID // what it is about
	DueAt    time.Time // business time
	Detail   any       // stored as JSON
	Attempts int
	raw      json.RawMessage
}

// Read decodes the item's detail.
func (i Item) Read(into any) error {
	if err := json.Unmarshal(i.raw, into); err != nil {
		return fmt.Errorf("detail of agenda item %s: %w", i.ID, err)
	}
	return nil
}

// Add puts an item on the agenda. The same kind, reference and time again
// changes nothing.
func Add(ctx context.Context, tx tenant.Tx, item Item) error {
	if laneOf(item.Kind) == "" {
		return fmt.Errorf("%w: %q", ErrKind, item.Kind)
	}
	if item.Detail == nil {
		item.Detail = struct{}{}
	}
	detail, err := json.Marshal(item.Detail)
	if err != nil {
		return fmt.Errorf("detail of %s: %w", item.Kind, err)
	}
	tag, err := tx.Exec(ctx, `insert into agenda (id, kind, ref, detail, due_at, created_at) values ($1, $2, $3, $4, $5, $6)
		on conflict (kind, ref, due_at) do nothing`, uuid.Must(uuid.NewV7()), item.Kind, item.Ref, detail, item.DueAt, tx.At)
	if err != nil {
		return fmt.Errorf("add %s to agenda: %w", item.Kind, err)
	}
	if tag.RowsAffected() == 0 {
		return nil
	}
	return tx.Wake(ctx, item.DueAt)
}

// Again puts an item on the agenda, due now and from its beginning, although
// the same one was worked before.
func Again(ctx context.Context, tx tenant.Tx, kind Kind, ref uuid.UUID, detail any) error {
	if detail == nil {
		detail = struct{}{}
	}
	text, err := json.Marshal(detail)
	if err != nil {
		return fmt.Errorf("detail of %s: %w", kind, err)
	}
	tag, err := tx.Exec(ctx, `update agenda set state = 'due', attempts = 0, last_error = '', done_at = null, detail = $4
		where kind = $1 and ref = $2 and due_at = $3`, kind, ref, tx.At, text)
	if err != nil {
		return fmt.Errorf("put %s on the agenda again: %w", kind, err)
	}
	if tag.RowsAffected() > 0 {
		return tx.Wake(ctx, tx.At)
	}
	return Add(ctx, tx, Item{Kind: kind, Ref: ref, DueAt: tx.At, Detail: detail})
}

func laneOf(kind Kind) Lane {
	for lane, kinds := range kindsOf {
		for _, k := range kinds {
			if k == string(kind) {
				return lane
			}
		}
	}
	return ""
}

// First is the earliest item of a lane that is due at the transaction's
// business time, if there is one.
func First(ctx context.Context, tx tenant.Tx, lane Lane) (Item, bool, error) {
	var item Item
	// agenda_due gives the order
	err := tx.QueryRow(ctx, `select id, kind, ref, due_at, detail, attempts from agenda
		where state = 'due' and due_at <= $1 and kind = any($2) order by due_at, id limit 1`, tx.At, kindsOf[lane]).
		Scan(&item.ID, &item.Kind, &item.Ref, &item.DueAt, &item.raw, &item.Attempts)
	if errors.Is(err, pgx.ErrNoRows) {
		return Item{}, false, nil
	}
	return item, err == nil, err
}

// Next is when the tenant has work next; zero when none is on the agenda.
func Next(ctx context.Context, tx tenant.Tx) (time.Time, error) {
	var at *time.Time
	if err := tx.QueryRow(ctx, `select min(due_at) from agenda where state = 'due'`).Scan(&at); err != nil || at == nil {
		return time.Time{}, err
	}
	return at.UTC(), nil
}

// DueLanes lists the lanes that have work due now.
func DueLanes(ctx context.Context, tx tenant.Tx) ([]Lane, error) {
	rows, err := tx.Query(ctx, `select distinct kind from agenda where state = 'due' and due_at <= $1`, tx.At)
	if err != nil {
		return nil, err
	}
	kinds, err := pgx.CollectRows(rows, pgx.RowTo[Kind])
	if err != nil {
		return nil, err
	}
	var lanes []Lane
	for _, lane := range Lanes {
		for _, kind := range kinds {
			if laneOf(kind) == lane {
				lanes = append(lanes, lane)
				break
			}
		}
	}
	return lanes, nil
}

// Done marks an item as worked.
func Done(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
	_, err := tx.Exec(ctx, `update agenda set state = 'done', done_at = $2, last_error = '' where id = $1 and state = 'due'`, id, tx.At)
	return err
}

// Keep stores how far an item's work has come, for its next portion.
func Keep(ctx context.Context, tx tenant.Tx, id uuid.UUID, detail any) error {
	text, err := json.Marshal(detail)
	if err != nil {
		return fmt.Errorf("detail of agenda item %s: %w", id, err)
	}
	_, err = tx.Exec(ctx, `update agenda set detail = $2 where id = $1`, id, text)
	return err
}

// Failed notes an attempt that failed. After MaxAttempts the item waits for a
// person; failed says so.
func Failed(ctx context.Context, tx tenant.Tx, id uuid.UUID, cause error) (failed bool, err error) {
	err = tx.QueryRow(ctx, `update agenda set attempts = attempts + 1, last_error = $2,
		state = case when attempts + 1 >= $3 then 'failed' else state end where id = $1 and state = 'due'
		returning state = 'failed'`, id, cause.Error(), MaxAttempts).Scan(&failed)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return failed, err
}

// Retry puts failed items of a kind back to be worked at once.
func Retry(ctx context.Context, tx tenant.Tx, kind Kind) (int64, error) {
	tag, err := tx.Exec(ctx, `update agenda set state = 'due', attempts = 0 where kind = $1 and state = 'failed'`, kind)
	if err != nil || tag.RowsAffected() == 0 {
		return 0, err
	}
	return tag.RowsAffected(), tx.Wake(ctx, tx.At)
}

// AddFor puts the same kind of work on the agenda for many references at one
// instant, with one statement. What was done at that instant already is to be
// done again: a sandbox's clock stands still between two uses.
func AddFor(ctx context.Context, tx tenant.Tx, kind Kind, dueAt time.Time, refs []uuid.UUID) error {
	if len(refs) == 0 {
		return nil
	}
	if laneOf(kind) == "" {
		return fmt.Errorf("%w: %q", ErrKind, kind)
	}
	ids := make([]uuid.UUID, len(refs))
	for i := range ids {
		ids[i] = uuid.Must(uuid.NewV7())
	}
	tag, err := tx.Exec(ctx, `insert into agenda (id, kind, ref, due_at, created_at)
		select n.id, $1, n.ref, $2, $3 from unnest($4::uuid[], $5::uuid[]) as n (id, ref) order by n.ref
		on conflict (kind, ref, due_at) do update
		   set state = 'due', attempts = 0, last_error = '', done_at = null, detail = excluded.detail
		 where agenda.state = 'done'`, kind, dueAt, tx.At, ids, refs)
	if err != nil {
		return fmt.Errorf("add %s to agenda: %w", kind, err)
	}
	if tag.RowsAffected() == 0 {
		return nil
	}
	return tx.Wake(ctx, dueAt)
}
