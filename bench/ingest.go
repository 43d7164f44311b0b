package bench

import (
	"bytes"
	"context"
	"fmt"
	"time"

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
	var ours, copied, ratios rounds
	var last ingestTurn
	for n := range s.rounds {
		turn, err := h.ingestTurn(ctx, s, n, say)
		if err != nil {
			return Result{}, err
		}
		ours, copied = append(ours, turn.ours), append(copied, turn.copied)
		ratios, last = append(ratios, turn.ours/turn.copied), turn
		say("round %d: %.0f records/s, COPY %.0f, ratio %.2f", n+1, turn.ours, turn.copied, turn.ours/turn.copied)
	}
	r := Result{Value: ours.median(), Unit: "records/s", Goal: fmt.Sprintf("ratio >= %g", ingestGoal)}
	r.beside(copied.median())
	ratio := ratios.median() // of each round's own pair: the machine's mood falls out
	r.Ratio, r.OK = &ratio, ratio >= ingestGoal
	r.Note = fmt.Sprintf("%d records in %d files, %d subscribers, %d transactions; medians of %d rounds in turns, of each round its own ratio: ours %s, COPY %s, ratio %s; "+
		"of COPY's time the key table takes %.2f us and %d bytes an event",
		s.records, len(streams), s.subscribers, last.transactions, s.rounds, ours.spread(), copied.spread(), ratios.spread(), last.keys.Micros, last.keys.Bytes)
	return r, nil
}

// ingestTurn is one round: records/s of ours and of COPY, in how many
// transactions, and what the key table costs.
type ingestTurn struct {
	ours, copied float64
	transactions int
	keys         baseline.Cost
}

func (h *house) ingestTurn(ctx context.Context, s scale, n int, say reporter) (ingestTurn, error) {
	say("round %d: connecting %d subscribers", n+1, s.subscribers)
	h.clock.set(h.month.from)
	stack, err := h.operator(ctx)
	if err != nil {
		return ingestTurn{}, err
	}
	if err := mixedSubscribers(ctx, stack, s.subscribers); err != nil {
		return ingestTurn{}, err
	}
	h.clock.set(h.month.to.Add(-time.Hour))
	conn, err := h.admin(ctx)
	if err != nil {
		return ingestTurn{}, err
	}
	if err := settle(ctx, conn); err != nil {
		return ingestTurn{}, err
	}
	say("round %d: ingesting", n+1)
	took, err := h.receive(ctx, stack, uint64(n), s.records, s.subscribers)
	if err != nil {
		return ingestTurn{}, err
	}
	say("round %d: copying", n+1)
	rows, err := baseline.Read(ctx, conn, stack.Ref.Slot.Schema())
	if err != nil {
		return ingestTurn{}, err
	}
	if err := settle(ctx, conn); err != nil {
		return ingestTurn{}, err
	}
	copying, err := rows.Copy(ctx, conn, fmt.Sprintf("baseline_%d", n))
	if err != nil {
		return ingestTurn{}, err
	}
	return ingestTurn{perSecond(s.records, took), perSecond(s.records, copying), rows.Transactions(), rows.KeyCost(s.records)}, nil
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

// receive takes in one file of each stream and says how long it took until
// every record was charged. A record that was not is an error: the fixture
// would not be what it says.
func (h *house) receive(ctx context.Context, stack *billing.Stack, seed uint64, records, subscribers int) (time.Duration, error) {
	var took time.Duration
	left := records
	for i, s := range streams {
		count := records * s.percent / 100
		if i == len(streams)-1 {
			count = left
		}
		left -= count
		one, err := h.receiveStream(ctx, stack, s, s.file(h.month, seed, count, subscribers), count)
		if err != nil {
			return 0, fmt.Errorf("file of stream %s: %w", s.name, err)
		}
		took += one
	}
	return took, nil
}

func (h *house) receiveStream(ctx context.Context, stack *billing.Stack, s stream, text []byte, count int) (time.Duration, error) {
	feed, err := h.declare(ctx, stack, s)
	if err != nil {
		return 0, err
	}
	return h.hand(ctx, stack, feed, text, count)
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
