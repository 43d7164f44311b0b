package sms

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"tollhouse/billing"
	"tollhouse/billing/notice"
	"tollhouse/infra/webhook"
)

const (
	timeout   = 20 * time.Second
	maxAnswer = 64 << 10
)

// Gateway sends SMS.
type Gateway struct{}

// SendSMS implements billing.SMSGateway.
func (Gateway) SendSMS(ctx context.Context, o billing.SMSOrder) (reference string, err error) {
	request, err := requestOf(ctx, o)
	if err != nil {
		return "", fmt.Errorf("%w: %w", billing.ErrUndeliverable, err)
	}
	answer, err := webhook.Client(request.URL, o.Networks, timeout).Do(request)
	if err != nil {
		return "", fmt.Errorf("SMS gateway: %s", hide(o, webhook.Fault(err)))
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return "", fmt.Errorf("SMS gateway: its answer broke off")
	}
	return read(o, answer.StatusCode, string(text))
}

// read says what an answer means. A gateway that answers 4xx to what is asked
// will answer the same again, but for those that mean "not now".
func read(o billing.SMSOrder, status int, text string) (string, error) {
	excerpt := hide(o, fmt.Sprintf("%d %.200s", status, strings.Join(strings.Fields(text), " ")))
	matches := func(pattern string) bool {
		found, err := regexp.MatchString(pattern, text)
		return pattern != "" && err == nil && found
	}
	switch {
	case matches(o.Gateway.Refused):
		return "", fmt.Errorf("%w: %w: the SMS gateway says %s", billing.ErrUndeliverable, billing.ErrRecipient, excerpt)
	case status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500:
		return "", fmt.Errorf("the SMS gateway says %s", excerpt)
	case status == http.StatusUnauthorized || status == http.StatusForbidden: // somebody will put it right
		return "", fmt.Errorf("the SMS gateway does not accept us: %s", excerpt)
	case status < 200 || status > 299:
		return "", fmt.Errorf("%w: the SMS gateway says %s", billing.ErrUndeliverable, excerpt)
	case o.Gateway.Success != "" && !matches(o.Gateway.Success):
		return "", fmt.Errorf("%w: the SMS gateway says %s", billing.ErrUndeliverable, excerpt)
	}
	if o.Gateway.Reference == "" {
		return "", nil
	}
	pattern, err := regexp.Compile(o.Gateway.Reference)
	if err != nil {
		return "", nil // it was checked when it was set; the SMS is on its way
	}
	if found := pattern.FindStringSubmatch(text); len(found) > 1 {
		return found[1], nil
	}
	return "", nil
}

func requestOf(ctx context.Context, o billing.SMSOrder) (*http.Request, error) {
	g := o.Gateway
	values := []string{"{to}", o.To, "{text}", o.Text, "{sender}", g.Sender, "{id}", o.ID.String(), "{secret}", o.Secret}
	plain := strings.NewReplacer(values...)
	escaped := make([]string, len(values))
	for i := range values {
		escaped[i] = values[i]
		if i%2 == 1 {
			escaped[i] = url.QueryEscape(values[i])
		}
	}
	method := g.Method
	if method == "" {
		method = http.MethodPost
	}
	var body io.Reader
	kind := ""
	switch g.Body {
	case notice.BodyNone:
	case notice.BodyForms:
		form := url.Values{}
		for name, value := range g.Fields {
			form.Set(name, plain.Replace(value))
		}
		body, kind = strings.NewReader(form.Encode()), "application/x-www-form-urlencoded"
	default:
		fields := map[string]any{}
		for name, value := range g.Fields {
			put(fields, strings.Split(name, "."), plain.Replace(value))
		}
		text, err := json.Marshal(fields)
		if err != nil {
			return nil, err
		}
		body, kind = bytes.NewReader(text), "application/json"
	}
	request, err := http.NewRequestWithContext(ctx, method, strings.NewReplacer(escaped...).Replace(g.URL), body)
	if err != nil {
		return nil, fmt.Errorf("the gateway's address cannot be used")
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	for name, value := range g.Headers {
		value = plain.Replace(value)
		if strings.ContainsAny(value, "\r\n") {
			return nil, fmt.Errorf("header %s would be more than one line", name)
		}
		request.Header.Set(name, value)
	}
	return request, nil
}

// put sets a field of nested objects: "message.to" is to in message.
func put(fields map[string]any, path []string, value string) {
	for len(path) > 1 {
		inner, is := fields[path[0]].(map[string]any)
		if !is {
			inner = map[string]any{}
			fields[path[0]] = inner
		}
		fields, path = inner, path[1:]
	}
	fields[path[0]] = value
}

// hide takes the secret out of what people are shown.
func hide(o billing.SMSOrder, text string) string {
	if o.Secret == "" {
		return text
	}
	return strings.ReplaceAll(strings.ReplaceAll(text, o.Secret, "…"), url.QueryEscape(o.Secret), "…")
}
