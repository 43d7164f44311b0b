package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// tenantGoal is the most that half of the operators of a burst may wait.
const tenantGoal = time.Second

// makersAtOnce is how many existing operators are made side by side.
const makersAtOnce = 4

// tenantCreate measures how long a new operator's owner waits, from the
// accepted request to the first sign-in, in a burst beside operators that stand
// already and with the stock full and kept. All goes over HTTP.
func tenantCreate(ctx context.Context, s scale, say reporter) (Result, error) {
	c, err := openControlPlane(ctx, s.stock)
	if err != nil {
		return Result{}, err
	}
	defer c.close()
	staff, err := c.signIn(ctx)
	if err != nil {
		return Result{}, err
	}
	say("making %d operators", s.tenants)
	began := time.Now()
	if err := c.inhabit(ctx, staff, s.tenants); err != nil {
		return Result{}, err
	}
	standing := time.Since(began)
	say("%d operators made in %s; filling the stock, %d creations without it first", s.tenants, seconds(standing), s.stockless)
	stockless, err := createAll(ctx, staff, "stockless", s.stockless, 1)
	if err != nil {
		return Result{}, err
	}
	if err := c.keeper.Fill(ctx, nil); err != nil {
		return Result{}, err
	}
	c.keeper.Start(ctx)
	say("a burst of %d", s.burst)
	burst, err := createAll(ctx, staff, "burst", s.burst, s.burst)
	if err != nil {
		return Result{}, err
	}
	r := Result{Value: quantile(waits(burst), 50).Seconds(), Unit: "s", Goal: fmt.Sprintf("value <= %g", tenantGoal.Seconds())}
	r.OK = r.Value <= tenantGoal.Seconds()
	r.Note = fmt.Sprintf("p50 of a burst of %d beside %d, stock of %d, from the accepted request to the owner's sign-in; last %s; "+
		"with the request itself p50 %s; without stock, one after the other, p50 %s; the %d were made in %s",
		s.burst, s.tenants, s.stock, seconds(quantile(waits(burst), 100)), seconds(quantile(totals(burst), 50)),
		seconds(quantile(waits(stockless), 50)), s.tenants, seconds(standing))
	return r, nil
}

// inhabit makes slots side by side and has operators move in.
func (c *controlPlane) inhabit(ctx context.Context, staff *client, n int) error {
	makers, inside := errgroup.WithContext(ctx)
	makers.SetLimit(makersAtOnce)
	for range n {
		makers.Go(func() error {
			_, err := c.server.CreateSlot(inside, hostDatabase)
			return err
		})
	}
	if err := makers.Wait(); err != nil {
		return err
	}
	_, err := createAll(ctx, staff, "standing", n, makersAtOnce)
	return err
}

// createAll creates n operators, so many at once.
func createAll(ctx context.Context, staff *client, name string, n, atOnce int) ([]creation, error) {
	var mu sync.Mutex
	var all []creation
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range n {
		group.Go(func() error {
			one, err := staff.create(ctx, fmt.Sprintf("%s-%03d", name, i))
			mu.Lock()
			defer mu.Unlock()
			all = append(all, one)
			return err
		})
	}
	return all, group.Wait()
}

func waits(all []creation) []time.Duration {
	var list []time.Duration
	for _, c := range all {
		list = append(list, c.waiting)
	}
	return list
}

func totals(all []creation) []time.Duration {
	var list []time.Duration
	for _, c := range all {
		list = append(list, c.accepting+c.waiting)
	}
	return list
}
