package portal_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
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
	"golang.org/x/net/html"

	"tollhouse/api"
	"tollhouse/billing"
	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/charging"
	"tollhouse/billing/identity"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
	"tollhouse/billing/visit"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/infra/secrets"
	"tollhouse/portal"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const password = "correct horse battery"

// cards is a provider that opens a page and then does what the test says.
type cards struct {
	down  bool
	found *payment.ProviderEvent // what the provider says when it is asked
}

func (c *cards) Checkout(_ context.Context, r payment.CheckoutRequest) (payment.Checkout, error) {
	if c.down {
		return payment.Checkout{}, payment.ErrProviderUnavailable
	}
	return payment.Checkout{Ref: "cs_" + r.Intent.String(), URL: "http://127.0.0.1:1/pay/" + r.Intent.String() + "?back=" + url.QueryEscape(r.SuccessURL)}, nil
}

func (c *cards) Lookup(context.Context, payment.LookupRequest) (payment.ProviderEvent, error) {
	if c.found != nil {
		return *c.found, nil
	}
	return payment.ProviderEvent{}, errors.ErrUnsupported
}

func (c *cards) Refund(context.Context, payment.RefundRequest) (payment.ProviderRefund, error) {
	return payment.ProviderRefund{}, errors.ErrUnsupported
}

func (c *cards) ReadEvent(context.Context, tenant.ID, string, []byte) (payment.ProviderEvent, error) {
	return payment.ProviderEvent{}, errors.ErrUnsupported
}

// world is a host with an operator, its plans, and its pages behind a server.
type world struct {
	*pgtest.TenantDB
	t         testing.TB
	host      *billing.Host
	authority *identity.Authority
	passwords *identity.Passwords
	cards     *cards
	feed      usage.Feed
	server    *httptest.Server
}

// operator is whom a test's pages are for.
type operator struct {
	name, colour, country, zone, currency, language string
	included                                        bool
	plans                                           []string // files of docs/samples/offerings
}

var (
	hanse = operator{"Hanse Mobil", "#1d4f91", "DE", "Europe/Berlin", "EUR", "en", true, []string{"hanse-postpaid-flex", "hanse-prepaid-200"}}
	kabel = operator{"Kabel Nusantara", "#0b6b5d", "ID", "Asia/Jakarta", "IDR", "id", false, []string{"nusantara-fiber-100"}}
)

func newWorld(t testing.TB, o operator) *world {
	t.Helper()
	return worldIn(t, pgtest.NewHost(t), 0, o)
}

func worldIn(t testing.TB, h *pgtest.Host, slot int, o operator) *world {
	t.Helper()
	zone, err := time.LoadLocation(o.zone)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, cards: &cards{}, TenantDB: h.Place(t, slot, pgtest.Options{Country: o.country, Zone: o.zone, Currency: o.currency, Language: o.language,
		PricesIncludeTax: o.included, Clock: time.Date(2026, 5, 1, 0, 0, 0, 0, zone)})}
	box, err := secrets.New(make([]byte, secrets.KeyBytes))
	if err != nil {
		t.Fatal(err)
	}
	if w.passwords, err = identity.NewPasswords(); err != nil {
		t.Fatal(err)
	}
	w.authority = identity.New(w.passwords, box.Tenants(), time.Now, identity.WithVisits(visit.Recognise(time.Now)))
	w.serve(box)
	w.setUp(box, o)
	return w
}

// serve starts the pages beside the API, as the binary does.
func (w *world) serve(box *secrets.Box) {
	var handler http.Handler
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { handler.ServeHTTP(rw, r) }))
	w.t.Cleanup(w.server.Close)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	w.host = billing.NewHost(billing.Config{DB: w.DB, Identity: w.authority, Seal: box.Tenants(), Cards: w.cards, Webhooks: w.cards,
		Inbox: w.t.TempDir(), PublicURL: w.server.URL, Now: time.Now, Log: log})
	e, err := api.New(api.Config{Host: w.host, Authority: w.authority, Passwords: w.passwords, Log: log, Now: time.Now, PublicURL: w.server.URL,
		Ready: func(context.Context) error { return nil }})
	if err != nil {
		w.t.Fatal(err)
	}
	pages := portal.New(portal.Config{Host: w.host, Authority: w.authority, PublicURL: w.server.URL, Now: time.Now, Log: log})
	pages.Register(e)
	e.GET("/", pages.Landing(func() []portal.Door { return []portal.Door{{Operator: "Hanse Mobil", Name: "test-1"}} }))
	handler = api.ByHostName(e)
}

