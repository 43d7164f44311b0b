package tax

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"

	"tollhouse/billing/calendar"
)

// Service is what kind of thing is sold: cross-border rules go by it.
type Service string

// The kinds of service. AnyService stands for all of them in a rule.
const (
	AnyService Service = ""
	Telecom    Service = "telecom"
	Electronic Service = "electronic"
	Goods      Service = "goods"
	OtherKind  Service = "other"
)

// Services lists the kinds, as a form offers them.
var Services = []Service{Telecom, Electronic, Goods, OtherKind}

// ErrCategory is returned for a category that is not well described.
var ErrCategory = errors.New("a tax category has a short key, and a code of EN 16931 that fits it")

// Category says what a category of the catalogue is to the tax office. One that
// is not described is taxed by its rates, as a telecom service.
type Category struct {
	Key     string // as offerings name it
	Name    string
	Code    Code
	Reason  Reason // where the code needs one; empty: the usual one
	Service Service
}

var categoryKey = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)

// Check refuses a category that a document could not show.
func (c Category) Check() error {
	if !categoryKey.MatchString(c.Key) {
		return fmt.Errorf("key %q: %w", c.Key, ErrCategory)
	}
	if !c.Code.Valid() {
		return fmt.Errorf("code %q: %w", c.Code, ErrCode)
	}
	if c.Service != AnyService && c.Service != Telecom && c.Service != Electronic && c.Service != Goods && c.Service != OtherKind {
		return fmt.Errorf("service %q: %w", c.Service, ErrCategory)
	}
	return nil
}

func (c Category) reason() Reason {
	if c.Reason.IsZero() {
		return UsualReason(c.Code)
	}
	return c.Reason
}

// Category is what is known of a category.
func (t Table) Category(key string) (Category, bool) {
	c, known := t.categories[key]
	if !known {
		c = Category{Key: key, Name: key, Code: Standard, Service: Telecom}
	}
	return c, known
}

// Exemption frees one customer of tax, for a time, by a certificate.
type Exemption struct {
	ID          string        `json:"id,omitempty"`
	Code        Code          `json:"code"`
	Reason      Reason        `json:"reason"`
	Certificate string        `json:"certificate,omitempty"`
	Category    string        `json:"category,omitempty"` // empty: all
	From        calendar.Date `json:"from"`
	To          calendar.Date `json:"to,omitzero"` // zero: until it is ended
}

func (e Exemption) covers(category string, day calendar.Date) bool {
	return (e.Category == "" || e.Category == category) && !day.Before(e.From) && (e.To.IsZero() || day.Before(e.To))
}

// reason is what a document says of it.
func (e Exemption) reason() Reason {
	r := e.Reason
	usual := UsualReason(e.Code)
	r.Code, r.Text = cmp.Or(r.Code, usual.Code), cmp.Or(r.Text, usual.Text)
	if e.Certificate != "" {
		r.Text += " (" + e.Certificate + ")"
	}
	return r
}
