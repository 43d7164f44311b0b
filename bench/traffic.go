package bench

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"tollhouse/billing/money"
	"tollhouse/billing/usage"
)

// zoneName is where the fixtures live.
const zoneName = "Europe/Berlin"

// month is the fixtures' May 2026, from its first instant to that of June.
type month struct {
	zone     *time.Location
	from, to time.Time
}

func may() (month, error) {
	zone, err := time.LoadLocation(zoneName)
	if err != nil {
		return month{}, err
	}
	return month{zone: zone, from: time.Date(2026, 5, 1, 0, 0, 0, 0, zone), to: time.Date(2026, 6, 1, 0, 0, 0, 0, zone)}, nil
}

// stream is one of the files in which a mobile network's mediation hands over
// what was used: calls, data and messages apart, as each counts in its own unit.
type stream struct {
	name    string
	kind    usage.Kind
	unit    money.Unit
	percent int    // of all records
	mark    string // in its ids, so that files of one operator differ
}

var streams = []stream{
	{name: "moc", kind: usage.Voice, unit: money.Second, percent: 45},
	{name: "gprs", kind: usage.Data, unit: money.Byte, percent: 40},
	{name: "smo", kind: usage.Message, unit: money.Event, percent: 15},
}

var columns = []string{"record_id", "served_msisdn", "other_party", "start_time", "amount", "cell"}

// mapping declares how a stream's files are written.
func (s stream) mapping() usage.Mapping {
	return usage.Mapping{
		Format: usage.Delimited, Zone: zoneName, IdentityKind: usage.MSISDN, Unit: s.unit,
		Text: &usage.Text{Delimiter: ";", Header: true, Columns: columns},
		Fields: &usage.Fields{
			Key: []string{"record_id"}, Identity: usage.Source{Columns: []string{"served_msisdn"}},
			Start: usage.Source{Columns: []string{"start_time"}}, TimeLayout: "2006-01-02 15:04:05",
			Quantity: usage.Source{Columns: []string{"amount"}}, Kind: usage.Source{Constant: string(s.kind)},
			Destination: usage.Source{Columns: []string{"other_party"}}, Origin: usage.Source{Columns: []string{"cell"}},
		},
	}
}

// dialled is where calls and messages go, by weight.
var dialled = []struct {
	prefix string
	digits int
	weight int
}{{"+4915", 9, 38}, {"+4917", 9, 30}, {"+4940", 7, 18}, {"+4930", 7, 6}, {"+43664", 7, 3}, {"+90532", 7, 3}, {"+1212", 7, 2}}

// file writes a number of a stream's records of subscribers 0 to n-1, in the
// order of their times. The seed decides all of it.
func (s stream) file(m month, seed uint64, records, subscribers int) []byte {
	r := rand.New(rand.NewPCG(seed, uint64(s.percent)))
	starts := make([]int64, records)
	for i := range starts {
		// Nothing runs past the month: its last hours are left out.
		starts[i] = r.Int64N(int64(m.to.Sub(m.from)/time.Second) - 4*3600)
	}
	slices.Sort(starts)
	var out bytes.Buffer
	fmt.Fprintln(&out, strings.Join(columns, ";"))
	for i, start := range starts {
		at := m.from.Add(time.Duration(start) * time.Second).In(m.zone)
		other, amount := "", int64(1)
		switch s.kind {
		case usage.Voice:
			other, amount = dial(r), min(5+int64(r.ExpFloat64()*140), 3*3600)
		case usage.Data:
			amount = 100_000 + int64(r.ExpFloat64()*60_000_000)
		default:
			other = dial(r)
		}
		fmt.Fprintf(&out, "%s%s-%08x-%06d;%s;%s;%s;%d;262-77-%d\n", s.name, s.mark, at.Unix(), i, msisdn(r.IntN(subscribers)), other,
			at.Format("2006-01-02 15:04:05"), amount, 1000+r.IntN(400))
	}
	return out.Bytes()
}

func dial(r *rand.Rand) string {
	n := r.IntN(100)
	for _, d := range dialled {
		if n -= d.weight; n < 0 {
			return d.prefix + fmt.Sprintf("%0*d", d.digits, r.IntN(pow10(d.digits)))
		}
	}
	return ""
}

func pow10(n int) int {
	p := 1
	for range n {
		p *= 10
	}
	return p
}
