package catalog

import (
	"fmt"
	"slices"
)

// Span is a stretch of a day that one rule prices; Rule is -1 where none does.
type Span struct {
	From, To TimeOfDay
	Rule     int
}

// Plain says whether a window goes by weekday and hour only, as a week's grid
// shows it.
func (w Window) Plain() bool {
	return len(w.Months) == 0 && len(w.MonthDays) == 0 && len(w.Dates) == 0 && w.FirstDate == nil && w.LastDate == nil
}

// Week lays rules over the week: the spans of each sort of day, in order. It
// serves rules whose windows are Plain.
func (u UsagePrice) Week(rules []int) [DayCount][]Span {
	grid := u.plainGrid(rules)
	var week [DayCount][]Span
	for day := range grid {
		for m := TimeOfDay(0); m < DayMinutes; {
			from := m
			for m < DayMinutes && grid[day][m] == grid[day][from] {
				m++
			}
			week[day] = append(week[day], Span{from, m, int(grid[day][from])})
		}
	}
	return week
}

type plainGrid [DayCount][DayMinutes]int16

func (u UsagePrice) plainGrid(rules []int) *plainGrid {
	g := new(plainGrid)
	for day := range g {
		for m := range g[day] {
			g[day][m] = -1
		}
	}
	for _, i := range rules {
		windows := u.Rules[i].Windows
		if len(windows) == 0 {
			windows = []Window{{}}
		}
		for _, w := range windows {
			if !w.Plain() {
				continue
			}
			from, to := w.Span()
			for day := Monday; day <= Holiday; day++ {
				if len(w.Days) > 0 && !slices.Contains(w.Days, day) {
					continue
				}
				for m := from; m < to; m++ {
					if g[day][m] < 0 {
						g[day][m] = int16(i)
					}
				}
			}
		}
	}
	return g
}

// Paint gives hours of some days to a rule, and takes them from the others of
// the group: rules for the same destinations. -1 leaves them without a price.
func (u *UsagePrice) Paint(group []int, rule int, days []Day, from, to TimeOfDay) error {
	if rule >= 0 && !slices.Contains(group, rule) || to <= from {
		return fmt.Errorf("%w: %s to %s", ErrWindow, from, to)
	}
	grid := u.plainGrid(group)
	for _, day := range days {
		for m := from; m < to; m++ {
			grid[day][m] = int16(rule)
		}
	}
	for _, i := range group {
		kept := slices.DeleteFunc(slices.Clone(u.Rules[i].Windows), Window.Plain)
		windows, always := grid.windowsOf(int16(i))
		if always {
			windows = nil
		}
		u.Rules[i].Windows = append(kept, windows...)
	}
	return nil
}

// windowsOf are a rule's spans as few windows as possible: days with the same
// hours share one. always says that it has every minute.
func (g *plainGrid) windowsOf(rule int16) (windows []Window, always bool) {
	type hours struct{ from, to TimeOfDay }
	days := map[hours][]Day{}
	var order []hours
	always = true
	for day := Monday; day <= Holiday; day++ {
		for m := TimeOfDay(0); m < DayMinutes; {
			if g[day][m] != rule {
				always = false
				m++
				continue
			}
			h := hours{from: m}
			for m < DayMinutes && g[day][m] == rule {
				m++
			}
			h.to = m
			if days[h] == nil {
				order = append(order, h)
			}
			days[h] = append(days[h], day)
		}
	}
	for _, h := range order {
		w := Window{Days: days[h]}
		if len(w.Days) == DayCount {
			w.Days = nil
		}
		if h.from > 0 || len(w.Days) == 0 {
			w.From = &h.from
		}
		if h.to < DayMinutes || len(w.Days) == 0 {
			w.To = &h.to
		}
		windows = append(windows, w)
	}
	return windows, always
}

// SameDestinations groups a usage price's rules by what they are for: each group
// shares one week.
func (u UsagePrice) SameDestinations() [][]int {
	at := map[string]int{}
	var groups [][]int
	for i, r := range u.Rules {
		codes := slices.Clone(r.Destinations)
		slices.Sort(codes)
		key := fmt.Sprint(codes, r.Network, r.Qualities)
		if n, known := at[key]; known {
			groups[n] = append(groups[n], i)
			continue
		}
		at[key] = len(groups)
		groups = append(groups, []int{i})
	}
	return groups
}
