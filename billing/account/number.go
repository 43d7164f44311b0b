package account

import (
	"crypto/rand"
	"fmt"
	"math/big"
)

// Account numbers have ten digits, the first not zero: nine drawn at random, so
// that a number tells nobody how many customers the operator has, and a check
// digit. numberDraws is how many there are to draw from.
const (
	firstNumber = 100_000_000
	numberDraws = 900_000_000
)

func newNumber() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(numberDraws))
	if err != nil {
		return "", fmt.Errorf("draw account number: %w", err)
	}
	digits := fmt.Sprint(firstNumber + n.Int64())
	return digits + string(rune('0'+checkDigit(digits))), nil
}

// ValidNumber says whether a text can be an account number: one wrong digit is
// always noticed, two swapped neighbours nearly always.
func ValidNumber(text string) bool {
	const length = 10
	if len(text) != length {
		return false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return int(text[length-1]-'0') == checkDigit(text[:length-1])
}

// checkDigit is ISO/IEC 7064 MOD 11,10 (as in the German tax id).
func checkDigit(digits string) int {
	p := 10
	for _, c := range digits {
		s := (p + int(c-'0')) % 10
		if s == 0 {
			s = 10
		}
		p = 2 * s % 11
	}
	return (11 - p) % 10
}
