package alarm

import (
	"maps"
	"slices"
)

// The kinds of alarm.
const (
	TokenReused    Kind = "token_reused"    // an enrolment token came again from another machine
	TokenLate      Kind = "token_late"      // one came after its time
	TokenForeign   Kind = "token_foreign"   // one came for another operator or purpose
	TokenUnknown   Kind = "token_unknown"   // one came that we never gave out
	RequestForged  Kind = "request_forged"  // a machine's request was not signed by its key
	RequestReplay  Kind = "request_replay"  // a machine's request came a second time
	RevokedMachine Kind = "revoked_machine" // a machine that was shut out asked for something

	ClockOff         Kind = "clock_off"
	MachineSilent    Kind = "machine_silent"
	MachineUnhealthy Kind = "machine_unhealthy"
	DiskLow          Kind = "disk_low"
	MemoryLow        Kind = "memory_low"
	CertificateEnds  Kind = "certificate_ends"
	ProcessGone      Kind = "process_gone"
	BackupOld        Kind = "backup_old"
	ArchiveBehind    Kind = "archive_behind" // of the write-ahead log
	DrillFailed      Kind = "drill_failed"
	StandbyLost      Kind = "standby_lost"     // a host goes on without its standby, which has not all that is answered
	GuaranteeMissed  Kind = "guarantee_missed" // charges came late, or were turned away

	PlacesLow Kind = "places_low" // few places for new stacks, or none, in the open host databases

	RevenueMissing Kind = "revenue_missing" // days of what an operator collected have not come; its month was billed at the minimum
	RevenueForged  Kind = "revenue_forged"  // a statement of what was collected is not what the stack signed, or contradicts an earlier one

	ReplacementMissed Kind = "replacement_missed" // an appliance was not replaced in time
	WarrantyEnds      Kind = "warranty_ends"
	SupportEnds       Kind = "support_ends"
	SparesLow         Kind = "spares_low" // no spare of a model that is out there
)

// sort is what all alarms of a kind have in common.
type sort struct {
	severity  Severity
	condition bool // it ends by itself, when its cause is gone
}

var sorts = map[Kind]sort{
	TokenReused:    {Major, false},
	TokenLate:      {Minor, false},
	TokenForeign:   {Major, false},
	TokenUnknown:   {Major, false},
	RequestForged:  {Major, false},
	RequestReplay:  {Minor, false},
	RevokedMachine: {Major, false},

	ClockOff:         {Minor, true},
	MachineSilent:    {Critical, true},
	MachineUnhealthy: {Critical, true},
	DiskLow:          {Major, true},
	MemoryLow:        {Minor, true},
	CertificateEnds:  {Major, true},
	ProcessGone:      {Major, true},
	BackupOld:        {Major, true},
	ArchiveBehind:    {Major, true},
	DrillFailed:      {Major, true},
	StandbyLost:      {Critical, true},
	GuaranteeMissed:  {Major, true},

	PlacesLow: {Major, true},

	RevenueMissing: {Major, true},
	RevenueForged:  {Major, false},

	ReplacementMissed: {Critical, true},
	WarrantyEnds:      {Minor, true},
	SupportEnds:       {Minor, true},
	SparesLow:         {Minor, true},
}

// Condition says whether alarms of this kind end by themselves, when the cause
// is gone.
func (k Kind) Condition() bool { return sorts[k].condition }

// Kinds are all kinds there are, in order of their names.
func Kinds() []Kind { return slices.Sorted(maps.Keys(sorts)) }
