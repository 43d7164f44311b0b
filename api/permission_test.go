package api

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

var update = flag.Bool("update", false, "write golden files anew")

// right is what a caller may do with an operation.
type right string

const (
	never  right = ""
	always right = "yes"
	own    right = "own" // what belongs to its own account
)

// roleOrder is how the columns of the table stand.
var (
	roleOrder  = []identity.Role{identity.Owner, identity.Marketer, identity.Clerk, identity.Accountant, identity.Support, identity.Machine, identity.Subscriber}
	staffOrder = []tenants.Role{tenants.Admin, tenants.Engineer, tenants.Viewer}
)

// ofRole is what the document and the table of roles give a role.
func (op *operation) ofRole(may func(identity.Permission) bool, role identity.Role) right {
	switch {
	case op.access == public, !op.stack && !op.staff:
		return always
	case op.staff:
		return never
	case op.access == authenticated:
		return always
	case role == identity.Subscriber && op.self != "" && may(op.self):
		return own
	case role != identity.Subscriber && may(identity.Permission(op.access)):
		return always
	}
	return never
}

func (op *operation) ofStaff(role tenants.Role) right {
	switch {
	case op.access == public, !op.staff && !op.stack:
		return always
	case op.staff && (op.access == authenticated || role.May(tenants.Permission(op.access))):
		return always
	}
	return never
}

func allOperations(t *testing.T) []*operation {
	t.Helper()
	document, err := oapi.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	byRoute, err := readOperations(document)
	if err != nil {
		t.Fatal(err)
	}
	return slices.SortedFunc(maps.Values(byRoute), func(a, b *operation) int {
		return cmp.Or(cmp.Compare(a.route.Path, b.route.Path), cmp.Compare(a.route.Method, b.route.Method))
	})
}

