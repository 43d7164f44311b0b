package portal_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/audit"
	"tollhouse/billing/identity"
	"tollhouse/billing/notice"
	"tollhouse/billing/tenant"
	"tollhouse/billing/visit"
	"tollhouse/infra/postgres/pgtest"
)

// upload sends a form with files.
func (b *browser) upload(path string, from page, field string, files map[string][]byte, pairs ...string) page {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	fields := map[string]string{"csrf": from.value("csrf"), "key": from.value("key")}
	for i := 0; i+1 < len(pairs); i += 2 {
		fields[pairs[i]] = pairs[i+1]
	}
	for name, value := range fields {
		if err := form.WriteField(name, value); err != nil {
			b.t.Fatal(err)
		}
	}
	for name, content := range files {
		part, err := form.CreateFormFile(field, name)
		if err != nil {
			b.t.Fatal(err)
		}
		if _, err := part.Write(content); err != nil {
			b.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		b.t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, b.base+path, &body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", form.FormDataContentType())
	return b.do(r)
}

// deputy signs somebody in who has a custom role.
func (w *world) deputy(permissions ...identity.Permission) *browser {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		boss, err := w.authority.AddUser(ctx, tx, identity.NewUser{Email: "first@office.example", Name: "First", Role: identity.Owner, Language: "en"})
		if err != nil {
			return err
		}
		by := identity.Principal{Kind: identity.UserPrincipal, UserID: boss.ID, Role: identity.Owner, Tenant: tx.Tenant}
		return w.authority.PutRole(ctx, tx, by, identity.CustomRole{Name: "deputy", Title: "Deputy", Permissions: permissions})
	})
	return w.works("deputy")
}

// user finds one of the operator's people.
func (w *world) user(email string) (found identity.User) {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		users, err := w.authority.Users(ctx, tx, "", identity.MaxPage)
		for _, u := range users {
			if u.Email == email {
				found = u
			}
		}
		return err
	})
	return found
}

// adminPages are pages of the operator's own part, with what each asks for.
var adminPages = map[string]identity.Permission{
	"settings": identity.SettingsRead, "settings/branding": identity.SettingsRead, "settings/quotas": identity.SettingsRead, "settings/branches": identity.SettingsRead,
	"settings/legal-entities/new": identity.BranchWrite, "settings/taxes": identity.SettingsRead, "settings/sources": identity.SettingsRead,
	"users": identity.UserRead, "users/invite": identity.UserWrite, "users/roles": identity.UserRead, "users/roles/new": identity.RoleWrite,
	"keys": identity.APIKeyWrite, "audit": identity.AuditRead, "audit?format=csv": identity.AuditRead, "messages": identity.AuditRead,
	"staff-access": identity.VisitWrite, "sandbox": identity.SandboxWrite, "import": identity.IntakeWrite, "import/columns": identity.IntakeWrite,
	"import/samples/subscribers.csv": identity.IntakeWrite, "readiness": identity.BillRead,
}

func TestAdmin_pagesAskForTheirRights(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	for _, role := range []identity.Role{identity.Owner, identity.Marketer, identity.Clerk, identity.Accountant, identity.Support} {
		b := w.works(role)
		for path, wanted := range adminPages {
			want := http.StatusForbidden
			if role.May(wanted) {
				want = http.StatusOK
			}
			if p := b.get(w.console(path)); p.status != want {
				t.Errorf("%s at %s is answered %d, want %d: %s", role, path, p.status, want, p.words())
			}
		}
	}
	stranger := w.browser()
	for path := range adminPages {
		if p := stranger.get(w.console(path)); p.status != http.StatusSeeOther || !strings.Contains(p.header.Get("Location"), "console/sign-in") {
			t.Errorf("a stranger at %s is answered %d %s", path, p.status, p.header.Get("Location"))
		}
	}
}

