package business_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"golang.org/x/net/html"

	"tollhouse/billing"
	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/catalog"
	"tollhouse/billing/charging"
	"tollhouse/billing/identity"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/infra/secrets"
	"tollhouse/portal/operator/business"
	"tollhouse/portal/operator/replays"
	"tollhouse/portal/web"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const password = "correct horse battery"

// noCards is a provider that nobody asks.
type noCards struct{}

func (noCards) Checkout(context.Context, payment.CheckoutRequest) (payment.Checkout, error) {
	return payment.Checkout{}, errors.ErrUnsupported
}
func (noCards) Lookup(context.Context, payment.LookupRequest) (payment.ProviderEvent, error) {
	return payment.ProviderEvent{}, errors.ErrUnsupported
}
func (noCards) Refund(context.Context, payment.RefundRequest) (payment.ProviderRefund, error) {
	return payment.ProviderRefund{}, errors.ErrUnsupported
}
func (noCards) ReadEvent(context.Context, tenant.ID, string, []byte) (payment.ProviderEvent, error) {
	return payment.ProviderEvent{}, errors.ErrUnsupported
}

// world is an operator with a plan, its console behind a server.
type world struct {
	*pgtest.TenantDB
	t         testing.TB
	host      *billing.Host
	stack     *billing.Stack
	authority *identity.Authority
	passwords *identity.Passwords
	feed      usage.Feed
	server    *httptest.Server
}

func newWorld(t testing.TB) *world {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, TenantDB: pgtest.Tenant(t, pgtest.Options{Country: "DE", Zone: "Europe/Berlin", Currency: "EUR", Language: "en", PricesIncludeTax: true,
		Clock: time.Date(2026, 5, 1, 0, 0, 0, 0, zone)})}
	box, err := secrets.New(make([]byte, secrets.KeyBytes))
	if err != nil {
		t.Fatal(err)
	}
	if w.passwords, err = identity.NewPasswords(); err != nil {
		t.Fatal(err)
	}
	w.authority = identity.New(w.passwords, box.Tenants(), time.Now)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	e := echo.New()
	w.server = httptest.NewServer(e)
	t.Cleanup(w.server.Close)
	w.host = billing.NewHost(billing.Config{DB: w.DB, Identity: w.authority, Seal: box.Tenants(), Cards: noCards{}, Webhooks: noCards{},
		Inbox: t.TempDir(), PublicURL: w.server.URL, Now: time.Now, Log: log})
	t.Cleanup(w.host.StopTasks)
	site := &web.Site{Host: w.host, Authority: w.authority, PublicURL: w.server.URL, Now: time.Now, Log: log}
	business.Register(e.Group("/t/:tenant/console"), site)
	replays.Register(e.Group("/t/:tenant/console"), site)
	if w.stack, err = w.host.Resolve(t.Context(), w.Ref.Name); err != nil {
		t.Fatal(err)
	}
	w.setUp(box)
	return w
}

func (w *world) setUp(box *secrets.Box) {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		if err := w.authority.SetUp(ctx, tx); err != nil {
			return err
		}
		sealed, err := box.Tenants().Seal(tx.Tenant, billing.UsageHashKey, []byte("a key that stays the same for ever"))
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `insert into secret (name, sealed, created_at) values ($1, $2, $3)`, billing.UsageHashKey, sealed, tx.At); err != nil {
			return err
		}
		mapping, err := usage.FindPreset("json-events", "Europe/Berlin")
		if err != nil {
			return err
		}
		if w.feed, err = usage.CreateSource(ctx, tx, "switch", mapping); err != nil {
			return err
		}
		offering, err := catalog.Parse(sample(w.t))
		if err != nil {
			return err
		}
		draft, err := catalog.SaveDraft(ctx, tx, offering)
		if err != nil {
			return err
		}
		_, err = catalog.Publish(ctx, tx, draft.ID, tx.At)
		return err
	})
}

