package portal_test

import (
	"bufio"
	"context"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"golang.org/x/net/html"

	"tollhouse/api/oapi"
	"tollhouse/billing/account"
	"tollhouse/billing/audit"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/billing/visit"
	"tollhouse/infra/postgres"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/portal"
	"tollhouse/portal/staff"
	"tollhouse/provisioning/fleet"
	"tollhouse/tenants"
)

// declared is what testdata/permissions.txt says of an address.
type declared struct {
	method, path string
	asks         string   // a permission, or one of those below
	acts         []string // operations of the API that do the same; "-": there is none
}

const (
	anybody  = "open"
	signedIn = "signed-in"
)

func (d declared) route() string { return d.method + " " + d.path }

// Who stands at which door.
func (d declared) staffs() bool   { return strings.HasPrefix(d.path, "/staff/") }
func (d declared) consoles() bool { return strings.HasPrefix(d.path, "/t/:tenant/console/") }

// at is the address with ids that nobody has.
func (d declared) at(tenantName string) string {
	parts := strings.Split(strings.ReplaceAll(d.path, "*", "nowhere"), "/")
	for i, part := range parts {
		switch {
		case part == ":tenant":
			parts[i] = tenantName
		case part == ":period":
			parts[i] = "2026-05-01"
		case part == ":month":
			parts[i] = "2026-05"
		case strings.HasPrefix(part, ":"):
			parts[i] = "0196a000-0000-7000-8000-000000000000"
		}
	}
	return strings.Join(parts, "/")
}

func readDeclared(t *testing.T) []declared {
	t.Helper()
	file, err := os.Open("testdata/permissions.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var all []declared
	for lines := bufio.NewScanner(file); lines.Scan(); {
		parts := strings.Fields(lines.Text())
		if len(parts) == 0 || strings.HasPrefix(parts[0], "#") {
			continue
		}
		if len(parts) < 3 {
			t.Fatalf("permissions.txt: %q", lines.Text())
		}
		all = append(all, declared{parts[0], parts[1], parts[2], parts[3:]})
	}
	return all
}

// routesWorld is a process with all pages: two operators' and the staff's.
type routesWorld struct {
	*world
	other  *world
	echo   *echo.Echo
	server *httptest.Server
	staff  *tenants.Staff
	db     *tenants.DB
}

// clearSealer leaves what the control plane seals in clear.
type clearSealer struct{}

func (clearSealer) Seal(_ string, clear []byte) ([]byte, error)  { return clear, nil }
func (clearSealer) Open(_ string, sealed []byte) ([]byte, error) { return sealed, nil }

func newRoutesWorld(t *testing.T) *routesWorld {
	t.Helper()
	h := pgtest.NewHost(t)
	w := &routesWorld{world: worldIn(t, h, 0, hanse), other: worldIn(t, h, 1, kabel), echo: echo.New()}
	server, name := pgtest.Server(t), "control_"+strings.ReplaceAll(uuid.NewString(), "-", "")
	if err := server.MigrateControl(context.Background(), name); err != nil {
		t.Fatal(err)
	}
	pool, err := server.Pool(context.Background(), postgres.RoleControl, name, 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	w.db = tenants.Open(pool, time.Now)
	w.staff = tenants.NewStaff(w.db, w.passwords, clearSealer{}, time.Now)
	w.server = httptest.NewServer(w.echo)
	t.Cleanup(w.server.Close)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	portal.New(portal.Config{Host: w.host, Authority: w.authority, Mailbox: true, PublicURL: w.server.URL, Now: time.Now, Log: log,
		Control: &staff.Control{DB: w.db, Staff: w.staff, Commands: tenants.NewCommands(w.db, clearSealer{}),
			Registry: tenants.NewRegistry(nil, w.passwords, func(string) bool { return true }, time.Now), Fleet: fleet.NewFleet(w.db, nil, nil),
			Desk: newDesk(w.db, clearSealer{})}}).Register(w.echo)
	return w
}

// here has a browser go to the server with all pages.
func (w *routesWorld) here(b *browser) *browser {
	b.base = w.server.URL
	return b
}

// employed signs one of the hosting staff in.
func (w *routesWorld) employed(role tenants.Role) *browser {
	w.t.Helper()
	ctx, email := context.Background(), string(role)+"@tollhouse.example"
	added, err := w.staff.Admit(ctx, email, "", string(role))
	if err != nil {
		w.t.Fatal(err)
	}
	var first string
	err = w.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		_, first, err = w.staff.Create(ctx, tx, tenants.System, added)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	b := w.here(w.browser())
	if in := b.post("/staff/sign-in", b.get("/staff/sign-in"), "email", email, "password", first); in.status != http.StatusSeeOther {
		w.t.Fatalf("%s signs in: %d %s", role, in.status, in.words())
	}
	return b
}

// visitor lets hosting staff in with the operator's consent.
func (w *routesWorld) visitor(mayChange bool) *browser {
	w.t.Helper()
	person := visit.Person{ID: uuid.Must(uuid.NewV7()), Email: "jo@tollhouse.example"}
	var begun visit.Begun
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		by := audit.Caller{Actor: "user:" + uuid.NewString(), WallAt: time.Now()}
		_, err := visit.Give(ctx, tx, by, visit.NewConsent{MayChange: mayChange, For: time.Hour, Reason: "the bill run stands still"})
		if err != nil {
			return err
		}
		by.Actor = person.Actor()
		begun, err = visit.BeginConsented(ctx, tx, by, person)
		return err
	})
	b := w.here(w.browser())
	if in := b.get(w.console("visit?ticket=" + url.QueryEscape(begun.Ticket))); in.status != http.StatusSeeOther {
		w.t.Fatalf("staff enter: %d %s", in.status, in.words())
	}
	return b
}