// Every form is refused without the token of our own page, and to those who
// lack the right.
func TestAdmin_formsAreRefusedFromElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	owner, clerk := w.works(identity.Owner), w.works(identity.Clerk)
	id := uuid.NewString()
	from := clerk.get(w.console("settings"))
	for _, path := range []string{"settings", "settings/branding", "settings/quotas", "settings/branding/logo", "settings/branches", "settings/branches/" + id, "settings/legal-entities",
		"settings/sources", "users/invite", "users/" + id, "users/" + id + "/disable", "users/" + id + "/factor", "users/" + id + "/reset", "users/roles", "keys",
		"keys/" + id + "/revoke", "staff-access", "staff-access/visits/" + id + "/end", "sandbox", "import", "import/" + id + "/commit", "import/" + id + "/undo"} {
		if p := owner.post(w.console(path), from, "csrf", "forged"); p.status != http.StatusForbidden {
			t.Errorf("a forged form at %s is answered %d", path, p.status)
		}
		if p := clerk.post(w.console(path), from); p.status != http.StatusForbidden {
			t.Errorf("a clerk at %s is answered %d", path, p.status)
		}
	}
}

func TestUsers_nobodyGivesMoreThanTheyHave(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	b := w.deputy(identity.UserRead, identity.UserWrite, identity.RoleWrite, identity.APIKeyWrite, identity.AccountRead)
	form := b.get(w.console("users/invite"))
	if strings.Contains(form.text, `value="owner"`) {
		t.Error("a deputy is offered the role of owner")
	}
	tampered := b.post(w.console("users/invite"), form, "key", "a", "email", "crony@example.net", "name", "Crony", "role", "owner", "language", "en")
	if tampered.status != http.StatusUnprocessableEntity || w.user("crony@example.net").ID != uuid.Nil {
		t.Errorf("an owner was invited: %d %s", tampered.status, tampered.words())
	}
	me, boss := w.user("deputy@office.example"), w.user("first@office.example")
	for path, pairs := range map[string][]string{
		"users/" + me.ID.String():                {"name", "Me", "role", "owner", "language", "en"},
		"users/" + boss.ID.String():              {"name", "Boss", "role", "clerk", "language", "en"},
		"users/" + boss.ID.String() + "/disable": nil,
		"users/" + boss.ID.String() + "/factor":  nil,
		"users/roles":                            {"title", "Cashier", "name", "cashier", "permission", string(identity.RefundWrite)},
		"users/roles/deputy":                     {"title", "Deputy", "permission", string(identity.VisitWrite)},
		"keys":                                   {"name", "mine", "role", "owner"},
	} {
		if p := b.post(w.console(path), form, append(pairs, "key", path)...); p.status != http.StatusUnprocessableEntity {
			t.Errorf("%s is answered %d: %s", path, p.status, p.words())
		}
	}
	if w.user("deputy@office.example").Role != "deputy" || w.user("first@office.example").State != identity.UserActive || w.user("first@office.example").Role != identity.Owner {
		t.Error("somebody has another role or state")
	}
}

func TestUsers_inviteChangeDisable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	b := w.works(identity.Owner)
	form := b.get(w.console("users/invite"))
	empty := b.post(w.console("users/invite"), form, "key", "k", "role", "clerk", "language", "en")
	if empty.status != http.StatusUnprocessableEntity || empty.find("#name-e") == nil {
		t.Errorf("an empty form is answered %d: %s", empty.status, empty.words())
	}
	for range 2 { // pressed twice
		list := b.follow(w.console("users/invite"), form, "key", "k", "email", "neu@office.example", "name", "Neu Mann", "role", "clerk", "language", "en", "branch", "")
		contains(t, "list", list.words(), "invitation is on its way")
	}
	made := w.user("neu@office.example")
	if made.Role != identity.Clerk || !strings.Contains(w.lastNotice("neu@office.example").Body, "console/set-password?token=") {
		t.Errorf("invited: %+v, %q", made, w.lastNotice("neu@office.example").Body)
	}
	again := b.post(w.console("users/invite"), form, "key", "other", "email", "neu@office.example", "name", "Neu Mann", "role", "clerk", "language", "en")
	if again.status != http.StatusUnprocessableEntity || again.in("#email-e") == "" {
		t.Errorf("the same email twice is answered %d", again.status)
	}
	at := w.console("users/" + made.ID.String())
	one := b.get(at)
	contains(t, "person", one.words(), "Neu Mann", "invited", "Clerk")
	b.follow(at, one, "key", "c", "name", "Neu Frau", "role", "support", "language", "id", "phone", "+49 151 2345678", "branch", "")
	if changed := w.user("neu@office.example"); changed.Role != identity.Support || changed.Name != "Neu Frau" || changed.Phone != "+491512345678" {
		t.Errorf("changed: %+v", changed)
	}
	b.follow(at+"/disable", one, "key", "d")
	if w.user("neu@office.example").State != identity.UserDisabled {
		t.Error("still active")
	}
	b.follow(at+"/enable", one, "key", "e")
	if w.user("neu@office.example").State != identity.UserActive {
		t.Error("still disabled")
	}
	last := b.post(w.console("users/"+w.user("owner@office.example").ID.String()+"/disable"), one, "key", "l")
	if last.status != http.StatusUnprocessableEntity || !strings.Contains(last.words(), "must stay owner") {
		t.Errorf("the last owner's end is answered %d: %s", last.status, last.words())
	}
	contains(t, "audit", b.get(w.console("audit?kind=user")).words(), "Let a person in again", "Disabled a person", "Changed a person", "Invited a person")
}

