package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tollhouse/api/oapi"
	"tollhouse/billing/money"
	"tollhouse/billing/usage"
)

const wholeEvent = `{"source":"api","event":{"id":"d1","kind":"content","identity":{"kind":"msisdn","value":"+4915510000001"},` +
	`"start":"2026-05-03T10:00:00Z","end":"2026-05-03T10:01:00Z","quantity":1,"unit":"event","destination":"game","origin":"home","quality":"hd","amount":"2.50"}}`

func readPlainly(body string) *plainEvent {
	r := httptest.NewRequest(http.MethodPost, "/t/hanse/v1/charging/events", nil)
	r.Header.Set("Content-Type", jsonType)
	return plainly(r, []byte(body))
}

func TestPlainly_readsWhatIsPlain(t *testing.T) {
	t.Parallel()
	one := int64(1)
	want := plainEvent{"api", usage.Event{ID: "d1", Kind: usage.Content, Identity: usage.Identity{Kind: usage.MSISDN, Value: "+4915510000001"},
		Start: "2026-05-03T10:00:00Z", End: "2026-05-03T10:01:00Z", Quantity: &one, Unit: money.Event, Destination: "game", Origin: "home", Quality: "hd", Amount: "2.50"}}
	for _, body := range []string{wholeEvent, " " + strings.NewReplacer(":", " : ", ",", " , ").Replace(`{"source":"api"`) + strings.TrimPrefix(wholeEvent, `{"source":"api"`) + " "} {
		got := readPlainly(body)
		if got == nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("%s: got %+v", body, got)
		}
	}
}

// What is wrong, or merely written in a rarer way, is left to the general way.
func TestPlainly_leavesTheRest(t *testing.T) {
	t.Parallel()
	change := func(old, new string) string { return strings.Replace(wholeEvent, old, new, 1) }
	for name, body := range map[string]string{
		"nothing": "", "no object": "[]", "empty": "{}", "more behind": wholeEvent + "{}", "cut off": wholeEvent[:len(wholeEvent)-1],
		"no event": `{"source":"api"}`, "no id": change(`"id":"d1",`, ""), "no source": change(`"source":"api",`, ""), "source empty": change(`"api"`, `""`), "source too long": change(`"api"`, `"`+strings.Repeat("a", 64)+`"`),
		"source twice": change(`{"source"`, `{"source":"b","source"`), "id twice": change(`"id"`, `"id":"d0","id"`), "in capitals": change(`"id"`, `"ID"`),
		"escape": change("d1", `d\u0031`), "not ASCII": change("d1", "dé"), "control sign": change("d1", "d\x01"), "line break": change(":", ":\n"),
		"quantity as text": change(":1,", `:"1",`), "fraction": change(":1,", ":1.5,"), "exponent": change(":1,", ":1e3,"), "negative": change(":1,", ":-1,"),
		"zero before": change(":1,", ":01,"), "beyond 64 bits": change(":1,", ":9223372036854775808,"), "unknown field": change(`"unit"`, `"units"`),
		"null": change(`"hd"`, "null"), "comma at the end": change(`"2.50"}`, `"2.50",}`), "identity a text": change(`{"kind":"msisdn","value":"+4915510000001"}`, `"x"`),
	} {
		if got := readPlainly(body); got != nil {
			t.Errorf("%s: %s was read as %+v", name, body, got)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/x?y=%00", nil)
	r.Header.Set("Content-Type", jsonType)
	if plainly(r, []byte(wholeEvent)) != nil {
		t.Error("a query was not looked at")
	}
	r = httptest.NewRequest(http.MethodPost, "/x", nil)
	r.Header.Set("Content-Type", "text/plain")
	if plainly(r, []byte(wholeEvent)) != nil {
		t.Error("another media type was taken")
	}
}

// Whatever is read plainly, the document's validator and the general decoder
// take too, and read as the same.
func TestPlainly_isTheGeneralWay(t *testing.T) {
	document, err := oapi.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	operations, err := readOperations(document)
	if err != nil {
		t.Fatal(err)
	}
	op := operations["POST /t/:tenant/v1/charging/events"]
	pieces := []string{`{`, `}`, `"`, `,`, `:`, ` `, `\`, `0`, `1`, `-`, `.`, `e`, "é", "\n", `"source"`, `"event"`, `"id"`, `"ID"`, `"kind"`, `"value"`, `"quantity":7`, `null`, `[]`, `""`, `"x":1`}
	plain := 0
	rapid.Check(t, func(t *rapid.T) {
		body := wholeEvent
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			from := rapid.IntRange(0, len(body)).Draw(t, "from")
			to := min(len(body), from+rapid.IntRange(0, 12).Draw(t, "cut"))
			body = body[:from] + rapid.SampledFrom(append(pieces, "")).Draw(t, "piece") + body[to:]
		}
		p := readPlainly(body)
		if p == nil {
			return
		}
		plain++
		r := httptest.NewRequest(http.MethodPost, "/t/hanse/v1/charging/events", strings.NewReader(body))
		r.Header.Set("Content-Type", jsonType)
		if err := checkText(r, op, []byte(body)); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		err := openapi3filter.ValidateRequest(t.Context(), &openapi3filter.RequestValidationInput{Request: r, PathParams: map[string]string{"tenant": "hanse"},
			Route: op.route, Options: &openapi3filter.Options{SchemaValidationOptions: formats}})
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		var general oapi.ChargeEvent
		if err := json.Unmarshal([]byte(body), &general); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		event, fault := usage.DecodeEvent(general.Event)
		if fault != nil || general.Source != p.source || !reflect.DeepEqual(event, p.event) {
			t.Fatalf("%s: read plainly as %+v, else as %s %+v (%v)", body, *p, general.Source, event, fault)
		}
	})
	if plain == 0 {
		t.Error("nothing was read plainly")
	}
}

func TestAppendDebit_isTheGeneratedForm(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		decimal := func(name string) money.Decimal {
			return money.MustDecimal(fmt.Sprintf("%d.%09d", rapid.IntRange(-5, 1_000_000).Draw(t, name), rapid.IntRange(0, 999_999_999).Draw(t, name)))
		}
		d := oapi.Debit{At: time.UnixMicro(rapid.Int64Range(0, 4_000_000_000_000_000).Draw(t, "at")).UTC(), Charge: uuid.New(), Repeat: rapid.Bool().Draw(t, "repeat"),
			Covered: decimal("covered"), Net: decimal("net"), Paid: decimal("paid"), Price: decimal("price"), Tax: decimal("tax"),
			Currency: rapid.SampledFrom([]money.Currency{money.MustCurrency("EUR"), money.MustCurrency("IDR"), money.MustCurrency("KWD")}).Draw(t, "currency")}
		var want bytes.Buffer
		if err := json.NewEncoder(&want).Encode(oapi.DebitEvent200JSONResponse(d)); err != nil {
			t.Fatal(err)
		}
		if got := appendDebit(nil, d); !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("got %s want %s", got, want.Bytes())
		}
	})
}