// Who may call what stands in docs/permissions.md, so that every change of it
// is seen by whoever reads the change.
func TestPermissions_areWrittenDown(t *testing.T) {
	const path = "../docs/permissions.md"
	written := permissionTable(allOperations(t))
	if *update {
		if err := os.WriteFile(path, []byte(written), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(kept) != written {
		t.Error("docs/permissions.md is not what openapi.yaml and the roles say; `go test ./api -run Permissions_areWrittenDown -update` writes it anew")
	}
}

func permissionTable(operations []*operation) string {
	var b strings.Builder
	b.WriteString(`# Who may call what

Written from openapi.yaml and the tables of roles; tested against the running API for every role, with tokens and keys, in its own stack and in another. *own*: what belongs to the caller's own account. An empty cell is refused (403; 401 without a valid token, or with one of another stack or of hosting staff). A custom role may do what its permissions say. API keys have the rights of their role; there are none for subscribers.

## Stacks

| operation | asks for |`)
	for _, role := range roleOrder {
		fmt.Fprintf(&b, " %s |", role)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(roleOrder)) + "\n")
	for _, op := range operations {
		if op.staff {
			continue
		}
		fmt.Fprintf(&b, "| `%s %s` | %s |", op.route.Method, op.route.Path, op.asks())
		for _, role := range roleOrder {
			fmt.Fprintf(&b, " %s |", op.ofRole(role.May, role))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n## Control plane\n\n| operation | asks for |")
	for _, role := range staffOrder {
		fmt.Fprintf(&b, " %s |", role)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(staffOrder)) + "\n")
	for _, op := range operations {
		if !op.staff {
			continue
		}
		fmt.Fprintf(&b, "| `%s %s` | %s |", op.route.Method, op.route.Path, op.asks())
		for _, role := range staffOrder {
			fmt.Fprintf(&b, " %s |", op.ofStaff(role))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func (op *operation) asks() string {
	if op.self != "" {
		return fmt.Sprintf("%s, own: %s", op.access, op.self)
	}
	return string(op.access)
}

// caller is somebody who tries every operation.
type caller struct {
	name  string
	token string
	may   func(op *operation) right
	known bool // has signed in at the place that it calls: a refusal is 403, else 401
}

// permissionWorld is a process with a control plane and two stacks.
type permissionWorld struct {
	*world
	control  *Control
	callers  []caller // of the first stack
	strange  []caller // whose tokens are of another place, or nobody's
	staffers []caller
}

func newPermissionWorld(t *testing.T) *permissionWorld {
	t.Helper()
	control, staffSignIn := newControl(t)
	w := &permissionWorld{world: newWorldBeside(t, control), control: control}
	other := w.db.Place(t, 1)
	w.setUp(other)
	owner := w.user(w.db, identity.Owner, nil)
	account := w.accountOf(w.publishAndConnect(owner))
	w.addRoles(owner, account)
	nobody := func(op *operation) right {
		if op.access == public || !op.stack && !op.staff {
			return always
		}
		return never
	}
	w.strange = []caller{
		{name: "nobody", may: nobody},
		{name: "owner of another stack", token: w.user(other, identity.Owner, nil), may: nobody},
	}
	for _, role := range staffOrder {
		token := staffSignIn(w.world, role)
		w.strange = append(w.strange, caller{name: "staff " + string(role), token: token, may: nobody})
		w.staffers = append(w.staffers, caller{name: "staff " + string(role), token: token, known: true, may: func(op *operation) right { return op.ofStaff(role) }})
	}
	return w
}

// addRoles adds a user and a key of each role, a custom one among them.
func (w *permissionWorld) addRoles(owner string, account uuid.UUID) {
	w.t.Helper()
	custom := identity.CustomRole{Name: "night-desk", Title: "Night desk", Permissions: []identity.Permission{identity.AccountRead, identity.PaymentWrite}}
	by := identity.Principal{Kind: identity.UserPrincipal, Role: identity.Owner, Tenant: w.db.Ref.ID}
	w.db.Write(w.t, func(ctx context.Context, tx tenant.Tx) error { return w.authority.PutRole(ctx, tx, by, custom) })
	add := func(name, token string, role identity.Role, may func(identity.Permission) bool) {
		w.callers = append(w.callers, caller{name: name, token: token, known: true, may: func(op *operation) right { return op.ofRole(may, role) }})
	}
	allowed := func(role identity.Role) func(identity.Permission) bool {
		if role != custom.Name {
			return role.May
		}
		return func(p identity.Permission) bool { return slices.Contains(custom.Permissions, p) }
	}
	for _, role := range append(slices.Clone(roleOrder), custom.Name) {
		if role != identity.Machine {
			var of *uuid.UUID
			if role == identity.Subscriber {
				of = &account
			}
			add(string(role), w.user(w.db, role, of), role, allowed(role))
		}
		if role != identity.Subscriber {
			add("key of "+string(role), w.apiKey(role), role, allowed(role))
		}
	}
}

func (w *permissionWorld) apiKey(role identity.Role) (secret string) {
	w.t.Helper()
	by := identity.Principal{Kind: identity.UserPrincipal, Role: identity.Owner, Tenant: w.db.Ref.ID}
	w.db.Write(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		_, secret, err = w.authority.AddAPIKey(ctx, tx, by, identity.NewAPIKey{Name: string(role), Role: role})
		return err
	})
	return secret
}

// try sends the least that an operation takes. One without a body would be
// carried out: it gets a parameter that is no text, which is looked at after
// the caller's rights and before anything else.
func (w *permissionWorld) try(op *operation, c caller) response {
	w.t.Helper()
	r := request{method: op.route.Method, path: filled(op, w.db.Ref.Name), token: c.token, key: uuid.NewString()}
	if op.route.Operation.RequestBody != nil {
		r.body = map[string]any{}
	}
	if r.method != "GET" && r.body == nil {
		r.path += "?%00"
	}
	return w.send(r)
}

// TestPermissions_holdForEveryCaller walks all operations with every caller:
// who may call one gets past the guard, who may not is refused as documented,
// and nothing has changed by it.
func TestPermissions_holdForEveryCaller(t *testing.T) {
	w := newPermissionWorld(t)
	operations := allOperations(t)
	tries := 0
	before := w.state()
	for _, op := range operations {
		for _, c := range w.callersOf(op) {
			if c.may(op) != never {
				continue
			}
			tries++
			want := 401
			if c.known {
				want = 403
			}
			if got := w.try(op, c); got.status != want {
				t.Errorf("%s as %s: %d, want %d: %s", op.id, c.name, got.status, want, got.raw)
			}
		}
	}
	if after := w.state(); after != before {
		t.Errorf("what was refused has changed something:\n%s\n%s", before, after)
	}
	for _, op := range operations {
		for _, c := range w.callersOf(op) {
			if c.may(op) == never {
				continue
			}
			tries++
			if got := w.try(op, c); got.status == 401 || got.status == 403 || got.status >= 500 {
				t.Errorf("%s as %s: %d: %s", op.id, c.name, got.status, got.raw)
			}
		}
	}
	t.Logf("%d operations, %d requests", len(operations), tries)
}

// callersOf are those who try an operation: a stack's callers know nothing of
// the control plane, and the other way round.
func (w *permissionWorld) callersOf(op *operation) []caller {
	if !op.staff {
		return append(slices.Clone(w.callers), w.strange...)
	}
	all := slices.Clone(w.staffers)
	for _, c := range append(slices.Clone(w.callers), w.strange[:2]...) {
		c.known = false
		all = append(all, c)
	}
	return all
}

// state is what stands in both stacks and in the control plane: a hash of each
// table. When a caller was last seen is no change of anything.
func (w *permissionWorld) state() string {
	w.t.Helper()
	var b strings.Builder
	rows, err := w.db.Admin.Query(context.Background(), `
		select format('%I.%I', schemaname, tablename) from pg_tables
		 where schemaname like 't\_%' and tablename not in ('signin_session', 'goose_db_version') order by 1`)
	if err != nil {
		w.t.Fatal(err)
	}
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			w.t.Fatal(err)
		}
		names = append(names, name)
	}
	rows.Close()
	for _, name := range names {
		var count int
		var sum string
		if err := w.db.Admin.QueryRow(context.Background(), `select count(*), md5(coalesce(string_agg(r::text, ',' order by r::text), '')) from `+name+` r`).Scan(&count, &sum); err != nil {
			w.t.Fatal(err)
		}
		if count > 0 {
			fmt.Fprintf(&b, "%s %d %s\n", name, count, sum)
		}
	}
	err = w.control.DB.Read(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
		for _, name := range []string{"operator", "stack", "staff_user", "idempotency", "audit"} {
			var count int
			var sum string
			if err := tx.QueryRow(ctx, `select count(*), md5(coalesce(string_agg(r::text, ',' order by r::text), '')) from `+name+` r`).Scan(&count, &sum); err != nil {
				return err
			}
			fmt.Fprintf(&b, "%s %d %s\n", name, count, sum)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return b.String()
}
