package tenants

import (
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/sandbox"
)

// Application is what staff write down about a new operator, as it came in.
type Application struct {
	Name             string // in paths and host names
	DisplayName      string // as subscribers know it; empty: the legal name
	LegalName        string
	Country          string // ISO 3166-1 alpha-2
	Zone             string // IANA
	Currency         string // ISO 4217
	Language         string // en, id or ru
	PricesIncludeTax bool
	OwnerEmail       string
	LegalEntity      LegalEntity
	TaxRates         []RateText // none: those of the country, where they are known
	Sandbox          bool
	ClockAt          *time.Time // a sandbox's first business time; nil: now
	GraceDays        *int       // of its contract: service goes on for so long after a suspension; nil: 14
	house            bool       // it is our own stack
}

// RateText is a tax rate as it came in.
type RateText struct {
	Category  string // as offerings name it: standard, reduced
	Name      string // as bills print it
	Percent   string
	ValidFrom string // 2026-05-01
	ValidTo   string // the day it ends before; empty: open
}

var (
	namePattern     = regexp.MustCompile(`^[a-z][a-z0-9-]{1,38}[a-z0-9]$`)
	categoryPattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	languages       = []string{"en", "id", "ru"}
	// reserved names are those of our own hosts and paths, and of the tenant
	// with which the house bills its operators.
	reserved = []string{"admin", "api", "control", "house", "localhost", "mail", "staff", "static", "status", "www"}
)

const (
	maxText      = 200
	maxTaxRates  = 100
	maxEmail     = 254 // RFC 5321, section 4.5.3.1.3, less the angle brackets
	percentScale = 6

	defaultGraceDays = 14
	maxGraceDays     = 365
)

// A sandbox starts within these years: dates outside are slips, and a cycle
// needs room on both sides.
const (
	firstClockYear = 2000
	lastClockYear  = 2090
)

// parsed is an application whose every field is right.
type parsed struct {
	name, displayName, legalName, country, ownerEmail string
	sandbox                                           bool
	graceDays                                         int
	settings                                          Settings
}

// parse checks every field and returns all faults at once in an *InvalidError.
// knownTaxes says for which countries a stack brings its own tax rates.
func (a Application) parse(now time.Time, knownTaxes func(country string) bool) (parsed, error) {
	var f faults
	p := parsed{name: a.Name, displayName: a.DisplayName, legalName: strings.TrimSpace(a.LegalName), country: a.Country,
		ownerEmail: a.OwnerEmail, sandbox: a.Sandbox, graceDays: defaultGraceDays}
	if strings.TrimSpace(p.displayName) == "" {
		p.displayName = p.legalName
	}
	f.unless(namePattern.MatchString(a.Name), "name", "3 to 40 lower-case letters, digits and hyphens, a letter first and no hyphen last,")
	f.unless(a.house || !slices.Contains(reserved, a.Name), "name", "a name that the house does not use itself")
	f.unless(!strings.HasSuffix(a.Name, sandbox.Suffix), "name", "a name that does not end in "+sandbox.Suffix+", which copies of stacks do,")
	f.unless(line(p.legalName), "legal_name", "the company's registered name, at most 200 characters,")
	f.unless(p.legalName == "" || line(p.displayName), "display_name", "a name of at most 200 characters on one line")
	f.unless(country(a.Country), "country", "a two-letter country code (ISO 3166-1) in capitals")
	f.unless(email(a.OwnerEmail), "owner_email", "an e-mail address such as owner@example.net")
	if a.GraceDays != nil {
		p.graceDays = *a.GraceDays
	}
	f.unless(p.graceDays >= 0 && p.graceDays <= maxGraceDays, "grace_days", "a number of days from 0 to 365")
	p.settings = a.settings(&f, now)
	if len(a.TaxRates) == 0 && country(a.Country) {
		f.unless(knownTaxes(a.Country), "tax_rates", "at least one rate, as those of "+a.Country+" are not known here,")
	}
	return p, f.err()
}

