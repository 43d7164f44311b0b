package catalog_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf16"

	"tollhouse/billing/catalog"
)

func TestReadDeck_takesWhatSpreadsheetsWrite(t *testing.T) {
	want := "44 uk||false,49 de|Telekom|true,4915 de-mobile||false"
	utf16le := func(s string) string {
		out := []byte{0xff, 0xfe}
		for _, u := range utf16.Encode([]rune(s)) {
			out = append(out, byte(u), byte(u>>8))
		}
		return string(out)
	}
	for _, row := range []struct {
		name, text string
		format     catalog.DeckFormat
	}{
		{"header in any order", "zone,prefix,own,network\nde,+49,yes,Telekom\nde-mobile,004915,,\nuk,44,no,\n", catalog.DeckFormat{}},
		{"no header", "49,de,Telekom,x\n4915,de-mobile\n44,uk\n", catalog.DeckFormat{}},
		{"semicolons, mark, CRLF, quotes", "\xef\xbb\xbf\"Dial Code\";\"Destination\";\"Operator\";\"On-net\"\r\n\"49\";\"de\";\"Telekom\";\"1\"\r\n4915;de-mobile;;\r\n;;;\r\n44;uk;;0\r\n", catalog.DeckFormat{}},
		{"sep line and formula text", "sep=;\nprefix;zone;network;own\n=\"0049\";de;Telekom;true\n'4915;de-mobile;;\n\"=\"\"44\"\"\";uk;;\n", catalog.DeckFormat{}},
		{"tabs in UTF-16", utf16le("prefix\tzone\tnetwork\town\n49\tde\tTelekom\ty\n49 15\tde-mobile\n44\tuk\n"), catalog.DeckFormat{}},
		{"declared", "49|de|Telekom|x\n4915|de-mobile\n44|uk\n", catalog.DeckFormat{TableFormat: catalog.TableFormat{Delimiter: '|', Header: catalog.HeaderNo}, Trim: catalog.TrimNothing}},
		{"said twice", "49,de,Telekom,x\n+49,de,Telekom,x\n4915,de-mobile\n44,uk\n", catalog.DeckFormat{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			file, err := catalog.ReadDeck([]byte(row.text), row.format)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range file.Entries {
				got = append(got, fmt.Sprintf("%s %s|%s|%t", e.Prefix, e.Zone, e.Network, e.Own))
			}
			if strings.Join(got, ",") != want {
				t.Errorf("got %s", strings.Join(got, ","))
			}
		})
	}
}

func TestReadDeck_namesZonesAndTellsWhatItIgnores(t *testing.T) {
	file, err := catalog.ReadDeck([]byte("prefix,zone,zone_name,zone_name_id,price\n49,de,Germany,Jerman,0.02\n4915,de,,,\n"), catalog.DeckFormat{})
	if err != nil {
		t.Fatal(err)
	}
	if file.ZoneNames["de"].In("id") != "Jerman" || file.ZoneNames["de"].In("en") != "Germany" || strings.Join(file.Ignored, " ") != "price" {
		t.Errorf("%+v", file)
	}
}

