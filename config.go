package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	netmail "net/mail"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/acme/autocert"

	"tollhouse/infra/mail"
	"tollhouse/infra/openstack"
	"tollhouse/infra/postgres"
	"tollhouse/infra/vies"
	"tollhouse/provisioning/machine"
)

// demoConfig is the demo's.
type demoConfig struct {
	Data   string // folder of everything the demo keeps
	Listen listen
	Seed   uint64
	Scale  int // percent of the standard number of accounts
	Stripe stripeConfig
	Log    slog.Level
}

// hostConfig is that of a process which carries stacks.
type hostConfig struct {
	Listen      listen
	DatabaseURL string // administrator's, of the host's server
	Database    string
	Data        string // received files
	MasterKey   string // file
	PublicURL   string // under which people reach us
	Stripe      stripeConfig
	Mail        mailConfig
	Networks    []netip.Prefix // private networks whose elements are called back
	Reachable   []netip.Prefix // private networks that operators may let their webhooks reach
	Proxies     []netip.Prefix // whose X-Forwarded-For is believed
	VIES        string         // address of the register of VAT ids
	Log         slog.Level
}

// mailConfig is the mail server's; empty for none.
type mailConfig struct {
	URL     string
	From    string
	Return  string // domain to which mails come back; empty: they come back to From
	Returns string // where mails that come back are taken, by LMTP or SMTP
}

// controlConfig is the control plane's. It prepares stacks on one host server.
type controlConfig struct {
	Listen      listen
	DatabaseURL string
	Database    string
	HostURL     string
	HostDB      string
	MasterKey   string
	Stock       int
	Data        string            // folder of take-outs
	Cloud       *openstack.Config // of dedicated stacks' machines; nil for none
	Sites       string            // folder of sites on this machine; empty: none are made here
	Proxies     []netip.Prefix    // whose X-Forwarded-For is believed
	Desk        deskConfig        // without a URL: machines reach us as we listen
	House       string            // file with what our own company is set up with; empty: it is not
	Log         slog.Level
}

// migrateConfig names what is to be brought up to date.
type migrateConfig struct {
	DatabaseURL string
	Control     string
	Host        string
	MasterKey   string
}

// stripeConfig is empty for the stand-in.
type stripeConfig struct {
	SecretKey      string
	WebhookSecrets []string
}

// listen is an address and whether somebody asked for it.
type listen struct {
	Address string
	Asked   bool
}

func (l listen) listener(ctx context.Context) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", l.Address)
	if err != nil && !l.Asked {
		// Nobody chose 8080: any free port will do.
		return config.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	return listener, err
}

// environment reads settings and gathers all faults before it reports.
type environment struct {
	values map[string]string
	known  []string
	faults []error
}

const settingPrefix = "TOLLHOUSE_"

func readEnvironment(env []string) *environment {
	e := &environment{values: map[string]string{}}
	for _, pair := range env {
		if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, settingPrefix) {
			e.values[name] = value
		}
	}
	return e
}

func (e *environment) text(name, fallback string) string {
	e.known = append(e.known, name)
	if value, set := e.values[name]; set && value != "" {
		return value
	}
	return fallback
}

func (e *environment) required(name, what string) string {
	value := e.text(name, "")
	if value == "" {
		e.fault(name, "is missing: "+what)
	}
	return value
}

func (e *environment) fault(name, words string) {
	e.faults = append(e.faults, fmt.Errorf("%s %s", name, words))
}

func (e *environment) address() listen { return e.listenAt("TOLLHOUSE_LISTEN", "127.0.0.1:8080") }

func (e *environment) listenAt(name, fallback string) listen {
	asked := e.text(name, "")
	if asked == "" {
		return listen{Address: fallback}
	}
	if _, port, err := net.SplitHostPort(asked); err != nil || port == "" {
		e.fault(name, fmt.Sprintf("is %q: host:port is wanted, as %s", asked, fallback))
	}
	return listen{Address: asked, Asked: true}
}

func (e *environment) number(name string, fallback, least, most int) int {
	text := e.text(name, strconv.Itoa(fallback))
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		e.fault(name, fmt.Sprintf("is %q: a whole number from %d to %d is wanted", text, least, most))
	}
	return n
}

func (e *environment) level() slog.Level {
	text := e.text("TOLLHOUSE_LOG_LEVEL", "info")
	var level slog.Level
	if err := level.UnmarshalText([]byte(text)); err != nil {
		e.fault("TOLLHOUSE_LOG_LEVEL", fmt.Sprintf("is %q: debug, info, warn or error is wanted", text))
	}
	return level
}

func (e *environment) link(name, what string, schemes ...string) string {
	text := e.required(name, what)
	if u, err := url.Parse(text); text != "" && (err != nil || !slices.Contains(schemes, u.Scheme)) {
		// The value may hold a password: it is not repeated.
		e.fault(name, "is no "+strings.Join(schemes, ":// or ")+":// URL")
	}
	return text
}

