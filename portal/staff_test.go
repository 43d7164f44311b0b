package portal_test

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pquerna/otp/totp"

	"tollhouse/tenants"
)

// card is what stands in a card of a page, by its id.
func (p page) card(id string) string {
	return words(p.find("section[aria-labelledby=" + id + "]"))
}

func TestStaffDoor_neverTellsWhatWasWrong(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, first := h.employ("jo@tollhouse.example", tenants.Engineer)
	b := h.browser()
	led := b.get("/staff/operators")
	if to := led.header.Get("Location"); led.status != http.StatusSeeOther || to != "/staff/sign-in?next=%2Fstaff%2Foperators" {
		t.Fatalf("a stranger is answered %d to %s", led.status, to)
	}
	door := b.get(led.header.Get("Location"))
	wrong := b.post("/staff/sign-in", door, "email", "jo@tollhouse.example", "password", "wrong password")
	nobody := b.post("/staff/sign-in", door, "email", "nobody@tollhouse.example", "password", "wrong password")
	if wrong.status != http.StatusUnauthorized || nobody.status != wrong.status || wrong.in(".errsum") == "" || wrong.in(".errsum") != nobody.in(".errsum") {
		t.Errorf("%d %q and %d %q", wrong.status, wrong.in(".errsum"), nobody.status, nobody.in(".errsum"))
	}
	if wrong.value("email") != "jo@tollhouse.example" || wrong.value("password") != "" {
		t.Error("the email is kept and the password is not")
	}
	empty := b.post("/staff/sign-in", door)
	if n := empty.find("#email"); empty.status != http.StatusUnprocessableEntity || attribute(n, "aria-invalid") != "true" || empty.find("#email-e") == nil {
		t.Errorf("an empty form answers %d", empty.status)
	}
	contains(t, "an empty form", empty.in(".errsum"), "2 fields")
	in := b.post("/staff/sign-in", door, "email", "jo@tollhouse.example", "password", first, "next", "/staff/operators")
	if in.status != http.StatusSeeOther || in.header.Get("Location") != "/staff/operators" {
		t.Fatalf("signing in answers %d to %s", in.status, in.header.Get("Location"))
	}
	if cookies := strings.Join(in.header.Values("Set-Cookie"), "\n"); !strings.Contains(cookies, "HttpOnly") || !strings.Contains(cookies, "Path=/staff") {
		t.Errorf("the cookie is %s", cookies)
	}
	elsewhere := h.browser()
	away := elsewhere.post("/staff/sign-in", elsewhere.get("/staff/sign-in"), "email", "jo@tollhouse.example", "password", first, "next", "//evil.example/")
	if to := away.header.Get("Location"); to != "/staff/" {
		t.Errorf("the door leads to %s", to)
	}
	home := b.get("/staff/")
	contains(t, "wall", home.words(), "Healthy")
	out := b.post("/staff/sign-out", home)
	contains(t, "after signing out", b.get(out.header.Get("Location")).words(), "You have signed out.")
	if again := b.get("/staff/"); again.status != http.StatusSeeOther {
		t.Errorf("signed out, the wall answers %d", again.status)
	}
}