// sample is a plan on a bill.
func sample(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile("../../../docs/samples/offerings/hanse-postpaid-flex.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

type customer struct {
	account.Account
	identity usage.Identity
}

// customer connects somebody to the plan.
func (w *world) customer(n int) (c customer) {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		offering, err := catalog.Current(ctx, tx, "hanse-postpaid-flex", tx.At)
		if err != nil {
			return err
		}
		parties, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Individual, Name: fmt.Sprint("Jonas ", n), Email: fmt.Sprintf("jonas%d@example.net", n),
			Address: account.Address{Street: "Weg 1", Postcode: "20259", City: "Hamburg", Country: "DE"}}})
		if err != nil {
			return err
		}
		opened, err := account.Open(ctx, tx, []account.NewAccount{{PartyID: parties[0].ID, Kind: account.Postpaid}})
		if err != nil {
			return err
		}
		c.Account, c.identity = opened[0], usage.Identity{Kind: usage.MSISDN, Value: fmt.Sprintf("+49151%08d", n)}
		made, err := account.Subscribe(ctx, tx, []account.NewSubscription{{AccountID: c.ID, OfferingID: offering.ID,
			Services: []account.NewService{{Kind: account.Mobile, Identities: []account.Identity{{Kind: account.MSISDN, Value: c.identity.Value}}}}}})
		if err != nil {
			return err
		}
		if err := account.Activate(ctx, tx, made[0].ID); err != nil {
			return err
		}
		if err := bill.Schedule(ctx, tx, w.Zone, c.Cycle.To); err != nil {
			return err
		}
		_, err = w.host.Charging().GrantCycle(ctx, tx, c.ID)
		return err
	})
	return c
}

func (w *world) at(text string) time.Time {
	w.t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", text, w.Zone)
	if err != nil {
		w.t.Fatal(err)
	}
	return at.UTC()
}

// call is a call abroad, which no allowance covers.
func (w *world) call(who usage.Identity, key, at string, seconds int64) usage.Record {
	start := w.at(at)
	return usage.Record{Key: key, Kind: usage.Voice, Identity: who, Start: start, End: start.Add(time.Duration(seconds) * time.Second),
		Quantity: seconds, Unit: money.Second, Destination: "12025550123"}
}

// use sends records as a file's chunk does: what has no price waits.
func (w *world) use(records ...usage.Record) {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		file, _, err := usage.RegisterFile(ctx, tx, w.feed.ID, "calls.json", usage.Digest{byte(len(records)), 1}, 10)
		if err != nil {
			return err
		}
		items := make([]usage.Item, len(records))
		for i := range records {
			items[i] = usage.Item{Line: int64(i + 1), Record: &records[i]}
		}
		_, err = w.host.Charging().Ingest(ctx, tx, charging.Batch{Source: w.feed.ID, File: file.ID, Items: items})
		return err
	})
}

