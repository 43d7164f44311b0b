package takings

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Total is what was collected in one currency.
type Total struct {
	Collected  money.Amount `json:"collected"`  // on the day; below zero where more went back
	Cumulative money.Amount `json:"cumulative"` // since the beginning
}

// Statement is what a stack signs for a day.
type Statement struct {
	Stack    tenant.ID
	Day      calendar.Date
	Totals   []Total // by currency; the stack's own currency is always there
	HeadSeq  int64   // of the chain of seals when it was signed; 0: not begun
	HeadHash []byte
	SignedAt time.Time // wall time, to the second
}

// Kind is the JWS's typ.
const Kind = "takings+jwt"

type wire struct {
	jwt.RegisteredClaims
	Day      calendar.Date `json:"day"`
	Totals   []Total       `json:"totals"`
	HeadSeq  int64         `json:"head_seq"`
	HeadHash string        `json:"head_hash"` // base64url without padding
}

func (s Statement) claims() jwt.Claims {
	return wire{
		RegisteredClaims: jwt.RegisteredClaims{Issuer: s.Stack.String(), IssuedAt: jwt.NewNumericDate(s.SignedAt)},
		Day:              s.Day, Totals: s.Totals, HeadSeq: s.HeadSeq, HeadHash: base64.RawURLEncoding.EncodeToString(s.HeadHash),
	}
}

// Sign signs the statement with a key.
func (s Statement) Sign(key identity.Key) (string, error) {
	return identity.Attest(key, Kind, s.claims())
}

// maxTotals bounds the currencies of a statement.
const maxTotals = 50

// MaxText bounds a statement as text, in bytes.
const MaxText = 20_000

// Read checks a statement that a stack is said to have signed. Every reason to
// refuse it is identity.ErrToken; other errors are those of key, which finds
// the public half of one of the stack's keys.
func Read(text string, stack tenant.ID, key func(id string) (ed25519.PublicKey, error)) (Statement, error) {
	if len(text) > MaxText {
		return Statement{}, fmt.Errorf("%w: longer than %d bytes", identity.ErrToken, MaxText)
	}
	var w wire
	if err := identity.ReadAttested(text, Kind, stack.String(), &w, key); err != nil {
		return Statement{}, err
	}
	hash, err := base64.RawURLEncoding.DecodeString(w.HeadHash)
	if err != nil || w.IssuedAt == nil || w.Day.IsZero() || w.HeadSeq < 0 || len(w.Totals) == 0 || len(w.Totals) > maxTotals {
		return Statement{}, fmt.Errorf("%w: it does not say what a statement says", identity.ErrToken)
	}
	seen := map[string]bool{}
	for _, t := range w.Totals {
		currency := t.Collected.Currency()
		if currency.IsZero() || t.Cumulative.Currency() != currency || seen[currency.Code()] {
			return Statement{}, fmt.Errorf("%w: its totals are not one for each currency", identity.ErrToken)
		}
		seen[currency.Code()] = true
	}
	return Statement{stack, w.Day, w.Totals, w.HeadSeq, hash, w.IssuedAt.UTC()}, nil
}