func TestStaffDoor_secondFactor(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, first := h.employ("jo@tollhouse.example", tenants.Viewer)
	b := h.browser()
	signIn := func() page {
		return b.post("/staff/sign-in", b.get("/staff/sign-in"), "email", "jo@tollhouse.example", "password", first)
	}
	signIn()
	setup := b.post("/staff/security/factor", b.get("/staff/security"))
	secret := setup.in("#secret")
	if setup.status != http.StatusOK || secret == "" {
		t.Fatalf("no secret: %d %s", setup.status, setup.words())
	}
	wrong := b.post("/staff/security/factor/confirm", setup, "secret", secret, "code", "000")
	if wrong.status != http.StatusUnprocessableEntity || wrong.find("#code-e") == nil || wrong.in("#secret") != secret {
		t.Errorf("a wrong code answers %d: %s", wrong.status, wrong.words())
	}
	code, err := totp.GenerateCode(secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	confirmed := b.post("/staff/security/factor/confirm", wrong, "secret", secret, "code", code)
	var recovery []string
	for _, n := range confirmed.all("li") {
		if text := words(n); strings.Count(text, "-") == 3 {
			recovery = append(recovery, text)
		}
	}
	if confirmed.status != http.StatusOK || len(recovery) != 10 {
		t.Fatalf("%d codes for emergencies: %d %s", len(recovery), confirmed.status, confirmed.words())
	}
	b.post("/staff/sign-out", confirmed)

	asked := signIn()
	if asked.status != http.StatusOK || asked.value("challenge") == "" || b.get("/staff/").status != http.StatusSeeOther {
		t.Fatalf("the password alone answers %d: %s", asked.status, asked.words())
	}
	factor := func(from page, code string) page {
		return b.post("/staff/sign-in/factor", from, "challenge", from.value("challenge"), "code", code)
	}
	refused := factor(asked, code) // it was used to confirm
	if refused.status != http.StatusUnauthorized || refused.value("challenge") == "" {
		t.Errorf("a used code answers %d", refused.status)
	}
	if in := factor(refused, recovery[0]); in.status != http.StatusSeeOther || b.get("/staff/").status != http.StatusOK {
		t.Fatalf("a code for emergencies answers %d: %s", in.status, in.words())
	}
	b.post("/staff/sign-out", b.get("/staff/"))
	again := signIn()
	if p := factor(again, recovery[0]); p.status != http.StatusUnauthorized {
		t.Errorf("the same code again answers %d", p.status)
	}
	made := b.post("/staff/sign-in/factor", again, "challenge", asked.value("challenge"), "code", recovery[1])
	if made.status != http.StatusUnauthorized || made.value("challenge") != "" {
		t.Errorf("a challenge that was met opens again: %d", made.status)
	}
}

// staffPages are addresses with what each asks for.
var staffPages = map[string]tenants.Permission{
	"": "", "operators": tenants.OperatorRead, "operators/new": tenants.OperatorCreate, "people": tenants.StaffRead,
	"audit": tenants.AuditRead, "audit.csv": tenants.AuditRead, "security": "",
}

// staffActs are forms with what each asks for; % stands for an operator.
var staffActs = map[string]tenants.Permission{
	"operators/new": tenants.OperatorCreate, "operators/%/suspend": tenants.OperatorSuspend, "operators/%/resume": tenants.OperatorSuspend,
	"operators/%/enter": tenants.VisitEnter, "operators/%/break-glass": tenants.VisitEnter,
	"requests/%/approve": tenants.VisitApprove, "requests/%/refuse": tenants.VisitApprove, "requests/%/withdraw": tenants.VisitEnter, "requests/%/enter": tenants.VisitEnter,
	"people": tenants.StaffWrite, "people/%": tenants.StaffWrite, "people/%/reset": tenants.StaffWrite,
}

func TestStaff_pagesAskForTheirRights(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	nobody := uuid.NewString()
	for _, role := range []tenants.Role{tenants.Viewer, tenants.Engineer, tenants.Admin} {
		b := h.works(string(role)+"@tollhouse.example", role)
		for path, wanted := range staffPages {
			want := http.StatusForbidden
			if wanted == "" || role.May(wanted) {
				want = http.StatusOK
			}
			if p := b.get("/staff/" + path); p.status != want {
				t.Errorf("%s at %s is answered %d, want %d", role, path, p.status, want)
			}
		}
		home := b.get("/staff/")
		for path, wanted := range staffActs {
			p := b.post("/staff/"+strings.ReplaceAll(path, "%", nobody), home, "reason", "why", "role", "viewer")
			if forbidden := p.status == http.StatusForbidden; forbidden == role.May(wanted) {
				t.Errorf("%s sends %s and is answered %d", role, path, p.status)
			}
			if p.status >= http.StatusInternalServerError {
				t.Errorf("%s sends %s and is answered %d: %s", role, path, p.status, p.words())
			}
		}
		offered := b.get("/staff/operators").find("a[href=/staff/operators/new]") != nil
		if offered != role.May(tenants.OperatorCreate) {
			t.Errorf("%s is offered a new operator: %t", role, offered)
		}
	}
	stranger := h.browser()
	for path := range staffPages {
		if p := stranger.get("/staff/" + path); p.status != http.StatusSeeOther || !strings.HasPrefix(p.header.Get("Location"), "/staff/sign-in") {
			t.Errorf("a stranger at %s is answered %d", path, p.status)
		}
	}
}

func TestStaff_viewerActsOnNoOperator(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	made := h.operator("nordnetz")
	at := "/staff/operators/" + made.ID.String()
	shown := h.works("view@tollhouse.example", tenants.Viewer).get(at)
	contains(t, "operator", shown.words(), "Nordnetz", "Active", "nordnetz", "Healthy", "Nordnetz GmbH")
	for _, form := range []string{"/suspend", "/resume", "/enter", "/break-glass"} {
		if shown.find("form[action="+at+form+"]") != nil {
			t.Errorf("a viewer is offered %s", form)
		}
	}
}

// right is a form for a new operator as it should be.
func right(name string) []string {
	return []string{"name", name, "legal_name", "Südnetz GmbH", "display_name", "Südnetz", "country", "de", "currency", "eur", "zone", "Europe/Berlin",
		"language", "en", "owner_email", "owner@suednetz.example", "grace_days", "14", "legal_entity.address.street", "Weg 1",
		"legal_entity.address.city", "Hamburg", "legal_entity.bank_iban", "DE89 3704 0044 0532 0130 00"}
}

func TestStaff_createsAnOperator(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.works("jo@tollhouse.example", tenants.Engineer)
	blank := b.get("/staff/operators/new")
	key := blank.value("key")
	if key == "" || blank.value("grace_days") != "14" {
		t.Fatal("the form has no key or no days")
	}
	faulty := b.post("/staff/operators/new", blank, append(right("Süd Netz"), "key", key, "owner_email", "nobody", "grace_days", "two weeks",
		"legal_entity.bank_iban", "DE89 3704 0044 0532 0130 01", "tax_rates[0].percent", "19")...)
	if faulty.status != http.StatusUnprocessableEntity {
		t.Fatalf("a faulty form answers %d: %s", faulty.status, faulty.words())
	}
	if faulty.value("grace_days") != "two weeks" || faulty.find("#grace_days-e") == nil || attribute(faulty.find("#grace_days"), "aria-invalid") != "true" {
		t.Error("what is no number is not told beside its field")
	}
	faulty = b.post("/staff/operators/new", blank, append(right("Süd Netz"), "key", key, "owner_email", "nobody",
		"legal_entity.bank_iban", "DE89 3704 0044 0532 0130 01")...)
	for field, typed := range map[string]string{"name": "Süd Netz", "owner_email": "nobody", "legal_entity.bank_iban": "DE89 3704 0044 0532 0130 01"} {
		n := faulty.find("#" + field)
		if n == nil || attribute(n, "value") != typed || attribute(n, "aria-invalid") != "true" || faulty.find("#"+field+"-e") == nil {
			t.Errorf("%s keeps %q and tells %q", field, faulty.value(field), faulty.in("#"+field+"-e"))
		}
		if faulty.find(`a[href=#`+field+`]`) == nil {
			t.Errorf("the summary does not lead to %s", field)
		}
	}
	contains(t, "summary", faulty.in(".errsum"), "3 fields")
	if faulty.value("legal_name") != "Südnetz GmbH" || faulty.find("#legal_name-e") != nil {
		t.Error("what was right is lost or blamed")
	}

	form := append(right("suednetz"), "key", key)
	made := b.post("/staff/operators/new", faulty, form...)
	contains(t, "created", made.words(), "Südnetz", "The operator is taken on", "First password", "owner@suednetz.example", "/t/suednetz/console")
	if made.header.Get("Cache-Control") != "no-store" {
		t.Error("the page with the password may be kept")
	}
	var first string
	for _, n := range made.all("dd") {
		if strings.Contains(attribute(n, "class"), "mono") {
			first = words(n)
		}
	}
	again := b.post("/staff/operators/new", faulty, form...)
	if again.status != http.StatusOK || !strings.Contains(again.words(), first) {
		t.Errorf("the same form again answers %d", again.status)
	}
	list := b.get("/staff/operators")
	if n := len(list.all("tr")); n != 2 {
		t.Errorf("the list has %d rows with its head", n)
	}
	taken := b.post("/staff/operators/new", b.get("/staff/operators/new"), append(right("suednetz"), "key", uuid.NewString())...)
	if taken.status != http.StatusUnprocessableEntity || taken.find("#name-e") == nil || taken.value("legal_name") != "Südnetz GmbH" {
		t.Errorf("a taken name answers %d", taken.status)
	}
	var at string
	for _, n := range list.all("a[href]") {
		if href := attribute(n, "href"); strings.HasPrefix(href, "/staff/operators/") && words(n) == "Südnetz" {
			at = href
		}
	}
	h.eventually("the stack", func() bool { return strings.Contains(b.partial(at, "stack").text, "Healthy") })
	if later := b.get(at); strings.Contains(later.text, first) {
		t.Error("the first password is shown a second time")
	}
	owner := h.browser()
	door := "/t/suednetz/console/sign-in"
	if in := owner.post(door, owner.get(door), "email", "owner@suednetz.example", "password", first); in.status != http.StatusSeeOther {
		t.Errorf("the owner signs in: %d", in.status)
	}
}

func TestStaff_suspendsAndResumes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	made := h.operator("nordnetz")
	b := h.works("admin@tollhouse.example", tenants.Admin)
	at := "/staff/operators/" + made.ID.String()
	shown := b.get(at)
	contains(t, "dialog", shown.in("#suspend"), "Suspend", "Nordnetz", "14 days")
	empty := b.post(at+"/suspend", shown, "reason", " ")
	if empty.status != http.StatusUnprocessableEntity || empty.find("#s-reason-e") == nil || !strings.Contains(empty.text, "data-open") {
		t.Errorf("no reason answers %d", empty.status)
	}
	suspended := b.follow(at+"/suspend", empty, "reason", "two bills unpaid")
	contains(t, "suspended", suspended.words(), "Suspended", "The operator is suspended", "Subscribers are served until", "two bills unpaid")
	if twice := b.post(at+"/suspend", suspended, "reason", "again"); twice.status != http.StatusConflict {
		t.Errorf("a second suspension answers %d", twice.status)
	}
	owner := h.person(made)
	h.eventually("the banner in the console", func() bool { return owner.get("/t/nordnetz/console/").find(".con-banner") != nil })
	resumed := b.follow(at+"/resume", suspended)
	contains(t, "resumed", resumed.words(), "Active", "The operator may do everything again")
	h.eventually("the end of the banner", func() bool { return owner.get("/t/nordnetz/console/").find(".con-banner") == nil })
	contains(t, "audit", resumed.card("audit"), "operator.resume", "operator.suspend", "two bills unpaid")
}

