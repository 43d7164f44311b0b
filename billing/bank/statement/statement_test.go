package statement_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"tollhouse/billing/bank/statement"
	"tollhouse/billing/money"
)

func readCamt(t *testing.T, name string) statement.Statement {
	t.Helper()
	file, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	all, err := statement.ReadCamt(file)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d statements: %v", len(all), err)
	}
	return all[0]
}

func adds(t *testing.T, s statement.Statement) {
	t.Helper()
	if !s.Opening.Add(s.Sum()).Equal(*s.Closing) {
		t.Errorf("%s and %s make %s, not %s", s.Opening, s.Sum(), s.Opening.Add(s.Sum()), s.Closing)
	}
	seen := map[string]bool{}
	for _, e := range s.Entries {
		if e.Ref == "" || seen[e.Ref] {
			t.Errorf("reference %q is none, or there twice", e.Ref)
		}
		seen[e.Ref] = true
	}
}

func TestReadCamt_version02WithBatchAndReturn(t *testing.T) {
	s := readCamt(t, "camt.053.001.02.xml")
	adds(t, s)
	if s.Account != "DE89370400440532013000" || s.ID != "2026-106" || len(s.Entries) != 4 {
		t.Fatalf("account %s, id %s, %d entries", s.Account, s.ID, len(s.Entries))
	}
	first, part, back := s.Entries[0], s.Entries[1], s.Entries[3]
	if first.Structured != "RF18539007547034" || first.Party != "Ada Lovelace" || first.IBAN != "DE02120300000000202051" || first.EndToEnd != "" || first.Kind != statement.Credit {
		t.Errorf("first %+v", first)
	}
	if part.Amount.String() != "100" || part.Text != "Bill 2026/42" || part.Ref != "SVC-2/1" {
		t.Errorf("part of the batch %+v", part)
	}
	if back.Kind != statement.Return || back.Reason != "AM04" || back.EndToEnd != "E2E-9" || back.Amount.String() != "-5" {
		t.Errorf("return %+v", back)
	}
}

func TestReadCamt_version08WithCharges(t *testing.T) {
	s := readCamt(t, "camt.053.001.08.xml")
	adds(t, s)
	if len(s.Entries) != 3 {
		t.Fatalf("%d entries", len(s.Entries))
	}
	if e := s.Entries[0]; e.Amount.String() != "100" || e.Party != "Grace Hopper" || e.Text != "2026/42 and 2026/43" {
		t.Errorf("before its charge %+v", e)
	}
	for _, e := range s.Entries[1:] {
		if e.Kind != statement.Charge || e.Amount.Sign() >= 0 {
			t.Errorf("charge %+v", e)
		}
	}
}

func TestReadDelimited_byDeclaredColumns(t *testing.T) {
	form := statement.Form{Separator: ';', Skip: 2, Date: "02.01.2006", Comma: true, Account: "DE89 3704 0044 0532 0130 00", Currency: money.MustCurrency("EUR"),
		Day: 1, Amount: 4, Party: 2, IBAN: 3, Text: 5}
	file := "Umsätze\nDatum;Name;IBAN;Betrag;Zweck\n02.06.2026;Ada;DE02120300000000202051;1.045,00;\"Bill; 2026/42\"\n03.06.2026;Bank;;-2,50;Gebühr\n\n"
	s, err := statement.ReadDelimited(strings.NewReader(file), form)
	if err != nil || len(s.Entries) != 2 || s.Entries[0].Amount.String() != "1045" || s.Entries[0].Text != "Bill; 2026/42" || s.Entries[1].Kind != statement.Debit {
		t.Fatalf("%+v: %v", s, err)
	}
	again, _ := statement.ReadDelimited(strings.NewReader(file), form)
	if again.ID != s.ID || again.Entries[0].Ref != s.Entries[0].Ref {
		t.Error("the same file has other names")
	}
	for _, wrong := range []string{"a\nb\n2026-06-02;Ada;;1,00;x\n", "a\nb\n02.06.2026;Ada;;viel;x\n", "a\nb\n", ""} {
		if _, err := statement.ReadDelimited(strings.NewReader(wrong), form); !errors.Is(err, statement.ErrFile) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func TestReadCamt_refusesOtherFiles(t *testing.T) {
	for _, wrong := range []string{"", "<Document/>", "Datum;Name", `<Document><BkToCstmrStmt><Stmt><Id>1</Id></Stmt></BkToCstmrStmt></Document>`} {
		if _, err := statement.ReadCamt(strings.NewReader(wrong)); !errors.Is(err, statement.ErrFile) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func FuzzReadCamt(f *testing.F) {
	for _, name := range []string{"camt.053.001.02.xml", "camt.053.001.08.xml"} {
		file, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(file))
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := statement.ReadCamt(strings.NewReader(text))
		if err != nil && !errors.Is(err, statement.ErrFile) {
			t.Errorf("%v", err)
		}
		for _, s := range all {
			for _, e := range s.Entries {
				if e.Ref == "" {
					t.Error("an entry without a reference")
				}
			}
		}
	})
}

// A notification names single movements, without balances. What it books has the
// reference that the day's statement gives it too.
func TestReadCamt_notificationNamesWhatTheStatementNames(t *testing.T) {
	s, whole := readCamt(t, "camt.054.001.08.xml"), readCamt(t, "camt.053.001.02.xml")
	if s.Format != "camt.054" || s.Opening != nil || s.Closing != nil || s.From.String() != "2026-06-02" || len(s.Entries) != 1 {
		t.Fatalf("%+v", s)
	}
	one, same := s.Entries[0], whole.Entries[0]
	if s.Account != whole.Account || one.Ref != same.Ref || !one.Amount.Equal(same.Amount) || one.Party != same.Party || one.Structured != same.Structured || one.IBAN != same.IBAN {
		t.Errorf("notified %+v, in the statement %+v", one, same)
	}
}

// So does a report of the day under way; what is pending is no money yet.
func TestReadCamt_reportOfTheDayUnderWay(t *testing.T) {
	text, err := os.ReadFile("testdata/camt.054.001.08.xml")
	if err != nil {
		t.Fatal(err)
	}
	report := strings.NewReplacer("camt.054.001.08", "camt.052.001.08", "BkToCstmrDbtCdtNtfctn", "BkToCstmrAcctRpt", "Ntfctn>", "Rpt>").Replace(string(text))
	all, err := statement.ReadCamt(strings.NewReader(report))
	if err != nil || len(all) != 1 || all[0].Format != "camt.052" || len(all[0].Entries) != 1 || all[0].Entries[0].Ref != "SVC-1" {
		t.Errorf("%+v: %v", all, err)
	}
}
