package readiness

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
)

// Severity says how bad a finding is.
type Severity string

// The severities, the worst first.
const (
	Stops Severity = "stops" // accounts would not be billed
	Wrong Severity = "wrong" // a bill would be wrong, or not what the law asks for
	Look  Severity = "look"  // somebody should look at it
)

var ranks = map[Severity]int{Stops: 0, Wrong: 1, Look: 2}

// Code is a finding's key for words in people's languages.
type Code string

// What can be found. Values that come with each are named beside it.
const (
	NoRun           Code = "no_run"           // no account is active
	CyclesOverdue   Code = "cycles_overdue"   // since: cycles that ended before today are still open
	NoOffering      Code = "no_offering"      // offering, version: it is a draft, or cannot be read
	NotClean        Code = "not_clean"        // offering, version, fault: a check of it finds fault
	OtherCurrency   Code = "other_currency"   // offering, version, currency
	MixedBasis      Code = "mixed_basis"      // offering, version: prices with and without tax
	NoTaxRate       Code = "no_tax_rate"      // offering, version, category, day: the first without a rate
	NoAddress       Code = "no_address"       // accounts whose party lacks what a bill has to name
	NobodyToSendTo  Code = "nobody_to_send"   // neither e-mail nor phone nor a user
	SellerLacks     Code = "seller_lacks"     // entity, fields: what its bills have to name by law
	NegativeUsage   Code = "negative_usage"   // unbilled is below zero: the bill may be too
	SuspenseWaiting Code = "suspense_waiting" // reason, oldest, quantity and unit where records can be read
	SourceSilent    Code = "source_silent"    // source, last, usual: days between deliveries
	AgendaFailed    Code = "agenda_failed"    // kind, error
	SeriesNotSet    Code = "series_not_set"   // entity, document, year: numbers would begin at 1
	PreviewFails    Code = "preview_fails"    // error
)

// Example is one of the things that a finding is about.
type Example struct {
	Kind  string    // account, offering, legal_entity, source, suspense or agenda
	ID    uuid.UUID // to link to
	Label string    // what people call it: a number, a code, a name
}

// maxExamples bounds the examples of a finding.
const maxExamples = 20

// Finding is one thing that is not ready.
type Finding struct {
	Code     Code
	Severity Severity
	Values   map[string]string // what its words name
	Count    int64
	Examples []Example // at most 20
}

// Report is what was found about the run of one day.
type Report struct {
	Day       calendar.Date // on which the cycles of the run end
	At        time.Time     // business time of the look
	Accounts  int64         // in the run
	Previewed int           // of them reckoned up as a sample
	Findings  []Finding     // the worst first
}

// Ready says whether nothing keeps the run from being right.
func (r Report) Ready() bool {
	return !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Severity != Look })
}

func (r *Report) add(found ...Finding) {
	for _, f := range found {
		if f.Count > 0 {
			r.Findings = append(r.Findings, f)
		}
	}
}

func (r *Report) sort() {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(ranks[a.Severity], ranks[b.Severity]), -cmp.Compare(a.Count, b.Count))
	})
}