func TestStaff_entersWithConsentAndLeaves(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	made := h.operator("nordnetz")
	b := h.works("jo@tollhouse.example", tenants.Engineer)
	at, console := "/staff/operators/"+made.ID.String(), "/t/nordnetz/console/"
	before := b.get(at)
	contains(t, "without consent", before.card("entry"), "has not agreed to a visit")
	if p := b.post(at+"/enter", before); p.status != http.StatusConflict {
		t.Errorf("without consent: %d", p.status)
	}
	h.consents("nordnetz", false)
	agreed := b.get(at)
	contains(t, "with consent", agreed.card("entry"), "The operator agrees until", "look at the March bills", "change nothing")
	going := b.post(at+"/enter", agreed)
	link := attribute(going.find("a[class=btn btn-primary]"), "href")
	if going.status != http.StatusOK || !strings.HasPrefix(link, console[:len(console)-1]+"/visit?ticket=") || !strings.Contains(going.header.Get("Refresh"), link) {
		t.Fatalf("entering answers %d, leads to %q: %s", going.status, link, going.words())
	}
	if in := b.get(link); in.status != http.StatusSeeOther || in.header.Get("Location") != console {
		t.Fatalf("the ticket answers %d: %s", in.status, in.words())
	}
	if p := h.browser().get(link); p.status == http.StatusSeeOther {
		t.Errorf("the ticket opens twice: %d", p.status)
	}
	inside := b.get(console + "subscribers")
	contains(t, "banner", inside.in(".con-banner"), "You are here as jo@tollhouse.example", "Leave")
	leave := attribute(inside.find("form[action="+console+"visit/leave]"), "action")
	if leave == "" {
		t.Fatalf("the visitor is offered no way out: %s", inside.text)
	}
	if p := b.post(leave, inside, "csrf", "made-up"); p.status != http.StatusForbidden || b.get(console+"subscribers").status != http.StatusOK {
		t.Errorf("a made-up token answers %d", p.status)
	}
	contains(t, "open visit", b.get(at).card("visits"), "jo@tollhouse.example", "Leave")
	left := b.follow(leave, inside)
	if left.find("#password") == nil || b.get(console+"subscribers").status != http.StatusSeeOther {
		t.Errorf("the visitor is still in: %s", left.words())
	}
	h.eventually("the end in our book", func() bool { return !strings.Contains(b.get(at).card("visits"), "Leave") })

	again := b.get(attribute(b.post(at+"/enter", b.get(at)).find("a[class=btn btn-primary]"), "href"))
	if again.status != http.StatusSeeOther {
		t.Fatalf("a second visit answers %d", again.status)
	}
	page := b.get(at)
	var path string
	for _, n := range page.all("form[action]") {
		if strings.HasSuffix(attribute(n, "action"), "/leave") {
			path = attribute(n, "action")
		}
	}
	contains(t, "left from here", b.follow(path, page).words(), "Your visit has ended")
	if p := b.get(console + "subscribers"); p.status != http.StatusSeeOther {
		t.Errorf("shown out, the visitor is still in: %d", p.status)
	}
}

