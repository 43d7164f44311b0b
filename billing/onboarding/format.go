package onboarding

import (
	"net/mail"
	"regexp"
	"strings"
	"unicode"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// format is how a fact is written. today is the operator's local day.
type format struct {
	want  string // what is right, in words that follow "wanted:"
	valid func(value string, today calendar.Date) bool
}

// matching makes a format of a pattern.
func matching(want, pattern string) format {
	compiled := regexp.MustCompile(`^(?:` + pattern + `)$`)
	return format{want, func(value string, _ calendar.Date) bool { return compiled.MatchString(value) }}
}

// The longest free text, as a sane bound.
const maxText = 200

// formats are all ways in which facts are written.
var formats = map[string]format{
	"text": {"a text of up to 200 characters", func(v string, _ calendar.Date) bool {
		return len([]rune(v)) <= maxText && !strings.ContainsFunc(v, unicode.IsControl)
	}},
	"party_kind": matching("individual or organization", `individual|organization`),
	"email":      {"an email address such as ada@example.com", validEmail},
	"phone":      matching("a number with its country code, such as +4930123456 (E.164)", `\+[1-9][0-9]{6,14}`),
	"birth_date": {"a date such as 1990-12-31, not in the future", validBirthDate},
	"anchor": {"a date such as 2026-01-31, not in the future", func(v string, today calendar.Date) bool {
		d, err := calendar.ParseDate(v)
		return err == nil && !d.After(today)
	}},
	"language":       {"en, id or ru", func(v string, _ calendar.Date) bool { _, err := account.ParseLanguage(v); return err == nil }},
	"months":         matching("1, 3 or 12", `1|3|12`),
	"credit_limit":   {"an amount of zero or more such as 150.00", validLimit},
	"country":        matching("a two-letter country code such as DE", `[A-Z]{2}`),
	"postcode":       matching("a postcode", `[A-Za-z0-9][A-Za-z0-9 -]{1,10}`),
	"postcode_five":  matching("a postcode of five digits", `[0-9]{5}`),
	"id_document":    matching("the document's kind and number", `\S.{3,58}\S`),
	"nik":            matching("the NIK: 16 digits", `[1-9][0-9]{15}`),
	"verified":       matching("how the document was checked: desk, post, video or eid", `desk|post|video|eid`),
	"imsi":           matching("an IMSI: 15 digits", `[0-9]{15}`),
	"iccid":          matching("the card's number: 19 or 20 digits, beginning with 89", `89[0-9]{17,18}`),
	"login":          matching("a login of up to 64 letters, digits and . _ @ -", `[A-Za-z0-9][A-Za-z0-9._@-]{0,63}`),
	"password":       matching("a password of 8 to 64 printable characters without blanks", `[!-~]{8,64}`),
	"serial":         matching("a serial number of 4 to 40 letters, digits, colons and dashes", `[A-Za-z0-9][A-Za-z0-9:-]{3,39}`),
	"port":           matching("a port of up to 60 characters, such as olt-3/1/7", `\S{1,60}`),
	"deposit_method": matching("how the deposit was paid: cash or bank", `cash|bank`),
	"promo_code":     matching("a promo code of 4 to 32 letters, digits and hyphens", `[A-Za-z0-9][A-Za-z0-9-]{3,31}`),
	"host":           matching("a host name such as vm7.example.net", `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*`),
}

// fields are the facts we know, and how each is usually written. An offering
// may ask for others; those are texts.
var fields = map[string]string{
	"party.kind": "party_kind", "party.name": "text", "party.email": "email", "party.phone": "phone", "party.birth_date": "birth_date",
	"party.id_document": "id_document", "party.id_verified": "verified", "party.tax_id": "text", "party.language": "language",
	"address.street": "text", "address.postcode": "postcode", "address.city": "text", "address.region": "text", "address.country": "country",
	"account.anchor": "anchor", "account.cycle_months": "months", "account.credit_limit": "credit_limit",
	"internet.login": "login", "internet.password": "password", "internet.ont": "serial", "internet.port": "port",
	"mobile.msisdn": "phone", "mobile.imsi": "imsi", "mobile.iccid": "iccid",
	"voice.line": "phone", "iptv.stb": "serial", "hosting.host": "host",
	DepositMethod: "deposit_method", DepositReference: "text",
	"promotion.code": "promo_code", "promotion.referral": "promo_code",
}

// secretFields are sealed from the moment they arrive.
var secretFields = map[string]bool{"internet.password": true}

// identities are the facts by which the network names a service.
var identities = map[string]account.IdentityKind{
	"internet.login": account.Login, "mobile.msisdn": account.MSISDN, "mobile.imsi": account.IMSI,
	"voice.line": account.Line, "iptv.stb": account.STB, "hosting.host": account.Host,
}

func formatOf(field string) string {
	if name, known := fields[field]; known {
		return name
	}
	return "text"
}

func validEmail(value string, _ calendar.Date) bool {
	parsed, err := mail.ParseAddress(value)
	if err != nil || parsed.Address != value {
		return false
	}
	_, domain, _ := strings.Cut(value, "@")
	return strings.Contains(strings.Trim(domain, "."), ".")
}

func validBirthDate(value string, today calendar.Date) bool {
	const oldest = 130
	born, err := calendar.ParseDate(value)
	return err == nil && !born.After(today) && today.Year-born.Year <= oldest
}

func validLimit(value string, _ calendar.Date) bool {
	limit, err := money.ParseDecimal(value)
	return err == nil && limit.Sign() >= 0
}
