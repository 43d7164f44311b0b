package secrets

import (
	"bytes"
	"context"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/crypto/chacha20poly1305"

	"tollhouse/billing/tenant"
)

// Keyring seals what belongs to tenants, each under a data key of its own that
// the master key wraps. A tenant's first key is made when it is first wanted.
// It is safe for concurrent use.
type Keyring struct {
	box  *Box
	pool *pgxpool.Pool
	now  func() time.Time

	mu   sync.Mutex
	held map[tenant.ID]*held
}

// held is what a process knows of one tenant's keys. mu lets one of many
// callers look them up.
type held struct {
	mu   sync.Mutex
	at   time.Time // when it was looked up; zero: never
	keys dataKeys
}

// dataKeys are the keys of one tenant that are not destroyed.
type dataKeys struct {
	current   uint32 // 0: none
	byVersion map[uint32]cipher.AEAD
	destroyed bool // there were keys, and all of them are gone
}

// ErrDestroyed means that the tenant's keys were destroyed: nothing of it
// opens any more, and nothing is sealed.
var ErrDestroyed = errors.New("the tenant's keys were destroyed")

// A value sealed by a data key: format, version of the key, nonce, ciphertext
// with its tag.
const (
	byDataKey       = 2
	dataHeaderBytes = 1 + 4
)

const (
	// keysFresh is how long a process goes on with what it looked up; by then
	// it sees that a key was rotated or destroyed. Rotation waits for it.
	keysFresh = 5 * time.Second
	// lookUpTimeout bounds a look-up: sealing has no context of its caller.
	lookUpTimeout = 10 * time.Second
	// maxHeld bounds the tenants whose keys are kept at once.
	maxHeld = 1024
)

// NewKeyring works on the data keys of one host database. The pool is of the
// keyring's role and its own: callers seal inside their transactions, and must
// not wait for a connection that they hold themselves.
func NewKeyring(box *Box, pool *pgxpool.Pool, now func() time.Time) *Keyring {
	return &Keyring{box: box, pool: pool, now: now, held: map[tenant.ID]*held{}}
}

// Seal encrypts a tenant's value under a name of its own, with the newest key.
func (k *Keyring) Seal(id tenant.ID, name string, clear []byte) ([]byte, error) {
	keys, err := k.keys(id, false)
	if err == nil && keys.current == 0 && !keys.destroyed {
		keys, err = k.first(id)
	}
	if err != nil {
		return nil, fmt.Errorf("data key of %s: %w", id, err)
	}
	if keys.destroyed {
		return nil, fmt.Errorf("seal for %s: %w", id, ErrDestroyed)
	}
	return seal(keys.byVersion[keys.current], dataHeader(keys.current), tenantContext(id, name), clear)
}

// Open decrypts what was sealed for the same tenant and name, by any of its
// keys that is left or, as it was before there were data keys, by the master key.
func (k *Keyring) Open(id tenant.ID, name string, sealed []byte) ([]byte, error) {
	keys, err := k.keys(id, false)
	if err != nil {
		return nil, fmt.Errorf("data key of %s: %w", id, err)
	}
	switch {
	case keys.destroyed:
		return nil, fmt.Errorf("open for %s: %w", id, ErrDestroyed)
	case len(sealed) > 0 && sealed[0] == byMasterKey:
		return k.box.Open(tenantContext(id, name), sealed)
	case len(sealed) < dataHeaderBytes || sealed[0] != byDataKey:
		return nil, ErrTampered
	}
	header, rest := sealed[:dataHeaderBytes], sealed[dataHeaderBytes:]
	version := binary.BigEndian.Uint32(header[1:])
	aead := keys.byVersion[version]
	if aead == nil && version > keys.current { // made since we looked
		if keys, err = k.keys(id, true); err != nil {
			return nil, fmt.Errorf("data key of %s: %w", id, err)
		}
		aead = keys.byVersion[version]
	}
	if aead == nil {
		return nil, fmt.Errorf("data key %d of %s: %w", version, id, ErrOtherKey)
	}
	return open(aead, header, rest, tenantContext(id, name))
}

// isCurrent says whether the key that seals now sealed this value.
func (k *Keyring) isCurrent(id tenant.ID, sealed []byte) (bool, error) {
	keys, err := k.keys(id, false)
	return err == nil && bytes.HasPrefix(sealed, dataHeader(keys.current)), err
}

func dataHeader(version uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{byDataKey}, version)
}

// keys gives a tenant's keys, looked up again when they are not fresh or must
// be the newest.
func (k *Keyring) keys(id tenant.ID, newest bool) (dataKeys, error) {
	h := k.hold(id)
	h.mu.Lock()
	defer h.mu.Unlock()
	if !newest && !h.at.IsZero() && k.now().Sub(h.at) < keysFresh {
		return h.keys, nil
	}
	// Before the look-up: a key that is replaced while we look counts from now.
	at := k.now()
	ctx, cancel := context.WithTimeout(context.Background(), lookUpTimeout)
	defer cancel()
	keys, err := k.lookUp(ctx, id)
	if err != nil {
		return dataKeys{}, tenant.Reached(err)
	}
	h.at, h.keys = at, keys
	return keys, nil
}

// hold finds the tenant's place. When there are too many any other one goes:
// whoever comes back is looked up again.
func (k *Keyring) hold(id tenant.ID) *held {
	k.mu.Lock()
	defer k.mu.Unlock()
	if h := k.held[id]; h != nil {
		return h
	}
	for other := range k.held {
		if len(k.held) < maxHeld {
			break
		}
		delete(k.held, other)
	}
	h := &held{}
	k.held[id] = h
	return h
}

func (k *Keyring) forget(id tenant.ID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.held, id)
}

func (k *Keyring) first(id tenant.ID) (dataKeys, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lookUpTimeout)
	defer cancel()
	if err := k.makeFirst(ctx, id); err != nil {
		return dataKeys{}, tenant.Reached(err)
	}
	return k.keys(id, true)
}

func (k *Keyring) unwrap(id tenant.ID, version uint32, wrapped []byte) (cipher.AEAD, error) {
	key, err := k.box.Open(wrapContext(id, version), wrapped)
	if err != nil {
		return nil, fmt.Errorf("unwrap version %d: %w", version, err)
	}
	return chacha20poly1305.NewX(key)
}

// wrapContext binds a wrapped key to its row.
func wrapContext(id tenant.ID, version uint32) string {
	return fmt.Sprintf("data_key/%s/%d", id, version)
}
