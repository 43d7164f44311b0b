package bench

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/bench/baseline"
	"tollhouse/billing"
	"tollhouse/billing/agenda"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// ingestGoal is the least ratio to COPY.
const ingestGoal = 0.6

// ingest measures usage files from their first byte to the last commit:
// received, read, accepted once, rated, charged, posted. The baseline copies
// the rows that this left into empty tables. Both are taken in turns, each turn
// with an operator of its own whose tables are empty.
func ingest(ctx context.Context, s scale, say reporter) (Result, error) {
	h, err := openHouse(ctx)
	if err != nil {
		return Result{}, err
	}
	defer h.close()
	return h.ingestRounds(ctx, s, say, ingestGoal, func(n int) (*ingestTarget, error) { return h.ingestTarget(ctx, s, say) })
}

// ingestTarget is an operator that takes in usage files.
type ingestTarget struct {
	stack *billing.Stack
	feeds []feedOf
}

func (h *house) ingestTarget(ctx context.Context, s scale, say reporter) (*ingestTarget, error) {
	say("connecting %d subscribers", s.subscribers)
	h.clock.set(h.month.from)
	stack, err := h.operator(ctx)
	if err != nil {
		return nil, err
	}
	if err := mixedSubscribers(ctx, stack, s.subscribers); err != nil {
		return nil, err
	}
	h.clock.set(h.month.to.Add(-time.Hour))
	feeds, err := h.declareAll(ctx, stack)
	return &ingestTarget{stack, feeds}, err
}

// ingestRounds takes rounds of ours and of COPY, each with the operator that
// target gives for it.
func (h *house) ingestRounds(ctx context.Context, s scale, say reporter, goal float64, target func(n int) (*ingestTarget, error)) (Result, error) {
	conn, err := h.admin(ctx)
	if err != nil {
		return Result{}, err
	}
	var ours, copied, ratios rounds
	var last ingestTurn
	for n := range s.rounds {
		t, err := target(n)
		if err != nil {
			return Result{}, err
		}
		turn, err := h.ingestTurn(ctx, conn, t, s, n)
		if err != nil {
			return Result{}, err
		}
		ours, copied = append(ours, turn.ours), append(copied, turn.copied)
		ratios, last = append(ratios, turn.ours/turn.copied), turn
		say("round %d: %.0f records/s, COPY %.0f, ratio %.2f; processor time of a record: %.1f + %.1f us", n+1, turn.ours, turn.copied, turn.ours/turn.copied, turn.own, turn.database)
	}
	r := Result{Value: ours.median(), Unit: "records/s", Goal: fmt.Sprintf("ratio >= %g", goal)}
	r.beside(copied.median())
	ratio := ratios.median() // of each round's own pair: the machine's mood falls out
	r.Ratio, r.OK = &ratio, ratio >= goal
	r.Note = fmt.Sprintf("%d records in %d files, %d subscribers, %d transactions; medians of %d rounds in turns, of each round its own ratio: ours %s, COPY %s, ratio %s; "+
		"of COPY's time the key table takes %.2f us and %d bytes an event; processor time of a record in the last round %.1f us here and %.1f us in the database",
		s.records, len(streams), s.subscribers, last.transactions, s.rounds, ours.spread(), copied.spread(), ratios.spread(), last.keys.Micros, last.keys.Bytes, last.own, last.database)
	return r, nil
}

// ingestTurn is one round: records/s of ours and of COPY, in how many
// transactions, what the key table costs, and processor time of a record.
type ingestTurn struct {
	ours, copied  float64
	transactions  int
	keys          baseline.Cost
	own, database float64
}

func (h *house) ingestTurn(ctx context.Context, conn *pgx.Conn, t *ingestTarget, s scale, n int) (turn ingestTurn, err error) {
	schema := t.stack.Ref.Slot.Schema()
	if err := settle(ctx, conn); err != nil {
		return turn, err
	}
	mark, err := baseline.SetMark(ctx, conn, schema)
	if err != nil {
		return turn, err
	}
	var took time.Duration
	if turn.own, turn.database, err = costOf(func() (float64, error) {
		took, err = h.receiveAll(ctx, t, n, s.records, s.subscribers)
		return float64(s.records), err
	}); err != nil {
		return turn, err
	}
	rows, err := baseline.Read(ctx, conn, schema, mark)
	if err != nil {
		return turn, err
	}
	if err := settle(ctx, conn); err != nil {
		return turn, err
	}
	copying, err := rows.Copy(ctx, conn, fmt.Sprintf("baseline_%d", n))
	if err != nil {
		return turn, err
	}
	turn.ours, turn.copied = perSecond(s.records, took), perSecond(s.records, copying)
	turn.transactions, turn.keys = rows.Transactions(), rows.KeyCost(s.records)
	return turn, nil
}

// mixedSubscribers connects three prepaid for every two postpaid.
func mixedSubscribers(ctx context.Context, stack *billing.Stack, n int) error {
	postpaid, err := publish(ctx, stack, postpaidOffer)
	if err != nil {
		return err
	}
	prepaid, err := publish(ctx, stack, prepaidOffer)
	if err != nil {
		return err
	}
	if _, err := connect(ctx, stack, postpaid, 0, n*2/5); err != nil {
		return err
	}
	accounts, err := connect(ctx, stack, prepaid, n*2/5, n)
	if err != nil {
		return err
	}
	return topUp(ctx, stack, accounts)
}

// receive declares the streams and takes in one file of each, and says how long
// that took.
func (h *house) receive(ctx context.Context, stack *billing.Stack, seed uint64, records, subscribers int) (time.Duration, error) {
	feeds, err := h.declareAll(ctx, stack)
	if err != nil {
		return 0, err
	}
	return h.receiveAll(ctx, &ingestTarget{stack, feeds}, int(seed), records, subscribers)
}

// receiveAll takes in one file of each stream and says how long it took until
// every record was charged. A record that was not is an error: the fixture
// would not be what it says.
func (h *house) receiveAll(ctx context.Context, t *ingestTarget, n, records, subscribers int) (time.Duration, error) {
	var took time.Duration
	left := records
	for i, f := range t.feeds {
		count := records * f.percent / 100
		if i == len(t.feeds)-1 {
			count = left
		}
		left -= count
		f.mark = fmt.Sprint(n)
		one, err := h.hand(ctx, t.stack, f.feed, f.file(h.month, uint64(n), count, subscribers), count)
		if err != nil {
			return 0, fmt.Errorf("file of stream %s: %w", f.name, err)
		}
		took += one
	}
	return took, nil
}

// declare makes the source of a stream's files.
func (h *house) declare(ctx context.Context, stack *billing.Stack, s stream) (feed usage.Feed, err error) {
	err = stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		feed, err = usage.CreateSource(ctx, tx, s.name, s.mapping())
		return err
	})
	return feed, err
}

// hand receives one file and has it charged, and tells how long that took.
func (h *house) hand(ctx context.Context, stack *billing.Stack, feed usage.Feed, text []byte, count int) (time.Duration, error) {
	began := time.Now()
	file, _, err := stack.ReceiveFile(ctx, feed.ID, feed.Name+".csv", bytes.NewReader(text))
	if err != nil {
		return 0, err
	}
	if err := h.work(ctx, stack, agenda.Files); err != nil {
		return 0, err
	}
	took := time.Since(began)
	err = stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		file, err = usage.GetFile(ctx, tx, file.ID)
		return err
	})
	if err == nil && (file.State != usage.Done || file.Counts != usage.Counts{Accepted: int64(count)}) {
		err = fmt.Errorf("%d records came to %s, %+v", count, file.State, file.Counts)
	}
	return took, err
}
