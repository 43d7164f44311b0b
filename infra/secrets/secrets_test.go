package secrets_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"tollhouse/billing/tenant"
	"tollhouse/infra/secrets"
)

func box(t *testing.T, fill byte) *secrets.Box {
	t.Helper()
	b, err := secrets.New(bytes.Repeat([]byte{fill}, secrets.KeyBytes))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSeal_opensOnlyWhereItBelongs(t *testing.T) {
	t.Parallel()
	b := box(t, 1)
	plain := []byte("sk_live_secret")
	sealed, err := b.Seal("tenant/1/stripe", plain)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, plain) {
		t.Error("the secret is readable")
	}
	if got, err := b.Open("tenant/1/stripe", sealed); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("opened %q, %v", got, err)
	}
	if _, err := b.Open("tenant/2/stripe", sealed); !errors.Is(err, secrets.ErrTampered) {
		t.Errorf("in another tenant's place: %v", err)
	}
	if _, err := box(t, 2).Open("tenant/1/stripe", sealed); !errors.Is(err, secrets.ErrOtherKey) {
		t.Errorf("under another key: %v", err)
	}
	if again, _ := b.Seal("tenant/1/stripe", plain); bytes.Equal(again, sealed) {
		t.Error("two seals of one value are equal: the nonce is not random")
	}
}

func TestOpen_noticesAnyChange(t *testing.T) {
	t.Parallel()
	b := box(t, 1)
	sealed, err := b.Seal("c", []byte("value"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := b.Open("c", changed); err == nil {
			t.Errorf("byte %d changed and not noticed", i)
		}
		if _, err := b.Open("c", sealed[:i]); err == nil {
			t.Errorf("cut at byte %d and not noticed", i)
		}
	}
}

func TestDerive_isStableAndApart(t *testing.T) {
	t.Parallel()
	if !bytes.Equal(box(t, 1).Derive("role/app"), box(t, 1).Derive("role/app")) {
		t.Error("one label gives two keys")
	}
	seen := map[string]bool{}
	for _, key := range [][]byte{box(t, 1).Derive("a"), box(t, 1).Derive("b"), box(t, 2).Derive("a")} {
		if len(key) != secrets.KeyBytes || seen[string(key)] {
			t.Errorf("key of %d bytes, repeated: %v", len(key), seen[string(key)])
		}
		seen[string(key)] = true
	}
}

func TestLoad_makesOneKeyForAll(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys", "master.key")
	keys := make([][]byte, 8)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			b, err := secrets.Load(path)
			if err != nil {
				t.Error(err)
				return
			}
			keys[i] = b.Derive("x")
		})
	}
	all.Wait()
	for _, key := range keys[1:] {
		if !bytes.Equal(key, keys[0]) {
			t.Error("two processes made two keys")
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".master-key-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestLoad_refusesAKeyThatOthersRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "master.key")
	if err := os.WriteFile(path, make([]byte, secrets.KeyBytes), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := secrets.Load(path); !errors.Is(err, secrets.ErrKeyReadable) {
		t.Errorf("readable key: %v", err)
	}
	if err := errors.Join(os.Chmod(path, 0o600), os.Truncate(path, 31)); err != nil {
		t.Fatal(err)
	}
	if _, err := secrets.Load(path); !errors.Is(err, secrets.ErrKeyLength) {
		t.Errorf("short key: %v", err)
	}
}

func TestTenants_eachOpensItsOwn(t *testing.T) {
	t.Parallel()
	tenants, own, other := box(t, 1).Tenants(), tenant.NewID(), tenant.NewID()
	sealed, err := tenants.Seal(own, "stripe", []byte("sk"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tenants.Open(own, "stripe", sealed); err != nil || string(got) != "sk" {
		t.Errorf("opened %q, %v", got, err)
	}
	if _, err := tenants.Open(other, "stripe", sealed); !errors.Is(err, secrets.ErrTampered) {
		t.Errorf("another tenant: %v", err)
	}
	if _, err := tenants.Open(own, "webhook", sealed); !errors.Is(err, secrets.ErrTampered) {
		t.Errorf("another name: %v", err)
	}
}
