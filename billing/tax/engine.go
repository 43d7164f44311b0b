package tax

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// Engine says what tax a sale has, in place of the operator's own rates. It is
// outside: it is asked before a document's transaction, never in it.
type Engine interface {
	Quote(ctx context.Context, settings EngineSettings, sale Sale) (Quote, error)
}

// OutsideHTTP names the engine that is reached by HTTP in Settings.Engine.
const OutsideHTTP = "http"

// Errors of outside engines.
var (
	ErrEngineUnavailable = errors.New("the tax engine gave no answer")
	ErrEngineRefused     = errors.New("the tax engine refused the question")
	ErrEngineAnswer      = errors.New("the tax engine's answer cannot be used")
	ErrEngineMissing     = errors.New("no tax engine is set up")
	ErrEngineBasis       = errors.New("an outside tax engine goes with prices without tax only")
)

// EngineSettings are an operator's account at an engine. They are kept sealed.
type EngineSettings struct {
	Title   string `json:"title"`
	BaseURL string `json:"base_url"`
	Company string `json:"company"` // the engine's name for the seller
	Key     string `json:"key"`
}

// Check refuses what can't be an account; account.FieldError names which.
// private allows an address without TLS.
func (s EngineSettings) Check(private bool) error {
	u, err := url.Parse(s.BaseURL)
	secure := err == nil && u.Host != "" && (u.Scheme == "https" || private && u.Scheme == "http")
	switch {
	case strings.TrimSpace(s.Title) == "" || len(s.Title) > 60:
		return &account.FieldError{Field: "title", Want: "what you call the engine, at most 60 characters"}
	case !secure || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return &account.FieldError{Field: "base_url", Want: "an address that begins with https://"}
	case s.Company == "" || len(s.Company) > 60 || strings.ContainsAny(s.Company, "\r\n"):
		return &account.FieldError{Field: "company", Want: "the engine's name for you, at most 60 characters"}
	case len(s.Key) < 8 || len(s.Key) > 400 || strings.ContainsAny(s.Key, " \r\n"):
		return &account.FieldError{Field: "key", Want: "8 to 400 characters without spaces"}
	}
	return nil
}

// Sale is what an engine is asked about: a document before its taxes. Names of
// people are no part of it.
type Sale struct {
	Account  uuid.UUID      `json:"account"`
	Customer string         `json:"customer"` // the account's number
	Document string         `json:"document"`
	Date     calendar.Date  `json:"date"` // on which the service is rendered
	Currency money.Currency `json:"currency"`
	Seller   SaleParty      `json:"seller"`
	Buyer    SaleParty      `json:"buyer"`
	Lines    []SaleLine     `json:"lines"`
}

// SaleParty is the seller or the buyer as far as tax goes by it.
type SaleParty struct {
	Address  account.Address `json:"address"`
	TaxID    string          `json:"tax_id,omitempty"`
	Business bool            `json:"business"`
	Exempt   []Exemption     `json:"exempt,omitempty"`
}

// SaleLine is one line without tax, in document units.
type SaleLine struct {
	No       int           `json:"no"`
	Category string        `json:"category"`
	Service  Service       `json:"service"`
	Code     string        `json:"code"`
	Day      calendar.Date `json:"day"`
	Amount   money.Decimal `json:"amount"`
}

var saleSpace = uuid.MustParse("0b1f7c3e-5f0e-4a55-9d7c-5b2f0d8a7a11")

// Key is the same for the same question, and only for it.
func (s Sale) Key() (uuid.UUID, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return uuid.Nil, fmt.Errorf("key of a sale: %w", err)
	}
	return uuid.NewHash(sha256.New(), saleSpace, text, 8), nil
}

// Quote is an engine's answer.
type Quote struct {
	Engine    string       `json:"engine,omitempty"` // its title
	Reference string       `json:"reference"`        // the engine's own number of the answer
	Lines     []QuotedLine `json:"lines"`
}

// QuotedLine has the taxes of one line; none where nothing is taxed.
type QuotedLine struct {
	No     int         `json:"no"`
	Taxes  []QuotedTax `json:"taxes"`
	Reason string      `json:"reason,omitempty"` // why there is none
}

// QuotedTax is one tax of one line: who gets it, at which rate, and how much.
type QuotedTax struct {
	Jurisdiction string        `json:"jurisdiction"`
	Name         string        `json:"name"`
	Percent      money.Decimal `json:"percent"`
	Base         money.Decimal `json:"base"`
	Amount       money.Decimal `json:"amount"`
}

// Unquoted means that a document needs an answer that nobody has asked for.
// What was begun is undone, the engine is asked, and it is begun again.
type Unquoted struct{ Sale Sale }

func (u *Unquoted) Error() string {
	return "the tax engine has not been asked about a " + u.Sale.Document + " of account " + u.Sale.Customer
}

// Unwrap makes it ErrEngineUnavailable to whoever cannot ask.
func (u *Unquoted) Unwrap() error { return ErrEngineUnavailable }
