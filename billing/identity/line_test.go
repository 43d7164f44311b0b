package identity

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
)

// A flood at one tenant fills its own lane; another tenant's single user is the
// next to be served, wherever the flood stands.
func TestLine_floodOfOneTenantDoesNotDelayAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(1)
		if err := l.enter(t.Context(), "flooded"); err != nil {
			t.Fatal(err)
		}
		served := make(chan string, 2*maxLaneWait)
		var refused int
		for range maxLaneWait {
			go func() {
				if err := l.enter(t.Context(), "flooded"); err == nil {
					served <- "flooded"
				}
			}()
		}
		synctest.Wait()
		for range 100 {
			if err := l.enter(t.Context(), "flooded"); errors.Is(err, ErrBusy) {
				refused++
			}
		}
		if refused != 100 {
			t.Errorf("%d of 100 above the bound were refused", refused)
		}
		go func() {
			if err := l.enter(t.Context(), "quiet"); err == nil {
				served <- "quiet"
			}
		}()
		synctest.Wait()
		var order []string
		for range maxLaneWait + 1 {
			l.leave()
			synctest.Wait()
			order = append(order, <-served)
		}
		if order[0] != "quiet" && order[1] != "quiet" {
			t.Errorf("the quiet tenant was served after %v", order)
		}
		l.leave()
		if l.free != 1 || l.waiting != 0 || len(l.turns) != 0 || len(l.lanes) != 0 {
			t.Errorf("places are lost: %+v", l)
		}
	})
}

func TestLine_whoGivesUpLosesNoPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(2)
		ctx, cancel := context.WithCancel(t.Context())
		for n := range 50 {
			go func() {
				if l.enter(ctx, strconv.Itoa(n%5)) == nil {
					<-ctx.Done()
					l.leave()
				}
			}()
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		if l.free != 2 || l.waiting != 0 || len(l.turns) != 0 || len(l.lanes) != 0 {
			t.Errorf("places are lost: %+v", l)
		}
	})
}

func TestLine_isBoundedYetATenantWithNobodyWaitingGetsIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine(0)
		ctx, cancel := context.WithCancel(t.Context())
		for n := range 1000 {
			go func() { _ = l.enter(ctx, strconv.Itoa(n%20)) }()
		}
		synctest.Wait()
		if l.waiting != maxWait {
			t.Errorf("%d wait", l.waiting)
		}
		go func() { _ = l.enter(ctx, "quiet") }()
		synctest.Wait()
		if len(l.lanes["quiet"]) != 1 {
			t.Error("a tenant of which nobody waits was refused")
		}
		cancel()
		synctest.Wait()
	})
}