func TestReadDeck_namesEveryBadLine(t *testing.T) {
	for _, row := range []struct {
		name, text, want string
		format           catalog.DeckFormat
	}{
		{"two zones", "49,de\n44,uk\n49,fr\n", `3 zone "fr" one zone for a prefix: 49 stands for de in line 1`, catalog.DeckFormat{}},
		{"two networks", "49,de,A\n0049,de,B\n", `2 zone "de" one zone for a prefix: 49 stands for de (A) in line 1`, catalog.DeckFormat{}},
		{"rounded", "prefix,zone\n\"4,91512E+11\",de\n", `2 prefix "4,91512E+11" all digits: a spreadsheet has rounded this number; format the column as text`, catalog.DeckFormat{}},
		{"range", "49-55,de\n", `1 prefix "49-55" one prefix a line`, catalog.DeckFormat{}},
		{"letters", "de,49\n,uk\n44,\n", `1 prefix "de" 1 to 15 digits, such as 4915; 2 prefix "" 1 to 15 digits, such as 4915; 3 zone "" the zone's code`, catalog.DeckFormat{}},
		{"plus where none is declared", "+49,de\n", `1 prefix "+49" digits without +, as the file was declared; or choose that + is taken off`, catalog.DeckFormat{Trim: catalog.TrimNothing}},
		{"zeros stay", "0049,de\n49,de\n0,x\n", "", catalog.DeckFormat{Trim: catalog.TrimPlus}},
		{"own", "49,de,,maybe\n", `1 own "maybe" yes or no`, catalog.DeckFormat{}},
		{"missing column", "prefix,price\n49,0.1\n", `1 zone "" a column named zone, zone_code, destination, destination_code, area; 2 zone "" the zone's code`, catalog.DeckFormat{}},
		{"open quote", "49,de\n\"44,uk\n", `2  "" quotes around whole cells only, closed, and doubled inside them`, catalog.DeckFormat{}},
		{"workbook", "PK\x03\x04...", `0  "" text: save the workbook as CSV`, catalog.DeckFormat{}},
		{"latin", "49,\xe4\n", `0  "" text in UTF-8: save it as CSV UTF-8`, catalog.DeckFormat{}},
		{"empty", "", `0  "" at least one line`, catalog.DeckFormat{}},
		{"only a header", "prefix,zone\n", `0  "" at least one prefix`, catalog.DeckFormat{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := catalog.ReadDeck([]byte(row.text), row.format)
			var bad *catalog.TableError
			var got []string
			if errors.As(err, &bad) {
				for _, f := range bad.Faults {
					got = append(got, fmt.Sprintf("%d %s %q %s", f.Line, f.Column, f.Value, f.Want))
				}
			}
			if strings.Join(got, "; ") != row.want || (err != nil) != (row.want != "") || (err != nil && !errors.Is(err, catalog.ErrTable)) {
				t.Errorf("got  %s\nwant %s\n%v", strings.Join(got, "; "), row.want, err)
			}
		})
	}
}

func TestReadDeck_countsAllFaultsAndTellsTheFirst(t *testing.T) {
	_, err := catalog.ReadDeck([]byte(strings.Repeat("x,de\n", 5_000)), catalog.DeckFormat{})
	var bad *catalog.TableError
	if !errors.As(err, &bad) || bad.Total != 5_000 || len(bad.Faults) != 200 {
		t.Error(err)
	}
}

func FuzzReadDeck(f *testing.F) {
	f.Add([]byte("prefix;zone\n+49;de\n"))
	f.Add([]byte("sep=,\n=\"49\",de\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		file, err := catalog.ReadDeck(content, catalog.DeckFormat{})
		if err != nil {
			return
		}
		if _, err := catalog.NewDeck("fuzz", file.Entries); err != nil {
			t.Errorf("%q was taken, but %v", content, err)
		}
	})
}

// The deck that is there to begin with, for the zones that the sample offers name.
func TestReadDeck_sampleOfTheWorld(t *testing.T) {
	text, err := os.ReadFile("../../docs/samples/decks/world.csv")
	if err != nil {
		t.Fatal(err)
	}
	file, err := catalog.ReadDeck(text, catalog.DeckFormat{})
	if err != nil || file.Repeated > 0 || len(file.Ignored) > 0 {
		t.Fatalf("%d said twice, ignored %v, %v", file.Repeated, file.Ignored, err)
	}
	deck, err := catalog.NewDeck("world", file.Entries)
	if err != nil {
		t.Fatal(err)
	}
	for number, want := range map[string]string{
		"33140123456": "Europe", "12125550123": "NorthAmerica", "18095550123": "Caribbean", "6281234567": "Asia", "6775551": "Oceania",
		"6731234567": "Asia", "77271234567": "RussiaKazakhstan", "870773111": "Satellite", "999": "",
	} {
		if zone, _ := deck.Find(number); zone != want {
			t.Errorf("%s is in %q, want %q", number, zone, want)
		}
	}
	for zone, names := range file.ZoneNames {
		if names["en"] == "" || names["id"] == "" || names["ru"] == "" {
			t.Errorf("zone %s is named %v", zone, names)
		}
	}
}
