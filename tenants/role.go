package tenants

import "slices"

// Role is what a staff user is employed for.
type Role string

// The roles of hosting staff.
const (
	Admin    Role = "admin"    // everything, staff users included
	Engineer Role = "engineer" // operators and their stacks
	Viewer   Role = "viewer"   // looks on
)

// Permission is one thing a staff user may be allowed to do. openapi.yaml names
// one for each operation of the control plane.
type Permission string

// The permissions of the control plane.
const (
	OperatorRead   Permission = "operator.read"
	OperatorCreate Permission = "operator.create"
	StackRead      Permission = "stack.read"
	// StackWrite asks for sites of dedicated stacks, changes and upgrades them.
	StackWrite Permission = "stack.write"
	// StackRemove has what served deleted.
	StackRemove Permission = "stack.remove"
	// SizeWrite changes sizes of sites and their prices.
	SizeWrite  Permission = "size.write"
	StaffRead  Permission = "staff.read"
	StaffWrite Permission = "staff.write"
	AuditRead  Permission = "audit.read"
	// OperatorSuspend suspends an operator and resumes it.
	OperatorSuspend Permission = "operator.suspend"
	// VisitEnter enters a stack with the operator's consent, and asks for break-glass.
	VisitEnter Permission = "visit.enter"
	// VisitApprove decides on a break-glass that somebody else asked for.
	VisitApprove Permission = "visit.approve"
	// MachineRead sees machines, invitations, hardware and racks.
	MachineRead Permission = "machine.read"
	// MachineEnrol invites machines, changes them and shuts them out.
	MachineEnrol Permission = "machine.enrol"
	// HardwareWrite keeps the register of hardware and racks.
	HardwareWrite Permission = "hardware.write"
	AlarmRead     Permission = "alarm.read"
	// AlarmHandle takes alarms on and closes them.
	AlarmHandle Permission = "alarm.handle"
	// StackMove moves stacks between host databases.
	StackMove Permission = "stack.move"
	// HostWrite makes host databases known.
	HostWrite Permission = "host.write"
	// BackupRun asks for backups, drills and restores.
	BackupRun Permission = "backup.run"
	// TakeOutWrite writes and fetches all that an operator has.
	TakeOutWrite Permission = "takeout.write"
	// ContractRead sees hosting contracts, their charges and what operators collected.
	ContractRead Permission = "contract.read"
	// ContractWrite agrees on contracts, ends them and gives credits.
	ContractWrite Permission = "contract.write"
)

// permissions is the one table of who may do what.
var permissions = map[Role][]Permission{
	Admin:    {OperatorRead, OperatorCreate, OperatorSuspend, StackRead, StackWrite, StackRemove, SizeWrite, StaffRead, StaffWrite, AuditRead, VisitEnter, VisitApprove, StackMove, HostWrite, BackupRun, TakeOutWrite, ContractRead, ContractWrite},
	Engineer: {OperatorRead, OperatorCreate, StackRead, StackWrite, AuditRead, VisitEnter, VisitApprove, StackMove, BackupRun, ContractRead},
	Viewer:   {OperatorRead, StackRead},
}

// ofMachines are the permissions around operators' own machines.
var ofMachines = map[Role][]Permission{
	Admin:    {MachineRead, MachineEnrol, HardwareWrite, AlarmRead, AlarmHandle},
	Engineer: {MachineRead, MachineEnrol, HardwareWrite, AlarmRead, AlarmHandle},
	Viewer:   {MachineRead, AlarmRead},
}

// May says whether the role has a permission. An unknown role has none.
func (r Role) May(p Permission) bool {
	return slices.Contains(permissions[r], p) || slices.Contains(ofMachines[r], p)
}

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

// ParseRole reads a role.
func ParseRole(text string) (Role, error) {
	if _, known := permissions[Role(text)]; !known {
		return "", &InvalidError{Fields: []FieldError{{Field: "role", Want: "admin, engineer or viewer"}}}
	}
	return Role(text), nil
}
