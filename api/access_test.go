package api

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
)

// stackOperations are those that ask for somebody.
func (w *world) stackOperations() map[string]*operation {
	document, err := oapi.GetSpec()
	if err != nil {
		w.t.Fatal(err)
	}
	all, err := readOperations(document)
	if err != nil {
		w.t.Fatal(err)
	}
	for name, op := range all {
		if !op.stack || op.access == public {
			delete(all, name)
		}
	}
	return all
}

// filled is an operation's path with ids of nothing.
func filled(op *operation, tenantName string) string {
	path := strings.Replace(op.route.Path, "{tenant}", tenantName, 1)
	for {
		before, rest, found := strings.Cut(path, "{")
		if !found {
			return path
		}
		_, after, _ := strings.Cut(rest, "}")
		path = before + "0196a000-0000-7000-8000-000000000001" + after
	}
}

func TestDocument_isValidAndCompletelyRestricted(t *testing.T) {
	document, err := oapi.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	if err := document.Validate(context.Background(), openapi3.EnableExamplesValidation()); err != nil {
		t.Error(err)
	}
	operations, err := readOperations(document)
	if err != nil {
		t.Fatal(err)
	}
	for name, op := range operations {
		declared := op.route.Operation
		if declared.Summary == "" || declared.OperationID == "" {
			t.Errorf("%s has no summary or id", name)
		}
		creates := declared.Responses.Value("201") != nil
		if creates && !op.command {
			t.Errorf("%s makes something without an Idempotency-Key", name)
		}
		for _, status := range []string{"400"} {
			if declared.Responses.Value(status) == nil {
				t.Errorf("%s does not tell of %s", name, status)
			}
		}
	}
}

func TestDocument_withoutPermissionStartsNoServer(t *testing.T) {
	document, err := oapi.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	operation := document.Paths.Value("/t/{tenant}/v1/users").Get
	for _, wrong := range []any{nil, "", "user.reed", "public "} {
		operation.Extensions["x-permission"] = wrong
		if _, err := readOperations(document); !errors.Is(err, errAccess) {
			t.Errorf("%v: got %v", wrong, err)
		}
	}
}

// TestAccess_eachLockAlone tries every operation past one lock at a time: all
// else about the request is right.
func TestAccess_eachLockAlone(t *testing.T) {
	w := newWorld(t)
	other := w.db.Place(t, 1)
	w.setUp(other)
	owner := w.user(w.db, identity.Owner, nil)
	foreign := w.user(other, identity.Owner, nil)
	account := w.accountOf(w.publishAndConnect(owner))
	roles := map[identity.Role]string{identity.Subscriber: w.user(w.db, identity.Subscriber, &account)}
	for _, role := range []identity.Role{identity.Marketer, identity.Clerk, identity.Accountant, identity.Support} {
		roles[role] = w.user(w.db, role, nil)
	}
	tokens := map[string]string{
		"no token":             "",
		"no token at all":      "nonsense",
		"another tenant's":     foreign,
		"forged":               w.forge(w.db.Ref.ID, nil),
		"algorithm none":       unsigned(w.db.Ref.ID),
		"unknown API key":      "thk_" + strings.Repeat("A", 43),
		"cut off":              owner[:len(owner)-4],
		"signature of another": owner[:strings.LastIndexByte(owner, '.')] + foreign[strings.LastIndexByte(foreign, '.'):],
	}
	for name, op := range w.stackOperations() {
		method, _, _ := strings.Cut(name, " ")
		path := filled(op, w.db.Ref.Name)
		try := func(token string) response {
			return w.send(request{method: method, path: path, token: token, key: uuid.NewString(), body: map[string]any{}})
		}
		for lock, token := range tokens {
			if got := try(token); got.status != 401 || got.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s with %s: %d %s", op.id, lock, got.status, got.raw)
			}
		}
		for role, token := range roles {
			may := op.access == authenticated || role.May(identity.Permission(op.access)) || role == identity.Subscriber && op.self != "" && role.May(op.self)
			if got := try(token); (got.status == 403) == may {
				t.Errorf("%s as %s: %d, may %t", op.id, role, got.status, may)
			}
		}
		if op.id == "signOut" {
			roles[identity.Subscriber] = w.user(w.db, identity.Subscriber, &account)
			for _, role := range []identity.Role{identity.Marketer, identity.Clerk, identity.Accountant, identity.Support} {
				roles[role] = w.user(w.db, role, nil)
			}
		}
	}
}

