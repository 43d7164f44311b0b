package business

import (
	"strings"
	"time"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/portal/ui"
)

const nbsp = "\u00a0"

// moneyStat writes an amount for a strip of figures: what is a million or more
// is shortened, and told whole on hover and on the page it opens.
func moneyStat(r ui.Reader, a money.Amount) ui.Stat {
	s := ui.Stat{Exact: r.Money(a)}
	shown, word := a.RoundToDocument(), ""
	for _, big := range []struct {
		power int32
		key   string
	}{{9, "biz.billion"}, {6, "biz.million"}} {
		size := money.DecimalOf(1, -big.power)
		if a.Decimal().Abs().Cmp(size) >= 0 {
			if part, err := a.MulDiv(money.NewDecimal(1), size, 2, money.HalfAwayFromZero); err == nil {
				shown, word = part, r.T(big.key)
			}
			break
		}
	}
	sign := r.Locale.Symbol(a.Currency())
	before, after, found := strings.Cut(r.Locale.FormatMoney(shown), sign)
	switch {
	case !found || len(sign) < 2 || strings.ContainsAny(sign, "€$£¥₽"):
		s.Value, s.After = before+sign+after, word
		if !found {
			s.Value = before
		}
	case strings.Trim(before, nbsp+"\u2212") == "":
		s.Before, s.Value, s.After = sign, strings.TrimSuffix(before, nbsp)+strings.Trim(after, nbsp), word
	default:
		s.Value, s.After = strings.Trim(before, nbsp), strings.TrimSpace(word+" "+sign)
	}
	return s
}

// count writes a whole number.
func count(r ui.Reader, n int64) string { return r.Number(money.NewDecimal(n)) }

// signed writes a change, so that growth is told from none.
func signed(r ui.Reader, n int64) string {
	if n > 0 {
		return "+" + count(r, n)
	}
	return count(r, n)
}

// dayOf is the day of an instant, with its year only if it is another than
// today's.
func dayOf(r ui.Reader, at time.Time) string {
	if day := r.LocalDate(at); day.Year != r.Today.Year {
		return r.Date(day)
	}
	return r.DayMonth(r.LocalDate(at))
}

// percent is part of whole with one decimal; empty where there is no whole.
func percent(r ui.Reader, part, whole money.Decimal) string {
	share, err := part.MulDiv(money.NewDecimal(100), whole, 1, money.HalfAwayFromZero)
	if err != nil || whole.IsZero() {
		return ""
	}
	return r.Locale.FormatPercent(share)
}

// figure is an amount in document units without its currency, for columns
// whose heading names it.
func figure(r ui.Reader, a money.Amount) string { return r.Locale.FormatFigure(a.RoundToDocument()) }

// monthShort is a month for the foot of a chart.
func monthShort(r ui.Reader, d calendar.Date) string {
	return r.T("biz.month." + strings.ToLower(d.Month.String()[:3]))
}

// share of 100, with two decimals, as SVG's lengths have it.
func share(part, whole money.Decimal) money.Decimal {
	s, err := part.MulDiv(money.NewDecimal(100), whole, 2, money.HalfAwayFromZero)
	if err != nil {
		return money.Decimal{} // nothing of nothing
	}
	return s
}
