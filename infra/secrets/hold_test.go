package secrets

import (
	"testing"
	"time"

	"tollhouse/billing/tenant"
)

// However many tenants there are, a bounded number is held; who is let go of is
// looked up again.
func TestHold_isBounded(t *testing.T) {
	t.Parallel()
	k := NewKeyring(nil, nil, time.Now)
	for range 3 * maxHeld {
		k.hold(tenant.NewID())
	}
	last := tenant.NewID()
	if first, again := k.hold(last), k.hold(last); first != again {
		t.Error("one tenant is held twice")
	}
	if n := len(k.held); n > maxHeld {
		t.Errorf("%d tenants are held, want %d at most", n, maxHeld)
	}
}
