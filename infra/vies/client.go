package vies

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"tollhouse/billing/tax"
)

// Official is where the register answers.
const Official = "https://ec.europa.eu/taxation_customs/vies/rest-api"

const (
	tries     = 2
	oneTry    = 5 * time.Second
	inAll     = 12 * time.Second
	pause     = 500 * time.Millisecond
	maxAnswer = 64 << 10
)

// Client asks the register.
type Client struct {
	base string
	http *http.Client
}

var _ tax.Registry = (*Client)(nil)

// New makes a client for the register at an address.
func New(base string) *Client {
	return &Client{base: strings.TrimRight(base, "/"), http: &http.Client{Timeout: oneTry,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// question is the body of check-vat-number. With the asker's own id the
// register numbers its answer, which is what an auditor asks for.
type question struct {
	Country   string `json:"countryCode"`
	Number    string `json:"vatNumber"`
	AskerAt   string `json:"requesterMemberStateCode,omitempty"`
	AskerName string `json:"requesterNumber,omitempty"`
}

// answer is what the register says; a fault has actionSucceed false and the
// wrappers' codes.
type answer struct {
	Valid      bool   `json:"valid"`
	Date       string `json:"requestDate"`
	Identifier string `json:"requestIdentifier"`
	Name       string `json:"name"`
	Address    string `json:"address"`
	Succeeded  *bool  `json:"actionSucceed"`
	Faults     []struct {
		Code    string `json:"error"`
		Message string `json:"message"`
	} `json:"errorWrappers"`
}

// hidden is what member states write that tell no name.
const hidden = "---"

// Lookup asks whether an id is in use.
func (c *Client) Lookup(ctx context.Context, q tax.Inquiry) (tax.Registration, error) {
	body, err := json.Marshal(question{Country: letters(q.Country), Number: number(q.Country, q.ID), AskerAt: letters(q.AskerCountry), AskerName: number(q.AskerCountry, q.AskerID)})
	if err != nil {
		return tax.Registration{}, fmt.Errorf("ask VIES: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, inAll)
	defer cancel()
	for try := 1; ; try++ {
		found, err := c.ask(ctx, body)
		if err == nil || try == tries || !errors.Is(err, tax.ErrRegistryUnreachable) {
			return found, err
		}
		select {
		case <-ctx.Done():
			return found, err
		case <-time.After(pause):
		}
	}
}

func (c *Client) ask(ctx context.Context, body []byte) (tax.Registration, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/check-vat-number", bytes.NewReader(body))
	if err != nil {
		return tax.Registration{}, unreachable(err.Error())
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return tax.Registration{}, unreachable("no answer in time")
		}
		return tax.Registration{}, unreachable("no connection")
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return tax.Registration{}, unreachable("the answer broke off")
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return tax.Registration{}, unreachable(fmt.Sprintf("status %d, and no answer of the register", response.StatusCode))
	}
	return a.registration(response.StatusCode)
}

// registration reads an answer. INVALID_INPUT is a no: the number cannot be one
// of that country. All other faults are the member state's or the network's.
func (a answer) registration(status int) (tax.Registration, error) {
	if a.Succeeded != nil && !*a.Succeeded || len(a.Faults) > 0 {
		codes := make([]string, len(a.Faults))
		for i, f := range a.Faults {
			codes[i] = f.Code
		}
		if len(codes) == 1 && codes[0] == "INVALID_INPUT" {
			return tax.Registration{}, nil
		}
		return tax.Registration{}, unreachable(strings.Join(codes, ", "))
	}
	if status != http.StatusOK || a.Date == "" {
		return tax.Registration{}, unreachable(fmt.Sprintf("status %d", status))
	}
	at, err := time.Parse(time.RFC3339, a.Date)
	if err != nil {
		if at, err = time.Parse("2006-01-02-07:00", a.Date); err != nil {
			return tax.Registration{}, unreachable("an answer without its date")
		}
	}
	return tax.Registration{Valid: a.Valid, Name: shown(a.Name), Address: shown(a.Address), At: at.UTC(), Request: a.Identifier}, nil
}

func shown(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if strings.Trim(text, "-") == "" || text == hidden {
		return ""
	}
	return text
}

// letters are those under which the register knows a country.
func letters(country string) string {
	if country == "GR" {
		return "EL"
	}
	return country
}

// number is an id without its country's letters.
func number(country, id string) string {
	id = tax.NormalID(id)
	return strings.TrimPrefix(strings.TrimPrefix(id, letters(country)), country)
}

func unreachable(why string) error { return fmt.Errorf("%w: %s", tax.ErrRegistryUnreachable, why) }
