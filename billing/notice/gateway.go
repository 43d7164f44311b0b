package notice

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"tollhouse/billing/tenant"
)

// Gateway says how an SMS is handed to a provider over HTTP. In its address,
// headers and fields stand {to}, {text}, {sender}, {id} and {secret}; the last
// is sealed and never shown.
type Gateway struct {
	URL     string            `json:"url"`
	Method  string            `json:"method,omitempty"` // POST unless said
	Body    BodyForm          `json:"body,omitempty"`
	Fields  map[string]string `json:"fields,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Sender  string            `json:"sender,omitempty"` // whom an SMS comes from
	// Success is what an answer holds that means taken; empty: any answer of 2xx.
	Success string `json:"success,omitempty"`
	// Refused is what one holds that means it never will be.
	Refused string `json:"refused,omitempty"`
	// Reference finds the provider's own id in the answer, as its first group.
	Reference string   `json:"reference,omitempty"`
	Receipt   *Receipt `json:"receipt,omitempty"`
}

// BodyForm is how the fields of a request are written.
type BodyForm string

// Forms of a body.
const (
	BodyJSON  BodyForm = "json"
	BodyForms BodyForm = "form"
	BodyNone  BodyForm = "none" // all stands in the address
)

// Receipt says how the provider's reports of delivery are read.
type Receipt struct {
	ID        string   `json:"id"`     // the field of the provider's id, or of ours
	Status    string   `json:"status"` // the field of the status
	Delivered []string `json:"delivered"`
	Failed    []string `json:"failed"`
}

// Settings are the operator's choices about messages.
type Settings struct {
	SMS *Gateway `json:"sms,omitempty"`
	// Quiet hours by the operator's clock, in which no SMS leaves but codes to sign
	// in; both empty: none.
	QuietFrom string `json:"quiet_from,omitempty"`
	QuietTo   string `json:"quiet_to,omitempty"`
	// Off are messages that the operator does not send.
	Off []Kind `json:"off,omitempty"`
}

// mayBeOff are the messages that nobody needs by law or contract.
var mayBeOff = []Kind{PaymentReceived, PaymentFailed, BalanceLow, AllowanceUsed, SpendReached, Reconnected}

// GatewaySecret is the name under which the gateway's secret is sealed, and
// ReceiptSecret that of its reports.
const (
	GatewaySecret = "sms_gateway"
	ReceiptSecret = "sms_receipt"
)

var (
	clockForm   = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)
	gatewayPart = regexp.MustCompile(`\{([a-z]+)\}`)
)

// FieldError names what is wrong with settings.
type FieldError struct{ Field, Want string }

func (e *FieldError) Error() string { return e.Field + ": " + e.Want + " is wanted" }

// Is makes it ErrSettings.
func (e *FieldError) Is(target error) bool { return target == ErrSettings }

// Check says what is wrong with settings, by field.
func (s Settings) Check() error {
	for field, at := range map[string]string{"quiet_from": s.QuietFrom, "quiet_to": s.QuietTo} {
		if at != "" && !clockForm.MatchString(at) {
			return &FieldError{field, "a time such as 21:00"}
		}
	}
	if (s.QuietFrom == "") != (s.QuietTo == "") {
		return &FieldError{"quiet_to", "a beginning and an end, or neither"}
	}
	for _, kind := range s.Off {
		if !slices.Contains(mayBeOff, kind) {
			return &FieldError{"off", "payment_received, payment_failed, balance_low, allowance_used, spend_reached or reconnected"}
		}
	}
	if s.SMS == nil {
		return nil
	}
	return s.SMS.check()
}

func (g *Gateway) check() error {
	to, err := url.Parse(gatewayPart.ReplaceAllString(g.URL, "x"))
	if err != nil || to.Host == "" || to.Scheme != "https" && to.Scheme != "http" || to.User != nil {
		return &FieldError{"sms.url", "an https address"}
	}
	if strings.Contains(g.URL, "{secret}") && to.Scheme != "https" {
		return &FieldError{"sms.url", "https where the secret is part of the address"}
	}
	switch g.Method {
	case "", http.MethodPost, http.MethodGet, http.MethodPut:
	default:
		return &FieldError{"sms.method", "GET, POST or PUT"}
	}
	switch g.Body {
	case "", BodyJSON, BodyForms:
		if len(g.Fields) == 0 {
			return &FieldError{"sms.fields", "fields of the body, such as to: {to}"}
		}
	case BodyNone:
	default:
		return &FieldError{"sms.body", "json, form or none"}
	}
	whole := g.URL
	for place, list := range map[string]map[string]string{"sms.fields": g.Fields, "sms.headers": g.Headers} {
		for name, value := range list {
			if name == "" || len(name)+len(value) > 1000 || strings.ContainsAny(name+value, "\r\n") {
				return &FieldError{place, "names and values on one line"}
			}
			whole += value
		}
	}
	for _, found := range gatewayPart.FindAllStringSubmatch(whole, -1) {
		switch found[1] {
		case "to", "text", "sender", "id", "secret":
		default:
			return &FieldError{"sms.fields", "no other places than {to}, {text}, {sender}, {id} and {secret}; {" + found[1] + "}"}
		}
	}
	if !strings.Contains(whole, "{to}") || !strings.Contains(whole, "{text}") {
		return &FieldError{"sms.fields", "{to} and {text} somewhere in the address or the fields"}
	}
	for field, pattern := range map[string]string{"sms.success": g.Success, "sms.refused": g.Refused, "sms.reference": g.Reference} {
		compiled, err := regexp.Compile(pattern)
		if err != nil || len(pattern) > 300 || field == "sms.reference" && pattern != "" && compiled.NumSubexp() < 1 {
			return &FieldError{field, "a regular expression, with a group for the reference"}
		}
	}
	if r := g.Receipt; r != nil && (r.ID == "" || r.Status == "" || len(r.Delivered)+len(r.Failed) == 0) {
		return &FieldError{"sms.receipt", "the fields of id and status, and what they say"}
	}
	return nil
}

// GetSettings reads the operator's choices.
func GetSettings(ctx context.Context, tx tenant.Tx) (s Settings, err error) {
	var text json.RawMessage
	err = tx.QueryRow(ctx, `select messages from operator where id = 1`).Scan(&text)
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return Settings{}, fmt.Errorf("read settings of messages: %w", err)
	}
	return s, nil
}

// PutSettings stores the operator's choices.
func PutSettings(ctx context.Context, tx tenant.Tx, s Settings) error {
	if err := s.Check(); err != nil {
		return err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, `update operator set messages = $1 where id = 1`, text)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows written, want 1", tag.RowsAffected())
	}
	if err != nil {
		return fmt.Errorf("save settings of messages: %w", err)
	}
	return nil
}

// PutSecret stores a sealed secret of the gateway; sealed by the caller under
// its name.
func PutSecret(ctx context.Context, tx tenant.Tx, name string, sealed []byte) error {
	_, err := tx.Exec(ctx, `insert into secret (name, sealed, created_at) values ($1, $2, $3)
		on conflict (name) do update set sealed = excluded.sealed, created_at = excluded.created_at`, name, sealed, tx.At)
	if err != nil {
		return fmt.Errorf("save secret %s: %w", name, err)
	}
	return nil
}

// Secret reads a sealed secret; nil where there is none.
func Secret(ctx context.Context, tx tenant.Tx, name string) (sealed []byte, err error) {
	err = tx.QueryRow(ctx, `select (select sealed from secret where name = $1)`, name).Scan(&sealed)
	if err != nil {
		return nil, fmt.Errorf("read secret %s: %w", name, err)
	}
	return sealed, nil
}

// QuietUntil says until when an SMS of a kind waits at an instant; zero: it
// leaves. Codes are asked for by whoever waits for them.
func (s Settings) QuietUntil(k Kind, at time.Time, zone *time.Location) time.Time {
	if s.QuietFrom == "" || k.OpensDoor() {
		return time.Time{}
	}
	local := at.In(zone)
	now := local.Format("15:04")
	inside := s.QuietFrom <= now && now < s.QuietTo
	if s.QuietFrom > s.QuietTo { // over midnight
		inside = now >= s.QuietFrom || now < s.QuietTo
	}
	if !inside {
		return time.Time{}
	}
	var hour, minute int
	_, _ = fmt.Sscanf(s.QuietTo, "%d:%d", &hour, &minute)
	end := time.Date(local.Year(), local.Month(), local.Day(), hour, minute, 0, 0, zone)
	if !end.After(local) {
		end = time.Date(local.Year(), local.Month(), local.Day()+1, hour, minute, 0, 0, zone)
	}
	return end.UTC()
}