func (w *world) publishAndConnect(token string) string {
	w.publish(token, plan)
	return w.connect(token, 1)
}

func (w *world) accountOf(id string) uuid.UUID {
	account, err := uuid.Parse(id)
	if err != nil {
		w.t.Fatal(err)
	}
	return account
}

// forge signs a token for a stack with a key that is not its own.
func (w *world) forge(id tenant.ID, change func(*identity.Claims)) string {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	key, err := identity.KeyFromSeed(private.Seed())
	if err != nil {
		w.t.Fatal(err)
	}
	claims := identity.Claims{Subject: uuid.New(), Session: uuid.New(), Role: "owner", IssuedAt: w.now(), Expires: w.now().Add(time.Minute)}
	if change != nil {
		change(&claims)
	}
	token, err := identity.TokenSigner{Realm: identity.Realm{Issuer: id.String(), Audience: id.String()}, Key: key}.Sign(claims)
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

// unsigned is a token that says of itself that it needs no signature.
func unsigned(id tenant.ID) string {
	part := func(v any) string {
		text, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	return part(map[string]string{"alg": "none", "typ": "at+jwt", "kid": "x"}) + "." +
		part(map[string]any{"iss": id.String(), "aud": id.String(), "sub": uuid.NewString(), "exp": 9999999999}) + "."
}

// ownKey reads the stack's signing key, as only a test can.
func (w *world) ownKey() identity.Key {
	var seed []byte
	w.db.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select sealed_private from signing_key`).Scan(&seed)
	})
	key, err := identity.KeyFromSeed(seed)
	if err != nil {
		w.t.Fatal(err)
	}
	return key
}

func TestAccess_expiredAndWrongAudience(t *testing.T) {
	w := newWorld(t)
	token := w.user(w.db, identity.Owner, nil)
	var claims struct {
		Subject uuid.UUID `json:"sub"`
		Session uuid.UUID `json:"sid"`
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err == nil {
		err = json.Unmarshal(payload, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	own, elsewhere := w.db.Ref.ID.String(), tenant.NewID().String()
	cases := map[string]struct {
		realm  identity.Realm
		issued time.Time
		want   int
	}{
		"as it should be": {identity.Realm{Issuer: own, Audience: own}, w.now(), 200},
		"expired":         {identity.Realm{Issuer: own, Audience: own}, w.now().Add(-2 * time.Hour), 401},
		"not yet valid":   {identity.Realm{Issuer: own, Audience: own}, w.now().Add(time.Hour), 401},
		"wrong audience":  {identity.Realm{Issuer: own, Audience: elsewhere}, w.now(), 401},
		"wrong issuer":    {identity.Realm{Issuer: elsewhere, Audience: own}, w.now(), 401},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			signed, err := identity.TokenSigner{Realm: c.realm, Key: w.ownKey()}.Sign(identity.Claims{Subject: claims.Subject, Session: claims.Session,
				Role: "owner", IssuedAt: c.issued.Truncate(time.Second), Expires: c.issued.Truncate(time.Second).Add(time.Minute)})
			if err != nil {
				t.Fatal(err)
			}
			w.get(signed, w.path("/me")).want(t, c.want)
		})
	}
	t.Run("signed out", func(t *testing.T) {
		w.send(request{method: "POST", path: w.path("/sign-out"), token: token}).want(t, 204)
		w.get(token, w.path("/me")).want(t, 401)
	})
}

func TestAccess_subscriberSeesItsOwnAccountOnly(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	mine, theirs := w.accountOf(w.publishAndConnect(owner)), w.accountOf(w.connect(owner, 2))
	token := w.user(w.db, identity.Subscriber, &mine)
	for _, list := range []string{"", "/buckets", "/usage", "/charges", "/bills", "/payments", "/statement?period=year:2026"} {
		w.get(token, w.path("/accounts/"+mine.String()+list)).want(t, 200)
		hidden := w.get(token, w.path("/accounts/"+theirs.String()+list)).want(t, 404)
		absent := w.get(token, w.path("/accounts/"+uuid.NewString()+list)).want(t, 404)
		if hidden.text("title") != absent.text("title") || hidden.text("detail") != absent.text("detail") {
			t.Errorf("%s: what is hidden reads %s, what is absent %s", list, hidden.raw, absent.raw)
		}
	}
	paid := w.post(owner, w.path("/payments"), map[string]any{"account": theirs, "method": "cash", "amount": map[string]string{"amount": "1.00", "currency": "EUR"}}).want(t, 201)
	w.get(token, w.path("/payments/"+paid.text("id"))).want(t, 404)
	w.post(token, w.path("/payment-intents"), map[string]any{"account": theirs, "purpose": "bill"}).want(t, 404)
	w.post(token, w.path("/payments"), map[string]any{"account": mine, "method": "cash", "amount": map[string]string{"amount": "1.00", "currency": "EUR"}}).want(t, 403)
}

func TestAccess_anotherTenantsThingIsAbsent(t *testing.T) {
	w := newWorld(t)
	other := w.db.Place(t, 1)
	w.setUp(other)
	owner, foreign := w.user(w.db, identity.Owner, nil), w.user(other, identity.Owner, nil)
	account := w.publishAndConnect(owner)
	there := "/t/" + other.Ref.Name + "/v1"
	hidden := w.get(foreign, there+"/accounts/"+account).want(t, 404)
	absent := w.get(foreign, there+"/accounts/"+uuid.NewString()).want(t, 404)
	if hidden.text("title") != absent.text("title") || hidden.text("detail") != absent.text("detail") {
		t.Errorf("what is hidden reads %s, what is absent %s", hidden.raw, absent.raw)
	}
	w.get(owner, "/t/nobody/v1/accounts").want(t, 404)
	w.get("", "/t/nobody/v1/accounts").want(t, 404)
}

func TestAccess_keyOfAMachine(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	made := w.post(owner, w.path("/api-keys"), map[string]any{"name": "mediation", "role": "machine"}).want(t, 201)
	secret := made.text("secret")
	w.get(secret, w.path("/accounts")).want(t, 200)
	w.get(secret, w.path("/ledger/control-sums")).want(t, 403)
	if listed := w.get(owner, w.path("/api-keys")).want(t, 200); strings.Contains(string(listed.raw), secret) {
		t.Error("the list shows a secret")
	}
	w.send(request{method: "POST", path: w.path("/api-keys/" + made.text("key", "id") + "/revoke"), token: owner, key: uuid.NewString()}).want(t, 204)
	w.get(secret, w.path("/accounts")).want(t, 401)
}

func TestByHostName_standsForThePath(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	host := map[string]string{"Host": w.db.Ref.Name + ".localhost:8080"}
	w.send(request{method: "GET", path: "/v1/me", token: owner, header: host}).want(t, 200)
	w.send(request{method: "GET", path: w.path("/me"), token: owner, header: host}).want(t, 200)
	w.send(request{method: "GET", path: "/healthz", header: host}).want(t, 200)
	w.send(request{method: "GET", path: "/v1/me", token: owner, header: map[string]string{"Host": "nobody.localhost"}}).want(t, 404)
}

func TestStaffRoutes_areAbsentOnAHost(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/staff/v1/operators", "/staff/v1/jwks"} {
		w.get("", path).want(t, http.StatusNotFound)
	}
}
