package enrol_test

import (
	"context"
	"path/filepath"
	"testing"

	"tollhouse/infra/secrets"
	"tollhouse/provisioning/enrol"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

func TestReseal_movesHostKeysToTheNewMasterKey(t *testing.T) {
	t.Parallel()
	w, path := newWorld(t), filepath.Join(t.TempDir(), "master.key")
	box, err := secrets.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	w.Seal = box
	_, operator := w.enrolled(t, "nordnetz", machine.Host)
	key := func() (key []byte) {
		w.write(t, func(ctx context.Context, tx tenants.Tx) (err error) {
			key, err = w.HostKey(ctx, tx, operator.ID)
			return err
		})
		return key
	}
	before := key()
	if _, err := secrets.BeginRotation(path); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{1, 0} {
		if n, err := enrol.Reseal(context.Background(), w.DB, box); err != nil || n != want {
			t.Fatalf("%d sealed anew, want %d, %v", n, want, err)
		}
	}
	if err := secrets.EndRotation(path); err != nil {
		t.Fatal(err)
	}
	if string(key()) != string(before) {
		t.Error("the host has another key now")
	}
}
