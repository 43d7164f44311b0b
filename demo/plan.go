package demo

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Plan is one history: who, how many, from when to when.
type Plan struct {
	Seed     uint64
	Start    time.Time // UTC midnight; each operator begins at its own local one
	Months   int       // whole months lived
	Rest     int       // days lived of the month after them
	Accounts [2]int    // of the two operators
	Events   [2]int    // usage drawn per subscriber and month: sessions and calls; mobile events
}

// Standard is the demo's history with a seed: 400 and 600 accounts, thirteen
// months and eleven days.
func Standard(seed uint64) Plan {
	return Plan{Seed: seed, Start: time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC), Months: 13, Rest: 11,
		Accounts: [2]int{400, 600}, Events: [2]int{12, 16}}
}

// Scaled is the plan with a percentage of the accounts, at least five of each.
func (p Plan) Scaled(percent int) Plan {
	for i, n := range p.Accounts {
		p.Accounts[i] = max(5, n*percent/100)
	}
	return p
}

// payer is how somebody pays.
type payer int

const (
	byBank   payer = iota // a transfer some days after the bill
	byCard                // on the hosted page
	byCash                // at a branch
	late                  // a bill or two behind
	debtor                // stopped paying at some time
	declined              // tried a card that was declined, then let it be
)

// subscriber is one account of the scenario.
type subscriber struct {
	index    int
	who      person
	offering string // file name in docs/samples/offerings without its ending
	joins    int    // day of the history on which it is connected
	pays     payer
	stops    int // first month a debtor doesn't pay
	heavy    bool
	login    string // internet
	nas      string
	port     string
	line     string // fixed voice
	stb      string
	msisdn   string
	imsi     string
	iccid    string
	prepaid  bool
}

// known is whether the account stands in billing: a few are in the network
// only, and their usage waits in suspense.
func (s subscriber) known() bool { return s.index >= 0 }

func (p Plan) join(r *rand.Rand) int {
	if chance(r, 70) {
		return r.IntN(7) // most were there from the first days on
	}
	return r.IntN(p.Months * 30)
}

func habit(r *rand.Rand) payer {
	switch n := r.IntN(100); {
	case n < 70:
		return byBank
	case n < 82:
		return byCash
	case n < 86:
		return byCard
	case n < 93:
		return late
	case n < 95:
		return declined
	default:
		return debtor
	}
}

func (p Plan) nusantara() []subscriber {
	list := make([]subscriber, 0, p.Accounts[0])
	for n := range p.Accounts[0] {
		r := random(p.Seed, fmt.Sprintf("nusantara/%d", n))
		s := subscriber{index: n, who: indonesian(r, n), joins: p.join(r), pays: habit(r), stops: 3 + r.IntN(8), heavy: chance(r, 12)}
		if n%5 < 4 {
			s.offering = "nusantara-fiber-100"
			s.login = fmt.Sprintf("kn%05d", 10_000+n)
			s.nas = fmt.Sprintf("10.20.%d.1", n%4)
			s.port = fmt.Sprintf("OLT-%d/%d/%d", 1+n%4, 1+n%16, 1+n%64)
		} else {
			s.offering = "nusantara-home-tv"
			s.stb = fmt.Sprintf("STB%010d", 4_400_000+n)
			s.line = fmt.Sprintf("+6221555%04d", n)
		}
		list = append(list, s)
	}
	// Two modems and a line that the network serves and billing doesn't know.
	for n := range 3 {
		s := subscriber{index: -1 - n, login: fmt.Sprintf("kn9%04d", n), nas: "10.20.0.1"}
		if n == 2 {
			s = subscriber{index: -1 - n, line: "+62215559999"}
		}
		list = append(list, s)
	}
	return list
}

func (p Plan) hanse() []subscriber {
	list := make([]subscriber, 0, p.Accounts[1])
	for n := range p.Accounts[1] {
		r := random(p.Seed, fmt.Sprintf("hanse/%d", n))
		s := subscriber{index: n, who: german(r, n), joins: p.join(r), pays: habit(r), stops: 3 + r.IntN(8), heavy: chance(r, 15)}
		s.msisdn = fmt.Sprintf("+49155%08d", 20_000_000+n*613)
		s.imsi = fmt.Sprintf("262%02d%010d", 77, 5_000_000+n)
		s.iccid = fmt.Sprintf("8949077%012d", 88_000_000+n)
		s.offering = "hanse-postpaid-flex"
		if s.prepaid = n%5 < 3; s.prepaid {
			s.offering = "hanse-prepaid-200"
		}
		list = append(list, s)
	}
	return append(list, subscriber{index: -1, msisdn: "+4915599999999"})
}