func TestRoles_madeFromTickedRights(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	b := w.works(identity.Owner)
	form := b.get(w.console("users/roles/new"))
	list := b.follow(w.console("users/roles"), form, "key", "r", "title", "Night desk", "name", "night", "permission", string(identity.AccountRead))
	contains(t, "matrix", list.words(), "Night desk")
	taken := b.post(w.console("users/roles"), form, "key", "s", "title", "Night desk 2", "name", "night", "permission", string(identity.AccountWrite))
	if taken.status != http.StatusUnprocessableEntity {
		t.Errorf("a name that is taken is answered %d", taken.status)
	}
	w.works("night")
	inUse := b.post(w.console("users/roles/night/remove"), form, "key", "t")
	if inUse.status != http.StatusUnprocessableEntity || !strings.Contains(inUse.words(), "have this role") {
		t.Errorf("a role in use is answered %d: %s", inUse.status, inUse.words())
	}
	night := w.user("night@office.example")
	b.follow(w.console("users/"+night.ID.String()), form, "key", "u", "name", "N", "role", "clerk", "language", "en")
	if gone := b.follow(w.console("users/roles/night/remove"), form, "key", "v"); strings.Contains(gone.words(), "Night desk") {
		t.Error("the role is still there")
	}
	if p := b.get(w.console("users/roles/owner")); p.status != http.StatusNotFound {
		t.Errorf("a role built in can be edited: %d", p.status)
	}
}

func TestKeys_secretIsShownOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	b := w.works(identity.Owner)
	form := b.get(w.console("keys"))
	made := b.post(w.console("keys"), form, "key", "k", "name", "switch", "role", "machine")
	secret := made.in("code")
	if made.status != http.StatusOK || len(secret) < 40 {
		t.Fatalf("no secret: %d %s", made.status, made.words())
	}
	again := b.post(w.console("keys"), form, "key", "k", "name", "switch", "role", "machine")
	if again.find("code") != nil || !strings.Contains(again.words(), "was made already") {
		t.Errorf("sent again: %s", again.words())
	}
	list := b.get(w.console("keys"))
	if strings.Contains(list.text, secret) || len(list.all("tr")) != 2 {
		t.Errorf("%d rows", len(list.all("tr")))
	}
	id := strings.TrimPrefix(attribute(list.find("[popovertarget]"), "popovertarget"), "con-nav")
	for _, n := range list.all("[popovertarget]") {
		if target := attribute(n, "popovertarget"); strings.HasPrefix(target, "d-") {
			id = strings.TrimPrefix(target, "d-")
		}
	}
	revoked := b.follow(w.console("keys/"+id+"/revoke"), list, "key", "r")
	contains(t, "keys", revoked.words(), "opens nothing any more", "switch", "revoked")
}