// stolen is a browser that brings another tenant's cookies along.
func (w *routesWorld) stolen(from *browser) *browser {
	b := w.here(w.browser())
	there, _ := url.Parse(w.server.URL + "/t/" + w.other.Ref.Name + "/console/")
	here, _ := url.Parse(w.server.URL)
	jar, _ := cookiejar.New(nil)
	for _, c := range from.http.Jar.Cookies(there) {
		c.Path = "/"
		jar.SetCookies(here, []*http.Cookie{c})
	}
	b.http.Jar = jar
	return b
}

// tries is who tries every address of a door.
type tries struct {
	name string
	*browser
	known bool // is signed in at this door
	may   func(asks string) bool
}

func nothing(string) bool { return false }

func (w *routesWorld) consoleCallers() []tries {
	var all []tries
	for _, role := range []identity.Role{identity.Owner, identity.Marketer, identity.Clerk, identity.Accountant, identity.Support} {
		all = append(all, tries{string(role), w.here(w.works(role)), true, func(asks string) bool { return role.May(identity.Permission(asks)) }})
	}
	granted := []identity.Permission{identity.AccountRead, identity.PaymentWrite}
	all = append(all, tries{"a custom role", w.here(w.deputy(granted...)), true, func(asks string) bool { return slices.Contains(granted, identity.Permission(asks)) }})
	read := func(asks string) bool { return strings.HasSuffix(asks, ".read") }
	all = append(all, tries{"visiting staff", w.here(w.visitor(false)), true, read})
	subscriber := w.browser()
	subscriber.signIn(w.world, w.customer(1, "hanse-postpaid-flex", "en"))
	foreign := w.other.works(identity.Owner)
	return append(all, tries{"nobody", w.here(w.browser()), false, nothing}, tries{"a subscriber", w.here(subscriber), false, nothing},
		tries{"another operator's owner", w.here(foreign), false, nothing}, tries{"another operator's owner, with its cookies", w.stolen(foreign), false, nothing})
}

func (w *routesWorld) staffCallers(owner *browser) []tries {
	all := []tries{{"nobody", w.here(w.browser()), false, nothing}, {"an operator's owner", owner, false, nothing}}
	for _, role := range []tenants.Role{tenants.Admin, tenants.Engineer, tenants.Viewer} {
		all = append(all, tries{"staff " + string(role), w.employed(role), true, func(asks string) bool { return role.May(tenants.Permission(asks)) }})
	}
	return all
}

// outcome is how far an attempt came.
type outcome string

const (
	toDoor   outcome = "led to the door"
	noRight  outcome = "refused for its rights"
	noForm   outcome = "refused for its form" // whose token is forged: the rights sufficed
	standing outcome = "refused for the operator's standing"
	through  outcome = "let through"
	broken   outcome = "a fault"
)

// attempt asks for a page, or sends a form with a forged token: that is looked
// at after the rights, and keeps anything from being done.
func (c tries) attempt(d declared, tenantName string) (outcome, page) {
	at := d.at(tenantName)
	var p page
	if d.method == http.MethodGet {
		p = c.get(at)
	} else {
		p = c.post(at, page{tree: &html.Node{}}, "csrf", "forged")
	}
	title := words(p.find("h1"))
	switch to := p.header.Get("Location"); {
	case p.status >= 500:
		return broken, p
	case p.status == http.StatusForbidden && title == "Your role does not allow this":
		return noRight, p
	case p.status == http.StatusForbidden && title == "The operator is suspended":
		return standing, p
	case p.status == http.StatusForbidden && title == "This form can't be taken":
		return noForm, p
	case p.status == http.StatusForbidden:
		return broken, p
	case p.status == http.StatusSeeOther && strings.Contains(to, "next="), p.status == http.StatusSeeOther && d.method == http.MethodPost:
		return toDoor, p
	}
	return through, p
}

// wanted is how far it should come.
func (c tries) wanted(d declared) outcome {
	last := through
	if d.method == http.MethodPost {
		last = noForm
	}
	switch {
	case d.asks == anybody:
		return last
	case !c.known:
		return toDoor
	case d.asks == signedIn, c.may(d.asks):
		return last
	}
	return noRight
}

