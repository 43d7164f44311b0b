package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/google/uuid"

	"tollhouse/infra/enrolment"
	"tollhouse/infra/local"
	"tollhouse/provisioning"
	"tollhouse/provisioning/backup"
)

// hostTakeOuts writes all that the host's operator has, where its site is to be
// taken away: sealed on disk, and once for each time that it is asked for, also
// if the host is started again meanwhile.
type hostTakeOuts struct {
	host  *ownHost
	dir   string
	vault *local.Vault
	life  context.Context //nolint:containedctx // of what is written beside reports, until Stop
	end   context.CancelFunc

	running sync.WaitGroup
	mu      sync.Mutex
	wanted  uuid.UUID
	writing bool
	says    string
	whole   *enrolment.TakenOut // of the wanted one
}

func (h *ownHost) takeOuts(ctx context.Context) *hostTakeOuts {
	dir := filepath.Join(h.config.Data, "take-outs")
	t := &hostTakeOuts{host: h, dir: dir, vault: local.NewVault(dir, h.plant.box)}
	t.life, t.end = context.WithCancel(context.WithoutCancel(ctx))
	return t
}

// Stop gives up what is being written and waits; it is written anew after a start.
func (t *hostTakeOuts) Stop() {
	t.end()
	t.running.Wait()
}

var _ enrolment.TakeOuts = (*hostTakeOuts)(nil)

// Want implements enrolment.TakeOuts.
func (t *hostTakeOuts) Want(id uuid.UUID) *enrolment.TakenOut {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.wanted != id {
		t.wanted, t.whole, t.says = id, nil, ""
	}
	if id == uuid.Nil || t.whole != nil || t.writing {
		if id == uuid.Nil && !t.writing {
			t.clear("")
		}
		return t.whole
	}
	t.writing = true
	t.running.Go(func() {
		whole, err := t.write(t.life, id)
		t.mu.Lock()
		defer t.mu.Unlock()
		t.writing = false
		if err != nil && t.life.Err() == nil {
			t.host.plant.log.Error("take-out not written; it is tried again", "take_out", id.String(), "error", err)
			t.says = "it could not be written and is tried again: " + provisioning.ReasonOf(err)
		}
		if err == nil && t.wanted == id {
			t.whole, t.says = whole, ""
		}
	})
	return nil
}

// Says implements enrolment.TakeOuts.
func (t *hostTakeOuts) Says() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.says
}

func (t *hostTakeOuts) say(words string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.says = words
}

// clear takes away take-outs that are not wanted any more, and what was begun.
func (t *hostTakeOuts) clear(but string) {
	files, _ := os.ReadDir(t.dir)
	for _, file := range files {
		if but == "" || file.Name() != but+".sealed" {
			_ = os.Remove(filepath.Join(t.dir, file.Name())) // one that stays costs room only
		}
	}
}

// write gives the take-out that lies there since before a start, else writes it.
func (t *hostTakeOuts) write(ctx context.Context, id uuid.UUID) (*enrolment.TakenOut, error) {
	name := id.String() + ".zip"
	t.clear(name)
	out := &enrolment.TakenOut{Open: func() (io.ReadCloser, error) { return t.vault.Fetch(name) }}
	file, err := out.Open()
	if err == nil {
		sum := sha256.New()
		out.Size, err = io.Copy(sum, file)
		out.SHA256 = hex.EncodeToString(sum.Sum(nil))
		if err = errors.Join(err, file.Close()); err == nil {
			return out, nil
		}
		t.host.plant.log.Warn("a take-out that was written cannot be read; writing it anew", "error", err)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	configuration, err := t.host.store.Configuration()
	if err != nil {
		return nil, err
	}
	if configuration.Stack == nil {
		return nil, errNoStack
	}
	operator := configuration.Stack.Operator
	ref, err := t.host.db.ByID(ctx, operator.ID)
	if err != nil {
		return nil, err
	}
	at := provisioning.Placed{Operator: operator, Place: provisioning.Place{Host: hostDatabase, Slot: ref.Slot}, Epoch: ref.Epoch}
	out.Size, out.SHA256, err = t.vault.Keep(name, func(to io.Writer) error {
		_, err := t.host.cloud.TakeOut(ctx, backup.TakeOut{At: at, Secrets: true, Progress: func(table string, _, _ int) error {
			t.say("it writes table " + table + ".")
			return nil
		}}, to)
		return err
	})
	return out, err
}

// errNoStack means that the host carries no stack to take out.
var errNoStack = errors.New("no stack stands here")