// optionalLink is a link that may be left out; no slash at its end.
func (e *environment) optionalLink(name string, schemes ...string) string {
	if e.text(name, "") == "" {
		return ""
	}
	return strings.TrimSuffix(e.link(name, "", schemes...), "/")
}

func (e *environment) stripe() stripeConfig {
	c := stripeConfig{SecretKey: e.text("TOLLHOUSE_STRIPE_SECRET_KEY", "")}
	for _, secret := range strings.Split(e.text("TOLLHOUSE_STRIPE_WEBHOOK_SECRETS", ""), ",") {
		if secret = strings.TrimSpace(secret); secret != "" {
			c.WebhookSecrets = append(c.WebhookSecrets, secret)
		}
	}
	if c.SecretKey != "" && len(c.WebhookSecrets) == 0 {
		e.fault("TOLLHOUSE_STRIPE_WEBHOOK_SECRETS", "is missing: with a Stripe key webhooks need their signing secret (several with commas)")
	}
	return c
}

func (e *environment) mail() mailConfig {
	c := mailConfig{URL: e.text("TOLLHOUSE_SMTP_URL", ""), From: e.text("TOLLHOUSE_MAIL_FROM", "")}
	if c.URL == "" {
		return c
	}
	if _, err := mail.New(c.URL, c.From); err != nil {
		e.fault("TOLLHOUSE_SMTP_URL", "cannot be used: "+err.Error())
	}
	if address, err := netmail.ParseAddress(c.From); err != nil || address.Address != c.From {
		e.fault("TOLLHOUSE_MAIL_FROM", "is no e-mail address: with a mail server it is whom mails come from")
	}
	c.Return, c.Returns = e.text("TOLLHOUSE_MAIL_RETURN_DOMAIN", ""), e.text("TOLLHOUSE_MAIL_RETURN_LISTEN", "")
	if (c.Return == "") != (c.Returns == "") {
		e.fault("TOLLHOUSE_MAIL_RETURN_LISTEN", "and TOLLHOUSE_MAIL_RETURN_DOMAIN belong together: where mails come back, and where they are taken")
	}
	return c
}

// cloud reads an entry of clouds.yaml. It is looked at here and reached later.
func (e *environment) cloud() *openstack.Config {
	name := e.text("TOLLHOUSE_OPENSTACK_CLOUD", "")
	mark, network := e.text("TOLLHOUSE_OPENSTACK_MARK", openstack.DefaultMark), e.text("TOLLHOUSE_OPENSTACK_NETWORK", "")
	image := e.text("TOLLHOUSE_OPENSTACK_IMAGE", openstack.DefaultImage)
	if err := openstack.CheckMark(mark); err != nil {
		e.fault("TOLLHOUSE_OPENSTACK_MARK", err.Error())
	}
	if name == "" {
		return nil
	}
	c, err := openstack.ReadCloud(name)
	if err != nil {
		e.fault("TOLLHOUSE_OPENSTACK_CLOUD", "cannot be used: "+err.Error())
	}
	c.Mark, c.Network, c.Image = mark, network, image
	return &c
}

// desk reads what machines are told with.
func (e *environment) desk() deskConfig {
	c := deskConfig{URL: e.optionalLink("TOLLHOUSE_PUBLIC_URL", "http", "https"), Programs: e.text("TOLLHOUSE_PROGRAMS", ""),
		Domain: strings.ToLower(e.text("TOLLHOUSE_SITES_DOMAIN", "")),
		HTTPS:  machine.HTTPS{Directory: autocert.DefaultACMEDirectory, Contact: e.text("TOLLHOUSE_ACME_CONTACT", "")}}
	if directory := e.optionalLink("TOLLHOUSE_ACME_DIRECTORY", "https"); directory != "" {
		c.HTTPS.Directory = directory
	}
	if u, err := url.Parse("https://" + c.Domain); c.Domain != "" && (err != nil || u.Host != c.Domain || u.Port() != "" || !strings.Contains(c.Domain, ".")) {
		e.fault("TOLLHOUSE_SITES_DOMAIN", fmt.Sprintf("is %q: a domain such as stacks.example.net is wanted", c.Domain))
	}
	if address, err := netmail.ParseAddress(c.HTTPS.Contact); c.HTTPS.Contact != "" && (err != nil || address.Address != c.HTTPS.Contact) {
		e.fault("TOLLHOUSE_ACME_CONTACT", "is no e-mail address: the authority of certificates writes to it")
	}
	return c
}

func (e *environment) proxies() []netip.Prefix { return e.networks("TOLLHOUSE_TRUSTED_PROXIES") }

