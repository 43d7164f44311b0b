package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"
)

// caller speaks to one stack, or to the control plane, as one user.
type caller struct {
	demo  *demo
	door  string // the path before an operation's
	token string
}

var browser = &http.Client{Timeout: 5 * time.Minute}

// upload is a body that is sent as it is.
type upload []byte

// send carries out a request under a command key. err is a lost answer.
func (c caller) send(method, path, key string, body any) (status int, answer []byte, err error) {
	var reader io.Reader
	kind := "application/json"
	switch b := body.(type) {
	case nil:
	case upload:
		reader, kind = bytes.NewReader(b), "application/octet-stream"
	case string:
		reader, kind = bytes.NewReader([]byte(b)), "application/yaml"
	default:
		text, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		reader = bytes.NewReader(text)
	}
	request, err := http.NewRequest(method, c.demo.base+c.door+path, reader)
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", kind)
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Idempotency-Key", key)
	response, err := browser.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// do is a request that has to succeed; its answer is read into a value unless
// that is nil.
func (c caller) do(t *testing.T, method, path string, body, into any) {
	t.Helper()
	status, answer, err := c.send(method, path, uuid.NewString(), body)
	if err != nil || status >= 300 {
		t.Fatalf("%s %s: %v %d %s", method, c.door+path, err, status, answer)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(answer, into); err != nil {
		t.Fatalf("%s %s: %v in %s", method, c.door+path, err, answer)
	}
}

// get asks until it is told: 503 means later.
func (c caller) get(t *testing.T, path string, into any) {
	t.Helper()
	eventually(t, time.Minute, "GET "+path, func() bool {
		status, answer, err := c.send(http.MethodGet, path, uuid.NewString(), nil)
		switch {
		case status == http.StatusServiceUnavailable:
			return false
		case err != nil || status != http.StatusOK:
			t.Fatalf("GET %s: %v %d %s", c.door+path, err, status, answer)
		}
		if err := json.Unmarshal(answer, into); err != nil {
			t.Fatalf("GET %s: %v in %s", c.door+path, err, answer)
		}
		return true
	})
}

func (c caller) post(t *testing.T, path string, body, into any) {
	t.Helper()
	c.do(t, http.MethodPost, path, body, into)
}

// persist sends a command under one key until it is answered, as a program
// does whose line fails: answers of 5xx are sent again too.
func (c caller) persist(path string, body any) (answer []byte, err error) {
	key := uuid.NewString()
	var status int
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		status, answer, err = c.send(http.MethodPost, path, key, body)
		switch {
		case err != nil || status >= 500:
			continue
		case status >= 300:
			return answer, fmt.Errorf("POST %s: %d %s", path, status, answer)
		}
		return answer, nil
	}
	return nil, fmt.Errorf("POST %s: no answer: %w %d %s", path, err, status, answer)
}

// pages reads a whole list, page by page.
func pages[T any](t *testing.T, c caller, path string, query url.Values) []T {
	t.Helper()
	var all []T
	if query == nil {
		query = url.Values{}
	}
	query.Set("limit", "100")
	for {
		var page struct {
			Items []T
			Next  string
		}
		c.get(t, path+"?"+query.Encode(), &page)
		all = append(all, page.Items...)
		if page.Next == "" {
			return all
		}
		query.Set("cursor", page.Next)
	}
}

func (d *demo) signIn(t *testing.T, door, email, password string) caller {
	t.Helper()
	c := caller{demo: d, door: door}
	var token struct {
		Token string `json:"access_token"`
	}
	c.post(t, "/sign-in", map[string]string{"email": email, "password": password}, &token)
	c.token = token.Token
	return c
}

// owner speaks as the owner of one of the demo's two operators.
func (d *demo) owner(t *testing.T, name string) caller {
	t.Helper()
	email := map[string]string{"nusantara": "pemilik@nusantara.example", "hanse": "inhaber@hanse.example"}[name]
	return d.signIn(t, "/t/"+name+"/v1", email, d.password(t, email))
}

// newOperator takes on a sandbox in Germany that sells one offering, and
// speaks as its owner. Its prices are without tax, its clock at 1 January 2026
// in Berlin.
func (d *demo) newOperator(t *testing.T, name, offering string) caller {
	t.Helper()
	const staffEmail = "admin@tollhouse.example"
	staff := d.signIn(t, "/staff/v1", staffEmail, d.password(t, staffEmail))
	type operator struct {
		ID    string
		Stack struct{ State string }
	}
	var created struct {
		Operator      operator
		OwnerPassword string `json:"owner_password"`
	}
	owner := "owner@" + name + ".example"
	staff.post(t, "/operators", map[string]any{
		"name": name, "legal_name": name + " GmbH", "country": "DE", "zone": "Europe/Berlin", "currency": "EUR", "language": "en",
		"prices_include_tax": false, "owner_email": owner, "sandbox": true, "clock_at": "2025-12-31T23:00:00Z",
		"legal_entity": map[string]any{"tax_id": "DE123456789", "address": map[string]string{"street": "Hafenstrasse 1", "postcode": "20457", "city": "Hamburg"}},
	}, &created)
	eventually(t, time.Minute, "stack of "+name, func() bool {
		var now operator
		staff.get(t, "/operators/"+created.Operator.ID, &now)
		return now.Stack.State == "ready"
	})
	c := d.signIn(t, "/t/"+name+"/v1", owner, created.OwnerPassword)
	var draft struct{ ID string }
	c.post(t, "/offerings", offering, &draft)
	c.post(t, "/offerings/"+draft.ID+"/publish", map[string]any{}, nil)
	return c
}

// line is the number of the n-th subscriber.
func line(n int) string { return fmt.Sprintf("+4940%06d", 700_000+n) }

// connect connects the n-th subscriber and gives its account.
func (c caller) connect(t *testing.T, offering string, n int) (account string) {
	t.Helper()
	var order struct{ ID, Account string }
	c.post(t, "/orders", map[string]any{"offering": offering, "facts": map[string]string{
		"party.kind": "individual", "party.name": fmt.Sprintf("Subscriber %d", n), "party.birth_date": "1990-02-28",
		"party.email": fmt.Sprintf("s%d@post.example", n), "address.street": "Deichweg 3", "address.postcode": "25813", "address.city": "Husum",
		"voice.line": line(n), "account.anchor": "2026-01-01",
	}}, &order)
	c.post(t, "/orders/"+order.ID+"/activate", nil, &order)
	return order.Account
}

func (c caller) advance(t *testing.T, to string) {
	t.Helper()
	c.post(t, "/clock/advance", map[string]string{"to": to}, nil)
}

// usageFile is a received file and what became of its lines.
type usageFile struct {
	ID, State, Error                                          string
	SizeBytes                                                 int64 `json:"size_bytes"`
	OffsetBytes                                               int64 `json:"offset_bytes"`
	Lines, Accepted, Duplicates, Rejected, Suspended, Ignored int64
}

func (c caller) file(t *testing.T, id string) (f usageFile) {
	t.Helper()
	c.get(t, "/usage-files/"+id, &f)
	return f
}

// read waits until a file has been read.
func (c caller) read(t *testing.T, id string) (f usageFile) {
	t.Helper()
	eventually(t, time.Minute, "file "+id, func() bool {
		f = c.file(t, id)
		return f.State == "done" || f.State == "failed"
	})
	return f
}

type trialLine struct{ Account, Unit, Debit, Credit string }

func (c caller) trialBalance(t *testing.T) []trialLine {
	t.Helper()
	var balance struct{ Items []trialLine }
	c.get(t, "/ledger/trial-balance", &balance)
	return balance.Items
}

// wantControlSums checks that the books agree with themselves.
func (c caller) wantControlSums(t *testing.T) {
	t.Helper()
	var sums struct {
		Equal bool
		Sums  json.RawMessage
	}
	c.get(t, "/ledger/control-sums", &sums)
	if !sums.Equal {
		t.Errorf("control sums of %s differ: %s", c.door, sums.Sums)
	}
}
