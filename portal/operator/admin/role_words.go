package admin

import (
	"slices"
	"strconv"

	"tollhouse/billing/identity"
	"tollhouse/portal/ui"
)

// area is a part of the business with the permissions that concern it. Words
// are admin.area.<key> and admin.perm.<permission>.
type area struct {
	Key         string
	Permissions []identity.Permission
}

// areas hold every permission that a role can be given, once; a test keeps it so.
var areas = []area{
	{"customers", []identity.Permission{identity.AccountRead, identity.AccountWrite, identity.NoteWrite, identity.OrderRead, identity.OrderWrite}},
	{"usage", []identity.Permission{identity.UsageRead, identity.UsageWrite, identity.ChargingWrite, identity.SuspenseRead, identity.SuspenseWrite}},
	{"money", []identity.Permission{identity.BillRead, identity.BillWrite, identity.BillRunRun, identity.BillRunOK, identity.PaymentRead, identity.PaymentWrite, identity.RefundWrite,
		identity.BalanceWrite, identity.LedgerRead, identity.ReratingRead, identity.ReratingWrite}},
	{"offers", []identity.Permission{identity.OfferingRead, identity.OfferingWrite}},
	{"system", []identity.Permission{identity.SettingsRead, identity.SettingsWrite, identity.BranchWrite, identity.IntakeWrite, identity.ClockWrite,
		identity.SandboxWrite}},
	{"trust", []identity.Permission{identity.UserRead, identity.UserWrite, identity.RoleWrite, identity.APIKeyWrite, identity.AuditRead, identity.VisitWrite}},
}

// roleTitle is what people call a role: those built in by our words, custom
// ones by the operator's.
func roleTitle(r ui.Reader, role identity.RoleInfo) string {
	if role.BuiltIn {
		return r.T("admin.role." + string(role.Name))
	}
	return role.Title
}

// titleOf is the title of the role of a name; the name itself if it is no more.
func titleOf(r ui.Reader, roles []identity.RoleInfo, name identity.Role) string {
	i := slices.IndexFunc(roles, func(role identity.RoleInfo) bool { return role.Name == name })
	if i < 0 {
		return string(name)
	}
	return roleTitle(r, roles[i])
}

// roleChoices are the roles that a visitor may give, but for one that it can't
// be given here: people are no machines, and keys no subscribers.
func roleChoices(r ui.Reader, by identity.Principal, roles []identity.RoleInfo, never ...identity.Role) []ui.Choice {
	var choices []ui.Choice
	for _, role := range roles {
		if !slices.Contains(never, role.Name) && role.MayGive(by) {
			choices = append(choices, ui.Choice{Value: string(role.Name), Label: roleTitle(r, role)})
		}
	}
	return choices
}

// columns is how many cells stand beside the heading of an area.
func columns(roles []identity.RoleInfo) string { return strconv.Itoa(len(roles)) }
