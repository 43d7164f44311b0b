package catalog

import (
	"fmt"
	"slices"
	"time"

	"tollhouse/billing/calendar"
)

// times reports holes and overlaps of the rules that a sort of usage to a
// place may have, and marks the rules that get any time.
func (c *checker) times(u UsagePrice, path string, rules []int, about string, reached []bool) {
	claims := u.claims(rules)
	table, lies := layOut(claims)
	told := make([]bool, len(table.plans))
	clashed := map[[2]int16]bool{}
	for i := range table.seasons {
		s := &table.seasons[i]
		for n := range s.days() {
			for d := Monday; d <= Holiday; d++ {
				date := s.date(n)
				if !c.happens(s, date, d) {
					continue
				}
				plan := s.plans[d][n]
				for _, span := range table.plans[plan] {
					if span.Rule >= 0 {
						reached[span.Rule] = true
					}
				}
				weekly := len(table.seasons) == 1 && s.by == bySort
				if told[plan] && !weekly {
					continue
				}
				told[plan] = true
				day := s.words(date, d)
				if !c.offering.OnTop() {
					c.holes(table.plans[plan], fmt.Sprintf("%s.rules[%d].windows", path, rules[0]), day, about)
				}
				c.clashes(claims, lies[plan], path, day, about, clashed)
			}
		}
	}
}

// happens says whether a season has a day of sort d on a date.
func (c *checker) happens(s *season, date calendar.Date, d Day) bool {
	listed := slices.ContainsFunc(c.offering.Holidays, func(h calendar.Date) bool {
		switch s.by {
		case byPosition:
			return h == date
		case byYearDay:
			return s.holds(h) && h.Month == date.Month && h.Day == date.Day
		}
		return s.holds(h)
	})
	if d == Holiday {
		return listed || c.offering.Calendar != ""
	}
	if s.by == byPosition || s.oneDay() {
		return !listed && WeekdayOf(date.Weekday()) == d
	}
	return true
}

func (s *season) oneDay() bool { return s.bounded() && s.from.DaysUntil(s.to) == 1 }

func (s *season) holds(date calendar.Date) bool {
	return (s.from.IsZero() || !date.Before(s.from)) && (s.to.IsZero() || date.Before(s.to))
}

// words name a day of the season: by its date, by day and month, or by its
// sort alone.
func (s *season) words(date calendar.Date, d Day) string {
	switch {
	case s.by == byPosition, s.oneDay():
		return fmt.Sprintf("%s (%s)", date, d)
	case s.by == byYearDay:
		return fmt.Sprintf("%s, %d %s", d, date.Day, date.Month)
	case s.bounded():
		return fmt.Sprintf("%s from %s to %s", d, s.from, s.to.AddDays(-1))
	case !s.from.IsZero():
		return fmt.Sprintf("%s from %s on", d, s.from)
	case !s.to.IsZero():
		return fmt.Sprintf("%s up to %s", d, s.to.AddDays(-1))
	}
	return d.String()
}

// holes reports the spans of a day in which no rule applies.
func (c *checker) holes(plan Plan, path, day, about string) {
	var from TimeOfDay
	for _, span := range plan {
		if span.Rule < 0 {
			c.add(path, "leaves a gap on %s from %s to %s for %s", day, from, span.Until, about)
		}
		from = span.Until
	}
}

// clashes reports two rules of equal priority, or two windows of one rule,
// that lie on the same minute and that no rule before them takes.
func (c *checker) clashes(claims []claim, on []bool, path, day, about string, known map[[2]int16]bool) {
	for i := range claims {
		for j := range i {
			a, b := &claims[j], &claims[i]
			from, to := max(a.from, b.from), min(a.to, b.to)
			pair := [2]int16{int16(j), int16(i)}
			if !on[i] || !on[j] || a.priority != b.priority || from >= to || known[pair] {
				continue
			}
			known[pair] = true
			later, earlier := b, a
			if b.rule < a.rule || b.rule == a.rule && b.window < a.window {
				later, earlier = a, b
			}
			at := fmt.Sprintf("%s.rules[%d]", path, later.rule)
			if later.window >= 0 {
				at += fmt.Sprintf(".windows[%d]", later.window)
			}
			c.add(at, "overlaps %s.rules[%d] on %s from %s for %s; end it there, or give one of them a lower priority number, which goes first",
				path, earlier.rule, day, from, about)
		}
	}
}

// dates reports dates that end before they begin and days no month has.
func (c ruleCheck) dates(w *Window, path string) {
	if w.FirstDate != nil && w.LastDate != nil && w.LastDate.Before(*w.FirstDate) {
		c.add(path+".last_date", "%s is before %s, so the window has no day", w.LastDate, w.FirstDate)
	}
	for _, m := range w.Months {
		for _, d := range w.MonthDays {
			if d <= daysOf(m) {
				return
			}
		}
	}
	if len(w.Months) > 0 && len(w.MonthDays) > 0 {
		c.add(path+".month_days", "none of the months has such a day")
	}
}

func daysOf(m time.Month) int { return time.Date(leapYear, m+1, 0, 0, 0, 0, 0, time.UTC).Day() }
