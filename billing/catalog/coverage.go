package catalog

import (
	"fmt"
	"sort"
	"strings"
)

// Grid says for each minute of each sort of day which rule applies, by its
// index; -1 is none.
type Grid [DayCount][DayMinutes]int16

// claim gives the window's free minutes to rule and returns the first
// minute that another rule had already.
func (g *Grid) claim(w Window, rule int16) (taken *clash) {
	from, to := w.Span()
	for day := Monday; day <= Holiday; day++ {
		if !w.OnDay(day) {
			continue
		}
		for m := from; m < to; m++ {
			if owner := g[day][m]; owner >= 0 {
				if taken == nil {
					taken = &clash{owner, day, m}
				}
				continue
			}
			g[day][m] = rule
		}
	}
	return taken
}

type clash struct {
	owner int16
	day   Day
	at    TimeOfDay
}

func emptyGrid() *Grid {
	g := new(Grid)
	for day := range g {
		for m := range g[day] {
			g[day][m] = -1
		}
	}
	return g
}

// RulesByPrefix returns, for each prefix of u, the indexes of the rules that
// name it.
func (o Offering) RulesByPrefix(u UsagePrice) map[string][]int {
	rules := map[string][]int{}
	for i, r := range u.Rules {
		for _, p := range o.Prefixes(r.Destinations) {
			if have := rules[p]; len(have) == 0 || have[len(have)-1] != i {
				rules[p] = append(have, i)
			}
		}
	}
	return rules
}

// GridOf lays the windows of some of u's rules over the week.
func (u UsagePrice) GridOf(rules []int) *Grid {
	g := emptyGrid()
	for _, i := range rules {
		for _, w := range u.Rules[i].windowsOrAlways() {
			g.claim(w, int16(i))
		}
	}
	return g
}

func (r Rule) windowsOrAlways() []Window {
	if len(r.Windows) == 0 {
		return []Window{{}}
	}
	return r.Windows
}

// coverage reports, for each group of prefixes with the same rules, minutes
// of the week without a rule or with two, and rules nothing can reach.
func (c *checker) coverage(u UsagePrice, path string) {
	byPrefix := c.offering.RulesByPrefix(u)
	if _, any := byPrefix[""]; !any && u.Kind == DataUsage {
		c.add(path+".rules", "data usage has no destination, so some rule must be for \"*\"")
	}
	for _, group := range groups(byPrefix) {
		c.week(u, path, group)
	}
	c.shadowed(path, byPrefix)
	if len(c.offering.Holidays) == 0 {
		c.holidayOnly(u, path)
	}
}

// group is the prefixes that share a list of rules, so that ten thousand
// prefixes cost as many grids as there are different price lists.
type group struct {
	prefixes []string
	rules    []int
}

// name tells the group by its first prefixes.
func (g group) name() string {
	const shown = 3
	var names []string
	for _, p := range g.prefixes[:min(shown, len(g.prefixes))] {
		if p == "" {
			p = AnyDestination
		}
		names = append(names, p)
	}
	text := strings.Join(names, ", ")
	if more := len(g.prefixes) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func groups(byPrefix map[string][]int) []group {
	found := map[string]*group{}
	for prefix, rules := range byPrefix {
		key := fmt.Sprint(rules)
		if found[key] == nil {
			found[key] = &group{rules: rules}
		}
		found[key].prefixes = append(found[key].prefixes, prefix)
	}
	var keys []string
	for key, g := range found {
		keys = append(keys, key)
		sort.Strings(g.prefixes)
	}
	sort.Strings(keys)
	list := make([]group, len(keys))
	for i, key := range keys {
		list[i] = *found[key]
	}
	return list
}

func (c *checker) week(u UsagePrice, path string, group group) {
	grid := emptyGrid()
	for _, i := range group.rules {
		for j, w := range u.Rules[i].windowsOrAlways() {
			taken := grid.claim(w, int16(i))
			if taken == nil {
				continue
			}
			at := fmt.Sprintf("%s.rules[%d]", path, i)
			if len(u.Rules[i].Windows) > 0 {
				at = fmt.Sprintf("%s.windows[%d]", at, j)
			}
			c.add(at, "overlaps %s.rules[%d] on %s from %s for prefix %s",
				path, taken.owner, taken.day, taken.at, group.name())
		}
	}
	days := Holiday
	if len(c.offering.Holidays) > 0 {
		days = DayCount
	}
	for day := Monday; day < days; day++ {
		for _, hole := range grid.holes(day) {
			c.add(fmt.Sprintf("%s.rules[%d].windows", path, group.rules[0]),
				"leaves a gap on %s from %s to %s for prefix %s", day, hole[0], hole[1], group.name())
		}
	}
}

// holes returns the spans of a day in which no rule applies.
func (g *Grid) holes(day Day) [][2]TimeOfDay {
	var holes [][2]TimeOfDay
	for m := TimeOfDay(0); m < DayMinutes; m++ {
		if g[day][m] >= 0 {
			continue
		}
		from := m
		for m < DayMinutes && g[day][m] < 0 {
			m++
		}
		holes = append(holes, [2]TimeOfDay{from, m})
	}
	return holes
}

// shadowed reports prefixes that no longer number can fall to, because each
// of the ten digits after them has rules of its own.
func (c *checker) shadowed(path string, byPrefix map[string][]int) {
	var prefixes []string
	for prefix := range byPrefix {
		if prefix != "" && tenDigitsCovered(byPrefix, prefix) {
			prefixes = append(prefixes, prefix)
		}
	}
	sort.Strings(prefixes)
	for _, prefix := range prefixes {
		for _, i := range byPrefix[prefix] {
			c.add(fmt.Sprintf("%s.rules[%d].destinations", path, i),
				"prefix %s is never reached: every digit after it has rules of its own", prefix)
		}
	}
}

func tenDigitsCovered(byPrefix map[string][]int, prefix string) bool {
	for digit := '0'; digit <= '9'; digit++ {
		if byPrefix[prefix+string(digit)] == nil {
			return false
		}
	}
	return true
}

func (c *checker) holidayOnly(u UsagePrice, path string) {
	for i, r := range u.Rules {
		reached := false
		for _, w := range r.windowsOrAlways() {
			for day := Monday; day <= Sunday; day++ {
				reached = reached || w.OnDay(day)
			}
		}
		if !reached {
			c.add(fmt.Sprintf("%s.rules[%d].windows", path, i), "are never reached: the offering lists no holidays")
		}
	}
}
