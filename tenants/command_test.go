package tenants_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollhouse/tenants"
)

func TestOnce_aRepeatGetsTheStoredAnswer(t *testing.T) {
	t.Parallel()
	c := newControl(t)
	commands := tenants.NewCommands(c.DB, sealer{})
	call := tenants.Call{Operation: "createOperator", Key: "k1", Body: []byte(`{"name":"a"}`)}
	var runs atomic.Int64
	once := func(call tenants.Call) (tenants.Answer, error) {
		return commands.Once(context.Background(), call, func(context.Context, tenants.Tx) (tenants.Answer, error) {
			runs.Add(1)
			return tenants.Answer{Status: 202, Headers: map[string]string{"Location": "/x"}, Body: []byte("first password: hush")}, nil
		})
	}
	var wait sync.WaitGroup
	for range 8 { // at the same time: one runs, the others wait for its answer
		wait.Go(func() {
			answer, err := once(call)
			if err != nil || answer.Status != 202 || string(answer.Body) != "first password: hush" || answer.Headers["Location"] != "/x" {
				t.Errorf("got %+v, %v", answer, err)
			}
		})
	}
	wait.Wait()
	if runs.Load() != 1 {
		t.Errorf("ran %d times, want once", runs.Load())
	}
	var stored []byte
	if err := c.pool.QueryRow(context.Background(), `select sealed_answer from idempotency`).Scan(&stored); err != nil || bytes.Contains(stored, []byte("hush")) {
		t.Errorf("the answer is stored in clear (%v)", err)
	}
	other := call
	other.Body = []byte(`{"name":"b"}`)
	if _, err := once(other); !errors.Is(err, tenants.ErrKeyReused) {
		t.Errorf("another body: got %v, want ErrKeyReused", err)
	}
	c.pass(30*24*time.Hour + time.Second)
	if _, err := once(other); err != nil || runs.Load() != 2 {
		t.Errorf("after 30 days: %v, %d runs; want a new one", err, runs.Load())
	}
}

func TestOnce_aRefusalUndoesTheKeyAsWell(t *testing.T) {
	t.Parallel()
	c := newControl(t)
	commands := tenants.NewCommands(c.DB, sealer{})
	call := tenants.Call{Operation: "createOperator", Key: "k1"}
	refusal := errors.New("refused")
	for _, want := range []error{refusal, refusal, nil} {
		_, err := commands.Once(context.Background(), call, func(context.Context, tenants.Tx) (tenants.Answer, error) { return tenants.Answer{}, want })
		if !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

func TestOnce_wantsAKey(t *testing.T) {
	t.Parallel()
	c := newControl(t)
	commands := tenants.NewCommands(c.DB, sealer{})
	for _, key := range []string{"", strings.Repeat("k", 256)} {
		_, err := commands.Once(context.Background(), tenants.Call{Operation: "x", Key: key}, nil)
		if !errors.Is(err, tenants.ErrKey) {
			t.Errorf("key of %d: got %v, want ErrKey", len(key), err)
		}
	}
}
