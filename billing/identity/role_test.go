package identity_test

import (
	"testing"

	"tollhouse/billing/identity"
)

func TestRole_mayDoWhatTheTableSays(t *testing.T) {
	t.Parallel()
	for role, want := range map[identity.Role]map[identity.Permission]bool{
		identity.Owner:      {identity.UserWrite: true, identity.ClockWrite: true, identity.SelfPay: false},
		identity.Clerk:      {identity.OrderWrite: true, identity.UserWrite: false, identity.RefundWrite: false, identity.LedgerRead: false},
		identity.Support:    {identity.SuspenseWrite: true, identity.PaymentWrite: false, identity.OfferingWrite: false},
		identity.Machine:    {identity.UsageWrite: true, identity.BillRead: false, identity.PaymentWrite: false},
		identity.Subscriber: {identity.SelfRead: true, identity.SelfPay: true, identity.AccountRead: false},
		"root":              {identity.AccountRead: false, identity.SelfRead: false},
	} {
		for permission, allowed := range want {
			if role.May(permission) != allowed {
				t.Errorf("%s and %s: %v", role, permission, !allowed)
			}
		}
		for _, permission := range role.Permissions() {
			if !role.May(permission) || !identity.KnownPermission(permission) {
				t.Errorf("%s lists %s", role, permission)
			}
		}
	}
	if identity.KnownPermission("root.do") {
		t.Error("an unknown permission is known")
	}
}
