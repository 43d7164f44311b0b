package catalog

import (
	"sort"
	"time"

	"tollhouse/billing/calendar"
)

// Timetable says for each minute of each day which of some rules applies. Days
// that look the same share a plan, and seasons of dates are kept where some
// window names dates, so that neither years nor windows make it large.
type Timetable struct {
	seasons []season
	plans   []Plan
}

// Plan is a day, span after span, up to 24:00.
type Plan []PlanSpan

// PlanSpan is a part of a day that ends before Until. Rule is an index, -1
// where none applies.
type PlanSpan struct {
	Until TimeOfDay
	Rule  int16
}

// season is a run of dates between which no window's dates begin or end.
type season struct {
	from, to calendar.Date // to is not included; zero: without begin or end
	by       dayIndex
	plans    [DayCount][]uint16
}

// dayIndex says how a season tells its days apart.
type dayIndex uint8

const (
	bySort     dayIndex = iota // the sort of day is enough
	byYearDay                  // by day of the year
	byPosition                 // by days since its begin: it is short
)

// PlanOf returns the plan of a date that counts as a day of sort d.
func (t *Timetable) PlanOf(date calendar.Date, d Day) Plan {
	s := &t.seasons[0]
	if len(t.seasons) > 1 {
		i := sort.Search(len(t.seasons)-1, func(i int) bool { return date.Before(t.seasons[i+1].from) })
		s = &t.seasons[i]
	}
	return t.plans[s.plans[d][s.index(date)]]
}

// Always returns the rule that applies at every time, and false if there is
// no such rule.
func (t *Timetable) Always() (rule int16, ok bool) {
	if len(t.plans) != 1 || len(t.plans[0]) != 1 {
		return -1, false
	}
	rule = t.plans[0][0].Rule
	return rule, rule >= 0
}

func (s *season) index(date calendar.Date) int {
	switch s.by {
	case byYearDay:
		return yearDay(date.Month, date.Day)
	case byPosition:
		return s.from.DaysUntil(date)
	}
	return 0
}

const yearDays = 366

// yearDay counts from 0 in a leap year, so that a date has the same number
// every year.
func yearDay(m time.Month, day int) int {
	return time.Date(leapYear, m, day, 0, 0, 0, 0, time.UTC).YearDay() - 1
}

const leapYear = 2028

// claim is one window of one rule.
type claim struct {
	rule     int16
	window   int // its place in the rule; -1 if the rule has none
	priority int
	when     Window
	from, to TimeOfDay
}

// claims lists the windows of some of u's rules, those that go first first.
func (u *UsagePrice) claims(rules []int) []claim {
	var list []claim
	for _, i := range rules {
		r := &u.Rules[i]
		add := func(j int, w Window) {
			from, to := w.Span()
			list = append(list, claim{int16(i), j, r.PriorityOr(), w, from, to})
		}
		for j, w := range r.Windows {
			add(j, w)
		}
		if len(r.Windows) == 0 {
			add(-1, Window{})
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].priority < list[j].priority })
	return list
}

// TimetableOf lays the windows of some of u's rules over the calendar.
func (u *UsagePrice) TimetableOf(rules []int) *Timetable {
	t, _ := layOut(u.claims(rules))
	return t
}

// layOut makes the timetable, and for each plan the claims that lie on it.
func layOut(claims []claim) (*Timetable, [][]bool) {
	t := &Timetable{seasons: seasonsOf(claims)}
	known := map[string]uint16{}
	var lies [][]bool
	key := make([]byte, len(claims))
	for i := range t.seasons {
		s := &t.seasons[i]
		for d := Monday; d <= Holiday; d++ {
			for n := range s.days() {
				date := s.date(n)
				for c := range claims {
					key[c] = 0
					if claims[c].when.On(date, d) {
						key[c] = 1
					}
				}
				plan, seen := known[string(key)]
				if !seen {
					plan = uint16(len(t.plans))
					known[string(key)] = plan
					on := make([]bool, len(claims))
					for c := range claims {
						on[c] = key[c] == 1
					}
					t.plans, lies = append(t.plans, planOf(claims, on)), append(lies, on)
				}
				s.plans[d] = append(s.plans[d], plan)
			}
		}
	}
	return t, lies
}

