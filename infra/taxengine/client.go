package taxengine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tollhouse/billing/tax"
	"tollhouse/infra/webhook"
)

// Bounds of a question.
const (
	tries      = 3
	oneTry     = 6 * time.Second
	inAll      = 15 * time.Second
	firstPause = 200 * time.Millisecond
	longest    = 2 * time.Second // that an engine may ask us to wait
	maxAnswer  = 4 << 20
)

// Client asks the engines of all operators.
type Client struct {
	Allowed []netip.Prefix // networks that are reached beside the public one
}

var _ tax.Engine = (*Client)(nil)

// Quote asks what tax a sale has.
func (c *Client) Quote(ctx context.Context, settings tax.EngineSettings, s tax.Sale) (tax.Quote, error) {
	key, err := s.Key()
	if err != nil {
		return tax.Quote{}, err
	}
	body, err := json.Marshal(questionOf(settings.Company, key.String(), s))
	if err != nil {
		return tax.Quote{}, fmt.Errorf("ask the tax engine: %w", err)
	}
	to, err := url.Parse(strings.TrimRight(settings.BaseURL, "/") + "/quotes")
	if err != nil {
		return tax.Quote{}, fmt.Errorf("ask the tax engine: %w: %w", tax.ErrEngineRefused, err)
	}
	ctx, cancel := context.WithTimeout(ctx, inAll)
	defer cancel()
	client := webhook.Client(to, c.Allowed, oneTry)
	pause := firstPause
	for try := 1; ; try++ {
		q, wait, err := ask(ctx, client, to, settings.Key, key.String(), body)
		if err == nil || try == tries || !errors.Is(err, tax.ErrEngineUnavailable) {
			return q, err
		}
		select {
		case <-ctx.Done():
			return q, err
		case <-time.After(max(pause, wait)):
		}
		pause *= 2
	}
}

// ask tries once. wait is how long the engine asks us to be quiet.
func ask(ctx context.Context, client *http.Client, to *url.URL, secret, key string, body []byte) (q tax.Quote, wait time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(body))
	if err != nil {
		return q, 0, fmt.Errorf("%w: %w", tax.ErrEngineRefused, err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Authorization", "Bearer "+secret)
	request.Header.Set("Idempotency-Key", key)
	response, err := client.Do(request)
	switch {
	case errors.Is(err, webhook.ErrRefused):
		return q, 0, fmt.Errorf("%w: %s", tax.ErrEngineRefused, webhook.Fault(err))
	case err != nil:
		return q, 0, fmt.Errorf("%w: %s", tax.ErrEngineUnavailable, webhook.Fault(err))
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return q, 0, fmt.Errorf("%w: the answer broke off", tax.ErrEngineUnavailable)
	case len(text) > maxAnswer:
		return q, 0, unreadable("too long")
	case response.StatusCode != http.StatusOK:
		return q, quiet(response.Header), refusal(response.StatusCode, text)
	}
	var a Answer
	if err := json.Unmarshal(text, &a); err != nil {
		return q, 0, unreadable("no JSON of the agreed form")
	}
	q, err = a.quote()
	return q, 0, err
}

// quiet is how long an engine asks us to wait, up to what we do.
func quiet(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, longest)
}

// refusal tells what a status means: what may be tried again, and what not.
func refusal(status int, body []byte) error {
	kind := tax.ErrEngineRefused
	if status/100 != 4 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout {
		kind = tax.ErrEngineUnavailable
	}
	var no Refusal
	_ = json.Unmarshal(body, &no) // a proxy may have answered something else
	words := "status " + strconv.Itoa(status)
	if no.Message != "" {
		words += ": " + shortened(strings.TrimSpace(no.Code+" "+no.Message))
	}
	return fmt.Errorf("%w: %s", kind, words)
}

// shortened keeps what an engine says to a line of a list.
func shortened(text string) string {
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > 200 {
		return string(runes[:200]) + "…"
	}
	return string(runes)
}

func unreadable(why string) error { return fmt.Errorf("%w: %s", tax.ErrEngineAnswer, why) }
