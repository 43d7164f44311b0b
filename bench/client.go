package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// client speaks to the API as anybody outside would.
type client struct {
	url   string
	token string // of a staff user
	http  *http.Client
}

// post sends a command under a key of its own and reads the answer of a success.
func (c *client) post(ctx context.Context, path string, body, answer any) (status int, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, bytes.NewReader(text))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", uuid.NewString())
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	if text, err = io.ReadAll(response.Body); err != nil {
		return 0, err
	}
	if response.StatusCode >= 300 {
		return response.StatusCode, nil
	}
	return response.StatusCode, json.Unmarshal(text, answer)
}

// creation is how long one operator took.
type creation struct {
	accepting time.Duration // from the request to its acceptance
	waiting   time.Duration // from there to the new owner's sign-in
}

// signInEvery is how often a new owner tries.
const signInEvery = 10 * time.Millisecond

// create takes on an operator and has its owner sign in as soon as that works.
func (c *client) create(ctx context.Context, name string) (creation, error) {
	owner := map[string]string{"email": "owner@" + name + ".example"}
	var created struct {
		Password string `json:"owner_password"`
	}
	began := time.Now()
	status, err := c.post(ctx, "/staff/v1/operators", map[string]any{
		"name": name, "legal_name": name + " GmbH", "country": "DE", "zone": zoneName, "currency": "EUR", "language": "en",
		"prices_include_tax": true, "owner_email": owner["email"],
		"legal_entity": map[string]any{"address": map[string]string{"street": "Hafenstraße 1", "postcode": "20457", "city": "Hamburg"}},
	}, &created)
	if err != nil || status != http.StatusAccepted {
		return creation{}, fmt.Errorf("create operator %s: %d: %w", name, status, err)
	}
	accepted := time.Now()
	owner["password"] = created.Password
	for {
		var token struct{}
		status, err := c.post(ctx, "/t/"+name+"/v1/sign-in", owner, &token)
		if err != nil {
			return creation{}, err
		}
		switch status {
		case http.StatusOK:
			return creation{accepted.Sub(began), time.Since(accepted)}, nil
		case http.StatusNotFound: // not there yet
		default:
			return creation{}, fmt.Errorf("sign-in to %s: %d", name, status)
		}
		select {
		case <-ctx.Done():
			return creation{}, ctx.Err()
		case <-time.After(signInEvery):
		}
	}
}
