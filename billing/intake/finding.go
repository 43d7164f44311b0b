package intake

import "fmt"

// Code says what is wrong, as a key for words in people's languages.
type Code string

// What can be wrong with a line or a file.
const (
	Unreadable   Code = "unreadable"    // no UTF-8, no CSV, no ZIP
	NoColumn     Code = "no_column"     // the header lacks it
	UnknownName  Code = "unknown_name"  // of a column or reference that we don't know
	TooMuch      Code = "too_much"      // above a bound
	Missing      Code = "missing"       // nothing there, and something is needed
	Wrong        Code = "wrong"         // not written as it must be, or it can't be
	Twice        Code = "twice"         // another line of the batch has it
	Taken        Code = "taken"         // another of the operator's has it
	OtherThan    Code = "other_than"    // it contradicts what it belongs to
	Past         Code = "past"          // over already
	TotalDiffers Code = "total_differs" // from what was said beforehand
)

// Finding is one thing that is wrong, or pending, in a batch.
type Finding struct {
	File   string // empty: the batch as a whole
	Line   int    // as an editor counts; 0: the file as a whole
	Column string
	Code   Code
	Value  string // as it stands there; never a secret
	Want   string // what would be right
	// Pending: a fact that the gate asks for, where the operator lets such
	// lines become orders.
	Pending bool
}

func (f Finding) String() string {
	return fmt.Sprintf("%s:%d %s %s %q: %s is wanted", f.File, f.Line, f.Column, f.Code, f.Value, f.Want)
}

// maxFindings bounds what is kept of a check; all are counted.
const maxFindings = 1000

// findings collects what is wrong.
type findings struct {
	kept            []Finding
	errors, pending int
}

func (f *findings) add(one Finding) {
	if one.Pending {
		f.pending++
	} else {
		f.errors++
	}
	if len(f.kept) < maxFindings {
		if r := []rune(one.Value); len(r) > 80 {
			one.Value = string(r[:80]) + "…"
		}
		f.kept = append(f.kept, one)
	}
}
