package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tollhouse/billing/calendar"
	"tollhouse/infra/postgres/pgtest"
)

// houseAs writes a house's file, with something else in it where a test says so.
func houseAs(t *testing.T, change func(map[string]any)) string {
	t.Helper()
	is := map[string]any{"display_name": "Tollhouse", "legal_name": "Tollhouse Hosting GmbH", "country": "DE", "zone": "Europe/Berlin", "currency": "EUR",
		"language": "en", "owner_email": "finance@tollhouse.example", "sandbox": true,
		"legal_entity": map[string]any{"address": map[string]any{"street": "Am Zollhaus 1", "postcode": "20457", "city": "Hamburg"}, "tax_id": "DE136695976"}}
	if change != nil {
		change(is)
	}
	text, err := json.Marshal(is)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "house.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestHouse_isSetUpOnceFromItsFile(t *testing.T) {
	c := startControlPlane(t, "127.0.0.1", "TOLLHOUSE_HOUSE="+houseAs(t, nil))
	if told := c.output.String(); strings.Count(told, "house: finance@tollhouse.example, password (shown once): ") != 1 {
		t.Errorf("what was told: %s", told)
	}
	token := c.signIn()
	list, _ := c.call(token, "GET", "/staff/v1/operators", nil, http.StatusOK)["items"].([]any)
	if len(list) != 1 {
		t.Fatalf("%d operators", len(list))
	}
	is, _ := list[0].(map[string]any)
	if is["name"] != "house" || is["legal_name"] != "Tollhouse Hosting GmbH" || is["sandbox"] != true {
		t.Errorf("the house: %v", is)
	}
	// Nobody else may have its name, and it signs no contract with itself.
	c.call(token, "POST", "/staff/v1/operators", map[string]any{"name": "house", "legal_name": "House GmbH", "country": "DE", "zone": "Europe/Berlin",
		"currency": "EUR", "language": "en", "prices_include_tax": true, "owner_email": "owner@house.example",
		"legal_entity": map[string]any{"address": map[string]any{"street": "Weg 1", "city": "Hamburg"}}}, http.StatusBadRequest)

	c.stop()
	again := c.again(t, "TOLLHOUSE_HOUSE="+houseAs(t, func(is map[string]any) { is["legal_name"] = "Another GmbH" }))
	if told := again.output.String(); strings.Contains(told, "house:") {
		t.Errorf("a second start told: %s", told)
	}
	list, _ = again.call(token, "GET", "/staff/v1/operators", nil, http.StatusOK)["items"].([]any)
	if is, _ = list[0].(map[string]any); len(list) != 1 || is["legal_name"] != "Tollhouse Hosting GmbH" {
		t.Errorf("the house after a second start: %v", list)
	}
}

// A faulty file ends the start with the reason, and nothing is set up.
func TestHouse_faultyFileEndsTheStart(t *testing.T) {
	n := "faulty"
	server := []string{"TOLLHOUSE_DATABASE_URL=" + pgtest.Server(t).AdminURL("postgres"), "TOLLHOUSE_MASTER_KEY_FILE=" + filepath.Join(t.TempDir(), "master.key")}
	if code := run(context.Background(), process{args: []string{"migrate"}, stdout: io.Discard, stderr: io.Discard,
		env: append([]string{"TOLLHOUSE_CONTROL_DATABASE=control_house_" + n, "TOLLHOUSE_HOST_DATABASE=host_house_" + n}, server...)}); code != 0 {
		t.Fatal("migrate")
	}
	for name, c := range map[string]struct{ file, told string }{
		"none":    {filepath.Join(t.TempDir(), "none.json"), "read TOLLHOUSE_HOUSE"},
		"unknown": {houseAs(t, func(is map[string]any) { is["colour"] = "red" }), "colour"},
		"wrong":   {houseAs(t, func(is map[string]any) { is["owner_email"] = "nobody" }), "owner_email"},
	} {
		told := &syncBuffer{}
		env := append([]string{"TOLLHOUSE_LISTEN=127.0.0.1:0", "TOLLHOUSE_STOCK=0", "TOLLHOUSE_DATA=" + t.TempDir(), "TOLLHOUSE_DATABASE=control_house_" + n,
			"TOLLHOUSE_HOST_DATABASE_URL=postgres://nobody@127.0.0.1:1/postgres", "TOLLHOUSE_HOUSE=" + c.file}, server...)
		if code := run(t.Context(), process{args: []string{"control"}, env: env, stdout: io.Discard, stderr: told}); code == 0 || !strings.Contains(told.String(), c.told) {
			t.Errorf("%s: ended with %d and told: %s", name, code, told)
		}
	}
}

func TestListDays_namesAFewAndHowManyMore(t *testing.T) {
	day := calendar.Date{Year: 2026, Month: 11, Day: 28}
	var days []calendar.Date
	for n, want := range []string{"", "2026-11-28", "2026-11-28, 2026-11-29", "", "", "2026-11-28, 2026-11-29, 2026-11-30, 2026-12-01, 2026-12-02",
		"2026-11-28, 2026-11-29, 2026-11-30, 2026-12-01, 2026-12-02 +1"} {
		if got := listDays(days); want != "" && got != want {
			t.Errorf("%d days: %q, want %q", n, got, want)
		}
		days = append(days, day.AddDays(n))
	}
}