// networks reads addresses and networks, with commas.
func (e *environment) networks(name string) (trusted []netip.Prefix) {
	for part := range strings.SplitSeq(e.text(name, ""), ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		if address, err := netip.ParseAddr(part); err == nil {
			trusted = append(trusted, netip.PrefixFrom(address, address.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(part)
		if err != nil {
			e.fault(name, fmt.Sprintf("holds %q: addresses or networks such as 10.0.0.0/8 are wanted, with commas", part))
		}
		trusted = append(trusted, prefix)
	}
	return trusted
}

// done reports every fault at once, unknown settings among them.
func (e *environment) done() error {
	var unknown []string
	for name := range e.values {
		if !slices.Contains(e.known, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		e.fault(name, "is unknown to this role; it knows "+strings.Join(e.known, ", "))
	}
	return errors.Join(e.faults...)
}

func readDemoConfig(env []string) (demoConfig, error) {
	e := readEnvironment(env)
	c := demoConfig{
		Data:   e.text("TOLLHOUSE_DATA", ""),
		Listen: e.address(),
		Seed:   uint64(e.number("TOLLHOUSE_SEED", 1, 0, 1<<30)),
		Scale:  e.number("TOLLHOUSE_SCALE", 100, 1, 100),
		Stripe: e.stripe(),
		Log:    e.level(),
	}
	if c.Data == "" {
		c.Data = defaultData()
	}
	return c, e.done()
}

func readHostConfig(env []string) (hostConfig, error) {
	e := readEnvironment(env)
	c := hostConfig{
		Listen:      e.address(),
		DatabaseURL: e.link("TOLLHOUSE_DATABASE_URL", "the host database's server, as postgres://admin@server/postgres", "postgres", "postgresql"),
		Database:    e.text("TOLLHOUSE_DATABASE", "tollhouse_host"),
		Data:        e.required("TOLLHOUSE_DATA", "a folder for received files"),
		MasterKey:   e.required("TOLLHOUSE_MASTER_KEY_FILE", "the file with the master key"),
		PublicURL:   e.link("TOLLHOUSE_PUBLIC_URL", "the address under which people reach this host", "http", "https"),
		Stripe:      e.stripe(),
		Mail:        e.mail(),
		Proxies:     e.proxies(),
		Networks:    e.networks("TOLLHOUSE_CALLED_NETWORKS"),
		Reachable:   e.networks("TOLLHOUSE_WEBHOOK_NETWORKS"),
		VIES:        e.text("TOLLHOUSE_VIES_URL", vies.Official),
		Log:         e.level(),
	}
	if c.Stripe.SecretKey == "" {
		e.fault("TOLLHOUSE_STRIPE_SECRET_KEY", "is missing: only the demo has a stand-in for Stripe")
	}
	return c, e.done()
}

func readControlConfig(env []string) (controlConfig, error) {
	e := readEnvironment(env)
	c := controlConfig{
		Listen:      e.address(),
		DatabaseURL: e.link("TOLLHOUSE_DATABASE_URL", "the control database's server, as postgres://admin@server/postgres", "postgres", "postgresql"),
		Database:    e.text("TOLLHOUSE_DATABASE", "tollhouse_control"),
		HostURL:     e.link("TOLLHOUSE_HOST_DATABASE_URL", "the server on which stacks are placed", "postgres", "postgresql"),
		HostDB:      e.text("TOLLHOUSE_HOST_DATABASE", "tollhouse_host"),
		House:       e.text("TOLLHOUSE_HOUSE", ""),
		MasterKey:   e.required("TOLLHOUSE_MASTER_KEY_FILE", "the file with the master key"),
		Stock:       e.number("TOLLHOUSE_STOCK", 20, 0, 300),
		Data:        e.text("TOLLHOUSE_DATA", "tollhouse-control"),
		Cloud:       e.cloud(),
		Sites:       e.text("TOLLHOUSE_LOCAL_SITES", ""),
		Desk:        e.desk(),
		Proxies:     e.proxies(),
		Log:         e.level(),
	}
	return c, e.done()
}

func readMigrateConfig(env []string) (migrateConfig, error) {
	e := readEnvironment(env)
	c := migrateConfig{
		DatabaseURL: e.link("TOLLHOUSE_DATABASE_URL", "the server, as postgres://admin@server/postgres", "postgres", "postgresql"),
		Control:     e.text("TOLLHOUSE_CONTROL_DATABASE", "tollhouse_control"),
		Host:        e.text("TOLLHOUSE_HOST_DATABASE", "tollhouse_host"),
		MasterKey:   e.required("TOLLHOUSE_MASTER_KEY_FILE", "the file with the master key"),
	}
	return c, e.done()
}

// defaultData is a folder beside the program's source, or the system's when
// root's own folders are closed to the user who runs the database server.
func defaultData() string {
	here, err := filepath.Abs("data")
	if err == nil && postgres.Reachable(here) {
		return here
	}
	if os.Geteuid() == 0 {
		return "/var/lib/tollhouse"
	}
	return here
}