func logoFile(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewNRGBA(image.Rect(0, 0, 64, 64))); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestLogo_onlyPicturesAreTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	b := w.works(identity.Owner)
	form := b.get(w.console("settings/branding"))
	bomb := logoFile(t)
	binary.BigEndian.PutUint32(bomb[16:], 50_000)
	binary.BigEndian.PutUint32(bomb[20:], 50_000)
	binary.BigEndian.PutUint32(bomb[29:], crc32.ChecksumIEEE(bomb[12:29]))
	for name, file := range map[string][]byte{
		"logo.svg":   []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`),
		"page.png":   []byte("<html><script>alert(1)</script>"),
		"bomb.png":   bomb,
		"large.png":  append(logoFile(t), make([]byte, account.MaxLogoBytes)...),
		"broken.jpg": []byte("\xff\xd8\xff\xe0 nothing"),
	} {
		if p := b.upload(w.console("settings/branding/logo"), form, "logo", map[string][]byte{name: file}); p.status != http.StatusUnprocessableEntity || p.find("#logo-e") == nil {
			t.Errorf("%s is answered %d: %s", name, p.status, p.words())
		}
	}
	if p := b.upload(w.console("settings/branding/logo"), form, "logo", map[string][]byte{"huge.png": make([]byte, 4<<20)}); p.status != http.StatusRequestEntityTooLarge {
		t.Errorf("four megabytes are answered %d", p.status)
	}
	polyglot := append(logoFile(t), "<script>alert(1)</script>"...)
	if p := b.upload(w.console("settings/branding/logo"), form, "logo", map[string][]byte{"fine.png": polyglot}); p.status != http.StatusSeeOther {
		t.Fatalf("a picture is answered %d: %s", p.status, p.words())
	}
	for who, start := range map[string]page{"console": b.get(w.console("settings/branding")), "subscriber": w.browser().get("/t/test-1/")} {
		shown := start.find("img[src]")
		if shown == nil {
			t.Fatalf("%s: no logo", who)
		}
		p := w.browser().get(attribute(shown, "src"))
		if p.status != http.StatusOK || p.header.Get("Content-Type") != "image/png" || p.header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.Contains(p.header.Get("Content-Security-Policy"), "sandbox") || strings.Contains(p.text, "script") {
			t.Errorf("%s: the logo is served as %d %v", who, p.status, p.header)
		}
	}
	if p := w.browser().get("/t/test-1/logo/0000000000000000.png"); p.status != http.StatusNotFound {
		t.Errorf("another hash is answered %d", p.status)
	}
	b.follow(w.console("settings/branding/logo/remove"), form, "key", "x")
	if w.browser().get("/t/test-1/").find("img[src]") != nil {
		t.Error("a removed logo is still shown")
	}
}

func TestSettings_refusedBesideTheField(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	b := w.works(identity.Owner)
	form := b.get(w.console("settings"))
	wrong := b.post(w.console("settings"), form, "key", "k", "name", "Hanse Mobil", "language", "en", "payment_term_days", "soon", "anchor_policy", "clamp")
	if wrong.status != http.StatusUnprocessableEntity || wrong.in("#payment_term_days-e") == "" || wrong.value("payment_term_days") != "soon" {
		t.Errorf("%d: %s", wrong.status, wrong.words())
	}
	b.follow(w.console("settings"), form, "key", "k", "name", "Hanse Netz", "language", "en", "payment_term_days", "21", "anchor_policy", "clamp")
	contains(t, "console", words(b.get(w.console("settings")).find("nav")), "Hanse Netz")
	clerk := w.works(identity.Clerk)
	clerk.follow(w.console("language"), clerk.get(w.console("settings")), "key", "l", "own_language", "ru")
	if w.user("clerk@office.example").Language != "ru" {
		t.Error("a clerk's own language is not kept")
	}
	colour := b.post(w.console("settings/branding"), form, "key", "c", "brand_colour", "red")
	if colour.status != http.StatusUnprocessableEntity {
		t.Errorf("red is answered %d", colour.status)
	}
	part := b.partial(w.console("settings/branding/preview?brand_colour=%23c00000"), "preview")
	if part.status != http.StatusOK || strings.Contains(part.text, "<html") || len(part.all("svg")) != 2 || strings.Contains(part.text, "style=") {
		t.Errorf("the preview is %d %.300s", part.status, part.text)
	}
	iban := b.post(w.console("settings/legal-entities"), form, "key", "e", "name", "Hanse Netz GmbH", "address.street", "Weg 1", "address.city", "Husum",
		"address.country", "DE", "bank_iban", "DE00123456781234567890")
	if iban.status != http.StatusUnprocessableEntity || !strings.Contains(iban.words(), "check digits") {
		t.Errorf("a wrong IBAN is answered %d: %s", iban.status, iban.words())
	}
	contains(t, "companies", b.follow(w.console("settings/legal-entities"), form, "key", "f", "name", "Hanse Netz GmbH", "address.street", "Weg 1",
		"address.city", "Husum", "address.country", "DE").words(), "Hanse Netz GmbH", "Weg 1")
	contains(t, "sources", b.follow(w.console("settings/sources"), form, "key", "g", "name", "radius-1", "preset", "freeradius-detail").words(), "radius-1")
}

func TestAdmin_foreignThingsAreNotThere(t *testing.T) {
	t.Parallel()
	h := pgtest.NewHost(t)
	w, other := worldIn(t, h, 0, hanse), worldIn(t, h, 1, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	b := w.works(identity.Owner)
	other.works(identity.Owner)
	form := b.get(w.console("users/invite"))
	foreign := other.user("owner@office.example").ID.String()
	subscriber := w.user(c.email).ID.String()
	for _, path := range []string{"users/" + foreign, "users/" + subscriber, "users/nobody", "import/" + foreign, "messages/" + foreign, "settings/branches/" + foreign, "settings/legal-entities/" + foreign} {
		if p := b.get(w.console(path)); p.status != http.StatusNotFound {
			t.Errorf("%s is answered %d", path, p.status)
		}
	}
	for _, path := range []string{"users/" + foreign + "/disable", "users/" + subscriber + "/disable", "users/" + subscriber + "/reset", "keys/" + foreign + "/revoke",
		"staff-access/visits/" + foreign + "/end", "staff-access/consents/" + foreign + "/end", "import/" + foreign + "/check", "users/roles/none/remove"} {
		if p := b.post(w.console(path), form, "key", path); p.status != http.StatusNotFound {
			t.Errorf("%s is answered %d: %s", path, p.status, p.words())
		}
	}
}

// The text of a message that opens a door is for its recipient alone.
func TestMessages_linksAreForTheirRecipients(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	owner, accountant := w.works(identity.Owner), w.works(identity.Accountant)
	owner.follow(w.console("users/invite"), owner.get(w.console("users/invite")), "key", "k", "email", "neu@office.example", "name", "Neu", "role", "owner", "language", "en")
	sent := w.lastNotice("neu@office.example")
	_, token, found := strings.Cut(sent.Body, "token=")
	if !found || sent.Kind != notice.Invitation {
		t.Fatalf("no invitation: %+v", sent)
	}
	if seen := accountant.get(w.console("messages/" + sent.ID.String())); seen.status != http.StatusOK || strings.Contains(seen.text, token[:20]) {
		t.Errorf("an accountant reads an owner's invitation: %d", seen.status)
	}
	if list := accountant.get(w.console("messages")); strings.Contains(list.text, token[:20]) || !strings.Contains(list.words(), "neu@office.example") {
		t.Error("the list of messages is wrong")
	}
}

// In a sandbox those who look after users hand links on, but none that would
// let them in as somebody with more rights than their own.
func TestMessages_nobodyClimbsByThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	owner := w.works(identity.Owner)
	deputy := w.deputy(identity.UserRead, identity.UserWrite, identity.AuditRead, identity.AccountRead)
	stranger := w.browser()
	for email, mayRead := range map[string]bool{"owner@office.example": false, "deputy@office.example": true} {
		if asked := stranger.post(w.console("reset"), stranger.get(w.console("reset")), "email", email); asked.status != http.StatusOK {
			t.Fatalf("reset: %d %s", asked.status, asked.words())
		}
		sent := w.lastNotice(email)
		_, token, found := strings.Cut(sent.Body, "token=")
		if !found || sent.Kind != notice.PasswordReset {
			t.Fatalf("no reset: %+v", sent)
		}
		seen := deputy.get(w.console("messages/" + sent.ID.String()))
		if got := strings.Contains(seen.text, token[:20]); seen.status != http.StatusOK || got != mayRead {
			t.Errorf("the link of %s is read by a deputy: %v (%d)", email, got, seen.status)
		}
		if seen := owner.get(w.console("messages/" + sent.ID.String())); !strings.Contains(seen.text, token[:20]) {
			t.Errorf("the owner can't read the link of %s", email)
		}
	}
}

func TestStaffAccess_consentVisitAndEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	b := w.works(identity.Owner)
	form := b.get(w.console("staff-access"))
	if p := b.post(w.console("staff-access"), form, "key", "k", "reason", "", "for", "24"); p.status != http.StatusUnprocessableEntity {
		t.Errorf("no reason is answered %d", p.status)
	}
	if p := b.post(w.console("staff-access"), form, "key", "k", "reason", "help", "for", "9000"); p.status != http.StatusUnprocessableEntity {
		t.Errorf("a year is answered %d", p.status)
	}
	contains(t, "consents", b.follow(w.console("staff-access"), form, "key", "k", "reason", "the March bills", "for", "24").words(), "the March bills", "holds until")
	var came visit.Visit
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		staff := visit.Person{ID: uuid.Must(uuid.NewV7()), Email: "ana@tollhouse.example"}
		caller := audit.Caller{Actor: staff.Actor(), Trace: "test", WallAt: time.Now()}
		begun, err := visit.BeginConsented(ctx, tx, caller, staff)
		came = begun.Visit
		return err
	})
	anywhere := b.get(w.console("settings"))
	contains(t, "banner", words(anywhere.find(".con-banner")), "ana@tollhouse.example", "the March bills")
	out := b.follow(w.console("staff-access/visits/"+came.ID.String()+"/end"), anywhere)
	contains(t, "after", out.words(), "The visitor is out", "ana@tollhouse.example", "left")
	if strings.Contains(words(b.get(w.console("settings")).find("body")), "ana@tollhouse.example") {
		t.Error("the banner stays after the end")
	}
}

func TestAdmin_suspendedOperatorChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	b := w.works(identity.Owner)
	form := b.get(w.console("settings"))
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := account.SetStanding(ctx, tx, 1, account.Standing{State: account.OperatorSuspended, Since: time.Now(), ServiceUntil: time.Now().Add(time.Hour)})
		return err
	})
	contains(t, "banner", words(b.get(w.console("settings")).find("body")), "The operator is suspended")
	refused := b.post(w.console("settings"), form, "key", "k", "name", "X", "language", "en", "payment_term_days", "1", "anchor_policy", "clamp")
	if refused.status != http.StatusForbidden || !strings.Contains(refused.words(), "suspended") {
		t.Errorf("%d: %s", refused.status, refused.words())
	}
	if p := b.post(w.console("staff-access"), form, "key", "k", "reason", "help us", "for", "1"); p.status != http.StatusSeeOther {
		t.Errorf("letting help in is answered %d", p.status)
	}
	if p := b.post(w.console("sign-out"), form); p.status != http.StatusSeeOther {
		t.Errorf("signing out is answered %d", p.status)
	}
}

const importHead = "account,kind,party_kind,name,street,postcode,city,next_bill\n"

// settled asks for a page until no work is under way on it.
func (b *browser) settled(path string) page {
	b.t.Helper()
	for range 200 {
		p := b.get(path)
		if p.find("#import-state") == nil {
			return p
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.t.Fatalf("%s: the work does not end", path)
	return page{}
}

func TestImport_wrongLinesAreToldThenTakenAndUndone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	b := w.works(identity.Accountant)
	form := b.get(w.console("import"))
	if p := b.post(w.console("import"), form, "key", "k", "name", ""); p.status != http.StatusUnprocessableEntity {
		t.Errorf("no name is answered %d", p.status)
	}
	opened := b.post(w.console("import"), form, "key", "k", "name", "Old system")
	at := opened.header.Get("Location")
	batch := b.get(at)
	if p := b.upload(at+"/files", batch, "files", map[string][]byte{"notes.txt": []byte("hello")}); p.status != http.StatusUnprocessableEntity || p.in(".errsum") == "" {
		t.Errorf("a file that is none is answered %d: %s", p.status, p.words())
	}
	b.upload(at+"/files", batch, "files", map[string][]byte{"kunden.csv": []byte(importHead +
		"K-1,postpaid,individual,Anna Berg,Weg 1,20259,Hamburg,2026-06-01\nK-2,weekly,individual,Bo Cord,Weg 2,20259,Hamburg,2026-06-01\n")})
	b.post(at, batch, "key", "t", "name", "Old system", "counts.subscribers", "3")
	b.post(at+"/check", batch, "key", "c")
	checked := b.settled(at)
	contains(t, "totals", checked.words(), "Subscribers", "differs")
	contains(t, "findings", words(checked.find("[aria-labelledby=h-findings]")), "kunden.csv", "3", "kind", "weekly")
	if checked.find("#d-commit") != nil {
		t.Error("what is wrong can be committed")
	}
	if sheet := b.get(at + "/findings.csv"); !strings.Contains(sheet.text, "kunden.csv,3,kind") {
		t.Errorf("the sheet is %q", sheet.text)
	}
	b.upload(at+"/files", batch, "files", map[string][]byte{"kunden.csv": []byte(importHead +
		"K-1,postpaid,individual,Anna Berg,Weg 1,20259,Hamburg,2026-06-01\nK-2,postpaid,individual,Bo Cord,Weg 2,20259,Hamburg,2026-06-01\n")})
	b.post(at, batch, "key", "u", "name", "Old system", "counts.subscribers", "2")
	b.post(at+"/check", batch, "key", "d")
	clean := b.settled(at)
	contains(t, "clean", clean.words(), "checked, no errors", "agrees", "Nothing is wrong")
	b.post(at+"/commit", clean, "key", "e")
	w.work(at, b)
	contains(t, "committed", b.settled(at).words(), "committed", "2 accounts of this import are live")
	b.post(at+"/undo", clean, "key", "f")
	contains(t, "undone", b.settled(at).words(), "undone")
	w.sums()
	contains(t, "audit", w.works(identity.Owner).get(w.console("audit?kind=import")).words(), "Undid an import", "Committed an import", "Checked an import")
}

// work does what is on the agenda until an import is through.
func (w *world) work(at string, b *browser) {
	w.t.Helper()
	for range 200 {
		if p := b.get(at); strings.Contains(p.words(), "are live") {
			return
		}
		for _, lane := range agenda.Lanes {
			if _, err := w.host.Work(context.Background(), w.Ref.ID, lane); err != nil {
				w.t.Fatal(err)
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	w.t.Fatal("the import never ends")
}

func TestAudit_narrowedAndVerified(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	b := w.works(identity.Owner)
	form := b.get(w.console("settings/sources"))
	for n := range 3 {
		b.follow(w.console("settings/sources"), form, "key", fmt.Sprint(n), "name", fmt.Sprintf("source-%d", n), "preset", "json-events")
	}
	all := b.get(w.console("audit?what=source.add"))
	if rows := len(all.all("details")); rows < 3 {
		t.Errorf("%d entries: %s", rows, all.words())
	}
	none := b.get(w.console("audit?what=order."))
	contains(t, "none", none.words(), "Nothing fits")
	if p := b.get(w.console("audit?from=yesterday")); p.status != http.StatusUnprocessableEntity {
		t.Errorf("a day that is none is answered %d", p.status)
	}
	sheet := b.get(w.console("audit?what=source.add&format=csv"))
	if sheet.header.Get("Content-Disposition") == "" || strings.Count(sheet.text, "source.add") != 3 {
		t.Errorf("the sheet is %q", sheet.text)
	}
	b.post(w.console("audit/verify"), form)
	for range 100 {
		if p := b.get(w.console("audit")); strings.Contains(p.words(), "are as they were written") {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("the chain was not verified")
}
