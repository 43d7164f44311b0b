package billing

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tollhouse/billing/identity"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/sealed"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// notSealed are the columns of bytes that need no sealing: hashes, public
// halves and what is no secret.
var notSealed = map[string]string{
	"api_key.hash":              "hash of a random key",
	"audit_seal.audit_digest":   "hash",
	"audit_seal.hash":           "hash",
	"audit_seal.ledger_digest":  "hash",
	"audit_seal.prev":           "hash",
	"charging_answer.request":   "hash",
	"deck_version.body":         "a price list's prefixes",
	"hosting_bill.document":     "a document that the operator has",
	"idempotency.body_hash":     "hash",
	"imported_document.content": "a document that the subscriber has",
	"operator_logo.picture":     "shown to everybody",
	"rerating_account.facts":    "hash",
	"signing_key.public_key":    "public",
	"usage_line.body":           "hash",
}

// Whoever adds a column of bytes says whether it is sealed: one that is sealed
// and not listed would be lost when its key is rotated.
func TestSealed_knowsTheSchema(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	known := map[string]bool{}
	for _, place := range Sealed() {
		if column, is := place.(sealed.Column); is {
			known[column.Name] = true
		}
	}
	rows, err := db.Admin.Query(t.Context(), `
		select table_name || '.' || column_name
		  from information_schema.columns
		 where table_schema = $1 and data_type = 'bytea'`, db.Ref.Slot.Schema())
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		if isHash(name) || notSealed[name] != "" || known[name] {
			delete(known, name)
			continue
		}
		t.Errorf("%s holds bytes: list it with what is sealed, or say why it need not be", name)
	}
	if len(known) > 0 {
		t.Errorf("not in the schema: %v", slices.Sorted(maps.Keys(known)))
	}
}

// isHash is by name: keyed or one-way, they tell nothing.
func isHash(column string) bool {
	_, name, _ := strings.Cut(column, ".")
	return strings.HasSuffix(name, "hash") || strings.HasSuffix(name, "digest") || strings.HasPrefix(column, "usage_key.")
}

// marked seals by putting a mark, tenant and name before the clear text.
type marked string

func (m marked) Seal(id tenant.ID, name string, clear []byte) ([]byte, error) {
	return append([]byte(string(m)+"|"+id.String()+"|"+name+"|"), clear...), nil
}

func (m marked) Open(id tenant.ID, name string, value []byte) ([]byte, error) {
	clear, ours := strings.CutPrefix(string(value), string(m)+"|"+id.String()+"|"+name+"|")
	if !ours {
		return nil, errElsewhere
	}
	return []byte(clear), nil
}

var errElsewhere = onboarding.ErrNoSecret // any will do

// Each kind of sealed value is found under its own name and put back where it was.
func TestReseal_everyPlace(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	before, after := marked("old"), marked("new")
	authority := identity.New(nil, before, time.Now)
	var user identity.User
	db.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		if err := authority.SetUp(ctx, tx); err != nil {
			return err
		}
		if user, err = authority.AddUser(ctx, tx, identity.NewUser{Email: "a@example.net", Role: identity.Owner, Password: "x"}); err != nil {
			return err
		}
		if _, err := authority.BeginTOTP(ctx, tx, user.ID); err != nil {
			return err
		}
		value, _ := before.Seal(tx.Tenant, "stripe", []byte("sk"))
		_, err = tx.Exec(ctx, `insert into secret (name, sealed, created_at) values ('stripe', $1, $2)`, value, tx.At)
		return err
	})
	again := func(name string, value []byte) ([]byte, error) {
		if strings.HasPrefix(string(value), "new") {
			return nil, nil
		}
		clear, err := before.Open(db.Ref.ID, name, value)
		if err != nil {
			return nil, err
		}
		return after.Seal(db.Ref.ID, name, clear)
	}
	const values = 3 // signing key, second factor, secret
	for _, want := range []int{values, 0} {
		if changed, err := Reseal(t.Context(), db.DB, db.Ref, again); err != nil || changed != want {
			t.Errorf("%d changed, want %d: %v", changed, want, err)
		}
	}
	later := identity.New(nil, after, time.Now)
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error { return later.RotateSigningKey(ctx, tx) })
}
