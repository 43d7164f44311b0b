package payment

import (
	"cmp"
	"context"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"tollhouse/billing/account"
)

// Redirect names the provider of local methods in intents and webhooks.
const Redirect = "redirect"

// StripeKeys are an operator's own account at Stripe. They are kept sealed.
type StripeKeys struct {
	Secret         string   `json:"secret"`          // sk_… or rk_…
	WebhookSecrets []string `json:"webhook_secrets"` // whsec_…; two while one is rotated
}

var (
	secretPattern  = regexp.MustCompile(`^(sk|rk)_(test|live)_[A-Za-z0-9]{8,200}$`)
	webhookPattern = regexp.MustCompile(`^whsec_[A-Za-z0-9+/=_-]{8,200}$`)
	channelPattern = regexp.MustCompile(`^[a-z0-9_]{1,20}$`)
)

// Check refuses what can't be keys; account.FieldError names which. A sandbox
// takes no keys to real money.
func (k StripeKeys) Check(sandbox bool) error {
	switch {
	case !secretPattern.MatchString(k.Secret):
		return &account.FieldError{Field: "secret", Want: "a secret or restricted key, such as sk_test_… or rk_live_…"}
	case sandbox && k.Live():
		return &account.FieldError{Field: "secret", Want: "a test key, as this is a sandbox"}
	case len(k.WebhookSecrets) == 0 || len(k.WebhookSecrets) > 2 || slices.ContainsFunc(k.WebhookSecrets, func(s string) bool { return !webhookPattern.MatchString(s) }):
		return &account.FieldError{Field: "webhook_secrets", Want: "one signing secret such as whsec_…, or two while one is changed"}
	}
	return nil
}

// Live says whether the keys reach real money.
func (k StripeKeys) Live() bool { return strings.Contains(k.Secret, "_live_") }

// Masked is a key as people may see it.
func Masked(key string) string {
	const shown = 4
	head, rest, found := strings.Cut(key, "_test_")
	mode := "_test_"
	if !found {
		if head, rest, found = strings.Cut(key, "_live_"); found {
			mode = "_live_"
		}
	}
	if !found || len(rest) < 2*shown {
		return "•••"
	}
	return head + mode + "…" + rest[len(rest)-shown:]
}

// RedirectSettings are an operator's account at a provider of local methods.
// They are kept sealed.
type RedirectSettings struct {
	Title    string   `json:"title"` // as subscribers know it
	BaseURL  string   `json:"base_url"`
	Merchant string   `json:"merchant"`
	Secret   string   `json:"secret"`   // signs in both directions
	Channels []string `json:"channels"` // such as qr, va
	Minutes  int      `json:"minutes"`  // how long a payment can be made
	Refunds  bool     `json:"refunds"`  // the provider sends money back
}

// Check refuses what can't be an account; account.FieldError names which.
func (r RedirectSettings) Check(private bool) error {
	u, err := url.Parse(r.BaseURL)
	secure := err == nil && u.Host != "" && (u.Scheme == "https" || private && u.Scheme == "http")
	switch {
	case cmp.Or(strings.TrimSpace(r.Title), "-") == "-" || len(r.Title) > 60:
		return &account.FieldError{Field: "title", Want: "what subscribers call it, at most 60 characters"}
	case !secure || u.RawQuery != "" || u.User != nil:
		return &account.FieldError{Field: "base_url", Want: "an address that begins with https://"}
	case r.Merchant == "" || len(r.Merchant) > 60:
		return &account.FieldError{Field: "merchant", Want: "the provider's name for you"}
	case len(r.Secret) < 16 || len(r.Secret) > 200:
		return &account.FieldError{Field: "secret", Want: "16 to 200 characters"}
	case len(r.Channels) == 0 || len(r.Channels) > 10 || slices.ContainsFunc(r.Channels, func(c string) bool { return !channelPattern.MatchString(c) }):
		return &account.FieldError{Field: "channels", Want: "at least one, such as qr or va"}
	case r.Minutes < 5 || r.Minutes > 7*24*60:
		return &account.FieldError{Field: "minutes", Want: "5 to 10080"}
	}
	return nil
}

// KeyCheck is what a key of a card provider may do.
type KeyCheck struct {
	Live    bool
	Missing []string // permissions that we need and it has not
}

// KeyChecker tries keys. A card provider that can is one.
type KeyChecker interface {
	CheckKey(ctx context.Context, key string) (KeyCheck, error)
}
