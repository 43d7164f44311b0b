package demo

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tollhouse/api"
	"tollhouse/billing"
	"tollhouse/billing/identity"
	"tollhouse/infra/local"
	"tollhouse/infra/stripe/standin"
)

// World is the running process in which the history is lived.
type World struct {
	Host      *billing.Host
	Control   *api.Control
	Identity  *identity.Authority
	Passwords *identity.Passwords
	Keeper    *local.StockKeeper
	Pay       *standin.Server // nil with real Stripe: then nobody pays by card here
	Logins    string          // file in which the logins are kept, readable by us alone
}

// Live makes the operators and lives the plan. What was lived before is passed
// over, so a history that was cut off goes on and a whole one takes no time.
// progress counts to a thousand.
func Live(ctx context.Context, world World, plan Plan, progress func(permille int, doing string)) (Logins, error) {
	logins, err := readLogins(world.Logins)
	if err != nil {
		return Logins{}, err
	}
	defer func() { _ = logins.write() }()
	if err := logins.addStaff(ctx, world.Control); err != nil {
		return Logins{}, err
	}
	progress(0, "making room for operators")
	if err := world.Keeper.Fill(ctx, func(int, int) {}); err != nil {
		return Logins{}, err
	}
	companies := plan.companies()
	together := &meter{progress: progress, parts: make([]int, len(companies))}
	group, groupCtx := errgroup.WithContext(ctx)
	for n, c := range companies {
		group.Go(func() error {
			o := &operator{world: world, plan: plan, company: c, logins: logins, report: func(permille int, doing string) { together.report(n, permille, doing) }}
			if err := o.live(groupCtx); err != nil {
				return fmt.Errorf("%s: %w", c.application.DisplayName, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return Logins{}, err
	}
	return *logins, logins.write()
}

// meter joins the operators' progress.
type meter struct {
	progress func(int, string)
	mu       sync.Mutex
	parts    []int
}

func (m *meter) report(part, permille int, doing string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.parts[part] = permille
	sum := 0
	for _, p := range m.parts {
		sum += p
	}
	m.progress(sum/len(m.parts), doing)
}

// tick is an hour at which an operator's people come to work: files of the
// span before it arrive, money is booked, subscribers are connected.
type tick struct {
	at    time.Time
	span  span
	day   int // of the history, counted in whole days
	month int
	part  int // of the month: 0 to 3
}

// ticks are four a month, the last one just before the month ends, so that
// most usage is there when its cycle is closed.
func (p Plan) ticks(zone string) []tick {
	var all []tick
	from := p.local(zone, 0, 1, 0, 0)
	opening := from
	end := p.local(zone, p.Months, 1+p.Rest, 9, 30)
	for month := 0; month <= p.Months; month++ {
		hours := []time.Time{p.local(zone, month, 8, 3, 0), p.local(zone, month, 15, 3, 0), p.local(zone, month, 22, 3, 0), p.local(zone, month+1, 1, 0, 0).Add(-20 * time.Minute)}
		for part, at := range hours {
			if at.After(end) {
				at, part = end, len(hours) // the last day, cut short
			}
			if !at.After(from) {
				continue
			}
			all = append(all, tick{at: at, span: span{from, at.Add(-10 * time.Minute)}, day: int(at.Sub(opening).Hours() / 24), month: month, part: part})
			if at.Equal(end) {
				return all
			}
			from = at.Add(-10 * time.Minute)
		}
	}
	return all
}
