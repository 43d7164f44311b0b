package identity

import "slices"

// Role is what somebody is to the operator.
type Role string

// The roles. Machine is for API keys only, Subscriber for users only.
const (
	Owner      Role = "owner"
	Marketer   Role = "marketer"
	Clerk      Role = "clerk"
	Accountant Role = "accountant"
	Support    Role = "support"
	Machine    Role = "machine"
	Subscriber Role = "subscriber"
)

// Permission is what an operation asks for. Operations name theirs in
// openapi.yaml; roles have them here, and nowhere else.
type Permission string

// The permissions. Self ones reach only the account of the user itself.
const (
	OfferingRead  Permission = "offering.read"
	OfferingWrite Permission = "offering.write"
	OrderRead     Permission = "order.read"
	OrderWrite    Permission = "order.write"
	AccountRead   Permission = "account.read"
	AccountWrite  Permission = "account.write"
	UsageRead     Permission = "usage.read"
	UsageWrite    Permission = "usage.write"
	SuspenseRead  Permission = "suspense.read"
	SuspenseWrite Permission = "suspense.write"
	BalanceWrite  Permission = "balance.write"
	BillRead      Permission = "bill.read"
	BillRunRun    Permission = "billrun.run"
	PaymentRead   Permission = "payment.read"
	PaymentWrite  Permission = "payment.write"
	RefundWrite   Permission = "refund.write"
	LedgerRead    Permission = "ledger.read"
	AuditRead     Permission = "audit.read"
	UserRead      Permission = "user.read"
	UserWrite     Permission = "user.write"
	APIKeyWrite   Permission = "apikey.write"
	ClockWrite    Permission = "clock.write"
	SettingsRead  Permission = "settings.read"
	SettingsWrite Permission = "settings.write"
	SelfRead      Permission = "self.read"
	SelfPay       Permission = "self.pay"
)

// permissions is the one table of who may do what.
var permissions = map[Role][]Permission{
	Owner: {
		OfferingRead, OfferingWrite, OrderRead, OrderWrite, AccountRead, AccountWrite, UsageRead, UsageWrite, SuspenseRead, SuspenseWrite,
		BalanceWrite, BillRead, BillRunRun, PaymentRead, PaymentWrite, RefundWrite, LedgerRead, AuditRead, UserRead, UserWrite, APIKeyWrite,
		ClockWrite, SettingsRead, SettingsWrite,
	},
	Marketer: {OfferingRead, OfferingWrite, AccountRead, UsageRead, BillRead, SettingsRead},
	Clerk: {
		OfferingRead, OrderRead, OrderWrite, AccountRead, AccountWrite, UsageRead, BalanceWrite, BillRead, PaymentRead, PaymentWrite, SettingsRead,
	},
	Accountant: {
		OfferingRead, OrderRead, AccountRead, UsageRead, SuspenseRead, BalanceWrite, BillRead, BillRunRun, PaymentRead, PaymentWrite,
		RefundWrite, LedgerRead, AuditRead, SettingsRead,
	},
	Support:    {OfferingRead, OrderRead, AccountRead, UsageRead, UsageWrite, SuspenseRead, SuspenseWrite, BillRead, PaymentRead, SettingsRead},
	Machine:    {OfferingRead, AccountRead, UsageRead, UsageWrite, SuspenseRead},
	Subscriber: {SelfRead, SelfPay},
}

// May says whether a role has a permission. Who has no role may do nothing.
func (r Role) May(p Permission) bool { return slices.Contains(permissions[r], p) }

// Permissions lists what a role may do.
func (r Role) Permissions() []Permission { return slices.Clone(permissions[r]) }

// KnownPermission says whether any role has a permission: an operation that
// asks for another one could never be called.
func KnownPermission(p Permission) bool {
	for role := range permissions {
		if role.May(p) {
			return true
		}
	}
	return false
}

// ofUser says whether a user can have the role.
func (r Role) ofUser() bool {
	_, known := permissions[r]
	return known && r != Machine
}

// ofKey says whether an API key can have the role.
func (r Role) ofKey() bool {
	_, known := permissions[r]
	return known && r != Subscriber
}