func TestStaff_breakGlassWantsASecondPerson(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	made := h.operator("nordnetz")
	jo, kim := h.works("jo@tollhouse.example", tenants.Engineer), h.works("kim@tollhouse.example", tenants.Engineer)
	at := "/staff/operators/" + made.ID.String()
	shown := jo.get(at)
	empty := jo.post(at+"/break-glass", shown, "may_change", "yes")
	if empty.status != http.StatusUnprocessableEntity || empty.find("#g-reason-e") == nil || !strings.Contains(empty.text, "data-open") {
		t.Errorf("no reason answers %d", empty.status)
	}
	asked := jo.follow(at+"/break-glass", shown, "reason", "charging stands still", "may_change", "yes")
	contains(t, "asked", asked.words(), "Your request waits for a second person", "charging stands still", "Withdraw")
	seen := kim.get("/staff/")
	contains(t, "banner", seen.in(".con-banner"), "1 break-glass request")
	contains(t, "queue", seen.card("requests"), "Nordnetz", "jo@tollhouse.example asks", "charging stands still", "Approve visit")
	var approve string
	for _, n := range seen.all("form[action]") {
		if strings.HasSuffix(attribute(n, "action"), "/approve") {
			approve = attribute(n, "action")
		}
	}
	enter := strings.TrimSuffix(approve, "approve") + "enter"
	for path, who := range map[string]*browser{approve: jo, enter: jo} {
		if p := who.post(path, asked); p.status != http.StatusForbidden {
			t.Errorf("the asker sends %s alone and is answered %d", path, p.status)
		}
	}
	contains(t, "approved", kim.follow(approve, seen).words(), "The visit is approved; the operator's owners have been told")
	if p := kim.post(enter, seen); p.status != http.StatusForbidden {
		t.Errorf("who approved enters: %d", p.status)
	}
	ready := jo.get(at)
	contains(t, "approved", ready.card("entry"), "Your break-glass visit is approved until", "Enter now")
	going := jo.post(enter, ready)
	in := jo.get(attribute(going.find("a[class=btn btn-primary]"), "href"))
	if in.status != http.StatusSeeOther {
		t.Fatalf("the ticket answers %d: %s", in.status, in.words())
	}
	contains(t, "inside", jo.get("/t/nordnetz/console/").in(".con-banner"), "You are here as jo@tollhouse.example")
	contains(t, "the owner's banner", h.person(made).get("/t/nordnetz/console/").in(".con-banner"), "jo@tollhouse.example", "charging stands still")
	contains(t, "book", kim.get(at).card("visits"), "jo@tollhouse.example", "kim@tollhouse.example")
}

