package billing

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/promotion"
	"tollhouse/billing/tenant"
)

// Many accounts together guess no more often than an operator's may; another
// operator's are not held up, and what is right counts for nothing.
func TestTryPromoCode_limitsATenantAsAWhole(t *testing.T) {
	t.Parallel()
	at := time.Now()
	h := &Host{guesses: newGuesses(func() time.Time { return at })}
	one, other := &Stack{host: h, Ref: tenant.Ref{ID: tenant.NewID()}}, &Stack{host: h, Ref: tenant.Ref{ID: tenant.NewID()}}
	wrong := func() error { return promotion.ErrCode }
	right := func() error { return nil }
	for n := range guessesAll.Burst {
		if err := one.TryPromoCode(uuid.New(), right); err != nil {
			t.Fatalf("a right code: %v", err)
		}
		if err := one.TryPromoCode(uuid.New(), wrong); !errors.Is(err, promotion.ErrCode) {
			t.Fatalf("guess %d: %v", n+1, err)
		}
	}
	for range 2 {
		var tries *promotion.TriesError
		if err := one.TryPromoCode(uuid.New(), func() error { t.Error("it was tried"); return nil }); !errors.As(err, &tries) || tries.After != time.Second {
			t.Errorf("one guess more: %v", err)
		}
	}
	if err := other.TryPromoCode(uuid.New(), right); err != nil {
		t.Errorf("another operator's: %v", err)
	}
	at = at.Add(time.Second)
	if err := one.TryPromoCode(uuid.New(), right); err != nil {
		t.Errorf("after the wait: %v", err)
	}
}
