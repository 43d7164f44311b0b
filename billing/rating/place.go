package rating

import (
	"sort"
	"strings"
	"time"

	"tollhouse/billing/catalog"
)

// schedule says which rule applies when. Most have one rule for always.
type schedule struct {
	always int16 // rule index, or -1 if the timetable decides
	table  *catalog.Timetable
}

func newSchedule(table *catalog.Timetable) *schedule {
	rule, always := table.Always()
	if !always {
		rule = -1
	}
	return &schedule{rule, table}
}

// rule returns the rule at t and the instant up to which it holds.
func (s *schedule) rule(c clock, t time.Time) (rule int16, until time.Time) {
	m := c.moment(t)
	plan := s.table.PlanOf(m.date, m.day)
	i := 0
	for plan[i].Until <= m.time {
		i++
	}
	return plan[i].Rule, m.until(plan[i].Until)
}

// place is what a prefix or zone costs, by network and quality. Both lists are
// nil where no rule asks.
type place struct {
	networks  bool
	qualities []string    // named ones; every other is the last
	schedules []*schedule // network by network (own, other), quality by quality
}

func (p *place) schedule(own bool, quality string) *schedule {
	if len(p.schedules) == 1 {
		return p.schedules[0]
	}
	q := 0
	for q < len(p.qualities) && p.qualities[q] != quality {
		q++
	}
	if p.networks && !own {
		q += len(p.qualities) + 1
	}
	return p.schedules[q]
}

// placeTable finds the place of a destination.
type placeTable struct {
	prefixes map[string]*place
	lengths  []int // of prefixes, descending, without 0
	decks    []deckPlaces
	networks bool // some rule asks for the network
}

// deckPlaces are a deck's zones as the rules price them; nil: they don't.
type deckPlaces struct {
	deck   *catalog.Deck
	places []*place
}

// find returns the place of the longest prefix. Of two of the same length the
// offering's own goes before a deck's.
func (t *placeTable) find(destination string) (prefix, zone string, p *place) {
	p = t.prefixes[""]
	for _, n := range t.lengths {
		if n > len(destination) {
			continue
		}
		if own := t.prefixes[destination[:n]]; own != nil {
			prefix, p = destination[:n], own
			break
		}
	}
	for i := range t.decks {
		d := &t.decks[i]
		z, length := d.deck.FindZone(destination)
		if z < 0 || d.places[z] == nil || length <= len(prefix) {
			continue
		}
		prefix, zone, p = destination[:length], d.deck.Zones()[z], d.places[z]
	}
	return prefix, zone, p
}

func compilePlaces(o catalog.Offering, u *catalog.UsagePrice, decks map[string]*catalog.Deck) placeTable {
	table := placeTable{prefixes: map[string]*place{}}
	shared := map[string]*place{}
	zones := map[string]map[string]*place{} // deck → zone
	lengths := map[int]bool{}
	for where, rules := range o.RulesByPlace(*u) {
		key := string(keyOf(rules))
		p := shared[key]
		if p == nil {
			p = compilePlace(u, rules)
			shared[key] = p
			table.networks = table.networks || p.networks
		}
		if where.Deck != "" {
			if zones[where.Deck] == nil {
				zones[where.Deck] = map[string]*place{}
			}
			zones[where.Deck][where.Zone] = p
			continue
		}
		table.prefixes[where.Prefix] = p
		if n := len(where.Prefix); n > 0 && !lengths[n] {
			lengths[n] = true
			table.lengths = append(table.lengths, n)
		}
	}
	sort.Sort(sort.Reverse(sort.IntSlice(table.lengths)))
	for code, byZone := range zones {
		d := deckPlaces{deck: decks[code], places: make([]*place, len(decks[code].Zones()))}
		for i, zone := range d.deck.Zones() {
			d.places[i] = byZone[zone]
		}
		table.decks = append(table.decks, d)
	}
	sort.Slice(table.decks, func(i, j int) bool { return table.decks[i].deck.Code() < table.decks[j].deck.Code() })
	return table
}

func keyOf(rules []int) []byte {
	key := make([]byte, 0, 2*len(rules))
	for _, i := range rules {
		key = append(key, byte(i>>8), byte(i))
	}
	return key
}

func compilePlace(u *catalog.UsagePrice, rules []int) *place {
	p := &place{}
	sorts := u.SortsOf(rules)
	var others []*schedule // of any quality that no rule names
	made := map[string]*schedule{}
	flush := func() { p.schedules, others = append(p.schedules, others...), nil }
	for i, s := range sorts {
		fitting := u.Fitting(rules, s)
		key := string(keyOf(fitting))
		if made[key] == nil {
			made[key] = newSchedule(u.TimetableOf(fitting))
		}
		if i > 0 && s.Network != sorts[i-1].Network {
			flush()
		}
		p.networks = p.networks || s.Network != ""
		if s.Quality == catalog.AnyQuality {
			others = append(others, made[key])
			continue
		}
		p.schedules = append(p.schedules, made[key])
		if s.Network != catalog.OtherNetwork {
			p.qualities = append(p.qualities, s.Quality)
		}
	}
	flush()
	return p
}

func normalDestination(s string) string { return strings.TrimPrefix(s, "+") }
