package statement

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// ErrFile means a file that can't be read as a statement.
var ErrFile = errors.New("the file is no statement")

// Kind is what a movement is.
type Kind string

// Kinds.
const (
	Credit Kind = "credit" // money came in
	Debit  Kind = "debit"  // money went out
	Charge Kind = "charge" // the bank's own
	Return Kind = "return" // of a debit or a transfer of ours
	Batch  Kind = "batch"  // several of our debits, booked as one
)

// Statement is what a bank tells of one account and time.
type Statement struct {
	Format           string // camt.053, camt.054, delimited
	ID               string
	Account          string
	Currency         money.Currency
	From, To         calendar.Date
	Opening, Closing *money.Decimal
	Entries          []Entry
}

// Entry is one movement. Amount is above zero where money came in.
type Entry struct {
	Ref        string // once in the account
	Booked     calendar.Date
	Amount     money.Decimal
	Kind       Kind
	Party      string // on the other side
	IBAN       string
	Structured string // a creditor reference, RF…
	EndToEnd   string
	Batch      string // the name of a file or batch of ours
	Reason     string // of a return
	Text       string
}

// Sum adds up the entries.
func (s Statement) Sum() (total money.Decimal) {
	for _, e := range s.Entries {
		total = total.Add(e.Amount)
	}
	return total
}

// name gives a movement without a reference of the bank's one of its own: the
// same movement in the same statement always gets the same.
func (s *Statement) name(e *Entry, n int) {
	if e.Ref != "" {
		return
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{s.ID, fmt.Sprint(n), e.Booked.String(), e.Amount.String(), e.Party, e.IBAN, e.EndToEnd, e.Text}, "\x00")))
	e.Ref = "digest:" + hex.EncodeToString(sum[:12])
}