func TestStaff_auditAsASpreadsheet(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.works("admin@tollhouse.example", tenants.Admin)
	added := b.post("/staff/people", b.get("/staff/people"), "email", "ana@tollhouse.example", "role", "viewer", "key", uuid.NewString())
	contains(t, "added", added.words(), "First password", "ana@tollhouse.example")
	wrong := b.post("/staff/people", added, "email", "nobody", "role", "boss", "key", uuid.NewString())
	if wrong.status != http.StatusUnprocessableEntity || wrong.find("#email-e") == nil || wrong.value("email") != "nobody" {
		t.Errorf("a faulty person answers %d", wrong.status)
	}
	shown := b.get("/staff/audit?action=staff.")
	contains(t, "audit", shown.words(), "staff.create", "ana@tollhouse.example")
	var at string
	named := false
	for _, n := range shown.all("a[href]") {
		named = named || strings.Contains(attribute(n, "href"), "object=") && words(n) == "ana@tollhouse.example"
		if strings.Contains(attribute(n, "href"), "audit.csv") {
			at = attribute(n, "href")
		}
	}
	if !named {
		t.Error("whom it was done to is not named")
	}
	file := b.get(at)
	if got := file.header.Get("Content-Disposition"); !strings.Contains(got, `"audit.csv"`) {
		t.Errorf("the file is %s", got)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.text, "\ufeff"))).ReadAll()
	if err != nil || len(rows) < 3 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if strings.Join(rows[0], ",") != "at,actor,email,action,object,detail,trace" {
		t.Errorf("the heads are %v", rows[0])
	}
	if rows[1][2] != "admin@tollhouse.example" || rows[1][3] != "staff.create" || !strings.Contains(rows[1][5], "ana@tollhouse.example") {
		t.Errorf("the newest is %v", rows[1])
	}
	for _, row := range rows[1:] {
		if !strings.HasPrefix(row[3], "staff.") {
			t.Errorf("%v was not asked for", row)
		}
	}
}