func (w *world) setUp(box *secrets.Box, o operator) {
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
		profile, err := account.GetProfile(ctx, tx)
		if err != nil {
			return err
		}
		profile.Name, profile.BrandColour = o.name, o.colour
		profile.SupportContact = "help@example.net"
		if err := account.PutProfile(ctx, tx, profile); err != nil {
			return err
		}
		mapping, err := usage.FindPreset("json-events", o.zone)
		if err != nil {
			return err
		}
		w.feed, err = usage.CreateSource(ctx, tx, "switch", mapping)
		return err
	})
	for _, name := range o.plans {
		text, err := os.ReadFile("../docs/samples/offerings/" + name + ".yaml")
		if err != nil {
			w.t.Fatal(err)
		}
		offering, err := catalog.Parse(text)
		if err != nil {
			w.t.Fatal(err)
		}
		w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
			draft, err := catalog.SaveDraft(ctx, tx, offering)
			if err != nil {
				return err
			}
			_, err = catalog.Publish(ctx, tx, draft.ID, tx.At)
			return err
		})
	}
}

// customer is a subscriber who can sign in.
type customer struct {
	account.Account
	email    string
	identity usage.Identity
}

// customer connects somebody to a plan, from the first of May.
func (w *world) customer(n int, plan string, language string) customer {
	w.t.Helper()
	c := customer{email: fmt.Sprintf("jonas%d@example.net", n)}
	hash, err := w.passwords.Hash(context.Background(), password)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		offering, err := catalog.Current(ctx, tx, plan, tx.At)
		if err != nil {
			return err
		}
		parties, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Individual, Name: "Jonas Petersen", Email: c.email,
			Address: account.Address{Street: "Weg 1", Postcode: "20259", City: "Hamburg", Country: "DE"}}})
		if err != nil {
			return err
		}
		opened, err := account.Open(ctx, tx, []account.NewAccount{{PartyID: parties[0].ID, Kind: account.Kind(offering.Offering.Billing)}})
		if err != nil {
			return err
		}
		c.Account = opened[0]
		if err := w.subscribe(ctx, tx, &c, offering, n); err != nil {
			return err
		}
		_, err = w.authority.AddUser(ctx, tx, identity.NewUser{Email: c.email, Name: "Jonas Petersen", Role: identity.Subscriber,
			AccountID: &c.ID, Language: language, Password: hash})
		return err
	})
	return c
}

func (w *world) subscribe(ctx context.Context, tx tenant.Tx, c *customer, offering catalog.Stored, n int) error {
	kind := account.ServiceKind(offering.Offering.Services[0])
	c.identity = usage.Identity{Kind: usage.MSISDN, Value: fmt.Sprintf("+49151%08d", n)}
	if kind == account.Internet {
		c.identity = usage.Identity{Kind: usage.Login, Value: fmt.Sprintf("siti%d@kabel", n)}
	}
	made, err := account.Subscribe(ctx, tx, []account.NewSubscription{{AccountID: c.ID, OfferingID: offering.ID,
		Services: []account.NewService{{Kind: kind, Identities: []account.Identity{{Kind: account.IdentityKind(c.identity.Kind), Value: c.identity.Value}}}}}})
	if err != nil {
		return err
	}
	if err := account.Activate(ctx, tx, made[0].ID); err != nil {
		return err
	}
	if offering.Offering.Billing == catalog.Prepaid {
		return balance.CreateMain(ctx, tx, c.ID)
	}
	_, err = w.host.Charging().GrantCycle(ctx, tx, c.ID)
	return err
}

// at is an instant of the operator's wall.
func (w *world) at(text string) time.Time {
	w.t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", text, w.Zone)
	if err != nil {
		w.t.Fatal(err)
	}
	return at.UTC()
}

func (w *world) clock(text string) { w.SetClock(w.t, w.at(text)) }

func (w *world) call(c customer, key, at, to string, seconds int64) usage.Record {
	start := w.at(at)
	return usage.Record{Key: key, Kind: usage.Voice, Identity: c.identity, Start: start, End: start.Add(time.Duration(seconds) * time.Second),
		Quantity: seconds, Unit: money.Second, Destination: to}
}

func (w *world) data(c customer, key, at string, bytes int64) usage.Record {
	return usage.Record{Key: key, Kind: usage.Data, Identity: c.identity, Start: w.at(at), End: w.at(at), Quantity: bytes, Unit: money.Byte}
}

