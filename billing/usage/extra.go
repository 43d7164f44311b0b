package usage

import (
	"tollhouse/billing/money"
)

const maxQuality = 32

// plainQuality says whether a text can be a quality, as offerings write it.
func plainQuality(text string) bool {
	if len(text) > maxQuality {
		return false
	}
	for _, c := range []byte(text) {
		letter := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !letter && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

func badQuality(text string) *Problem {
	return &Problem{"quality", UnknownValue, quote(clip(text)) + " is no quality", "at most 32 lower-case letters, digits, '.', '_' or '-', such as hd"}
}

// amount reads an event's own amount; none from an empty text.
func amount(text string) (*money.Decimal, *Problem) {
	if text == "" {
		return nil, nil
	}
	d, err := money.ParseDecimal(text)
	switch {
	case err != nil || d.Digits() > money.Scale || d.Cmp(maxAmount) > 0:
		return nil, &Problem{"amount", BadNumber, quote(clip(text)) + " is no amount", "a decimal such as 250.00, with at most 9 digits after the point"}
	case d.Sign() < 0:
		return nil, &Problem{"amount", NegativeQuantity, text + " is negative", "0 or more"}
	}
	return &d, nil
}

var maxAmount = money.NewDecimal(1e18)
