package identity

import (
	"slices"
	"strings"
)

// Role is what somebody is to the operator: one of those below, or a custom
// one of the operator's own (CustomRole).
type Role string

// The roles built in. Machine is for API keys only, Subscriber for users only.
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
	ChargingWrite Permission = "charging.write" // debits, refunds of debits, questions what something would cost
	SuspenseRead  Permission = "suspense.read"
	SuspenseWrite Permission = "suspense.write"
	BalanceWrite  Permission = "balance.write"
	BillRead      Permission = "bill.read"
	BillWrite     Permission = "bill.write" // credit, debit and void bills, write debt off
	BillRunRun    Permission = "billrun.run"
	BillRunOK     Permission = "billrun.approve" // the second word on a prepared run
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
	RoleWrite     Permission = "role.write"     // custom roles
	IntakeWrite   Permission = "intake.write"   // import of subscribers and what they have
	BranchWrite   Permission = "branch.write"   // branches and legal entities
	VisitWrite    Permission = "visit.write"    // consent to visits of hosting staff
	SandboxWrite  Permission = "sandbox.write"  // a copy of the own stack
	NoteWrite     Permission = "note.write"     // notes on a subscriber
	ReratingRead  Permission = "rerating.read"  // what was priced again, and what that would come to
	ReratingWrite Permission = "rerating.write" // price charges again, take usage back
	SelfRead      Permission = "self.read"
	SelfPay       Permission = "self.pay"
)

// permissions is the one table of who may do what.
var permissions = map[Role][]Permission{
	Owner: {
		OfferingRead, OfferingWrite, OrderRead, OrderWrite, AccountRead, AccountWrite, UsageRead, UsageWrite, ChargingWrite, SuspenseRead, SuspenseWrite,
		BalanceWrite, BillRead, BillWrite, BillRunRun, BillRunOK, PaymentRead, PaymentWrite, RefundWrite, LedgerRead, AuditRead, UserRead, UserWrite, APIKeyWrite,
		ClockWrite, SettingsRead, SettingsWrite, RoleWrite, IntakeWrite, BranchWrite, VisitWrite, SandboxWrite, NoteWrite, ReratingRead, ReratingWrite,
	},
	Marketer: {OfferingRead, OfferingWrite, AccountRead, UsageRead, BillRead, SettingsRead},
	Clerk: {
		OfferingRead, OrderRead, OrderWrite, AccountRead, AccountWrite, UsageRead, BalanceWrite, BillRead, PaymentRead, PaymentWrite, SettingsRead,
		NoteWrite,
	},
	Accountant: {
		OfferingRead, OrderRead, AccountRead, UsageRead, SuspenseRead, BalanceWrite, BillRead, BillWrite, BillRunRun, BillRunOK, PaymentRead, PaymentWrite,
		RefundWrite, LedgerRead, AuditRead, SettingsRead, IntakeWrite, NoteWrite, ReratingRead, ReratingWrite,
	},
	Support: {
		OfferingRead, OrderRead, AccountRead, UsageRead, UsageWrite, SuspenseRead, SuspenseWrite, BillRead, PaymentRead, SettingsRead, NoteWrite, ReratingRead,
	},
	Machine:    {OfferingRead, AccountRead, UsageRead, UsageWrite, ChargingWrite, SuspenseRead},
	Subscriber: {SelfRead, SelfPay},
}

// builtIn lists the roles of the table in the order that people are shown them.
var builtIn = []Role{Owner, Marketer, Clerk, Accountant, Support, Machine, Subscriber}

// isBuiltIn says whether the role stands in the table.
func (r Role) isBuiltIn() bool { return slices.Contains(builtIn, r) }

// self says whether a permission reaches only the user's own account.
func (p Permission) self() bool { return strings.HasPrefix(string(p), "self.") }

// May says whether a role built in has a permission. Who has no role may do
// nothing. Outside this package Principal.May is what to ask: only that knows
// custom roles.
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
