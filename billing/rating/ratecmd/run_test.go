package ratecmd

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

const offers = "../../../docs/samples/offerings/"

func run(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = Run(context.Background(), args, &out, &err)
	return code, out.String(), err.String()
}

func TestRun_golden(t *testing.T) {
	for _, row := range []struct {
		name string
		args []string
		code int
	}{
		{"flex.txt", []string{"--offer", offers + "hanse-postpaid-flex.yaml", "--usage", "testdata/usage.csv", "--account", "testdata/account.yaml"}, exitUnpriced},
		{"flex.jsonl", []string{"--offer", offers + "hanse-postpaid-flex.yaml", "--usage", "testdata/usage.csv", "--account", "testdata/account.yaml", "--json"}, exitUnpriced},
		{"fiber.txt", []string{"--offer", offers + "nusantara-fiber-100.yaml", "--usage", "testdata/fiber.csv"}, exitPriced},
		{"help.txt", []string{"--help"}, exitPriced},
	} {
		t.Run(row.name, func(t *testing.T) {
			code, stdout, stderr := run(row.args...)
			if code != row.code || stderr != "" {
				t.Fatalf("ended with %d: %s", code, stderr)
			}
			path := filepath.Join("testdata", row.name)
			if *update {
				if err := os.WriteFile(path, []byte(stdout), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if stdout != string(want) {
				t.Errorf("got\n%s\nwant\n%s", stdout, want)
			}
		})
	}
}

// Each price kind has a folder with an offer, usage and what else it needs:
// code.deck.csv, code.calendar.csv, rates.csv, account.yaml, code.option.yaml in
// the order of their names.
func TestRun_goldenOfEachPriceKind(t *testing.T) {
	folders, err := filepath.Glob("testdata/kinds/*")
	if err != nil || len(folders) < 18 {
		t.Fatalf("%d folders, %v", len(folders), err)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			args := []string{"--offer", filepath.Join(folder, "offer.yaml"), "--usage", filepath.Join(folder, "usage.csv")}
			if filepath.Base(folder) == "percentage_of_an_amount" {
				args[1] = offers + "bank-fees.yaml"
			}
			files, err := os.ReadDir(folder)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				path := filepath.Join(folder, f.Name())
				switch {
				case f.Name() == "account.yaml":
					args = append(args, "--account", path)
				case strings.HasSuffix(f.Name(), ".option.yaml"):
					args = append(args, "--option", path)
				case f.Name() == "rates.csv":
					args = append(args, "--rates", path)
				case strings.HasSuffix(f.Name(), ".deck.csv"):
					args = append(args, "--deck", strings.TrimSuffix(f.Name(), ".deck.csv")+"="+path)
				case strings.HasSuffix(f.Name(), ".calendar.csv"):
					args = append(args, "--calendar", strings.TrimSuffix(f.Name(), ".calendar.csv")+"="+path)
				}
			}
			code, stdout, stderr := run(args...)
			if stderr != "" || (code == exitUnpriced) != strings.Contains(stdout, "no price:") {
				t.Fatalf("ended with %d: %s", code, stderr)
			}
			golden(t, filepath.Join(folder, "priced.txt"), stdout)
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestRun_badInputNamesFileLineAndField(t *testing.T) {
	const header = "kind,start,quantity,destination\n"
	const start = "2026-05-04T17:59:30+02:00"
	offer, err := os.ReadFile(offers + "nusantara-fiber-100.yaml")
	if err != nil {
		t.Fatal(err)
	}
	good := header + "data," + start + ",1 GB,\n"
	for _, row := range []struct{ name, offer, usage, account, want string }{
		{"unknown kind", "", header + "fax," + start + ",1,\n", "", "usage:2:kind: must be voice, data, message, content or transaction"},
		{"no instant", "", header + "data,yesterday,1,\n", "", "usage:2:start: must be an instant"},
		{"negative", "", good + "data," + start + ",-1,\n", "", "usage:3:quantity: must be a whole number of bytes"},
		{"wrong unit", "", header + "data," + start + ",1 min,\n", "", "usage:2:quantity: data is counted in bytes"},
		{"odd destination", "", header + "data," + start + ",1,a b\n", "", "usage:2:destination: must be at most 64"},
		{"too few fields", "", header + "data," + start + "\n", "", "usage:2: wrong number of fields"},
		{"a quote missing", "", good + "data,\"" + start + ",1,\n", "", "usage:3: "},
		{"unknown column", "", "kind,start,quantity,colour\n", "", "usage:1:colour: is no column"},
		{"column missing", "", "kind,start\n", "", "usage:1:quantity: the column is missing"},
		{"empty", "", "", "", "usage:1: is empty"},
		{"offer's field", strings.Replace(string(offer), "per: 1 GB", "per: 1 min", 1), good, "", "offer:41:usage[0].rules[0].per: offer nusantara-fiber-100, rule fiber-data-any: \"1 min\" counts seconds"},
		{"offer's syntax", "code: [", good, "", "offer:1: not YAML"},
		{"account's key", "", good, "zone: UTC\nmood: good\n", "account:2:mood: is no key"},
		{"account's zone", "", good, "zone: Mars/Olympus\n", "account:1:zone: must be a zone"},
		{"account's unit", "", good, "balances:\n- {code: a, unit: XXX, value: 1}\n", "account:2:balances[0].unit: must be a currency"},
		{"account's allowance", "", good, "balances:\n- {allowance: nope}\n", "account:2:balances[0].allowance: the offer has no allowance"},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			if row.offer == "" {
				row.offer = string(offer)
			}
			args := []string{}
			for name, text := range map[string]string{"offer": row.offer, "usage": row.usage, "account": row.account} {
				if name == "account" && text == "" {
					continue
				}
				path := filepath.Join(dir, name)
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				args = append(args, "--"+name, path)
			}
			code, _, stderr := run(args...)
			got := strings.TrimPrefix(stderr, dir+"/")
			if code != exitBadInput || !strings.HasPrefix(got, row.want) || strings.Count(got, "\n") != 1 {
				t.Errorf("ended with %d: %q, want %q", code, got, row.want)
			}
		})
	}
}

func TestRun_arguments(t *testing.T) {
	for _, args := range [][]string{{}, {"--offer", "x"}, {"--colour"}, {"--offer", "none.yaml", "--usage", "none.csv"}, {"--offer", "a", "--usage", "b", "c"}} {
		if code, _, stderr := run(args...); code != exitBadInput || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v ended with %d: %q", args, code, stderr)
		}
	}
}
