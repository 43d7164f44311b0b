package tenants_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"tollhouse/infra/secrets"
	"tollhouse/tenants"
)

// Everything that the control plane keeps sealed follows a new master key.
func TestReseal_movesToTheNewMasterKey(t *testing.T) {
	t.Parallel()
	c, path := newControl(t), filepath.Join(t.TempDir(), "master.key")
	box, err := secrets.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	c.staff = tenants.NewStaff(c.DB, c.passwords, box, c.now)
	password := c.admin(t)
	c.signIn(t, password) // makes the signing key
	commands, calls := tenants.NewCommands(c.DB, box), 0
	call := func(n int) tenants.Call {
		return tenants.Call{Operation: "createOperator", Key: fmt.Sprintf("key \"%d\"", n), Body: []byte("{}")}
	}
	once := func(n int) {
		t.Helper()
		answer, err := commands.Once(context.Background(), call(n), func(context.Context, tenants.Tx) (tenants.Answer, error) {
			calls++
			return tenants.Answer{Status: 200, Body: []byte("hush")}, nil
		})
		if err != nil || string(answer.Body) != "hush" {
			t.Errorf("answer %+v, %v", answer, err)
		}
	}
	const answers = 450 // more than two steps
	for n := range answers {
		once(n)
	}
	if _, err := secrets.BeginRotation(path); err != nil {
		t.Fatal(err)
	}
	if n, err := tenants.Reseal(context.Background(), c.DB, box); err != nil || n != answers+1 {
		t.Fatalf("sealed %d anew, %v", n, err)
	}
	if err := secrets.EndRotation(path); err != nil {
		t.Fatal(err)
	}
	c.pass(time.Minute)
	for n := range answers {
		once(n)
	}
	c.signIn(t, password)
	if calls != answers {
		t.Errorf("%d commands ran, want %d", calls, answers)
	}
	if left := c.count(t, `select count(*) from information_schema.columns where table_schema = 'control' and data_type = 'bytea' and column_name like 'sealed%' and table_name <> all ($1)`, elsewhere); left != sealedColumns {
		t.Errorf("the schema has %d sealed columns, Reseal knows %d", left, sealedColumns)
	}
}

// sealedColumns is how many columns Reseal walks.
const sealedColumns = 4

// elsewhere are tables whose own packages walk them (enrol.Reseal, fleet.Reseal).
var elsewhere = []string{"own_host", "site"}