// user makes a user of a role and a browser in which it is signed in.
func (w *world) user(role identity.Role) *browser {
	w.t.Helper()
	email := string(role) + "@example.net"
	hash, err := w.passwords.Hash(w.t.Context(), password)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := w.authority.AddUser(ctx, tx, identity.NewUser{Email: email, Name: string(role), Role: role, Language: "en", Password: hash})
		return err
	})
	in, err := w.stack.SignIn(w.t.Context(), identity.Credentials{Email: email, Password: password, Address: "192.0.2.1"})
	if err != nil {
		w.t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	base, err := url.Parse(w.server.URL + "/t/" + w.Ref.Name + "/")
	if err != nil {
		w.t.Fatal(err)
	}
	jar.SetCookies(base, []*http.Cookie{{Name: "tollhouse_console", Value: fmt.Sprintf("%d.%s", in.Expires.Unix(), in.Token), Path: "/t/" + w.Ref.Name}})
	return &browser{t: w.t, base: base.String() + "console/", http: &http.Client{Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

type browser struct {
	t    testing.TB
	http *http.Client
	base string
}

type page struct {
	status int
	header http.Header
	text   string
	tree   *html.Node
}

func (b *browser) do(r *http.Request) page {
	b.t.Helper()
	r.Header.Set("Accept-Encoding", "gzip")
	answer, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var body io.Reader = answer.Body
	if answer.Header.Get("Content-Encoding") == "gzip" {
		if body, err = gzip.NewReader(answer.Body); err != nil {
			b.t.Fatal(err)
		}
	}
	text, err := io.ReadAll(body)
	if err != nil {
		b.t.Fatal(err)
	}
	tree, err := html.Parse(bytes.NewReader(text))
	if err != nil {
		b.t.Fatal(err)
	}
	return page{answer.StatusCode, answer.Header, string(text), tree}
}

func (b *browser) get(path string) page {
	b.t.Helper()
	if !strings.HasPrefix(path, "/") {
		path = b.base + path
	} else {
		u, _ := url.Parse(b.base)
		path = u.Scheme + "://" + u.Host + path
	}
	r, err := http.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(r)
}

// post sends a form with what is hidden in the page's forms to that address,
// and the pairs.
func (b *browser) post(path string, from page, pairs ...string) page {
	b.t.Helper()
	return b.send(path, from.form(b.base+path, pairs...))
}

func (b *browser) send(path string, form url.Values) page {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodPost, b.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(r)
}

// upload sends a form with a file.
func (b *browser) upload(path string, from page, field, name string, contents []byte, pairs ...string) page {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for key, values := range from.form(b.base+path, pairs...) {
		for _, value := range values {
			_ = w.WriteField(key, value)
		}
	}
	part, err := w.CreateFormFile(field, name)
	if err != nil {
		b.t.Fatal(err)
	}
	_, _ = part.Write(contents)
	_ = w.Close()
	r, err := http.NewRequest(http.MethodPost, b.base+path, &body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", w.FormDataContentType())
	return b.do(r)
}

// form is what a browser would send of the form with an action: its fields as
// they stand, without buttons, with the pairs put over them.
func (p page) form(action string, pairs ...string) url.Values {
	values := url.Values{}
	u, _ := url.Parse(action)
	for n := range p.tree.Descendants() {
		if n.Type != html.ElementNode || n.Data != "form" || attribute(n, "action") != u.Path {
			continue
		}
		for f := range n.Descendants() {
			fill(values, f)
		}
	}
	if values.Get("csrf") == "" {
		for n := range p.tree.Descendants() {
			if n.Type == html.ElementNode && attribute(n, "name") == "csrf" {
				values.Set("csrf", attribute(n, "value"))
			}
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values
}

func fill(values url.Values, f *html.Node) {
	name := attribute(f, "name")
	switch {
	case name == "" || f.Type != html.ElementNode:
	case f.Data == "input":
		kind := attribute(f, "type")
		if kind == "file" || (kind == "checkbox" || kind == "radio") && !has(f, "checked") {
			return
		}
		values.Add(name, attribute(f, "value"))
	case f.Data == "textarea":
		values.Add(name, words(f))
	case f.Data == "select":
		chosen, first := "", true
		for o := range f.Descendants() {
			if o.Data == "option" && (first || has(o, "selected")) {
				chosen, first = attribute(o, "value"), false
			}
		}
		values.Add(name, chosen)
	}
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

var bracketed = regexp.MustCompile(`^([a-z0-9]*)\[([a-z-]+)(?:=([^\]]*))?\]$`)

func (p page) all(selector string) (found []*html.Node) {
	fits := func(n *html.Node) bool { return n.Data == selector }
	switch parts := bracketed.FindStringSubmatch(selector); {
	case strings.HasPrefix(selector, "#"):
		fits = func(n *html.Node) bool { return attribute(n, "id") == selector[1:] }
	case strings.HasPrefix(selector, "."):
		fits = func(n *html.Node) bool { return strings.Contains(" "+attribute(n, "class")+" ", " "+selector[1:]+" ") }
	case parts != nil:
		fits = func(n *html.Node) bool {
			return (parts[1] == "" || n.Data == parts[1]) && attribute(n, parts[2]) != "" && (parts[3] == "" || attribute(n, parts[2]) == parts[3])
		}
	}
	for n := range p.tree.Descendants() {
		if n.Type == html.ElementNode && fits(n) {
			found = append(found, n)
		}
	}
	return found
}

func (p page) find(selector string) *html.Node {
	if all := p.all(selector); len(all) > 0 {
		return all[0]
	}
	return nil
}

func words(n *html.Node) string {
	if n == nil {
		return ""
	}
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode && d.Parent.Data != "script" {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(strings.ReplaceAll(b.String(), "\u00a0", " ")), " ")
}

func (p page) words() string             { return words(p.find("main")) }
func (p page) in(selector string) string { return words(p.find(selector)) }

// text is one value of the tenant's database.
func (w *world) text(query string, args ...any) (value string) {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error { return tx.QueryRow(ctx, query, args...).Scan(&value) })
	return value
}

func (w *world) pay(c customer, amount string) {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := w.stack.RecordPayment(ctx, tx, payment.NewPayment{ID: uuid.Must(uuid.NewV7()), AccountID: c.ID, Purpose: payment.PurposeBill, Method: payment.Bank,
			Amount: money.New(money.MustDecimal(amount), c.Currency), By: "user:test"})
		return err
	})
}

// sums holds the ledger against the books.
func (w *world) sums() error {
	return w.stack.Read(w.t.Context(), func(ctx context.Context, tx tenant.Tx) error {
		report, err := ledger.ControlSums(ctx, tx)
		if err != nil {
			return err
		}
		return report.Check()
	})
}
