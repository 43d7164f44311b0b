package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

// door is where a control plane is asked, wherever it runs.
type door struct {
	t       *testing.T
	address string
	output  *syncBuffer
}

// opens waits until the control plane answers.
func (d *door) opens() {
	d.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if response, err := http.Get(d.address + "/readyz"); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			d.t.Fatalf("the control plane does not answer: %s", d.output)
		}
	}
}

// text is what stands at a path for anybody.
func (d *door) text(path string) string {
	d.t.Helper()
	response, err := http.Get(d.address + path)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		d.t.Fatalf("%s: %d, %v", path, response.StatusCode, err)
	}
	return string(text)
}

// signIn signs in as the first of the staff, whose password was shown once.
func (d *door) signIn() string {
	d.t.Helper()
	text := d.output.String()
	_, rest, _ := strings.Cut(text, "first staff user: ")
	email, rest, _ := strings.Cut(rest, ",")
	_, password, _ := strings.Cut(rest, "(shown once): ")
	answer := d.call("", "POST", "/staff/v1/sign-in", map[string]any{"email": email, "password": strings.TrimSpace(strings.Split(password, "\n")[0])}, 200)
	token, _ := answer["access_token"].(string)
	return token
}

func (d *door) call(token, method, path string, body any, want int) map[string]any {
	d.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		d.t.Fatal(err)
	}
	if body == nil {
		text = nil
	}
	request, err := http.NewRequest(method, d.address+path, bytes.NewReader(text))
	if err != nil {
		d.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", uuid.NewString())
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, _ := io.ReadAll(response.Body)
	if response.StatusCode != want {
		d.t.Fatalf("%s %s: %d, want %d: %s", method, path, response.StatusCode, want, answer)
	}
	var out map[string]any
	_ = json.Unmarshal(answer, &out)
	return out
}

// newcomer is an operator that was just made.
type newcomer struct{ id, name, email, password string }

// operator makes one.
func (d *door) operator(token, name string) newcomer { return d.operatorWith(token, name, nil) }

// operatorWith makes one of whom more is said.
func (d *door) operatorWith(token, name string, more map[string]any) newcomer {
	d.t.Helper()
	email := "owner@" + name + ".example"
	application := map[string]any{"name": name, "legal_name": name + " GmbH", "country": "DE", "zone": "Europe/Berlin",
		"currency": "EUR", "language": "en", "prices_include_tax": true, "owner_email": email,
		"legal_entity": map[string]any{"address": map[string]any{"street": "Hafenstrasse 1", "postcode": "20457", "city": "Hamburg"}, "tax_id": "DE123456789"}}
	maps.Copy(application, more)
	made := d.call(token, "POST", "/staff/v1/operators", application, 202)
	id, _ := made["operator"].(map[string]any)["id"].(string)
	password, _ := made["owner_password"].(string)
	return newcomer{id, name, email, password}
}

// syncBuffer is what a process writes, to be read while it runs.
type syncBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