// Every address has a declaration, and every declaration an address.
func TestPermissions_areDeclared(t *testing.T) {
	t.Parallel()
	e := echo.New()
	w := newWorld(t, hanse)
	portal.New(portal.Config{Host: w.host, Authority: w.authority, Mailbox: true, Control: &staff.Control{}, Now: time.Now}).Register(e)
	left := map[string]bool{}
	for _, d := range readDeclared(t) {
		if left[d.route()] {
			t.Errorf("%s is declared twice", d.route())
		}
		left[d.route()] = true
	}
	for _, r := range e.Routes() {
		at := r.Method + " " + r.Path
		if strings.HasPrefix(r.Path, "/static/") {
			continue // files of ours, the same for everybody
		}
		if !left[at] {
			t.Errorf("%s is not declared in testdata/permissions.txt", at)
		}
		delete(left, at)
	}
	for at := range left {
		t.Errorf("%s is declared and is no address", at)
	}
}

// A form asks for the right that the API asks for the same act.
func TestPermissions_areThoseOfTheAPI(t *testing.T) {
	t.Parallel()
	document, err := oapi.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]string{}
	for _, item := range document.Paths.Map() {
		for _, op := range item.Operations() {
			asked[op.OperationID], _ = op.Extensions["x-permission"].(string)
		}
	}
	for _, d := range readDeclared(t) {
		if d.method != http.MethodPost || d.asks == anybody || d.asks == signedIn {
			continue
		}
		if len(d.acts) == 0 {
			t.Errorf("%s names no operation of the API, nor that there is none", d.route())
		}
		for _, act := range d.acts {
			if act != "-" && asked[act] != d.asks {
				t.Errorf("%s asks for %s, the API's %s for %q", d.route(), d.asks, act, asked[act])
			}
		}
	}
}

// Every caller at every address: who lacks the right is refused, who has it
// comes as far as the form's token, and strangers are led to the door.
func TestPermissions_holdForEveryCaller(t *testing.T) {
	t.Parallel()
	w := newRoutesWorld(t)
	console := w.consoleCallers()
	staffs := w.staffCallers(console[0].browser)
	count := 0
	for _, d := range readDeclared(t) {
		callers := console
		switch {
		case d.staffs():
			callers = staffs
		case !d.consoles():
			continue
		}
		for _, c := range callers {
			count++
			if got, p := c.attempt(d, w.Ref.Name); got != c.wanted(d) {
				t.Errorf("%s at %s is %s, want %s: %d %s", c.name, d.route(), got, c.wanted(d), p.status, p.words())
			}
		}
	}
	t.Logf("%d attempts", count)
}

// The subscribers' own pages are for subscribers alone. Their door looks at the
// form first, so strangers send theirs with a good token.
func TestPermissions_ofSubscribers(t *testing.T) {
	t.Parallel()
	w := newRoutesWorld(t)
	own := w.browser()
	own.signIn(w.world, w.customer(1, "hanse-postpaid-flex", "en"))
	callers := []tries{{"a subscriber", w.here(own), true, nothing}, {"nobody", w.here(w.browser()), false, nothing}, {"an owner", w.here(w.works(identity.Owner)), false, nothing}}
	for _, d := range readDeclared(t) {
		if d.staffs() || d.consoles() {
			continue
		}
		for _, c := range callers {
			if d.method == http.MethodPost && c.wanted(d) == toDoor {
				if p := c.post(d.at(w.Ref.Name), c.get("/t/"+w.Ref.Name+"/")); p.status != http.StatusSeeOther || p.header.Get("Location") != "/t/"+w.Ref.Name+"/" {
					t.Errorf("%s at %s is answered %d %s", c.name, d.route(), p.status, p.words())
				}
				continue
			}
			if got, p := c.attempt(d, w.Ref.Name); got != c.wanted(d) {
				t.Errorf("%s at %s is %s, want %s: %d %s", c.name, d.route(), got, c.wanted(d), p.status, p.words())
			}
		}
	}
}

// A suspended operator's console takes no forms but those that everybody needs
// for their own security, those that show hosting staff out, and usage, which
// subscribers live on.
func TestPermissions_ofSuspendedOperators(t *testing.T) {
	t.Parallel()
	w := newRoutesWorld(t)
	owner := tries{"the owner", w.here(w.works(identity.Owner)), true, func(asks string) bool { return true }}
	stand := func(no int64, until time.Time) {
		w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			_, err := account.SetStanding(ctx, tx, no, account.Standing{State: account.OperatorSuspended, Since: until.Add(-24 * time.Hour), ServiceUntil: until})
			return err
		})
	}
	for no, until := range []time.Time{time.Now().Add(time.Hour), time.Now().Add(-time.Hour)} {
		stand(int64(no+1), until)
		for _, d := range readDeclared(t) {
			if !d.consoles() {
				continue
			}
			want := owner.wanted(d)
			if d.method == http.MethodPost && d.asks != anybody && d.asks != signedIn {
				want = standing
			}
			switch identity.Permission(d.asks) {
			case identity.VisitWrite, identity.AuditRead:
				want = owner.wanted(d)
			case identity.UsageWrite:
				if no == 0 {
					want = owner.wanted(d)
				}
			}
			if got, p := owner.attempt(d, w.Ref.Name); got != want {
				t.Errorf("%s while suspended until %s is %s, want %s: %d %s", d.route(), until, got, want, p.status, p.words())
			}
		}
	}
}
