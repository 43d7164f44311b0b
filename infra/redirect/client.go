package redirect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

const (
	requestTimeout = 20 * time.Second
	maxAnswer      = 64 << 10
)

// Source gives a tenant's account at its provider; it returns
// payment.ErrProviderNotConfigured where there is none.
type Source func(context.Context, tenant.ID) (payment.RedirectSettings, error)

// Client speaks to the providers of all tenants.
type Client struct {
	source Source
	http   *http.Client
	now    func() time.Time
}

var (
	_ payment.CardProvider = (*Client)(nil)
	_ payment.EventReader  = (*Client)(nil)
)

// New makes a client. now is wall time.
func New(source Source, now func() time.Time) *Client {
	return &Client{source: source, now: now, http: &http.Client{Timeout: requestTimeout,
		// an answer that leads elsewhere is none: the signature was for this address
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Payment is a payment as a provider shows it.
type Payment struct {
	ID        string     `json:"id"`
	Reference string     `json:"reference"`
	Status    string     `json:"status"` // pending, paid, expired, failed
	Amount    string     `json:"amount"`
	Currency  string     `json:"currency"`
	Reason    string     `json:"reason,omitempty"` // why it failed
	URL       string     `json:"url,omitempty"`
	QR        string     `json:"qr,omitempty"`
	Number    string     `json:"number,omitempty"`
	Bank      string     `json:"bank,omitempty"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// Refund is a refund as a provider shows it.
type Refund struct {
	ID        string `json:"id"`
	Reference string `json:"reference"`
	Status    string `json:"status"` // pending, done, failed
	Amount    string `json:"amount"`
	Currency  string `json:"currency"`
	Reason    string `json:"reason,omitempty"`
}

// Order asks for a payment.
type Order struct {
	Merchant    string `json:"merchant"`
	Reference   string `json:"reference"`
	Amount      string `json:"amount"`
	Currency    string `json:"currency"`
	Channel     string `json:"channel"`
	Description string `json:"description"`
	Language    string `json:"language,omitempty"`
	ReturnURL   string `json:"return_url"`
	Minutes     int    `json:"minutes"`
}

// Checkout asks for a payment by one of the provider's channels.
func (c *Client) Checkout(ctx context.Context, r payment.CheckoutRequest) (payment.Checkout, error) {
	settings, err := c.settings(ctx, r.Tenant)
	if err != nil {
		return payment.Checkout{}, err
	}
	if !contains(settings.Channels, r.Channel) {
		return payment.Checkout{}, &payment.ProviderError{Kind: payment.ErrProviderRefused, Code: "channel", Message: "There is no channel " + r.Channel + "."}
	}
	var made Payment
	err = c.call(ctx, settings, http.MethodPost, "payments", r.Key, Order{Merchant: settings.Merchant, Reference: r.Intent.String(), Amount: r.Amount.Text(),
		Currency: r.Amount.Currency().Code(), Channel: r.Channel, Description: r.Description, Language: r.Language, ReturnURL: r.SuccessURL, Minutes: settings.Minutes}, &made)
	if err != nil {
		return payment.Checkout{}, fmt.Errorf("ask for a payment: %w", err)
	}
	if made.ID == "" || made.URL == "" && made.QR == "" && made.Number == "" {
		return payment.Checkout{}, fmt.Errorf("ask for a payment: %w", unreadable("no id, or nothing to pay by"))
	}
	if made.URL != "" && !webAddress(made.URL) {
		return payment.Checkout{}, fmt.Errorf("ask for a payment: %w", unreadable("an address that is none"))
	}
	return payment.Checkout{Ref: made.ID, URL: made.URL, QR: made.QR, Number: made.Number, Bank: made.Bank, ExpiresAt: made.ExpiresAt}, nil
}

// Lookup tells how a payment stands, for when its callback is late or lost.
func (c *Client) Lookup(ctx context.Context, r payment.LookupRequest) (payment.ProviderEvent, error) {
	settings, err := c.settings(ctx, r.Tenant)
	if err != nil {
		return payment.ProviderEvent{}, err
	}
	var found Payment
	if err := c.call(ctx, settings, http.MethodGet, "payments/"+url.PathEscape(r.Ref), "", nil, &found); err != nil {
		return payment.ProviderEvent{}, fmt.Errorf("look up %s: %w", r.Ref, err)
	}
	event, err := found.event(r.Tenant)
	event.ID, event.Type, event.Created = "lookup:"+found.ID+":"+found.Status, "lookup", c.now().UTC()
	return event, err
}

// Refund sends money back, where the provider can.
func (c *Client) Refund(ctx context.Context, r payment.RefundRequest) (payment.ProviderRefund, error) {
	settings, err := c.settings(ctx, r.Tenant)
	if err != nil {
		return payment.ProviderRefund{}, err
	}
	if !settings.Refunds {
		return payment.ProviderRefund{}, &payment.ProviderError{Kind: payment.ErrProviderRefused, Code: "refunds_not_supported", Message: settings.Title + " sends no money back."}
	}
	var made Refund
	err = c.call(ctx, settings, http.MethodPost, "payments/"+url.PathEscape(r.Ref)+"/refunds", r.Key,
		Refund{Reference: r.Refund.String(), Amount: r.Amount.Text(), Currency: r.Amount.Currency().Code()}, &made)
	if err != nil {
		return payment.ProviderRefund{}, fmt.Errorf("refund %s: %w", r.Ref, err)
	}
	return payment.ProviderRefund{Ref: made.ID, State: made.state(), Failure: made.Reason}, nil
}

func (c *Client) settings(ctx context.Context, id tenant.ID) (payment.RedirectSettings, error) {
	settings, err := c.source(ctx, id)
	if err != nil {
		return settings, fmt.Errorf("account at the provider: %w", err)
	}
	return settings, nil
}

// refusal is how a provider says no.
type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (c *Client) call(ctx context.Context, settings payment.RedirectSettings, method, path, key string, body, into any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	address := strings.TrimRight(settings.BaseURL, "/") + "/" + path
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(text))
	if err != nil {
		return unreadable(err.Error())
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Merchant", settings.Merchant)
	request.Header.Set(SignatureHeader, Sign(settings.Secret, c.now(), method+" "+request.URL.EscapedPath()+"."+string(text)))
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	response, err := c.http.Do(request)
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return err
		}
		return &payment.ProviderError{Kind: payment.ErrProviderUnavailable, Message: err.Error()}
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return &payment.ProviderError{Kind: payment.ErrProviderUnavailable, Message: err.Error()}
	}
	if response.StatusCode/100 == 2 {
		if err := json.Unmarshal(answer, into); err != nil {
			return unreadable(err.Error())
		}
		return nil
	}
	var no refusal
	_ = json.Unmarshal(answer, &no) // a proxy may have answered something else
	return &payment.ProviderError{Kind: kindOf(response.StatusCode), Code: no.Code, Message: no.Message, RequestID: response.Header.Get("Request-Id")}
}

func kindOf(status int) error {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return payment.ErrProviderNotConfigured
	case status == http.StatusTooManyRequests || status == http.StatusConflict || status >= http.StatusInternalServerError || status/100 == 3:
		return payment.ErrProviderUnavailable
	default:
		return payment.ErrProviderRefused
	}
}

func unreadable(why string) error {
	return &payment.ProviderError{Kind: payment.ErrProviderUnavailable, Code: "unreadable", Message: why}
}

func webAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

func contains(all []string, one string) bool {
	for _, a := range all {
		if a == one {
			return true
		}
	}
	return false
}