// planOf gives each minute to the first claim that lies on it.
func planOf(claims []claim, on []bool) Plan {
	var owner [DayMinutes]int16
	for m := range owner {
		owner[m] = -1
	}
	for i := range claims {
		if !on[i] {
			continue
		}
		for m := claims[i].from; m < claims[i].to; m++ {
			if owner[m] < 0 {
				owner[m] = claims[i].rule
			}
		}
	}
	var plan Plan
	for m, rule := range owner {
		if n := len(plan); n > 0 && plan[n-1].Rule == rule {
			plan[n-1].Until = TimeOfDay(m + 1)
			continue
		}
		plan = append(plan, PlanSpan{TimeOfDay(m + 1), rule})
	}
	return plan
}

// seasonsOf cuts the calendar where the dates of windows begin and end.
func seasonsOf(claims []claim) []season {
	cuts := map[calendar.Date]bool{}
	yearly := false
	for i := range claims {
		w := &claims[i].when
		yearly = yearly || len(w.Months) > 0 || len(w.MonthDays) > 0
		for _, date := range w.Dates {
			cuts[date], cuts[date.AddDays(1)] = true, true
		}
		if w.FirstDate != nil {
			cuts[*w.FirstDate] = true
		}
		if w.LastDate != nil {
			cuts[w.LastDate.AddDays(1)] = true
		}
	}
	dates := make([]calendar.Date, 0, len(cuts))
	for date := range cuts {
		dates = append(dates, date)
	}
	sort.Slice(dates, func(i, j int) bool { return dates[i].Before(dates[j]) })
	list := make([]season, len(dates)+1)
	for i := range list {
		s := &list[i]
		if i > 0 {
			s.from = dates[i-1]
		}
		if i < len(dates) {
			s.to = dates[i]
		}
		switch {
		case !yearly:
		case s.bounded() && s.from.DaysUntil(s.to) <= yearDays:
			s.by = byPosition
		default:
			s.by = byYearDay
		}
	}
	return list
}

func (s *season) bounded() bool { return !s.from.IsZero() && !s.to.IsZero() }

// days is how many days the season tells apart.
func (s *season) days() int {
	switch s.by {
	case byYearDay:
		return yearDays
	case byPosition:
		return s.from.DaysUntil(s.to)
	}
	return 1
}

// date returns a date of the season that has index n. Where years don't
// matter any year of it will do; one that is outside of it is told apart by
// nothing but its month and day, which On is asked with the season's dates.
func (s *season) date(n int) calendar.Date {
	within := s.from
	if within.IsZero() {
		within = s.to.AddDays(-1)
		if s.to.IsZero() {
			within = calendar.Date{Year: leapYear, Month: time.January, Day: 1}
		}
	}
	switch s.by {
	case byPosition:
		return s.from.AddDays(n)
	case byYearDay:
		first := calendar.Date{Year: leapYear, Month: time.January, Day: 1}.AddDays(n)
		return s.inYears(first, within)
	}
	return within
}

// inYears moves a month and day to a year in which it lies inside the season.
// An unbounded one, and one of more than a year, has such years; 29 February
// may need eight.
func (s *season) inYears(day, within calendar.Date) calendar.Date {
	for away := range 9 {
		for _, year := range []int{within.Year + away, within.Year - away} {
			date := calendar.Date{Year: year, Month: day.Month, Day: day.Day}
			if date.AddDays(0) != date {
				continue // 29 February of a common year
			}
			if !s.from.IsZero() && date.Before(s.from) || !s.to.IsZero() && !date.Before(s.to) {
				continue
			}
			return date
		}
	}
	return within
}
