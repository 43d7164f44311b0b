package catalog

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Place is what rules may be for: a prefix, or a zone of a deck.
type Place struct {
	Prefix     string
	Deck, Zone string
}

func (p Place) String() string {
	switch {
	case p.Deck != "":
		return p.Zone + " of deck " + p.Deck
	case p.Prefix == "":
		return AnyDestination
	}
	return p.Prefix
}

// RulesByPlace returns, for each prefix and zone of u, the indexes of the
// rules that name it.
func (o Offering) RulesByPlace(u UsagePrice) map[Place][]int {
	rules := map[Place][]int{}
	add := func(p Place, i int) {
		if have := rules[p]; len(have) == 0 || have[len(have)-1] != i {
			rules[p] = append(have, i)
		}
	}
	sets := map[string]*DestinationSet{}
	for i := range o.Destinations {
		sets[o.Destinations[i].Code] = &o.Destinations[i]
	}
	for i := range u.Rules {
		for _, code := range u.Rules[i].Destinations {
			if code == AnyDestination {
				add(Place{}, i)
			}
			set := sets[code]
			if set == nil {
				continue // Check reports it
			}
			for _, p := range set.Prefixes {
				add(Place{Prefix: NormalPrefix(p)}, i)
			}
			for _, zone := range set.Zones {
				add(Place{Deck: set.Deck, Zone: zone}, i)
			}
		}
	}
	return rules
}

// Sort is a network and a quality. The rules of a place are chosen by it
// before their windows are looked at.
type Sort struct {
	Network Network // any if no rule of the place asks for one
	Quality string  // AnyQuality is every one that no rule names
}

// SortsOf lists the sorts of usage that some of u's rules tell apart.
func (u *UsagePrice) SortsOf(rules []int) []Sort {
	networks, qualities := []Network{""}, []string{AnyQuality}
	for _, i := range rules {
		if u.Rules[i].Network != "" {
			networks = []Network{OwnNetwork, OtherNetwork}
		}
		for _, q := range u.Rules[i].Qualities {
			if !slices.Contains(qualities, q) {
				qualities = append(qualities, q)
			}
		}
	}
	sort.Strings(qualities[1:])
	var list []Sort
	for _, network := range networks {
		for _, quality := range qualities {
			list = append(list, Sort{network, quality})
		}
	}
	return list
}

// Fitting returns those of u's rules that a sort of usage may have.
func (u *UsagePrice) Fitting(rules []int, s Sort) []int {
	var list []int
	for _, i := range rules {
		r := &u.Rules[i]
		if r.Network != "" && s.Network != r.Network || len(r.Qualities) > 0 && !slices.Contains(r.Qualities, s.Quality) {
			continue
		}
		list = append(list, i)
	}
	return list
}

// words name the sort within a finding.
func (s Sort) words(all []Sort) string {
	text := ""
	if s.Network != "" {
		text += ", " + string(s.Network) + " network"
	}
	named := slices.ContainsFunc(all, func(o Sort) bool { return o.Quality != AnyQuality })
	switch {
	case named && s.Quality == AnyQuality:
		text += ", qualities that no rule names"
	case named:
		text += ", quality " + s.Quality
	}
	return text
}

// coverage reports, for each group of places with the same rules, times
// without a rule or with two, and rules nothing can reach. What an option does
// not price its plan does, so that it may leave times and sorts without a rule.
func (c *checker) coverage(u UsagePrice, path string) {
	byPlace := c.offering.RulesByPlace(u)
	if _, any := byPlace[Place{}]; !any && u.Kind == DataUsage && !c.offering.OnTop() {
		c.add(path+".rules", "data usage has no destination, so some rule must be for \"*\"")
	}
	reached, named := make([]bool, len(u.Rules)), make([]bool, len(u.Rules))
	for _, group := range groups(byPlace) {
		for _, i := range group.rules {
			named[i] = true
		}
		sorts := u.SortsOf(group.rules)
		for _, s := range sorts {
			fitting := u.Fitting(group.rules, s)
			about := "prefix " + group.name() + s.words(sorts)
			if len(fitting) == 0 && c.offering.OnTop() {
				continue
			}
			if len(fitting) == 0 {
				c.add(fmt.Sprintf("%s.rules[%d]", path, group.rules[0]), "leaves a gap: no rule prices %s; add one", about)
				continue
			}
			c.times(u, path, fitting, about, reached)
		}
	}
	c.shadowed(path, byPlace)
	for i := range u.Rules {
		if named[i] && !reached[i] {
			c.unreached(u, fmt.Sprintf("%s.rules[%d]", path, i), &u.Rules[i])
		}
	}
}

func (c *checker) unreached(u UsagePrice, path string, r *Rule) {
	onlyHolidays := len(r.Windows) > 0 && !c.hasHolidays()
	for i := range r.Windows {
		onlyHolidays = onlyHolidays && slices.Equal(r.Windows[i].Days, []Day{Holiday})
	}
	if onlyHolidays {
		c.add(path+".windows", "are never reached: the offering has no calendar and lists no holidays")
		return
	}
	for _, f := range c.findings {
		if strings.HasPrefix(f.Path, path) {
			return // what is wrong with it has been told
		}
	}
	c.add(path, "is never reached: rules of lower priority number, or dates that don't exist, leave it no time; widen its windows or give it a lower number")
}

func (c *checker) hasHolidays() bool {
	return len(c.offering.Holidays) > 0 || c.offering.Calendar != ""
}

// group is the places that share a list of rules, so that ten thousand
// prefixes cost as many timetables as there are different price lists.
type group struct {
	places []string
	rules  []int
}

// name tells the group by its first places.
func (g group) name() string {
	const shown = 3
	text := strings.Join(g.places[:min(shown, len(g.places))], ", ")
	if more := len(g.places) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func groups(byPlace map[Place][]int) []group {
	found := map[string]*group{}
	for place, rules := range byPlace {
		key := fmt.Sprint(rules)
		if found[key] == nil {
			found[key] = &group{rules: rules}
		}
		found[key].places = append(found[key].places, place.String())
	}
	var keys []string
	for key, g := range found {
		keys = append(keys, key)
		sort.Strings(g.places)
	}
	sort.Strings(keys)
	list := make([]group, len(keys))
	for i, key := range keys {
		list[i] = *found[key]
	}
	return list
}

// shadowed reports prefixes that no longer number can fall to, because each
// of the ten digits after them has rules of its own.
func (c *checker) shadowed(path string, byPlace map[Place][]int) {
	var prefixes []string
	for place := range byPlace {
		if place.Prefix != "" && tenDigitsCovered(byPlace, place.Prefix) {
			prefixes = append(prefixes, place.Prefix)
		}
	}
	sort.Strings(prefixes)
	for _, prefix := range prefixes {
		for _, i := range byPlace[Place{Prefix: prefix}] {
			c.add(fmt.Sprintf("%s.rules[%d].destinations", path, i),
				"prefix %s is never reached: every digit after it has rules of its own", prefix)
		}
	}
}

func tenDigitsCovered(byPlace map[Place][]int, prefix string) bool {
	for digit := '0'; digit <= '9'; digit++ {
		if byPlace[Place{Prefix: prefix + string(digit)}] == nil {
			return false
		}
	}
	return true
}
