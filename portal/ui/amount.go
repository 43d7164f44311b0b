package ui

import (
	"errors"
	"strings"

	"tollhouse/billing/locale"
	"tollhouse/billing/money"
)

// ErrAmount means that a text is no amount above zero that the currency's
// documents can hold.
var ErrAmount = errors.New("not an amount")

// ParseAmount reads what a person types: either separator, spaces, and the
// currency's sign before or after. A mark that stands once with three digits
// after it groups thousands, unless the currency has three decimals; then the
// reader's own marks decide.
func ParseAmount(typed string, c money.Currency, l locale.Locale) (money.Amount, error) {
	plain := strings.NewReplacer(" ", "", nbsp, "", "\u202f", "", "'", "", l.Symbol(c), "", c.Code(), "").Replace(strings.TrimSpace(typed))
	whole, fraction := splitAmount(plain, int(c.DocumentDigits()), l)
	if !digitsOnly(whole) || fraction != "" && !digitsOnly(fraction) || len(fraction) > int(c.DocumentDigits()) || len(whole) > 15 {
		return money.Amount{}, ErrAmount
	}
	if fraction != "" {
		whole += "." + fraction
	}
	amount, err := money.Parse(whole, c)
	if err != nil || amount.Sign() <= 0 {
		return money.Amount{}, ErrAmount
	}
	return amount, nil
}

// splitAmount finds the decimal mark: the last mark, if it stands once and not
// where a group of thousands begins. The other marks must group in threes.
func splitAmount(plain string, digits int, l locale.Locale) (whole, fraction string) {
	at := strings.LastIndexAny(plain, ".,")
	if at < 0 {
		return plain, ""
	}
	mark, rest := plain[at:at+1], plain[at+1:]
	decimal := strings.Count(plain, mark) == 1
	if decimal && len(rest) == 3 && !strings.ContainsAny(plain[:at], ".,") {
		decimal = digits == 3 && strings.HasPrefix(strings.TrimLeft(l.FormatNumber(money.DecimalOf(15, 1)), "1"), mark)
	} else if decimal && len(rest) == 3 && digits < 3 {
		decimal = false
	}
	if decimal {
		return ungroup(plain[:at]), rest
	}
	return ungroup(plain), ""
}

// ungroup drops the marks between groups of three; a text that is grouped
// otherwise keeps them and is no number.
func ungroup(text string) string {
	groups := strings.FieldsFunc(text, func(r rune) bool { return r == '.' || r == ',' })
	if len(groups) > 1 && groups[0][0] == '0' {
		return text // "0.500" is a half to whoever types it, never five hundred
	}
	for i, group := range groups {
		if i > 0 && len(group) != 3 || i == 0 && len(groups) > 1 && len(group) > 3 {
			return text
		}
	}
	return strings.Join(groups, "")
}

func digitsOnly(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}