func (a Application) settings(f *faults, now time.Time) Settings {
	s := Settings{Zone: a.Zone, Language: a.Language, PricesIncludeTax: a.PricesIncludeTax, LegalEntity: a.LegalEntity}
	_, err := time.LoadLocation(a.Zone)
	f.unless(err == nil && a.Zone != "" && a.Zone != "Local", "zone", "an IANA zone such as Asia/Jakarta")
	s.Currency, err = money.ParseCurrency(a.Currency)
	f.unless(err == nil, "currency", "an ISO 4217 currency such as IDR")
	f.unless(slices.Contains(languages, a.Language), "language", "en, id or ru")
	a.LegalEntity.check(f)
	s.TaxRates = parseRates(a.TaxRates, f)
	s.ClockAt = a.clock(f, now)
	return s
}

func (a Application) clock(f *faults, now time.Time) *time.Time {
	switch {
	case !a.Sandbox:
		f.unless(a.ClockAt == nil, "clock_at", "nothing, as only a sandbox has a clock of its own,")
		return nil
	case a.ClockAt == nil:
		return &now
	}
	at := a.ClockAt.UTC().Truncate(time.Microsecond)
	f.unless(at.Year() >= firstClockYear && at.Year() <= lastClockYear, "clock_at",
		fmt.Sprintf("an instant from %d to %d", firstClockYear, lastClockYear))
	return &at
}

func parseRates(texts []RateText, f *faults) []TaxRate {
	if len(texts) > maxTaxRates {
		f.add("tax_rates", fmt.Sprintf("at most %d rates", maxTaxRates))
		return nil
	}
	rates := make([]TaxRate, 0, len(texts))
	for i, text := range texts {
		before := len(*f)
		r := text.parse(fmt.Sprintf("tax_rates[%d].", i), f)
		if len(*f) > before {
			continue
		}
		f.unless(!slices.ContainsFunc(rates, r.overlaps), fmt.Sprintf("tax_rates[%d].valid_from", i),
			"a day on which no other rate of category "+r.Category+" holds")
		rates = append(rates, r)
	}
	return rates
}

func (t RateText) parse(at string, f *faults) TaxRate {
	r := TaxRate{Category: t.Category, Name: t.Name}
	f.unless(categoryPattern.MatchString(t.Category), at+"category", "a lower-case word such as standard")
	f.unless(line(t.Name), at+"name", "the rate's name as bills print it")
	var err error
	r.Percent, err = money.ParseDecimal(t.Percent)
	f.unless(err == nil && r.Percent.Sign() >= 0 && r.Percent.Cmp(money.NewDecimal(100)) <= 0 &&
		r.Percent.Round(percentScale, money.Down).Equal(r.Percent), at+"percent", "a number from 0 to 100 with at most 6 decimals")
	r.ValidFrom, err = calendar.ParseDate(t.ValidFrom)
	f.unless(err == nil, at+"valid_from", "a date such as 2026-05-01")
	if t.ValidTo == "" {
		return r
	}
	to, err := calendar.ParseDate(t.ValidTo)
	f.unless(err == nil && to.After(r.ValidFrom), at+"valid_to", "a date after valid_from, such as 2027-01-01,")
	r.ValidTo = &to
	return r
}

// line says whether text is something on one line, of a length we store.
func line(text string) bool {
	return strings.TrimSpace(text) != "" && optionalLine(text)
}

func optionalLine(text string) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= maxText && !strings.ContainsFunc(text, unicode.IsControl)
}

func country(code string) bool {
	region, err := language.ParseRegion(code)
	return err == nil && region.IsCountry() && region.String() == code && len(code) == 2
}

func email(text string) bool {
	parsed, err := mail.ParseAddress(text)
	return err == nil && parsed.Address == text && len(text) <= maxEmail && strings.Contains(text, "@") && optionalLine(text)
}