func (w *world) use(records ...usage.Record) {
	w.t.Helper()
	items := make([]usage.Item, len(records))
	for i := range records {
		items[i] = usage.Item{Line: int64(i + 1), Record: &records[i]}
	}
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		outcomes, err := w.host.Charging().Ingest(ctx, tx, charging.Batch{Source: w.feed.ID, Items: items})
		for i, o := range outcomes {
			if o.Status != charging.Accepted {
				w.t.Errorf("use %d is %s: %v", i, o.Status, o.Problem)
			}
		}
		return err
	})
}

func (w *world) topUp(c customer, amount string) {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := balance.Add(ctx, tx, balance.TopUp{ID: uuid.Must(uuid.NewV7()), AccountID: c.ID, Amount: money.New(money.MustDecimal(amount), c.Currency), From: ledger.Cash})
		if err == nil {
			_, err = w.host.Charging().Renew(ctx, tx, c.ID)
		}
		return err
	})
}

// closeCycles runs bills of a day and begins the next cycle.
func (w *world) closeCycles(day string) {
	w.t.Helper()
	w.clock(day + " 00:00")
	on, err := calendar.ParseDate(day)
	if err != nil {
		w.t.Fatal(err)
	}
	var run bill.Run
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		run, err = bill.Start(ctx, tx, on)
		return err
	})
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		_, _, err := bill.Closer{}.CloseChunk(ctx, tx, run.ID, 100)
		return err
	})
}

// browser keeps cookies and follows nothing by itself.
type browser struct {
	t    testing.TB
	http *http.Client
	base string
	head http.Header
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &browser{t: w.t, base: w.server.URL, head: http.Header{}, http: &http.Client{Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// page is an answer.
type page struct {
	status int
	header http.Header
	text   string
	tree   *html.Node
}

func (b *browser) do(r *http.Request) page {
	b.t.Helper()
	for name, values := range b.head {
		r.Header[name] = values
	}
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
	tree, err := html.Parse(strings.NewReader(string(text)))
	if err != nil {
		b.t.Fatal(err)
	}
	return page{answer.StatusCode, answer.Header, string(text), tree}
}

func (b *browser) get(path string) page {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodGet, b.base+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(r)
}

// post sends a form with the token of its page, unless it names another.
func (b *browser) post(path string, from page, pairs ...string) page {
	b.t.Helper()
	form := url.Values{"csrf": {from.value("csrf")}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r, err := http.NewRequest(http.MethodPost, b.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(r)
}

// signIn goes through the door and gives the page behind it.
func (b *browser) signIn(w *world, c customer) page {
	b.t.Helper()
	start := "/t/" + w.Ref.Name + "/"
	in := b.post(start+"sign-in", b.get(start), "email", c.email, "password", password)
	if in.status != http.StatusSeeOther {
		b.t.Fatalf("sign-in answered %d: %s", in.status, in.words())
	}
	home := b.get(in.header.Get("Location"))
	if home.status != http.StatusOK || home.find("#left") == nil {
		b.t.Fatalf("no page after sign-in: %d %s", home.status, home.words())
	}
	return home
}

// partial asks for a part as htmx does.
func (b *browser) partial(path, id string) page {
	b.head.Set("HX-Request", "true")
	b.head.Set("HX-Request-Type", "partial")
	b.head.Set("HX-Target", "div#"+id)
	defer func() { b.head = http.Header{} }()
	return b.get(path)
}

// find gives the first element that a simple selector fits: #id, .class, name
// or name[attribute=value].
func (p page) find(selector string) *html.Node {
	if all := p.all(selector); len(all) > 0 {
		return all[0]
	}
	return nil
}

var bracketed = regexp.MustCompile(`^([a-z0-9]*)\[([a-z-]+)(?:=([^\]]*))?\]$`)

func (p page) all(selector string) (found []*html.Node) {
	fits := func(n *html.Node) bool { return n.Data == selector }
	switch parts := bracketed.FindStringSubmatch(selector); {
	case strings.HasPrefix(selector, "#"):
		fits = func(n *html.Node) bool { return attribute(n, "id") == selector[1:] }
	case strings.HasPrefix(selector, "."):
		fits = func(n *html.Node) bool {
			return strings.Contains(" "+attribute(n, "class")+" ", " "+selector[1:]+" ")
		}
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

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func (p page) value(name string) string {
	if n := p.find("input[name=" + name + "]"); n != nil {
		return attribute(n, "value")
	}
	return ""
}

// words is a node's text with plain spaces.
func words(n *html.Node) string {
	if n == nil {
		return ""
	}
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode && d.Parent.Data != "script" {
			b.WriteString(d.Data)
			b.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(strings.ReplaceAll(b.String(), "\u00a0", " ")), " ")
}

func (p page) words() string             { return words(p.find("main")) }
func (p page) in(selector string) string { return words(p.find(selector)) }