func TestStaff_formsAreRefusedFromElsewhere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.works("admin@tollhouse.example", tenants.Admin)
	people := b.get("/staff/people")
	person := []string{"email", "ana@tollhouse.example", "role", "viewer", "key", uuid.NewString()}
	for _, token := range []string{"made-up", ""} {
		if p := b.post("/staff/people", people, append(person, "csrf", token)...); p.status != http.StatusForbidden {
			t.Errorf("token %q answers %d", token, p.status)
		}
	}
	if p := b.post("/staff/people", h.browser().get("/staff/sign-in"), person...); p.status != http.StatusForbidden {
		t.Errorf("another browser's token answers %d", p.status)
	}
	for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"} {
		b.head = http.Header{name: {value}}
		if p := b.post("/staff/people", people, person...); p.status != http.StatusForbidden {
			t.Errorf("%s %s answers %d", name, value, p.status)
		}
	}
	b.head = http.Header{}
	if strings.Contains(b.get("/staff/people").text, "ana@tollhouse.example") {
		t.Error("somebody was added")
	}
}

func TestStaff_tenantsTokenIsNobody(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	made := h.operator("nordnetz")
	owner := h.person(made)
	staff := h.works("admin@tollhouse.example", tenants.Admin)
	// token of a browser's session, by its cookie's name and path
	token := func(b *browser, path, cookie string) string {
		at, err := url.Parse(h.server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range b.http.Jar.Cookies(at) {
			if c.Name == cookie {
				return c.Value
			}
		}
		t.Fatalf("%s has no cookie %s", path, cookie)
		return ""
	}
	for _, try := range []struct{ cookie, value, path string }{
		{"tollhouse_staff", token(owner, "/t/nordnetz/console/", "tollhouse_console"), "/staff/operators"},
		{"tollhouse_console", token(owner, "/t/nordnetz/console/", "tollhouse_console"), "/staff/operators"},
		{"tollhouse_console", token(staff, "/staff/", "tollhouse_staff"), "/t/nordnetz/console/"},
		{"tollhouse_session", token(staff, "/staff/", "tollhouse_staff"), "/t/nordnetz/console/"},
	} {
		r, err := http.NewRequest(http.MethodGet, h.server.URL+try.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(&http.Cookie{Name: try.cookie, Value: try.value})
		if p := h.browser().do(r); p.status != http.StatusSeeOther || !strings.Contains(p.header.Get("Location"), "sign-in") {
			t.Errorf("%s at %s is answered %d", try.cookie, try.path, p.status)
		}
	}
}
