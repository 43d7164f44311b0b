package billing

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"sync"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"tollhouse/billing/bill"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// taxEngine names the account at an outside tax engine among the sealed ones.
const taxEngine = "tax_engine"

const (
	// askedAtOnce is how many questions the engine has at a time.
	askedAtOnce = 8
	// askedRounds bounds how often a command is begun again for one more answer:
	// each of its documents may need one.
	askedRounds = 12
	// silentAtMost is how many questions in a row may go without an answer: the
	// rest of a portion then fails without being asked.
	silentAtMost = 3
)

// PutTaxEngine keeps an operator's account at an outside tax engine and lets
// its word hold for bills; nil: the operator's own rates hold again.
func (s *Stack) PutTaxEngine(ctx context.Context, tx tenant.Tx, settings *tax.EngineSettings) error {
	engine := ""
	if settings != nil {
		if err := settings.Check(tx.Sandbox); err != nil {
			return err
		}
		if err := bill.ExclusiveOnly(ctx, tx); err != nil {
			return err
		}
		engine = tax.OutsideHTTP
	}
	if err := s.putSettings(ctx, tx, taxEngine, settings); err != nil {
		return err
	}
	return tax.PutEngine(ctx, tx, engine)
}

// ReadTaxEngine reads the account at the outside tax engine; nil: there is none.
func (s *Stack) ReadTaxEngine(ctx context.Context, tx tenant.Tx) (settings *tax.EngineSettings, err error) {
	found, err := s.host.readSettings(ctx, tx, taxEngine, &settings)
	if err != nil || !found {
		return nil, err
	}
	return settings, nil
}

// TryTaxEngine asks the engine what tax a fee of 10 has in the operator's own
// town, and keeps nothing.
func (s *Stack) TryTaxEngine(ctx context.Context) (sale tax.Sale, answer tax.Quote, err error) {
	var settings *tax.EngineSettings
	err = s.host.db.Read(ctx, s.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		if settings, err = s.ReadTaxEngine(ctx, tx); err != nil {
			return err
		}
		sale, err = bill.SampleSale(ctx, tx)
		return err
	})
	if err != nil {
		return sale, answer, err
	}
	answer, err = s.askTax(ctx, settings, sale)
	return sale, answer, err
}

func (s *Stack) askTax(ctx context.Context, settings *tax.EngineSettings, sale tax.Sale) (tax.Quote, error) {
	if settings == nil || s.host.config.TaxEngine == nil {
		return tax.Quote{}, tax.ErrEngineMissing
	}
	q, err := s.host.config.TaxEngine.Quote(ctx, *settings, sale)
	if err == nil {
		err = q.Check(sale)
	}
	q.Engine = settings.Title
	return q, err
}

// questions gathers what closings have to ask; portions run side by side.
type questions struct {
	mu    sync.Mutex
	sales map[uuid.UUID]tax.Sale
}

func (q *questions) ask(s tax.Sale) {
	key, err := s.Key()
	if err != nil {
		return // what cannot be written down cannot be closed: its account stays
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.sales == nil {
		q.sales = map[uuid.UUID]tax.Sale{}
	}
	q.sales[key] = s
}

// none says that nothing has been asked.
func (q *questions) none() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.sales) == 0
}

// quote asks the engine the questions and keeps its answers. Those that it did
// not answer are told with why.
func (s *Stack) quote(ctx context.Context, sales map[uuid.UUID]tax.Sale) (refused map[uuid.UUID]error, err error) {
	var settings *tax.EngineSettings
	err = s.host.db.Read(ctx, s.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		settings, err = s.ReadTaxEngine(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var silent error // why the engine is taken for dead
	row, answers := 0, map[uuid.UUID]tax.Quote{}
	refused = map[uuid.UUID]error{}
	group, asking := errgroup.WithContext(ctx)
	group.SetLimit(askedAtOnce)
	for key, sale := range sales {
		group.Go(func() error {
			mu.Lock()
			if silent != nil {
				refused[key] = silent
				mu.Unlock()
				return nil
			}
			mu.Unlock()
			answer, err := s.askTax(asking, settings, sale)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				answers[key], row = answer, 0
				return nil
			case asking.Err() != nil:
				return asking.Err()
			case errors.Is(err, tax.ErrEngineUnavailable):
				if row++; row >= silentAtMost {
					silent = err
				}
			}
			refused[key] = err
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return refused, s.host.db.Write(ctx, s.Ref, func(ctx context.Context, tx tenant.Tx) error {
		for key, answer := range answers {
			if err := tax.KeepQuote(ctx, tx, sales[key], answer); err != nil {
				return err
			}
		}
		return nil
	})
}

// quoted runs a command or a query; where it needs an answer of the tax engine
// that nobody has asked for, it is undone, the engine is asked, and it is run
// again.
func (s *Stack) quoted(ctx context.Context, run func() error) error {
	asked := map[uuid.UUID]bool{}
	for {
		err := run()
		var missing *tax.Unquoted
		if !errors.As(err, &missing) {
			return err
		}
		key, keyErr := missing.Sale.Key()
		if keyErr != nil || asked[key] || len(asked) == askedRounds {
			return cmp.Or(keyErr, err)
		}
		asked[key] = true
		refused, asking := s.quote(ctx, map[uuid.UUID]tax.Sale{key: missing.Sale})
		if asking = cmp.Or(asking, refused[key]); asking != nil {
			return asking
		}
	}
}

// Previews reckons what closing accounts' open cycles now would give. pick
// chooses them; it may run again.
func (s *Stack) Previews(ctx context.Context, pick func(ctx context.Context, tx tenant.Tx) ([]uuid.UUID, error)) (list []bill.Previewed, err error) {
	with := closer
	for range askedRounds {
		var open questions
		with.Outside.Ask = open.ask
		err = s.host.db.Read(ctx, s.Ref, func(ctx context.Context, tx tenant.Tx) error {
			ids, err := pick(ctx, tx)
			if err != nil || len(ids) == 0 {
				list = nil
				return err
			}
			list, err = with.PreviewMany(ctx, tx, ids)
			return err
		})
		if err != nil || len(open.sales) == 0 {
			return list, err
		}
		refused, err := s.quote(ctx, open.sales)
		if err != nil {
			return nil, err
		}
		if with.Outside.Refused == nil {
			with.Outside.Refused = map[uuid.UUID]error{}
		}
		maps.Copy(with.Outside.Refused, refused)
	}
	return list, nil
}
