package machine_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tollhouse/provisioning/machine"
)

func newKeys(t testing.TB) machine.Keys {
	t.Helper()
	keys, err := machine.NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestUnseal_opensWhatIsForThisMachineOnly(t *testing.T) {
	ours, others := newKeys(t), newKeys(t)
	sealed, err := machine.SealFor(ours.Box, []byte("the host's key"))
	if err != nil {
		t.Fatal(err)
	}
	if clear, err := ours.Unseal(sealed); err != nil || string(clear) != "the host's key" {
		t.Errorf("opened: %q, %v", clear, err)
	}
	if _, err := others.Unseal(sealed); !errors.Is(err, machine.ErrNotForUs) {
		t.Errorf("another machine opened it: %v", err)
	}
	if _, err := machine.SealFor(ours.Box[:31], nil); err == nil {
		t.Error("sealed for half a key")
	}
}

func TestSigned_countsForOneRequestOnly(t *testing.T) {
	keys, at := newKeys(t), time.Date(2026, 5, 1, 12, 0, 0, 123456000, time.UTC)
	request := machine.Request{Method: http.MethodPost, Path: "/machine/v1/report?a=1", Machine: uuid.New(), Time: at, Number: 7, Body: []byte(`{}`)}
	signed := request.Signed(keys.Sign)
	header := http.Header{}
	signed.Put(header)
	read, err := machine.ReadSigned(request.Method, request.Path, header, request.Body)
	if err != nil || !read.By(keys.Public()) {
		t.Fatalf("the signature is lost on its way: %v", err)
	}
	if read.By(newKeys(t).Public()) {
		t.Error("another machine's key checks it")
	}
	for name, change := range map[string]func(*machine.Signed){
		"method":  func(s *machine.Signed) { s.Method = http.MethodGet },
		"path":    func(s *machine.Signed) { s.Path = "/machine/v1/report" },
		"machine": func(s *machine.Signed) { s.Machine = uuid.New() },
		"time":    func(s *machine.Signed) { s.Time = s.Time.Add(time.Microsecond) },
		"number":  func(s *machine.Signed) { s.Number++ },
		"body":    func(s *machine.Signed) { s.Body = []byte(`{"a":1}`) },
	} {
		other := read
		change(&other)
		if other.By(keys.Public()) {
			t.Errorf("it counts with another %s too", name)
		}
	}
}

func TestReadSigned_namesTheHeader(t *testing.T) {
	whole := http.Header{}
	machine.Request{Machine: uuid.New(), Time: time.Now(), Number: 1}.Signed(newKeys(t).Sign).Put(whole)
	for _, name := range []string{machine.HeaderMachine, machine.HeaderTime, machine.HeaderNumber, machine.HeaderSignature} {
		for _, value := range []string{"", "x", "-1"} {
			header := whole.Clone()
			header.Set(name, value)
			if _, err := machine.ReadSigned("POST", "/", header, nil); !errors.Is(err, machine.ErrUnsigned) || !bytes.Contains([]byte(err.Error()), []byte(name)) {
				t.Errorf("%s %q: %v", name, value, err)
			}
		}
	}
}

func TestProof_bindsTokenOperatorAndRole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 20, 40)
		a := machine.Application{Token: text.Draw(t, "token"), Operator: text.Draw(t, "operator"), Role: machine.Host}
		keys, err := machine.NewKeys()
		if err != nil {
			t.Fatal(err)
		}
		a = a.Proven(keys)
		if !a.IsProven() {
			t.Fatal("our own proof is refused")
		}
		for _, other := range []machine.Application{
			{Token: a.Token + "x", Operator: a.Operator, Role: a.Role},
			{Token: a.Token, Operator: a.Operator + "x", Role: a.Role},
			{Token: a.Token, Operator: a.Operator, Role: machine.Agent},
		} {
			other.Key, other.Box, other.Proof = a.Key, a.Box, a.Proof
			if other.IsProven() {
				t.Fatalf("the proof counts for %+v too", other)
			}
		}
	})
}

func TestMarked_changesWithTheContentOnly(t *testing.T) {
	a := machine.Configuration{Role: machine.Host, Name: "one", Key: []byte("sealed once")}
	b := a
	b.Key, b.Revision = []byte("sealed again"), "old"
	c := a
	c.Binary = "another"
	var marks []string
	for _, one := range []machine.Configuration{a, b, c} {
		marked, err := one.Marked()
		if err != nil {
			t.Fatal(err)
		}
		marks = append(marks, marked.Revision)
	}
	if marks[0] != marks[1] || marks[0] == marks[2] || marks[0] == "" {
		t.Errorf("revisions: %q", marks)
	}
}

func TestReport_refusesWhatCannotBe(t *testing.T) {
	for name, r := range map[string]machine.Report{
		"more room than disk":   {Disks: []machine.Disk{{Path: "/", Total: 1, Free: 2}}},
		"more free than memory": {MemoryTotal: 1, MemoryFree: 2},
		"negative charges":      {Charges: -1},
		"unknown stack":         {Stack: "half"},
		"too long a list":       {Missing: make([]string, 51)},
		"too long a text":       {Reason: string(make([]byte, 501))},
		"reached nowhere":       {Inside: &machine.Inside{Address: netip.MustParseAddrPort("0.0.0.0:443")}},
		"reached at no port":    {Inside: &machine.Inside{Address: netip.MustParseAddrPort("10.20.0.9:0")}},
	} {
		if err := r.Check(); !errors.Is(err, machine.ErrReport) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if used := (machine.Disk{Total: 1000, Free: 95}).UsedPercent(); used != 91 {
		t.Errorf("90.5 %% used are %d %%", used)
	}
}
